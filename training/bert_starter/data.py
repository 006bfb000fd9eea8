"""Read the data sets: phrases with a soft sentiment, questions with a span."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bert_starter.text import Node, join_tokens, letters_only, parse_tree, rewrite_span, sst2_form

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
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
    for nodes in read_trees(data):
        held = held_out(letters_only(sst2_form(nodes[0].tokens)))
        for place, node in enumerate(nodes):
            phrase = phrase_of(node.tokens, node.label, sentence=place == 0)
            key = letters_only(phrase.sst2)
            if not key or key in dev:
                continue
            if held:
                if phrase.sentence:
                    kept.append(phrase)
            elif phrase.sst2 not in phrases or phrase.sentence:
                phrases[phrase.sst2] = phrase
    return list(phrases.values()), kept


def read_trees(data: Path) -> list[list[Node]]:
    """Read the Treebank's training part."""
    text = (data / "sst/trees_train_clean.txt").read_text(encoding="utf-8")
    return [parse_tree(line) for line in text.splitlines()]


def phrase_of(tokens: list[str], label: int, *, sentence: bool) -> Phrase:
    """Spell tokens in both ways."""
    return Phrase(sst2_form(tokens), join_tokens(tokens)[0], POSITIVITY[label], sentence)


def swapped_sentences(trees: Sequence[list[Node]], times: int, rng: random.Random) -> list[Phrase]:
    """Make new sentences: a phrase gives way to another of the same label and length.

    The sentence's label stays. Such sentences cannot be learnt by heart together with the real
    ones (Shi, Livescu and Gimpel 2021, "Substructure Substitution").
    """
    pool: dict[tuple[int, int], list[list[str]]] = {}
    sentences = [nodes for nodes in trees if not held_out(letters_only(sst2_form(nodes[0].tokens)))]
    for nodes in sentences:
        for node in nodes[1:]:
            pool.setdefault((node.label, len(node.tokens)), []).append(node.tokens)
    made = []
    for nodes in sentences:
        whole = nodes[0]
        inner = [n for n in nodes[1:] if 2 <= len(n.tokens) <= max(2, len(whole.tokens) // 2)]
        if whole.label == NEUTRAL or not inner:
            continue
        for node in rng.sample(inner, min(times, len(inner))):
            other = rng.choice(pool[node.label, len(node.tokens)])
            tokens = whole.tokens.copy()
            tokens[node.start : node.start + len(node.tokens)] = other
            made.append(phrase_of(tokens, whole.label, sentence=True))
    return made


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
