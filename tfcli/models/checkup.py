"""What could be wrong with a machine: each check tells what it found, and the way out."""

import os
import platform
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution, version
from typing import NamedTuple

from packaging.requirements import Requirement

from tfcli.errors import TfcliError, first_line
from tfcli.models.arrival import free_space
from tfcli.models.cache import cache_folder, is_described
from tfcli.models.hub import is_offline
from tfcli.models.machine import graphics_cards, processor, torch_build, usable_cores
from tfcli.models.patience import patience, tamed, within
from tfcli.models.stock import stock
from tfcli.models.transfer import endpoint
from tfcli.models.trouble import shown

OK, WARNING, PROBLEM = "ok", "warning", "problem"
_STACK = (
    *("tfcli", "torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"),
    *("accelerate", "numpy", "torchvision", "torchaudio"),
)
"""Packages that break one another when their versions do not fit."""
_LITTLE, _NOTHING = 5_000_000_000, 500_000_000
"""Bytes: most standard checkpoints have less than half of the first."""
_MIRROR = "https://hf-mirror.com"
"""Which many in China use."""


class Finding(NamedTuple):
    """What one check found."""

    check: str
    status: str
    message: str
    fix: str | None = None
    """The command that mends it."""


def checks() -> Iterator[Finding]:
    """The findings of all checks, each as soon as it is known."""
    for check in CHECKS:
        yield from check()


def versions() -> Iterator[Finding]:
    """Whether the installed packages are those that each of them asks for."""
    wrong = list(_misfits())
    for package, requirement, found in wrong:
        yield Finding(
            "versions",
            PROBLEM,
            f"{package} wants {requirement}, and {found} is installed",
            f"pip install '{requirement}'",
        )
    if not wrong:
        yield Finding("versions", OK, "the installed packages fit each other")


def _misfits() -> Iterator[tuple[str, str, str]]:
    for package in _STACK:
        try:
            wanted = distribution(package).requires or ()
        except PackageNotFoundError:
            continue
        for line in wanted:
            requirement = Requirement(line)
            if requirement.name.replace("-", "_") not in _STACK:
                continue
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            requirement.marker = None
            try:
                found = version(requirement.name)
            except PackageNotFoundError:
                found = "none"
            if found == "none" or not requirement.specifier.contains(found, prereleases=True):
                yield package, str(requirement), f"{requirement.name} {found}"


def hub() -> Iterator[Finding]:
    """Whether the Hub answers."""
    if is_offline():
        fix = "unset HF_HUB_OFFLINE TRANSFORMERS_OFFLINE"
        yield Finding("hub", OK, "not asked: offline, as the environment says", fix)
        return
    try:
        address = endpoint()
        seconds = _answer_time(address)
    except TfcliError as exc:
        yield Finding("hub", PROBLEM, str(exc), exc.hint)
    except Exception as exc:
        named = os.environ.get("HF_ENDPOINT")
        fix = "unset HF_ENDPOINT" if named else f"export HF_ENDPOINT={_MIRROR}"
        why = shown(first_line(exc))
        yield Finding("hub", WARNING, f"{shown(address)} does not answer ({why})", fix)
    else:
        yield Finding("hub", OK, f"{shown(address)} answers in {seconds:.1f} s")


def _answer_time(address: str) -> float:
    from huggingface_hub import get_session

    start = time.monotonic()
    with tamed():
        answer = within(
            2 * patience(),
            lambda: get_session().get(
                f"{address}/api/models", params={"limit": "1"}, timeout=patience()
            ),
        )
    answer.raise_for_status()
    answer.json()
    return time.monotonic() - start


def space() -> Iterator[Finding]:
    """Whether the cache can be written to, and has room."""
    folder, free = cache_folder(), free_space()
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    elsewhere = "export HF_HOME=/a/folder/with/space"
    said = f"{folder} has {free / 1e9:,.1f} GB left"
    if not (there.is_dir() and os.access(there, os.W_OK)):
        yield Finding("space", WARNING, f"{folder} cannot be written to", elsewhere)
    elif free < _NOTHING:
        yield Finding("space", PROBLEM, said, elsewhere)
    elif free < _LITTLE:
        yield Finding("space", WARNING, f"{said}: too little for large models", elsewhere)
    else:
        yield Finding("space", OK, said)


def cache() -> Iterator[Finding]:
    """Whether what lies in the cache is whole."""
    held, warnings = stock()
    partial = [one for one in held if one.missing and not is_described(one.folder)]
    for one in partial:
        name = f"{one.model}@{one.revision[:7]}"
        yield Finding("cache", WARNING, f"{name} lacks {one.missing}", f"tfcli models pull {name}")
    for warning in warnings:
        yield Finding("cache", WARNING, warning, _removal(warning))
    if not (partial or warnings):
        count = f"{len(held)} model" + ("" if len(held) == 1 else "s")
        yield Finding("cache", OK, f"{count} in {cache_folder()}, nothing broken")


def _removal(warning: str) -> str | None:
    """The command that takes away what a warning ends with, if that is something in the cache.

    A name may have blanks: half of one is another's.
    """
    found = re.search(rf"{re.escape(str(cache_folder()))}/.+?(?=\)?\.?$)", warning, re.DOTALL)
    return f"rm -r {shlex.quote(found[0])}" if found and os.path.lexists(found[0]) else None


def accelerator() -> Iterator[Finding]:
    """Whether torch sees the graphics card that there is."""
    import torch

    if torch.accelerator.is_available():
        yield Finding("device", OK, f"torch uses {torch.accelerator.current_accelerator()}")
        return
    cards, build = graphics_cards(), torch_build()
    if cards and not (build["cuda"] or build["rocm"]):
        yield Finding(
            "device",
            WARNING,
            f"there is {cards[0]}, and torch is a build for processors alone",
            "pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu130",
        )
    elif cards:
        made = f"CUDA {build['cuda']}" if build["cuda"] else f"ROCm {build['rocm']}"
        message = f"there is {cards[0]}, and torch, built for {made}, cannot use it"
        yield Finding("device", WARNING, f"{message}: the driver may be too old", "nvidia-smi")
    elif sys.platform == "darwin" and platform.machine() == "x86_64" and _is_translated():
        message = "this Python is an Intel program on an Apple processor: torch sees no GPU"
        yield Finding("device", WARNING, message, "brew install python  # for arm64")
    else:
        yield Finding("device", OK, "no accelerator; the processor runs the models")


def _is_translated() -> bool:
    import subprocess

    said = subprocess.run(
        ["sysctl", "-n", "sysctl.proc_translated"], capture_output=True, text=True, check=False
    )
    return said.stdout.strip() == "1"


def speed() -> Iterator[Finding]:
    """Whether the processor works as quickly as it can."""
    build, chip = torch_build(), processor()
    cores = usable_cores()
    slow = False
    if build["capability"] in ("DEFAULT", "NO AVX"):
        slow = True
        message = "the processor, or the virtual machine around it, offers no AVX2: models are slow"
        yield Finding("speed", WARNING, message, "grep -o -m1 avx2 /proc/cpuinfo")
    if build["threads"] > cores + 0.5:
        slow = True
        message = f"torch takes {build['threads']} threads, and {cores:g} cores are there for it"
        fix = f"export OMP_NUM_THREADS={max(1, int(cores))}"
        yield Finding("speed", WARNING, message, fix)
    if build["threads"] == 1 and cores >= 2:
        slow = True
        named = next((n for n in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if n in os.environ), "")
        message = f"torch takes one thread, and {cores:g} cores are there for it"
        yield Finding("speed", WARNING, message, f"unset {named}" if named else "nproc")
    if not slow:
        quick = {"avx512_bf16", "amx_bf16", "bf16"} & set(chip["instructions"])
        bulk = "--dtype bfloat16 is quick here" if quick else "bfloat16 is no quicker here"
        message = f"{build['threads']} threads, {build['capability']}; {bulk}"
        yield Finding("speed", OK, message)


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    *(versions, accelerator, speed, space, cache, hub),
)
