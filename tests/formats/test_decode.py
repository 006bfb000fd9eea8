"""Bytes to text: what cannot be decoded is kept, and said."""

import io

import pytest

from tfcli.errors import UsageError
from tfcli.formats.decode import check_decoded, check_encoding, chunks_of, text_of


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13", "undefined", "\udcff", ""])
def test_what_is_no_text_encoding_is_a_usage_error(encoding):
    with pytest.raises(UsageError, match="There is no encoding"):
        check_encoding(encoding)


def test_text_that_was_decoded_is_sound():
    assert check_decoded("学习 😀 \x00", "utf-8") is None


def test_a_byte_that_was_not_is_named_with_its_place():
    text = text_of(io.BytesIO(b"caf\xe9 au lait"), "utf-8", "\n").read()
    assert check_decoded(text, "utf-8") == (
        "encoding",
        "not utf-8: byte 0xe9 at character 4 (is it --encoding gb18030 or latin-1?)",
    )


def test_half_a_character_is_something_else():
    assert check_decoded("a\ud83d", "utf-8") == ("encoding", "holds half a character, U+D83D")


def test_chunks_join_characters_that_were_cut_in_two():
    class Slow(io.BytesIO):
        def read1(self, size=-1):
            return self.read(1)

    data = "学习 😀".encode()
    assert "".join(chunks_of(Slow(data), "utf-8")) == "学习 😀"
