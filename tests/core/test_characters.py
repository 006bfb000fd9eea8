import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.core.characters import json_escaped, lone_surrogate, visible, visible_lines

# A list, because st.text would make one alphabet of both, in which the acting ones are rare.
any_text = st.lists(
    st.characters(exclude_categories=())
    | st.sampled_from("\x00\x1b\r\n\t\x7f\x85\x9b\u2028\u2029\u202e\u2066\ud800\udcff")
).map("".join)


def acts(character):
    """Whether Unicode says that it controls, overrides, ends a line, or is half a character."""
    bidi = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in bidi
    )


@given(any_text)
def test_nothing_visible_acts(text):
    assert not any(map(acts, visible(text)))


@given(any_text)
def test_what_does_not_act_stays_as_it_is(text):
    harmless = "".join(character for character in text if not acts(character))
    assert visible(harmless) == json_escaped(harmless) == harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("a\0b", "a␀b"),
        ("tab\t, line\r\n", "tab␉, line␍␊"),
        ("\x7f", "␡"),
        ("\x9b2J", "<U+009B>2J"),
        ("abc\u202edcba", "abc<U+202E>dcba"),
        ("\udcff", "<U+DCFF>"),
        ("学习 😀", "学习 😀"),
    ],
)
def test_acting_characters_are_pictured(text, shown):
    assert visible(text) == shown


def test_lines_and_tabs_may_do_their_work():
    assert visible_lines("a\tb\n\x1b[0m\r\n") == "a\tb\n␛[0m␍\n"


@given(any_text)
def test_lines_and_tabs_are_all_that_acts_in_visible_lines(text):
    assert {c for c in visible_lines(text) if acts(c)} <= {"\n", "\t"}


@given(st.recursive(any_text, lambda inner: st.dictionaries(any_text, inner, max_size=3)))
def test_escaped_json_means_the_same_and_nothing_in_it_acts(value):
    escaped = json_escaped(json.dumps(value, ensure_ascii=False))
    assert json.loads(escaped) == json.loads(json.dumps(value))
    assert not any(map(acts, escaped))


@given(any_text)
def test_a_lone_surrogate_is_found_exactly_if_no_encoding_takes_the_text(text):
    found = lone_surrogate(text)
    if found is None:
        assert text.encode().decode() == text
    else:
        assert found in text
        with pytest.raises(UnicodeEncodeError):
            text.encode()


def test_the_first_lone_surrogate_is_named():
    assert lone_surrogate("a\udcffb\ud800") == "\udcff"
