"""Read the data sets: phrases with a soft sentiment, questions with a span."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bert_starter.text import join_tokens, letters_only, parse_tree, rewrite_span, sst2_form

if TYPE_CHECKING:
    from pathlib import Path

# What the five Treebank labels say about "is it positive?". Between 0 and 1, so that "good"
# differs from "superb"; 2 is neutral.
POSITIVITY = (0.03, 0.13, 0.5, 0.87, 0.97)
NEUTRAL = 2

QUESTION_FILES = {
    "squad": "qa/squad_train_part.jsonl.gz",
    "new_wiki": "qa/squadshifts_new_wiki.jsonl.gz",
    "amazon": "qa/squadshifts_amazon_reviews.jsonl.gz",
    "reddit": "qa/squadshifts_reddit.jsonl.gz",
    "qamr": "qa/qamr.jsonl.gz",
    "tweets": "qa/tweetqa_train.jsonl.gz",
    "tweets_dev": "qa/tweetqa_dev.jsonl.gz",
    "policies": "qa/policyqa_dev.jsonl.gz",
    "policies_test": "qa/policyqa_test.jsonl.gz",
}
HELD_OUT = 50  # one sentence or context in so many is kept from training, for decisions


@dataclass(frozen=True)
class Phrase:
    """A text in its two spellings (SST-2's and ordinary) and how positive it is, 0 to 1."""

    sst2: str
    plain: str
    positivity: float
    sentence: bool

    @property
    def neutral(self) -> bool:
        """Whether the annotators found neither praise nor blame."""
        return self.positivity == POSITIVITY[NEUTRAL]


@dataclass(frozen=True)
class Question:
    """A question whose answer stands in the context: `context[start:start+len(answer)]`."""

    question: str
    context: str
    answer: str
    start: int
    source: str


def held_out(text: str) -> bool:
    """Whether a training text is kept for decisions: the same on every machine and run."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % HELD_OUT == 0


def read_phrases(data: Path) -> tuple[list[Phrase], list[Phrase]]:
    """Read the distinct phrases of the Treebank's training part, and the held-out sentences.

    A phrase that spells out a dev sentence is dropped, and so is every phrase of a held-out
    sentence.
    """
    dev = {letters_only(text) for text, _ in read_sst2(data / "sst/sst2_sentence_dev.tsv")}
    phrases: dict[str, Phrase] = {}
    kept: list[Phrase] = []
    for line in (data / "sst/trees_train_clean.txt").read_text(encoding="utf-8").splitlines():
        nodes = parse_tree(line)
        sentence_key = letters_only(sst2_form(nodes[0][1]))
        for place, (label, tokens) in enumerate(nodes):
            sst2 = sst2_form(tokens)
            key = letters_only(sst2)
            if not key or key in dev:
                continue
            phrase = Phrase(sst2, join_tokens(tokens)[0], POSITIVITY[label], sentence=place == 0)
            if held_out(sentence_key):
                if place == 0:
                    kept.append(phrase)
            elif sst2 not in phrases or phrase.sentence:
                phrases[sst2] = phrase
    return list(phrases.values()), kept


def read_sst2(path: Path) -> list[tuple[str, int]]:
    """Read a file of SST-2 sentences and their labels, 0 or 1."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [(text, int(label)) for text, label in rows]


def trim(answer: str, start: int) -> tuple[str, int]:
    """Trim an answer's outer spaces and punctuation, as SQuAD's annotators did."""
    left = answer.lstrip(" \"'.,;:!?-")
    start += len(answer) - len(left)
    return left.rstrip(" \"'.,;:!?-"), start


def read_questions(data: Path) -> tuple[list[Question], list[Question]]:
    """Read every training question, and the held-out ones (of SQuAD paragraphs).

    QAMR's tokenised contexts become ordinary text, but one in four stays as it is.
    """
    questions: list[Question] = []
    kept: list[Question] = []
    for name, path in QUESTION_FILES.items():
        with gzip.open(data / path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                row = json.loads(line)
                context, start, answer = row["context"], row["start"], row["answer"]
                source = name
                if name == "squad":
                    source = "paragraphs" if row["level"] == "paragraph" else "sentences"
                elif name == "qamr" and number % 4:
                    context, start, answer = rewrite_span(context, start, answer)
                else:
                    answer, start = trim(answer, start)
                if not answer:
                    continue
                question = Question(row["question"].strip(), context, answer, start, source)
                if source == "paragraphs" and held_out(context):
                    kept.append(question)
                else:
                    questions.append(question)
    held_contexts = {question.context for question in kept}
    questions = [
        question
        for question in questions
        if question.source != "sentences"
        or not any(question.context in context for context in held_contexts)
    ]
    return questions, kept


def read_squad(path: Path) -> list[tuple[str, str, list[str]]]:
    """Read a SQuAD v1.1 file: question, context and the annotators' answers."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [
        (entry["question"], paragraph["context"], [answer["text"] for answer in entry["answers"]])
        for article in articles
        for paragraph in article["paragraphs"]
        for entry in paragraph["qas"]
    ]
