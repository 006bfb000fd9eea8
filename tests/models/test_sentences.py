"""Sentences: where they end in several scripts, that nothing is lost, and in linear time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.models.sentences import joined, says, sentences, trim

CASES = [
    # English: titles, initials, abbreviations inside, numbers.
    ["Mr. Smith met Dr. Jones, Ph.D., at 3 p.m. on Monday.", "Did he like it?", "Yes!"],
    ["The U.S. economy grew 3.5 percent.", "Sales at Acme Inc. rose, too."],
    ["J. R. R. Tolkien wrote it.", "No. 5 is alive.", "He said no.", "See e.g. Table 2."],
    ["What?!", "Really??", "OK...", "They left... and came back.", "Visit example.com."],
    ['"Stop!" he cried.', '"Why?" she asked.', "(It was late.)", 'He said: "I am tired."', "Bye"],
    ["1. First point.", "2. Second point.", "Thanks, etc., to all."],
    # German: ordinals, spaced abbreviations, its own quotes.
    ["Am 3. Oktober 1990 war es so weit.", "Das ist z. B. ein Test, d. h. ein Versuch."],
    ["Er sagte: „Ich komme nicht.“", "Dann ging er.", "»Nein!«", "»Ja.«", "Sie blieb."],
    ["Friedrich II. war König.", "Er starb im 18. Jahrhundert.", "Es war Nr. 5, ca. 3,50 Euro."],
    # French: spaces inside of quotes.
    ["M. Dupont est arrivé.", "« Bonjour ! » dit-il.", "Mme. Martin vit à St. Denis."],
    # Other ends.
    ["मैं घर जा रहा हूँ।", "तुम कहाँ हो?", "ठीक है।"],
    ["كيف حالك؟", "أنا بخير."],
]
SPACELESS = [
    ["你好。", "今天天气很好！", "你去哪里？", "我去北京……他说：“我不去。”然后他走了。"],
    ["“我不去。”", "“为什么？”他问。", "（见图3.5。）第二句；第三句。"],
    ["彼は「行かない。」と言った。", "そして帰った。", "本当ですか？！", "はい"],
]
texts = st.text(alphabet="abÉ 1.!?\n\r\t\"'()“”«»…。！？,\u3000\u2028\u0301😀\x00", max_size=60)


def split(text):
    return [text[slice(*span)] for span in sentences(text)]


@pytest.mark.parametrize("expected", CASES, ids=lambda case: case[0][:24])
def test_sentences_end_where_a_reader_says(expected):
    assert split(" ".join(expected)) == expected


@pytest.mark.parametrize("expected", SPACELESS, ids=lambda case: case[0])
def test_sentences_without_spaces_between(expected):
    assert split("".join(expected)) == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n \n", "\u2028", "\x85"])
def test_a_line_end_always_ends_a_sentence(end):
    assert split(f"the end{end}of a line. Then") == ["the end", "of a line.", "Then"]


@given(texts)
def test_between_sentences_is_white_space_only(text):
    place = 0
    for begin, end in sentences(text):
        assert place <= begin < end
        assert not text[place:begin].strip()
        assert text[begin:end] == text[begin:end].strip()
        place = end
    assert not text[place:].strip()


@given(texts)
def test_joined_gives_the_text_back(text):
    spans = sentences(text)
    whole = joined(text, spans, [text[slice(*span)] for span in spans])
    assert whole.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "others", "expected"),
    [
        (" One.  Two.\r\n\r\n\tThree. \n", ["A", "B", "C"], " A  B\r\n\r\n\tC \n"),
        ("One. Two.", ["一。", "二。"], "一。二。"),
        ("“One.” Two.", ["“一。”", "二"], "“一。”二"),
        ("One. Two.", ["하나.", "둘."], "하나. 둘."),
        ("一。二！三", ["One.", "Two!", "Three"], "One. Two! Three"),
        ("One. Two.", ["", "B"], " B"),
        ("One. 😀 Two.", ["Eins 😀", "Zwei"], "Eins 😀 Zwei"),
        ("- - -", [], "- - -"),
    ],
)
def test_what_stands_between_stays_but_for_the_space_of_a_script(text, others, expected):
    assert joined(text, sentences(text)[: len(others)], others) == expected


@pytest.mark.parametrize(
    "part", [".", '!"', "No. ", "(", "“", "». ", "你。", "A. ", "' ", ".\u0301", " "]
)
def test_the_time_is_linear(part):
    """A quadratic rule would take minutes."""
    assert "".join(split(part * 20_000)).replace(" ", "") == (part * 20_000).replace(" ", "")


def test_what_says_nothing():
    assert not any(map(says, ["", "---", "***", "😀 …", "。"]))
    assert all(map(says, ["a", "42", "你", "- é"]))


def test_trim():
    assert trim("a  b c \u3000d", 1, 8) == (3, 6)
    assert trim("   ", 0, 3) == (3, 3)
