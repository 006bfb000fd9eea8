"""Read the texts, keep whole books and stories apart, and let nothing of them into training."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gpt2_starter.text import letters_only, long_sentences, tidy, tidy_book, tidy_story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_HELD_BOOK, BOOKS_BETWEEN = 24, 48  # of the list, which goes from plain to ornate
PLAIN_SHARE = 0.4  # this share of the list, from its beginning, is called plain
HELD_STORIES = {
    "tinystories": 60,
    "pratham_storyweaver": 40,
    "african_storybook": 30,
    "fairytaleqa": 20,
}
EVERYDAY_LINES = 24  # everyday sentences that make one document
KINDS = ("stories", "everyday", "plain", "ornate", "wiki")


@dataclass(frozen=True)
class HeldOut:
    """A document that is only ever measured."""

    title: str
    text: str


@dataclass
class Texts:
    """The training documents of every kind, and the documents held out."""

    training: dict[str, list[str]] = field(default_factory=dict)
    books: list[HeldOut] = field(default_factory=list)
    stories: list[HeldOut] = field(default_factory=list)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Read a gzipped file of one JSON object a line."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield json.loads(line)


def read_texts(data: Path, limit: int | None = None) -> Texts:
    """Read and tidy everything under `data/prose`, held-out documents apart.

    Args:
        data: the folder that holds `prose/`.
        limit: take only so many documents of each kind (a book gives 20,000 characters); for
            trying the program out.
    """
    texts = Texts()
    plain, ornate = read_books(data, texts, limit)
    stories = read_stories(data, texts)
    held = {
        sentence
        for document in (*texts.books, *texts.stories)
        for sentence in long_sentences(document.text)
    }
    wiki = [f"{row['title']}\n{tidy(row['text'])}" for row in read_rows(data / WIKI)]
    texts.training = {
        "stories": [text for text in stories[:limit] if held.isdisjoint(long_sentences(text))],
        "everyday": [without(text, held) for text in everyday(data)[:limit]],
        "plain": [without(text, held) for text in plain[:limit]],
        "ornate": [without(text, held) for text in ornate[:limit]],
        "wiki": [text for text in wiki[:limit] if held.isdisjoint(long_sentences(text))],
    }
    if limit:
        texts.books = [HeldOut(book.title, book.text[:20_000]) for book in texts.books[::4]]
        texts.stories = texts.stories[:: max(1, len(texts.stories) // 12)]
    return texts


BOOKS = "prose/books.jsonl.gz"
STORIES = "prose/stories.jsonl.gz"
WIKI = "prose/wiki_leads.jsonl.gz"
EVERYDAY = "prose/tatoeba_en.txt.gz"


def read_books(data: Path, texts: Texts, limit: int | None) -> tuple[list[str], list[str]]:
    """Return the plain and the ornate training books; put the held-out ones into `texts`."""
    rows = list(read_rows(data / BOOKS))
    plain: list[str] = []
    ornate: list[str] = []
    for place, row in enumerate(rows):
        text = row["text"]
        if place % BOOKS_BETWEEN == FIRST_HELD_BOOK:
            texts.books.append(HeldOut(row["title"], tidy_book(text)))
        else:
            shelf = plain if place < PLAIN_SHARE * len(rows) else ornate
            shelf.append(tidy_book(text[:20_000] if limit else text))
    return plain, ornate


def read_stories(data: Path, texts: Texts) -> list[str]:
    """Return the distinct training stories; put the held-out ones into `texts`.

    Both are in an order that a hash of the story decides: the same on every machine and run.
    """
    distinct: dict[str, tuple[str, str]] = {}
    for row in read_rows(data / STORIES):
        text = tidy_story(row["text"])
        distinct.setdefault(letters_only(text), (row["source"], text))
    ordered = sorted(distinct.values(), key=lambda story: digest(story[1]))
    left = dict(HELD_STORIES)
    training = []
    for source, text in ordered:
        if left[source]:
            left[source] -= 1
            texts.stories.append(HeldOut(f"{source}: {text[:40]}", text))
        else:
            training.append(text)
    return training


def digest(text: str) -> str:
    """Return a text's sha256."""
    return hashlib.sha256(text.encode()).hexdigest()


def everyday(data: Path) -> list[str]:
    """Return everyday sentences, shuffled by their hash and some to a document."""
    with gzip.open(data / EVERYDAY, "rt", encoding="utf-8") as lines:
        sentences = sorted({tidy(line) for line in lines} - {""}, key=digest)
    return [
        "\n".join(sentences[start : start + EVERYDAY_LINES])
        for start in range(0, len(sentences), EVERYDAY_LINES)
    ]


def without(text: str, held: set[str]) -> str:
    """Drop the paragraphs that hold a long sentence of a held-out document."""
    paragraphs = text.split("\n")
    return "\n".join(p for p in paragraphs if held.isdisjoint(long_sentences(p)))
