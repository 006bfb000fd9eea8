"""Text in a figure: labels, numbers, and the installed fonts that draw them.

matplotlib takes each character from the first font of a list that has it.
"""

import logging
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.patheffects import Normal
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from tfcli.errors import TfcliError
from tfcli.views import cut

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it comments on weights

SMALLEST, LARGEST = 4, 7
"""Points of a label."""
LINE, DIGIT = 1.1, 0.55
"""How high a line of text is, and how wide a digit, in points of its size."""
LONGEST = 20
NUMBERS = 600
"""How many numbers can be read in one map."""

STANDARD = "DejaVu Sans"
"""It comes with matplotlib."""

# The pictures of control characters are in few fonts, and U+FFFE would break a svg.
_UNDRAWN = {code: f"<U+{code:04X}>" for code in (*range(0x20), 0x7F, 0xFFFE, 0xFFFF)}
_UNDRAWN[ord("\n")] = "⏎"

# The same character looks different in Chinese, Japanese and Korean, so the order matters.
_CHINESE = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei"),
    *("Hiragino Sans GB", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "SimSun"),
)
_JAPANESE = (
    *("Noto Sans CJK JP", "Noto Sans JP", "Source Han Sans JP", "Source Han Sans"),
    *("Hiragino Sans", "Yu Gothic", "Meiryo", "MS Gothic", "IPAGothic", "TakaoGothic"),
)
_KOREAN = (
    *("Noto Sans CJK KR", "Noto Sans KR", "Source Han Sans KR"),
    *("Apple SD Gothic Neo", "Malgun Gothic", "NanumGothic"),
)
_SYMBOLS = ("Noto Sans Symbols", "Noto Sans Symbols2", "Segoe UI Symbol", "Symbola", "Noto Emoji")


def label(
    axis: Axis, title: str, labels: Sequence[object], inches: float, first: float = 0
) -> None:
    """Name the places ``first``, ``first + 1``, … of an axis; where it is crowded, each nth."""
    labels = [labels] if isinstance(labels, str) else labels
    room = 72 * inches / len(labels)
    size = min(LARGEST, max(SMALLEST, room / LINE))
    step = ceil(size * LINE / room)
    shown = [_shown(str(label)) for label in labels[::step]]
    fonts = families("".join(shown))
    angle = 0
    if isinstance(axis, XAxis) and _longest(shown, size, fonts) > room * step:
        angle = 45 if room > 2 * size else 90
    axis.set_ticks(
        [first + step * nth for nth in range(len(shown))],
        shown,
        size=size,
        family=fonts,
        rotation=angle,
        rotation_mode="xtick" if angle else "default",
        # Outlines in a pdf: matplotlib embeds TrueType well, and CJK fonts often are CFF.
        path_effects=[Normal()] if len(fonts) > 1 else [],
    )
    axis.set_tick_params(length=2 if step > 1 else 0)  # beside a number a tick is a minus
    axis.set_label_text(title)
    if isinstance(axis, XAxis):
        axis.tick_top()
        axis.set_label_position("top")


def _shown(label: str) -> str:
    """A label on one line, its first spaces visible."""
    bare = label.lstrip(" ")
    return cut("␣" * (len(label) - len(bare)) + bare.translate(_UNDRAWN), LONGEST).rstrip()


def _longest(texts: Iterable[str], size: float, fonts: list[str]) -> float:
    """The points that the longest text takes, with a little space after it."""
    paths = (TextPath((0, 0), text, size, FontProperties(family=fonts)) for text in texts if text)
    return max((path.get_extents().x1 for path in paths), default=0) + size / 3


def fitting(numbers: Sequence[str], width: float, height: float) -> float:
    """The size in which numbers fit into cells of so many inches, or 0 if none can be read."""
    longest = DIGIT * max(map(len, numbers), default=0) + 0.4
    size = min(72 * width / longest, 72 * height / LINE, LARGEST - 1)
    return size if 0 < len(numbers) <= NUMBERS and size > SMALLEST else 0


def write(axes: Axes, numbers: Sequence[str], size: float, shades: NDArray[Any]) -> None:
    """Numbers in cells of such colours: (row, column, channel)."""
    dark = shades[..., :3] @ (0.2126, 0.7152, 0.0722) < 0.5  # luminance
    for number, (row, column) in zip(numbers, np.ndindex(dark.shape), strict=True):
        ink = "#ffffff" if dark[row, column] else "#1a1a1a"
        axes.text(column, row, number, size=size, color=ink, ha="center", va="center_baseline")


def hundredths(value: float) -> str:
    """A weight; nothing for one that is almost 0."""
    number = f"{np.nan_to_num(value):.2f}"
    return "" if number == "0.00" else number.removeprefix("0")


def tenths(value: float) -> str:
    """A measure, in about as many characters; nothing for NaN."""
    if np.isnan(value):
        return ""
    number = f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"
    return number.replace("-0.0", "0.0").replace("-", "−")


def families(text: str) -> list[str]:
    """The font families that together draw a text, in order; a symbol that none has is a box.

    Raises:
        TfcliError: no installed font has one of its letters.
    """
    lacking = _lacking(STANDARD, list(dict.fromkeys(text)))
    likely, lacking = _chosen(filter(_installed().__contains__, _likely(text)), lacking)
    others, lacking = _chosen(_installed(), list(filter(_is_letter, lacking)))
    if lacking:
        character = lacking[0]
        fonts = "fonts-noto-cjk" if _is_cjk(character) else "fonts-noto-core"
        raise TfcliError(
            f"No installed font has {character} (U+{ord(character):04X}).",
            hint=f"Install one, on Debian: apt install {fonts}",
        )
    return [STANDARD, *likely, *others]


def _likely(text: str) -> tuple[str, ...]:
    names = {unicodedata.name(character, "").partition(" ")[0] for character in text}
    if names & {"HIRAGANA", "KATAKANA"}:
        return _JAPANESE + _CHINESE + _KOREAN + _SYMBOLS
    if "HANGUL" in names:
        return _KOREAN + _CHINESE + _JAPANESE + _SYMBOLS
    return _CHINESE + _JAPANESE + _KOREAN + _SYMBOLS


def _chosen(names: Iterable[str], lacking: list[str]) -> tuple[list[str], list[str]]:
    """The families that have some of the characters, and the characters that none has."""
    found = []
    for name in names:
        if not lacking:
            break
        rest = _lacking(name, lacking)
        if len(rest) < len(lacking):
            found.append(name)
            lacking = rest
    return found, lacking


def _lacking(family: str, characters: list[str]) -> list[str]:
    path = findfont(FontProperties(family=[family]), fallback_to_default=False)
    font = FT2Font(path, face_index=path.face_index)
    return [character for character in characters if not font.get_char_index(ord(character))]


@cache
def _installed() -> tuple[str, ...]:
    """All families, also those installed since matplotlib wrote its list of fonts."""
    listed = {font.fname for font in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - listed):
        with suppress(Exception):  # matplotlib, too, passes by what it cannot read
            fontManager.addfont(path)
    names = {font.name for font in fontManager.ttflist if Path(font.fname).exists()}
    return tuple(sorted(name for name in names if not _draws_boxes(name)))


def _draws_boxes(family: str) -> bool:
    """Fonts of last resort have all characters, and draw none."""
    return "lastresort" in family.replace(" ", "").lower()


def _is_letter(character: str) -> bool:
    """Whether a label says nothing without it; what varies an emoji is a mark, too."""
    selects = unicodedata.name(character, "").startswith("VARIATION SELECTOR")
    return unicodedata.category(character)[0] in "LMN" and not selects


def _is_cjk(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WFH"
