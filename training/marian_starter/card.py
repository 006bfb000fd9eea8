"""The model card, with the figures and samples of the very file that lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from marian_starter.export import BEAMS
from marian_starter.measure import SAMPLES, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marian_starter.data import HeldOut
    from marian_starter.measure import Score, Stored
    from marian_starter.model import Shape

CARD = Path(__file__).with_name("card.md")


class Figures(NamedTuple):
    """What was measured of a stored model.

    Attributes:
        greedy: all held-out sentences, greedy search.
        beam: the same with beams.
        near: those like a training sentence, with beams.
        far: all others, with beams.
        samples: translations of `SAMPLES` with beams.
    """

    greedy: Score
    beam: Score
    near: Score
    far: Score
    samples: list[str]


def figures(stored: Stored, held: Sequence[HeldOut]) -> Figures:
    """Measure a stored model."""
    sources = [one.source for one in held]
    greedy, beam = (stored.translate(sources, beams) for beams in (1, BEAMS))

    def of(near: bool) -> Score:
        places = [place for place, one in enumerate(held) if one.near == near]
        return score([held[i] for i in places], [beam[i] for i in places])

    return Figures(
        score(held, greedy),
        score(held, beam),
        of(near=True),
        of(near=False),
        stored.translate(SAMPLES, BEAMS),
    )


def write_card(folder: Path, shape: Shape, pairs: int, passes: float, found: Figures) -> None:
    """Write the card of a stored model.

    Args:
        folder: of the model.
        shape: its sizes.
        pairs: it was trained on.
        passes: over them.
        found: what was measured.
    """
    samples = [f"| {a} | {b} |" for a, b in zip(SAMPLES, map(cell, found.samples), strict=True)]
    text = CARD.read_text(encoding="utf-8").format(
        **found._asdict() | {"samples": "\n".join(samples)},
        shape=shape,
        beams=BEAMS,
        millions=shape.weights() / 1e6,
        pairs=pairs,
        passes=passes,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def cell(text: str) -> str:
    """Show a text in a table as it is."""
    for mark in "\\|*_`<[":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
