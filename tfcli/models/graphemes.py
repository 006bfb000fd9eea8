"""Characters as people see them: the grapheme clusters of Unicode's standard annex 29."""

LONGEST = 64
"""Code points that no character of any script exceeds; one that does may be cut."""


def whole_characters(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span so that it cuts no character in two: an accent stays with its letter."""
    around = text[max(0, start - 1) : start + 1] + text[end - 1 : end + 1]
    if around.isascii():
        return start, end
    import regex

    begin = max(0, start - LONGEST)
    near = text[begin : end + LONGEST]
    borders = [begin + found.start() for found in regex.finditer(r"\X", near)]
    borders.append(begin + len(near))
    before = [border for border in borders if start - LONGEST < border <= start]
    after = [border for border in borders if end <= border < end + LONGEST]
    return max(before, default=start), min(after, default=end)
