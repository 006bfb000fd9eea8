"""Which rows the model sees in which step: everything is decided before training begins.

The plan is a pure function of the data and the seed, so a run that stopped continues from nothing
but its step number. Each source has a window of the training's time (0 to 1) and a number of
passes; the passes follow one another inside the window, and a row's place in its pass is random.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol, TypeVar

from bert_starter.rows import CLS, MASK, SEP, SentimentRow, SpanRow, SpanSource, span_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tokenizers import Tokenizer

    from bert_starter.data import Phrase
    from bert_starter.stages import Stage


class Row(Protocol):
    """Anything with token ids."""

    @property
    def ids(self) -> list[int]:
        """The token ids, `[CLS]` to the last `[SEP]`."""
        ...


Item = TypeVar("Item")
R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Window:
    """When a source is seen: from `begin` to `end` of the training, `passes` times."""

    begin: float
    end: float
    passes: float


@dataclass(frozen=True)
class SpanRecipe:
    """A source's window, the length its rows are cut to, how often sentences go around them."""

    window: Window
    longest: int = 384
    padded: float = 0.0


NEUTRAL_WEIGHT = 0.5
PLAIN_SHARE = 0.3  # of the phrases, in ordinary spelling; the others as SST-2 spells them


def schedule(
    items: Sequence[Item], window: Window, rng: random.Random
) -> Iterator[tuple[float, Item]]:
    """Yield each pass over the items, shuffled, with the times at which they are seen."""
    whole, part = int(window.passes), window.passes % 1
    rounds = [1.0] * whole + ([part] if part else [])
    done = 0.0
    for share in rounds:
        chosen = rng.sample(items, round(share * len(items)))
        for place, item in enumerate(chosen):
            passed = (done + share * place / len(chosen)) / window.passes
            yield window.begin + (window.end - window.begin) * passed, item
        done += share


def span_rows(
    sources: Sequence[SpanSource],
    recipes: Mapping[str, SpanRecipe],
    rng: random.Random,
    passes: float = 1.0,
) -> list[SpanRow]:
    """Make every span row in the order of training; `passes` scales how often each is seen."""
    fillers = [s.context for s in sources if s.source in ("qamr", "sentences")]
    timed: list[tuple[float, SpanRow]] = []
    for name, recipe in recipes.items():
        window = Window(recipe.window.begin, recipe.window.end, recipe.window.passes * passes)
        own = [source for source in sources if source.source == name]
        for time, source in schedule(own, window, rng):
            around = []
            if rng.random() < recipe.padded:
                around = [rng.choice(fillers) for _ in range(rng.randint(1, 3))]
            timed.append((time, span_row(source, recipe.longest, rng, around)))
    return in_time(timed)


def sentiment_rows(
    tokenizer: Tokenizer,
    phrases: Sequence[Phrase],
    swapped: Sequence[Phrase],
    windows: Mapping[str, Window],
    rng: random.Random,
    passes: float = 1.0,
    masked: float = 0.0,
) -> list[SentimentRow]:
    """Make every sentiment row in the order of training; `masked` of the tokens are hidden."""
    kinds: dict[str, list[Phrase]] = {"neutral": [], "phrases": [], "sentences": []}
    kinds["swapped"] = list(swapped)
    for phrase in phrases:
        kinds["neutral" if phrase.neutral else "phrases"].append(phrase)
        if phrase.sentence and not phrase.neutral:
            kinds["sentences"].append(phrase)
    timed: list[tuple[float, Phrase]] = []
    for name, window in windows.items():
        scaled = Window(window.begin, window.end, window.passes * passes)
        timed.extend(schedule(kinds[name], scaled, rng))
    ordered = in_time(timed)
    texts = [p.plain if rng.random() < PLAIN_SHARE else p.sst2 for p in ordered]
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [
        SentimentRow(
            [CLS, *hide(words.ids[:126], masked, rng), SEP],
            phrase.positivity,
            NEUTRAL_WEIGHT if phrase.neutral else 1.0,
        )
        for words, phrase in zip(encoded, ordered, strict=True)
    ]


def hide(ids: list[int], share: float, rng: random.Random) -> list[int]:
    """Put [MASK] in the place of some tokens, so that no sentence is learnt by one rare word."""
    return [MASK if share and rng.random() < share else token for token in ids]


def in_time(timed: list[tuple[float, Item]]) -> list[Item]:
    """Sort by time alone."""
    return [item for _, item in sorted(timed, key=lambda pair: pair[0])]


def batches(rows: Sequence[R], count: int, rng: random.Random, pool: int = 32) -> list[list[R]]:
    """Cut rows into `count` batches of about equal numbers of tokens and of similar lengths.

    Rows stay in order up to a pool of batches, inside which they are sorted by length (little
    padding) and the batches shuffled.
    """
    result: list[list[R]] = []
    pools = -(-count // pool)
    for number, group in enumerate(cut(rows, pools, tokens_of)):
        size = count * (number + 1) // pools - count * number // pools
        group = sorted(group, key=tokens_of)
        ready = cut(group, size, tokens_of)
        rng.shuffle(ready)
        result.extend(ready)
    return result


def tokens_of(row: Row) -> int:
    """Count a row's tokens."""
    return len(row.ids)


def cut(rows: Sequence[R], parts: int, size: Callable[[R], int]) -> list[list[R]]:
    """Cut a sequence into `parts` runs of about equal total size, none empty if it can be."""
    result: list[list[R]] = [[] for _ in range(parts)]
    total = sum(size(row) for row in rows)
    for row, before in zip(rows, accumulate((size(row) for row in rows), initial=0), strict=False):
        result[min(parts - 1, before * parts // max(total, 1))].append(row)
    return result


def plan(
    stage: Stage,
    sources: Sequence[SpanSource],
    phrases: Sequence[Phrase],
    swapped: Sequence[Phrase],
    tokenizer: Tokenizer,
    passes: float,
    seed: int,
) -> list[tuple[list[SpanRow], list[SentimentRow]]]:
    """Lay out a whole stage: for each step a batch of spans and a batch of phrases.

    Args:
        stage: what is seen when, and how many tokens a step has.
        sources: tokenised questions.
        phrases: sentiment phrases.
        swapped: made-up sentences.
        tokenizer: for the phrases.
        passes: scales how often every row is seen; 1 is the full recipe.
        seed: decides every random choice.
    """
    rng = random.Random(seed)
    spans = span_rows(sources, stage.spans, rng, passes)
    feelings = sentiment_rows(
        tokenizer, phrases, swapped, stage.sentiment, rng, passes, stage.masked
    )
    steps = max(1, sum(map(tokens_of, spans)) // stage.tokens)
    return list(zip(batches(spans, steps, rng), batches(feelings, steps, rng), strict=True))
