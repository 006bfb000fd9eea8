"""``tfcli --help`` against ``hf --help``: python benchmarks/start.py [ROUNDS]."""

import sys
from pathlib import Path

from interleaved import medians, process, report, rounds_from

if __name__ == "__main__":
    here = Path(sys.executable).parent
    ways = {
        "hf --help": process(str(here / "hf"), "--help"),
        "tfcli --help": process(str(here / "tfcli"), "--help"),
    }
    report("Help", medians(ways, rounds_from(sys.argv, 15)), "hf --help")
