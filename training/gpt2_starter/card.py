"""The model card, with the figures and samples of the very file that lies beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gpt2_starter.measure import PROMPTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpt2_starter.data import HeldOut
    from gpt2_starter.measure import Score
    from gpt2_starter.model import Shape

CARD = Path(__file__).with_name("card.md")


def write_card(
    folder: Path,
    shape: Shape,
    seen: int,
    scores: tuple[Score, Score],
    books: Sequence[HeldOut],
    samples: Sequence[str],
) -> None:
    """Write the card of a stored model.

    Args:
        folder: of the model.
        shape: its sizes.
        seen: tokens it was trained on, repetitions counted.
        scores: of the held-out stories and books.
        books: held out.
        samples: the texts, prompts first.
    """
    shown = [
        quote(prompt, text.removeprefix(prompt))
        for prompt, text in zip(PROMPTS, samples, strict=True)
    ]
    text = CARD.read_text(encoding="utf-8").format(
        stories=scores[0],
        books=scores[1],
        layers=shape.layers,
        heads=shape.heads,
        width=shape.width,
        positions=shape.positions,
        half=shape.positions // 2,
        pieces=shape.pieces,
        millions=shape.weights() / 1e6,
        seen=seen / 1e6,
        titles=", ".join(f"*{book.title.split('/')[-1]}*" for book in books),
        samples="\n>\n".join(shown),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def quote(prompt: str, rest: str) -> str:
    """Show a sample as a quotation whose line breaks stay, and whose marks stay marks."""
    safe = re.sub(r"([\\*_`<\[#])", r"\\\1", rest.rstrip())
    lines = f"**{prompt}**{safe}".split("\n")
    return "\\\n".join(f"> {line}" for line in lines)
