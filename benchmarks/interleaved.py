"""Measure several ways of doing the same thing, turn by turn: a slow minute hits all alike."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each way, over ``rounds`` rounds in which each has one turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for i in range(rounds):
        for name, work in ways.items():
            taken[name].append(seconds(work))
        last = "  ".join(f"{name} {times[-1]:.3f} s" for name, times in taken.items())
        print(f"round {i + 1} of {rounds}: {last}", file=sys.stderr, flush=True)
    return {name: statistics.median(times) for name, times in taken.items()}


def process(*arguments: str) -> Callable[[], None]:
    """A way that is a whole process, its output thrown away."""

    def run() -> None:
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return run


def report(title: str, results: Mapping[str, float], reference: str) -> None:
    """Print each median and how many times faster it is than the reference."""
    print(f"\n{title}")
    for name, result in results.items():
        ratio = results[reference] / result
        print(f"  {name:40s} {result:9.3f} s   {ratio:5.2f}x")
    print(f"  ({machine()})")


def machine() -> str:
    """What the figures were measured on."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def rounds_from(arguments: Sequence[str], default: int) -> int:
    """The one argument that every benchmark takes: how many rounds."""
    return int(arguments[1]) if len(arguments) > 1 else default
