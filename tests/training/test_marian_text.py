import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marian_starter.batches import Batches, Part, Rows
from marian_starter.corpus import Corpus, prepare
from marian_starter.data import HELD, WATCHED, Pair, Texts, read_texts
from marian_starter.pieces import END, PAD, UNKNOWN, learn_pieces, save_pieces, words
from marian_starter.spelling import Speller
from marian_starter.text import gaps, key, tidy
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoTokenizer

ENGLISH = "the old king walked to a river and saw seven grey wolves sleeping there".split()  # noqa: SIM905
GERMAN = "der alte König ging zum Fluss und sah sieben graue Wölfe dort schlafen".split()  # noqa: SIM905
WRITTEN = ["I don't know.", "Ich weiß es nicht.", "„Hallo“, sagte er.", "At 7:30, I'm there."]


def sentence(draw: random.Random, known: list[str]) -> str:
    return " ".join(draw.choices(known, k=9)).capitalize() + "."


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    draw = random.Random(0)
    texts = [sentence(draw, known) for known in (ENGLISH, GERMAN) for _ in range(99)]
    return learn_pieces([*texts, *WRITTEN * 3], 420)


@pytest.fixture(scope="module")
def folder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pieces")
    save_pieces(tokenizer, folder, 128)
    return folder


def test_tidy_sentence() -> None:
    assert tidy(" It’s\xa0 so \u200bbig.\n") == "It's so big."
    assert tidy("u\u0308ber") == "über"


@given(st.text())
def test_tidy_twice_is_tidy_once(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I'm here.", "i am here"),
        ("I can’t go!", "I cannot go."),
        ("I can not go", "I can't go"),
        ("It won't  rain", "It will not rain."),
    ],
)
def test_key_knows_a_sentence_in_another_spelling(one: str, other: str) -> None:
    assert key(one) == key(other)


def test_key_tells_sentences_apart() -> None:
    assert key("Wir gehen.") != key("Wir gingen.")


def test_gaps_find_sentences_alike_but_for_a_word() -> None:
    assert gaps("Tom is sleeping.") & gaps("Mary is sleeping!")
    assert not gaps("Tom is sleeping.") & gaps("Tom sleeps.")


@given(text=st.text())
@pytest.mark.parametrize("extra", ["", "你好，世界 🎉👩‍👩‍👧", "don't „so“ <0x41>"])
def test_tokenizer_gives_back_any_text(folder: Path, extra: str, text: str) -> None:
    reader = AutoTokenizer.from_pretrained(folder)
    for name in (END, UNKNOWN, PAD):
        text = text.replace(name, "")
    ids = reader(text + extra).input_ids
    whole = reader.backend_tokenizer.normalizer.normalize_str(text + extra)
    assert ids[-1] == 0
    assert 1 not in ids
    assert reader.decode(ids, skip_special_tokens=True) == whole.replace("▁", " ").removeprefix(" ")


def test_special_tokens_are_marians(folder: Path) -> None:
    reader = AutoTokenizer.from_pretrained(folder)
    assert reader.is_fast
    assert (reader.eos_token_id, reader.unk_token_id) == (0, 1)
    assert reader.pad_token_id == len(reader) - 1 == 419
    assert reader.bos_token is None
    assert reader(["The king", "a"], padding=True).input_ids[1][-1] == 419
    assert set(reader("a")) == {"input_ids", "attention_mask"}
    assert reader(text_target="König").input_ids == reader("König").input_ids
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert (settings["source_lang"], settings["target_lang"]) == ("en", "de")


def test_tokenizer_needs_no_sentencepiece(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sentencepiece", None)
    assert AutoTokenizer.from_pretrained(folder)("Der König").input_ids


@pytest.mark.parametrize("text", [*WRITTEN, "a 7 你好", "Tom's car costs $3.50!"])
def test_no_piece_reaches_across_words(tokenizer: Tokenizer, text: str) -> None:
    cut = words(tokenizer, text)
    assert "".join(cut) == "▁" + text.replace(" ", "▁")
    speller = Speller(tokenizer, cut)
    spelt = [piece for number in range(len(cut)) for piece in speller.spell(number)]
    assert [*spelt, 0] == tokenizer.encode(text).ids


def test_words() -> None:
    learner = learn_pieces(WRITTEN, 300)
    assert words(learner, "I don’t, he's 24!") == [
        *("▁I", "▁don", "'t", ",", "▁he", "'s", "▁2", "4", "!")
    ]


def test_spelling_changes_with_the_way_alone(tokenizer: Tokenizer) -> None:
    known = ["▁schlafen", "▁wolves"]
    one, other = Speller(tokenizer, known), Speller(tokenizer, known)
    ways = [one.spell(0, way) for way in range(16)]
    assert [other.spell(0, way) for way in reversed(range(16))] == ways[::-1]
    assert len({tuple(way) for way in ways}) > 3
    names = {number: piece for piece, number in tokenizer.get_vocab().items()}
    assert {"".join(names[piece] for piece in way) for way in ways} == {"▁schlafen"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a file of pairs in which many sentences are said again in another spelling."""
    draw = random.Random(5)
    lines = []
    for _ in range(HELD + WATCHED + 900):
        source, target = sentence(draw, ENGLISH), sentence(draw, GERMAN)
        lines.append(f"{source}\t{target}")
        if draw.random() < 0.3:
            lines.append(f"{source.upper()[:-1]}!\t{sentence(draw, GERMAN)}")
        if draw.random() < 0.3:
            lines.append(f"{sentence(draw, ENGLISH)}\t{target.lower()}")
    folder = tmp_path_factory.mktemp("data")
    (folder / "parallel").mkdir()
    with zipfile.ZipFile(folder / "parallel/tatoeba_en_de.zip", "w") as archive:
        archive.writestr("deu.txt", "\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def texts(data: Path) -> Texts:
    return read_texts(data)


def test_nothing_held_out_is_trained_on(texts: Texts) -> None:
    assert (len(texts.held), len(texts.watched)) == (HELD, WATCHED)
    assert len(texts.training) > 300
    apart = [*texts.held, *texts.watched]
    sources = {key(one.source) for one in apart}
    targets = {key(target) for one in apart for target in one.targets}
    assert len(sources) == HELD + WATCHED
    assert len(targets) > HELD + WATCHED
    assert not sources & {key(pair.source) for pair in texts.training}
    assert not targets & {key(pair.target) for pair in texts.training}


def test_likeness_to_a_training_sentence_is_told(tmp_path: Path) -> None:
    lines = [f"My {a} {b} {c}.\tx{a}{b}{c}" for a in ENGLISH for b in ENGLISH for c in ENGLISH]
    lines += [f"Unlike{i} all{i}.\ty{i}" for i in range(400)]
    (tmp_path / "parallel").mkdir()
    with zipfile.ZipFile(tmp_path / "parallel/tatoeba_en_de.zip", "w") as archive:
        archive.writestr("deu.txt", "\n".join(dict.fromkeys(lines)))
    held = read_texts(tmp_path).held
    assert {one.source.split()[0] for one in held if one.near} == {"My"}
    assert all(one.source.startswith("Unlike") for one in held if not one.near)
    assert len({one.near for one in held}) == 2


def test_prepared_corpus_is_taken_again(data: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    first = prepare(data, tmp_path, 500, None, lines.append)
    read = len(lines)
    second = prepare(data, tmp_path, 500, None, lines.append)
    assert len(lines) == read
    assert (first.held, first.watched) == (second.held, second.watched)
    assert (first.words, first.lowered) == (second.words, second.lowered)
    assert [first.words[number] for number in first.lowered] == [
        word.lower() for word in first.words
    ]


@pytest.fixture(scope="module")
def corpus(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return prepare(data, tmp_path_factory.mktemp("work"), 500, None, lambda _: None)


def test_corpus_holds_the_pairs(corpus: Corpus, texts: Texts) -> None:
    said = [
        Pair(*("".join(corpus.words[n] for n in side.sentence(i)).replace("▁", " ")[1:] for side in
            (corpus.source, corpus.target)))
        for i in range(len(corpus.source))
    ]  # fmt: skip
    assert said == texts.training


def unspelt(corpus: Corpus, row: list[int]) -> str:
    return str(corpus.tokenizer.decode(row))


def lines(rows: Rows, ids: Tensor) -> list[list[int]]:
    """Cut what stands one behind the other where a row begins."""
    begins = [place for place, column in enumerate(rows.columns) if column == 0]
    return [part.tolist() for part in ids.tensor_split(begins[1:])]


def pairs_of(part: Part) -> Iterator[tuple[list[int], list[int]]]:
    """Source and target of each pair, with their ends."""
    return zip(lines(part.source, part.source.ids), lines(part.target, part.wanted), strict=True)


def test_pass_reads_every_pair_once(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JOINED", "BARE", "LOWERED"):
        monkeypatch.setattr(f"marian_starter.batches.{name}", 0)
    batches = Batches(corpus, 50, 64, seed=1)
    orders = []
    for passed in range(2):
        found = []
        for step in range(passed * batches.steps, (passed + 1) * batches.steps):
            parts = batches.parts(step, both=True)
            assert sum(part.source.count for part in parts) == 50
            for part in parts:
                found += [
                    Pair(unspelt(corpus, source), unspelt(corpus, target))
                    for source, target in pairs_of(part)
                ]
        assert len(set(found)) == len(found) == 50 * batches.steps
        orders.append(found)
    assert orders[0] != orders[1]
    known = {unspelt(corpus, corpus.tokenizer.encode(one.source).ids) for one in corpus.held}
    assert known.isdisjoint(pair.source for pair in orders[0])


def test_step_depends_on_its_number_alone(corpus: Corpus) -> None:
    forwards, backwards = (Batches(corpus, 50, 64, seed=1) for _ in range(2))
    numbers = range(2 * forwards.steps)

    def told(batches: Batches, step: int) -> list[tuple[list[int], list[int]]]:
        return [pair for part in batches.parts(step, step % 2 == 0) for pair in pairs_of(part)]

    steps = [told(forwards, step) for step in numbers]
    assert steps[::-1] == [told(backwards, step) for step in reversed(numbers)]
    assert steps != [told(Batches(corpus, 50, 64, seed=2), step) for step in numbers]


def test_pairs_are_changed_on_both_sides_alike(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marian_starter.batches.BARE", 1)
    monkeypatch.setattr("marian_starter.batches.LOWERED", 1)
    monkeypatch.setattr("marian_starter.batches.JOINED", 1)
    for part in Batches(corpus, 50, 64, seed=1).parts(0, both=False):
        assert max(part.source.longest, part.target.longest) <= 64
        for source, target in pairs_of(part):
            one, other = unspelt(corpus, source), unspelt(corpus, target)
            assert one == one.lower()
            assert one.count(" ") == other.count(" ")  # each sentence has nine words
            assert not {".", "!"} & {one[-1], other[-1]} or one[-1] != other[-1]


def test_targets_are_spelt_in_one_way_if_asked_to(corpus: Corpus) -> None:
    batches = Batches(corpus, 50, 64, seed=1)

    def respelt(both: bool) -> int:
        rows = [row for part in batches.parts(0, both) for _, row in pairs_of(part)]
        return sum(corpus.tokenizer.encode(unspelt(corpus, row)).ids != row for row in rows)

    assert respelt(both=False) == 0
    assert respelt(both=True) > 10


def test_target_is_read_one_step_behind(corpus: Corpus) -> None:
    batches = Batches(corpus, 50, 64, seed=1)
    for part in batches.parts(0, both=True):
        read, wanted = lines(part.target, part.target.ids), lines(part.target, part.wanted)
        assert read == [[batches.start, *row[:-1]] for row in wanted]
        assert all(row[-1] == 0 for row in wanted)
        assert [row[-1] for row in lines(part.source, part.source.ids)] == [0] * part.source.count


def test_too_few_pairs_are_an_error(corpus: Corpus) -> None:
    with pytest.raises(ValueError, match="too few"):
        Batches(corpus, 10**6, 64, seed=1)
