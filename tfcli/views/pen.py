"""Writes cells of many colours for one console, fast: a map of 512 × 512 has 262,144 of them.

rich's ``Text`` takes sixty times as long for a piece of another colour as ``Style.render`` does.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from textwrap import wrap

from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.style import Style
from rich.text import Text

from tfcli.views.scale import LEVELS, SHADES, heat_style, signed_shade, signed_style

NARROWEST = 40
"""Cells of a line that are used even where the terminal has less."""

BAR = 16
"""Cells of a bar of colours."""


class Pen:
    """Puts text and cells of a level into the colours that a console has."""

    def __init__(self, console: Console) -> None:
        self.width = max(NARROWEST, console.width)
        self._system = COLOR_SYSTEMS.get(console.color_system or "")
        self.coloured = self._system is not None and not console.no_color
        few = self._system in (ColorSystem.STANDARD, ColorSystem.WINDOWS)
        # A Style keeps the codes of the first console that it met: each pen has its own.
        styles = [heat_style(level, few) for level in range(LEVELS + 1)]
        self._heat = styles if self.coloured else [Style()] * len(styles)
        self._signed = [signed_style(level, few) for level in range(-LEVELS, LEVELS + 1)]
        self._pairs: dict[tuple[int, int], tuple[str, Style]] = {}

    def __call__(self, text: str, style: str | Style = "") -> str:
        """Text in a style; it must be visible text already."""
        if isinstance(style, str):
            style = Style.parse(style)
        shown = style if self.coloured else style.without_color
        return shown.render(text, color_system=self._system)

    def cells(self, texts: Iterable[str], levels: Iterable[int]) -> str:
        """Texts side by side, each on the background of its level."""
        return "".join(
            self("".join(text for _, text in run), self._heat[level])
            for level, run in groupby(zip(levels, texts, strict=True), key=itemgetter(0))
        )

    def picture(self, levels: Sequence[Sequence[int]]) -> list[str]:
        """A picture in half blocks: two rows of levels a line, a lone last one above nothing."""
        lower = [*levels[1::2], [0] * len(levels[0])]
        return ["".join(self._halves(*rows)) for rows in zip(levels[::2], lower, strict=False)]

    def signed(self, levels: Iterable[int], width: int) -> str:
        """Cells of one width that show the sign and the size of each level."""
        if not self.coloured:
            return "".join(map(signed_shade, levels))
        return "".join(
            self(" " * width * len(list(run)), self._signed[level + LEVELS])
            for level, run in groupby(levels)
        )

    def heat_bar(self) -> str:
        """The colours of all levels, or the characters that stand for them."""
        steps = [1 + place * (LEVELS - 1) // (BAR - 1) for place in range(BAR)]
        return self.cells(" " * len(steps), steps) if self.coloured else SHADES

    def signed_bar(self) -> str:
        """The same from the most negative to the most positive."""
        if not self.coloured:
            return "-9 · +9"
        return f"- {self.signed(range(-LEVELS, LEVELS + 1, 4), 1)} +"

    def legend(self, before: str, bar: str, after: str) -> Iterator[str]:
        """Dim words around a bar, in as many lines as they take."""
        held = "█" * len(Text.from_ansi(bar))
        first, *more = wrap(f"{before} {held} {after}".strip(), self.width, break_on_hyphens=False)
        left, _, right = first.partition(held)
        yield self(left, "dim") + bar + self(right, "dim") + "\n"
        yield from self.note(" ".join(more))

    def heading(self, title: str, note: str) -> Iterator[str]:
        """A title in bold, and dim words beside it or below it."""
        if len(title) + 2 + len(note) <= self.width:
            yield f"{self(title, 'bold')}  {self(note, 'dim')}\n"
        else:
            yield self(title, "bold") + "\n"
            yield from self.note(note)

    def note(self, text: str) -> Iterator[str]:
        """Dim words, in as many lines as they take."""
        for line in wrap(text, self.width, break_on_hyphens=False):
            yield self(line, "dim") + "\n"

    def _halves(self, upper: Sequence[int], lower: Sequence[int]) -> Iterator[str]:
        for (above, below), run in groupby(zip(upper, lower, strict=True)):
            character, style = self._half(above, below)
            yield self(character * len(list(run)), style)

    def _half(self, above: int, below: int) -> tuple[str, Style]:
        """The character for two pixels; what is 0 stays as the terminal is."""
        if (above, below) not in self._pairs:
            upper, lower = self._heat[above].bgcolor, self._heat[below].bgcolor
            pair = ("▀", Style(color=upper, bgcolor=lower)) if above else ("▄", Style(color=lower))
            self._pairs[above, below] = pair if above or below else (" ", Style())
        return self._pairs[above, below]
