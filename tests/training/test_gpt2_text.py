import gzip
import json
import random
from pathlib import Path

import pytest
from gpt2_starter.corpus import chunks, encode, prepare
from gpt2_starter.data import read_texts
from gpt2_starter.pieces import END, learn_pieces, save_pieces
from gpt2_starter.text import long_sentences, tidy, tidy_book, tidy_story
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

WORDS = "the old king walked to a river and saw seven grey wolves sleeping there".split()  # noqa: SIM905


def sentence(draw: random.Random) -> str:
    return " ".join(draw.choices(WORDS, k=14)).capitalize() + "."


@pytest.fixture(scope="module")
def training() -> dict[str, list[str]]:
    draw = random.Random(0)
    kinds = ("stories", "everyday", "plain", "ornate", "wiki")
    return {kind: ["\n".join(sentence(draw) for _ in range(5))] for kind in kinds}


def test_book_loses_its_header_and_its_line_ends() -> None:
    header = "Title: A\n\n Author: B\n\n Year: 1900\n\n-------\n\n"
    book = header + "  PART ONE\r\n\r\nHe  said: \r\n“No.”\r\n"
    assert tidy_book(book) == "PART ONE\nHe said:\n“No.”"
    assert tidy_book("No header\n\nhere") == "No header\nhere"


def test_story_lines_are_joined_inside_sentences() -> None:
    story = (
        "Goat and Dog\nGoat and Dog\nwere friends. One\nday they went.\nA taxi,\nbut no fare!\nEnd"
    )
    assert tidy_story(story) == (
        "Goat and Dog\nGoat and Dog were friends. One day they went.\nA taxi, but no fare!\nEnd"
    )


@given(st.text())
def test_tidy_twice_is_tidy_once(text: str) -> None:
    once = tidy(text)
    assert tidy(once) == once
    assert "".join(once.split()) == "".join(text.replace("\ufeff", "").split())


@given(st.text(alphabet="ab\n", max_size=40))
def test_chunks_make_the_text_again(text: str) -> None:
    assert "".join(chunks(text)) == text


@given(text=st.text())
@pytest.mark.parametrize("extra", ["", "你好，世界 🎉👩‍👩‍👧", "don't \r\n\t “so”"])
def test_tokenizer_gives_back_any_text(tokenizer_folder: Path, extra: str, text: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    assert tokenizer.decode(tokenizer(text + extra).input_ids) == text + extra


@pytest.fixture(scope="module")
def tokenizer_folder(
    training: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("pieces")
    save_pieces(learn_pieces(training, 280), folder, 512)
    return folder


def test_tokenizer_is_gpt2s(tokenizer_folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    assert type(tokenizer).__name__.startswith("GPT2Tokenizer")
    assert tokenizer.eos_token == tokenizer.bos_token == tokenizer.unk_token == END
    assert tokenizer.eos_token_id == len(tokenizer) - 1 == 279
    assert tokenizer(f"a{END}").input_ids[-1] == 279
    (tokenizer_folder / "tokenizer.json").rename(tokenizer_folder / "hidden")
    old_files = AutoTokenizer.from_pretrained(tokenizer_folder)
    (tokenizer_folder / "hidden").rename(tokenizer_folder / "tokenizer.json")
    text = "The old king saw 7 wolves."
    assert old_files(text).input_ids == tokenizer(text).input_ids


def test_encoding_in_chunks_is_encoding_whole(
    training: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = learn_pieces(training, 280)
    monkeypatch.setattr("gpt2_starter.corpus.CHUNK", 30)
    monkeypatch.setattr("gpt2_starter.corpus.BATCH", 2)
    documents = [text for kind in training.values() for text in kind]
    tokens = encode(tokenizer, documents)
    whole = [[*tokenizer.encode(text).ids, 279] for text in documents]
    assert tokens.ids.tolist() == [i for ids in whole for i in ids]
    assert [tokens.ids[start : start + 9].tolist() for start in tokens.starts] == [
        ids[:9] for ids in whole
    ]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a small `prose/` in which some training texts quote held-out ones."""
    draw = random.Random(5)
    folder = tmp_path / "data" / "prose"
    folder.mkdir(parents=True)

    def write(name: str, rows: list[dict[str, str]]) -> None:
        with gzip.open(folder / name, "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def text(lines: int) -> str:
        return "\n".join(sentence(draw) for _ in range(lines))

    books = [{"title": f"A/Book {i}", "text": text(6)} for i in range(60)]
    books[3]["text"] += "\n" + books[24]["text"].split("\n")[2] + " And more.\nThe end."
    write("books.jsonl.gz", books)
    sources = ("tinystories", "pratham_storyweaver", "african_storybook", "fairytaleqa")
    stories = [{"source": sources[i % 4], "licence": "", "text": text(4)} for i in range(400)]
    stories += [dict(row, text=row["text"] + "\nThe end.") for row in stories[::7]]
    stories += [dict(row, text=row["text"].upper()) for row in stories[::9]]
    write("stories.jsonl.gz", stories)
    write("wiki_leads.jsonl.gz", [{"title": f"T{i}", "text": text(3)} for i in range(20)])
    with gzip.open(folder / "tatoeba_en.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(sentence(draw) for _ in range(50)))
    return tmp_path / "data"


def test_nothing_held_out_is_trained_on(data: Path) -> None:
    texts = read_texts(data)
    assert [book.title for book in texts.books] == ["A/Book 24"]
    assert len(texts.stories) == 150
    assert len(texts.training["plain"]) + len(texts.training["ornate"]) == 59
    held = {s for d in (*texts.books, *texts.stories) for s in long_sentences(d.text)}
    trained = {s for kind in texts.training.values() for t in kind for s in long_sentences(t)}
    assert len(held) > 500
    assert held.isdisjoint(trained)
    assert texts.training["plain"][3].endswith("\nThe end.")  # only the quotation is gone


def test_no_row_comes_from_a_held_out_document(data: Path, tmp_path: Path) -> None:
    corpus = prepare(data, tmp_path, 280, None, log=lambda _: None)
    trained = [corpus.tokenizer.decode(t.ids.tolist()) for t in corpus.training.values()]
    for document in (*corpus.books, *corpus.stories):
        for line in document.text.split("\n"):
            assert line == "The end." or not any(line in text for text in trained)


def test_prepared_corpus_is_taken_again(data: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    first = prepare(data, tmp_path, 280, None, lines.append)
    read = len(lines)
    second = prepare(data, tmp_path, 280, None, lines.append)
    assert len(lines) == read
    assert first.books == second.books
    assert first.stories == second.stories
    for kind, tokens in first.training.items():
        assert (tokens.ids == second.training[kind].ids).all()
        assert (tokens.starts == second.training[kind].starts).all()
