"""One text in a process of its own, against a pipeline script: benchmarks/one_shot.py [ROUNDS].

Both use the same checkpoint, the bundled one.
"""

import sys
from pathlib import Path

from interleaved import medians, process, report, rounds_from

from tfcli.models.registry import starters

TEXT = "It is great to learn deep learning."
SCRIPT = """
import sys
from transformers import pipeline
print(pipeline("text-classification", model=sys.argv[1], dtype="float32")(sys.argv[2]))
"""

if __name__ == "__main__":
    folder = str(starters()["bert-starter"].folder)
    tfcli = str(Path(sys.executable).parent / "tfcli")
    ways = {
        "pipeline script": process(sys.executable, "-c", SCRIPT, folder, TEXT),
        "tfcli sentiment": process(tfcli, "sentiment", "-m", folder, TEXT),
    }
    report("One text, cold process", medians(ways, rounds_from(sys.argv, 9)), "pipeline script")
