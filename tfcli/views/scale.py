"""How a value is seen: as one of a few levels, which are colours, or characters without colour."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style

Array = NDArray[Any]

LEVELS = 32
"""Steps of colour up to the highest value; neighbours of one level are drawn as one."""
SHADES = "·░▒▓█"
"""The same without colour; what is exactly 0 is a blank."""

# Viridis (van der Walt and Smith, 2015; CC0): even steps to the eye, to the colour-blind one, too.
_HEAT = "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725"
_NOTHING, _POSITIVE, _NEGATIVE = (38, 38, 38), (79, 163, 255), (255, 150, 40)
_FEW_HEAT = ("blue", "cyan", "green", "yellow", "bright_yellow")
_FEW_POSITIVE = ("black", "blue", "bright_blue")
_FEW_NEGATIVE = ("black", "yellow", "bright_yellow")

RGB = tuple[int, int, int]


def levels(values: Array, top: float) -> Array:
    """0 for what is exactly 0 (or NaN), else a level from 1 up to ``LEVELS`` for ``top``."""
    if not top > 0:
        return np.zeros(values.shape, int)
    steps = np.ceil(values / top * LEVELS).clip(1, LEVELS)
    return np.where(values > 0, steps, 0).astype(int)


def signed_levels(values: Array, top: float) -> Array:
    """A level from ``-LEVELS`` to ``LEVELS`` for ``-top`` to ``top``; NaN is 0."""
    sign: Array = np.sign(np.nan_to_num(values)).astype(int)
    return sign * levels(np.abs(values), top)


def pooled(values: Array, height: int, width: int) -> Array:
    """The highest value of each of height × width blocks of a map."""  # (height, width)
    rows, columns = starts(values.shape[0], height), starts(values.shape[1], width)
    pooled: Array = np.maximum.reduceat(np.maximum.reduceat(values, rows, axis=0), columns, axis=1)
    return pooled


def starts(count: int, groups: int) -> Array:
    """Where each of ``groups`` parts of almost the same size begins."""
    return np.arange(groups) * count // groups


def heat_color(level: int) -> RGB:
    """The colour of a level above 0, from dark to bright."""
    place = (level - 1) / (LEVELS - 1)
    anchors = [bytes.fromhex(anchor) for anchor in _HEAT.split()]
    near = min(int(place * (len(anchors) - 1)), len(anchors) - 2)
    return _between(
        tuple(anchors[near]), tuple(anchors[near + 1]), place * (len(anchors) - 1) - near
    )


def signed_color(level: int) -> RGB:
    """Blue above 0, orange below it, the brighter the larger; almost black at 0."""
    return _between(_NOTHING, _POSITIVE if level > 0 else _NEGATIVE, abs(level) / LEVELS)


def heat_style(level: int, few: bool = False) -> Style:
    """A level as a background, with black or white on it, whichever is easier to read.

    With ``few``, in a terminal's own colours: the nearest of these 16 would be grey for most.
    """
    if not level:
        return Style()
    if few:
        name = _FEW_HEAT[(level - 1) * len(_FEW_HEAT) // LEVELS]
        return Style(color="bright_white" if name == "blue" else "black", bgcolor=name)
    background = heat_color(level)
    ink = (0, 0, 0) if _luminance(background) > 0.18 else (255, 255, 255)  # equal contrast: 0.179
    return Style(color=Color.from_rgb(*ink), bgcolor=Color.from_rgb(*background))


def signed_style(level: int, few: bool = False) -> Style:
    """A level with its sign as a background."""
    if few:
        names = _FEW_POSITIVE if level > 0 else _FEW_NEGATIVE
        return Style(bgcolor=names[round(abs(level) / LEVELS * (len(names) - 1))])
    return Style(bgcolor=Color.from_rgb(*signed_color(level)))


def shade(level: int) -> str:
    """A level as a character."""
    return SHADES[(level - 1) * len(SHADES) // LEVELS] if level else " "


def signed_shade(level: int) -> str:
    """A level as a sign and a digit: ``+9`` is the largest, `` ·`` almost nothing."""
    size = round(9 * abs(level) / LEVELS)
    return f"{'+' if level > 0 else '-'}{size}" if size else " ·"


def _between(a: tuple[int, ...], b: tuple[int, ...], part: float) -> RGB:
    red, green, blue = (round(x + (y - x) * part) for x, y in zip(a, b, strict=True))
    return red, green, blue


def _luminance(color: RGB) -> float:
    """Relative luminance, WCAG 2."""
    parts = (part / 255 for part in color)
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
