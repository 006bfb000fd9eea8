"""Record what the summarization pipeline of transformers 4.57 says: `summarize.json`.

transformers 5 has no such pipeline. Make the tiny models with this project's environment, then
record with an environment that has `transformers==4.57.6`:

    python tests/reference/summarize.py make models
    OTHER/python tests/reference/summarize.py record models > tests/reference/summarize.json
"""

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

FAMILIES = ("bart", "pegasus", "t5")
TEXTS = [
    "the film is great",
    "i love it, and the plot is not very bad.\nit was a great film, and i love the film.",
    "good",
]
SETTINGS = [
    {},
    {"num_beams": 1, "max_new_tokens": 12},
    {"num_beams": 3, "min_new_tokens": 8, "max_new_tokens": 14},
]


def make(folder: Path) -> None:
    """Write the tiny models."""
    sys.path.insert(0, str(ROOT / "tests/support"))
    from tiny_seq2seq import make_seq2seq

    for family in FAMILIES:
        make_seq2seq(folder / family, family)


def record(folder: Path) -> None:
    """Print the pipeline's summaries as JSON."""
    import transformers

    transformers.logging.set_verbosity_error()
    cases = []
    for family in FAMILIES:
        pipeline = transformers.pipeline("summarization", model=str(folder / family), device="cpu")
        for text in TEXTS:
            for settings in SETTINGS:
                (found,) = pipeline(text, **settings)
                said = {"model": family, "text": text, "settings": settings}
                cases.append({**said, "summary": found["summary_text"]})
    hashes = {
        family: hashlib.sha256((folder / family / "model.safetensors").read_bytes()).hexdigest()
        for family in FAMILIES
    }
    report = {"transformers": transformers.__version__, "sha256": hashes, "cases": cases}
    print(json.dumps(report, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder]:
            make(Path(folder))
        case ["record", folder]:
            record(Path(folder))
        case _:
            sys.exit(__doc__)
