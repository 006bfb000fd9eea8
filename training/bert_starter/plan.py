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

from bert_starter.rows import CLS, SEP, SentimentRow, SpanRow, SpanSource, span_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tokenizers import Tokenizer

    from bert_starter.data import Phrase


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


# Single sentences teach what an answer looks like, cheaply; paragraphs of the kind people ask
# about come last.
SPAN_RECIPES = {
    "qamr": SpanRecipe(Window(0.0, 0.45, 0.5), padded=0.25),
    "sentences": SpanRecipe(Window(0.0, 0.75, 1.4), padded=0.5),
    "tweets": SpanRecipe(Window(0.0, 0.6, 1.0)),
    "tweets_dev": SpanRecipe(Window(0.0, 0.6, 1.0)),
    "policies": SpanRecipe(Window(0.0, 0.5, 0.2), longest=160),
    "policies_test": SpanRecipe(Window(0.0, 0.5, 0.2), longest=160),
    "amazon": SpanRecipe(Window(0.05, 0.8, 0.6), longest=160),
    "reddit": SpanRecipe(Window(0.05, 0.8, 0.6), longest=160),
    "new_wiki": SpanRecipe(Window(0.1, 1.0, 1.5), longest=288),
    "paragraphs": SpanRecipe(Window(0.1, 1.0, 2.4), longest=320),
}
SENTIMENT_WINDOWS = {
    "neutral": Window(0.0, 0.8, 0.25),
    "phrases": Window(0.0, 1.0, 3.0),
    "sentences": Window(0.2, 1.0, 4.0),
}
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
    sources: Sequence[SpanSource], rng: random.Random, passes: float = 1.0
) -> list[SpanRow]:
    """Make every span row in the order of training; `passes` scales how often each is seen."""
    fillers = [s.context for s in sources if s.source in ("qamr", "sentences")]
    timed: list[tuple[float, SpanRow]] = []
    for name, recipe in SPAN_RECIPES.items():
        window = Window(recipe.window.begin, recipe.window.end, recipe.window.passes * passes)
        own = [source for source in sources if source.source == name]
        for time, source in schedule(own, window, rng):
            around = []
            if rng.random() < recipe.padded:
                around = [rng.choice(fillers) for _ in range(rng.randint(1, 3))]
            timed.append((time, span_row(source, recipe.longest, rng, around)))
    return in_time(timed)


def sentiment_rows(
    tokenizer: Tokenizer, phrases: Sequence[Phrase], rng: random.Random, passes: float = 1.0
) -> list[SentimentRow]:
    """Make every sentiment row in the order of training."""
    kinds: dict[str, list[Phrase]] = {"neutral": [], "phrases": [], "sentences": []}
    for phrase in phrases:
        kinds["neutral" if phrase.neutral else "phrases"].append(phrase)
        if phrase.sentence and not phrase.neutral:
            kinds["sentences"].append(phrase)
    timed: list[tuple[float, Phrase]] = []
    for name, window in SENTIMENT_WINDOWS.items():
        scaled = Window(window.begin, window.end, window.passes * passes)
        timed.extend(schedule(kinds[name], scaled, rng))
    ordered = in_time(timed)
    texts = [p.plain if rng.random() < PLAIN_SHARE else p.sst2 for p in ordered]
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [
        SentimentRow(
            [CLS, *words.ids[:126], SEP],
            phrase.positivity,
            NEUTRAL_WEIGHT if phrase.neutral else 1.0,
        )
        for words, phrase in zip(encoded, ordered, strict=True)
    ]


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
    sources: Sequence[SpanSource],
    phrases: Sequence[Phrase],
    tokenizer: Tokenizer,
    tokens: int,
    passes: float,
    seed: int,
) -> list[tuple[list[SpanRow], list[SentimentRow]]]:
    """Lay out the whole training: for each step a batch of spans and a batch of phrases.

    Args:
        sources: tokenised questions.
        phrases: sentiment phrases.
        tokenizer: for the phrases.
        tokens: span tokens in one step, about.
        passes: scales how often every row is seen; 1 is the full recipe.
        seed: decides every random choice.
    """
    rng = random.Random(seed)
    spans = span_rows(sources, rng, passes)
    feelings = sentiment_rows(tokenizer, phrases, rng, passes)
    steps = max(1, sum(map(tokens_of, spans)) // tokens)
    return list(zip(batches(spans, steps, rng), batches(feelings, steps, rng), strict=True))
