"""The head of a GGUF file: where it lies about lengths and counts, that is found out."""

import io
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hostile import refused
from hypothesis import given
from hypothesis import strategies as st
from tiny_gguf import head, patch, setting, text

from tfcli.errors import ModelNotFoundError, TfcliError, UnsafeModelError
from tfcli.models import gguf_head
from tfcli.models.gguf_head import Strings, read_head

UINT32, STRING, ARRAY, UINT64 = 4, 8, 9, 10


class TestASoundHead:
    def test_is_read_as_the_package_gguf_reads_it(self, gguf_file):
        from gguf import GGUFReader

        theirs, ours = GGUFReader(gguf_file), read_head(gguf_file)
        assert ours.tensors == {one.name: tuple(one.shape.tolist()) for one in theirs.tensors}
        assert ours.elements == sum(one.n_elements for one in theirs.tensors)
        for name, value in ours.settings.items():
            contents = theirs.fields[name].contents()
            if isinstance(value, Strings):
                assert value.count == len(contents)
            else:
                assert value == (tuple(contents) if isinstance(value, tuple) else contents)

    @pytest.mark.parametrize("kind", range(13))
    def test_may_hold_settings_of_every_kind(self, kind, tmp_path):
        single = {STRING: text("é"), ARRAY: struct.pack("<IQH", 2, 1, 7)}
        sizes = {0: 1, 1: 1, 2: 2, 3: 2, 7: 1, 10: 8, 11: 8, 12: 8}
        (tmp_path / "x").write_bytes(
            head(setting("a", kind, single.get(kind, bytes(sizes.get(kind, 4)))))
        )
        assert read_head(tmp_path / "x").settings == {"a": {STRING: "é", ARRAY: (7,)}.get(kind, 0)}


class TestNoGguf:
    def test_what_begins_otherwise_is_none(self, gguf_copy):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("data.pkl", b"garbage")
        for data in (b"", b"GGU", packed.getvalue(), b"GGJT" + bytes(64)):
            gguf_copy.write_bytes(data)
            with refused(ModelNotFoundError, "is no GGUF file"):
                read_head(gguf_copy)

    def test_a_pointer_of_git_lfs_is_told_from_one(self, gguf_copy):
        gguf_copy.write_text("version https://git-lfs.github.com/spec/v1\n")
        with refused(ModelNotFoundError, "type: git lfs pull"):
            read_head(gguf_copy)

    @pytest.mark.parametrize(
        ("version", "said"), [(1, "version 1;"), (4, "version 4;"), (3 << 24, "other machines")]
    )
    def test_versions_that_nobody_reads(self, gguf_copy, version, said):
        patch(gguf_copy, b"GGUF", "I", version)
        with refused(ModelNotFoundError, said):
            read_head(gguf_copy)


class TestCutOff:
    def test_at_any_place(self, gguf_file, gguf_copy):
        data = gguf_file.read_bytes()
        for length in range(0, len(data), 101):
            gguf_copy.write_bytes(data[:length])
            with pytest.raises(ModelNotFoundError):
                read_head(gguf_copy)

    def test_is_said(self, gguf_file, gguf_copy):
        gguf_copy.write_bytes(gguf_file.read_bytes()[:-4])
        with refused(ModelNotFoundError, r"cut off: the tensor '.*' is not all there"):
            read_head(gguf_copy)

    @given(st.data())
    def test_or_damaged_is_an_error_or_a_head(self, data):
        """Not a crash, and no other error than ours."""
        numbers = st.sampled_from([0, 1, 2, 4, 8, 9, 255, 1 << 31, (1 << 64) - 1])
        parts = st.one_of(
            st.binary(max_size=8),
            numbers.map(lambda number: struct.pack("<Q", number)),
            numbers.map(lambda number: struct.pack("<I", number & 0xFFFFFFFF)),
            st.sampled_from([text("general.alignment"), text("tokenizer.ggml.tokens")]),
        )
        path = Path("damaged.gguf")
        path.write_bytes(b"GGUF" + struct.pack("<I", 3) + b"".join(data.draw(st.lists(parts))))
        with suppress(TfcliError):
            read_head(path)


class TestAbsurdHeads:
    """Each is refused in the moment it is read, whatever it would have had transformers make."""

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (head(count=1 << 60), "declares 1,152,921,504,606,846,976 settings"),
            (head(tensors=1 << 60), "declares 1,152,921,504,606,846,976 tensors"),
            (
                head(setting("a", ARRAY, struct.pack("<IQ", UINT32, 1 << 60))),
                "declares .* values in lists",
            ),
            (
                head(
                    setting(
                        "a",
                        ARRAY,
                        struct.pack("<IQ", STRING, 70) + text("a" * gguf_head.LONGEST_TOKEN) * 70,
                    )
                ),
                "declares .* halves of tokens",
            ),
            (
                head(setting("a", STRING, text("a" * (gguf_head.LONGEST_TEXT + 1)))),
                "declares 1,048,577 bytes in one text",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_with_too_much_of_something(self, gguf_copy, data, said):
        gguf_copy.write_bytes(data)
        with refused(UnsafeModelError, said):
            read_head(gguf_copy)

    def test_that_have_no_end(self, gguf_copy, monkeypatch):
        monkeypatch.setattr(gguf_head, "HEAD_MB", 0)
        with refused(UnsafeModelError, "more than 0 MiB"):
            read_head(gguf_copy)

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (head(setting("a", 13, b"")), "unknown kind 13"),
            (head(setting("a", ARRAY, struct.pack("<IQ", ARRAY, 1))), "unknown kind 9"),
            (head(*[setting("a", UINT32, bytes(4))] * 2), "the setting 'a' twice"),
            (head(setting("a", STRING, struct.pack("<Q", 1 << 62))), "cut off"),
            (head(struct.pack("<Q", 1) + b"\xff"), "not UTF-8"),
            (head(setting("general.alignment", UINT32, struct.pack("<I", 3))), "alignment is 3"),
            (head(setting("general.alignment", UINT64, bytes(8))), "alignment is 0"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_that_are_broken(self, gguf_copy, data, said):
        gguf_copy.write_bytes(data)
        with refused(ModelNotFoundError, said):
            read_head(gguf_copy)

    @pytest.mark.parametrize(
        ("form", "numbers", "skip", "said"),
        [
            ("I", (0,), 0, "has 0 dimensions"),
            ("I", (5,), 0, "has 5 dimensions"),
            ("Q", (0,), 4, "cannot have the shape"),
            ("QQ", (1 << 40, 1 << 40), 4, "cut off"),
            ("I", (36,), 20, "unknown type 36"),
            ("Q", (1 << 63,), 24, "cut off"),
        ],
    )
    def test_of_which_a_tensor_lies(self, gguf_copy, form, numbers, skip, said):
        patch(gguf_copy, text("token_embd.weight"), form, *numbers, skip=skip)
        with refused(ModelNotFoundError, said):
            read_head(gguf_copy)

    def test_with_a_tensor_twice(self, gguf_copy):
        data = gguf_copy.read_bytes().replace(
            text("blk.1.attn_k.weight"), text("blk.0.attn_k.weight")
        )
        gguf_copy.write_bytes(data)
        with refused(ModelNotFoundError, r"the tensor 'blk\.0\.attn_k\.weight' twice"):
            read_head(gguf_copy)
