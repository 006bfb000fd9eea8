"""Bombs in tokenizer.json: refused; all ordinary tokenizers pass, and the bound is one."""

import base64
import json
import struct
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfcli.errors import UnsafeModelError
from tfcli.models.expansion import _grown, require_bounded

DOUBLING = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
BYTES = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
UNHARMED = {"pattern": {"String": "aaaa"}, "content": ""}
META = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}


def charsmap(*texts):
    """A map like sentencepiece's: a trie (left out here), then the texts."""
    return base64.b64encode(struct.pack("<I", 0) + b"\0".join([*texts, b""])).decode()


def rows(kind, steps):
    return {"type": "Sequence", kind: steps}


def template(single, **specials):
    ids = {
        key: {"id": key, "ids": ids, "tokens": [key] * len(ids)} for key, ids in specials.items()
    }
    return {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": ids}


def text(name="A"):
    return {"Sequence": {"id": name, "type_id": 0}}


def special(name):
    return {"SpecialToken": {"id": name, "type_id": 0}}


def assert_refused(match, **parts):
    with pytest.raises(UnsafeModelError, match=match):
        require_bounded("tokenizer.json", parts)


@pytest.mark.parametrize(
    "steps",
    [
        rows("normalizers", [DOUBLING] * 40),
        rows("normalizers", [rows("normalizers", [DOUBLING] * 8)] * 5),
        rows("normalizers", [{"pattern": {"String": "a"}, "content": "aa"}] * 40),
        rows("normalizers", [{"type": "Replace", "pattern": {"Regex": ""}, "content": "a"}] * 20),
        rows("normalizers", [{"type": "Replace", "pattern": {"String": ""}, "content": "a"}] * 20),
        {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 20_000},
        {"type": "Prepend", "prepend": "a" * (2 << 20)},
        rows("normalizers", [{"type": "Prepend", "prepend": "a" * 1024}, *[DOUBLING] * 12]),
        {"type": "Precompiled", "precompiled_charsmap": charsmap(b"x" * 20_000, b"y")},
        rows(
            "normalizers",
            [{"type": "Precompiled", "precompiled_charsmap": charsmap(b"x" * 33)}] * 3,
        ),
        rows("normalizers", [{"type": "ByteLevel"}] * 20),
        rows("normalizers", [{"type": "OfTomorrow"}] * 20),
        rows("decoders", [{"type": "BPEDecoder", "suffix": ""}] * 20),
        rows("decoders", [{"type": "WordPiece", "prefix": "##", "cleanup": False}] * 20),
        rows("normalizers", [{**DOUBLING, "decoders": []}] * 40),
        rows("normalizers", [{**DOUBLING, "normalizers": [], "processors": None}] * 40),
        rows("normalizers", [{**DOUBLING, "type": "Split"}] * 40),
        rows("decoders", [{**DOUBLING, "type": "Prepend", "prepend": ""}] * 40),
        rows("normalizers", [{**UNHARMED, "type": "Prepend", "prepend": "a" * 1024}] * 2),
        {**UNHARMED, "normalizers": [DOUBLING] * 40},
        {
            **UNHARMED,
            "type": "Precompiled",
            "precompiled_charsmap": charsmap(b"x" * 20_000, b"y"),
        },
    ],
    ids=lambda steps: json.dumps(steps)[:60],
)
@pytest.mark.parametrize("part", ["normalizer", "pre_tokenizer", "decoder"])
def test_steps_that_blow_up_a_text_are_refused(steps, part):
    shown = "decoder" if part == "decoder" else "normalizer"
    assert_refused(f"The {shown} of tokenizer.json can blow up a text", **{part: steps})


def test_normalizer_and_pre_tokenizer_multiply():
    half = rows("normalizers", [DOUBLING] * 8)
    require_bounded("tokenizer.json", {"normalizer": half})
    assert_refused("blow up a text", normalizer=half, pre_tokenizer=half)


def test_steps_without_end_are_refused():
    steps = rows("pretokenizers", [{"type": "Digits"}] * 1001)
    assert_refused("pre_tokenizer of tokenizer.json has more than 1,000 steps", pre_tokenizer=steps)


@pytest.mark.parametrize(
    "processor",
    [
        template([text()] * 11),
        template([text(), *[special("X")] * 1001], X=[1]),
        template([text(), special("X")], X=[1] * 1001),
        {**template([text()]), "pair": [text(), *[text("B")] * 11]},
        rows("processors", [template([text(), text()])] * 4),
        rows("processors", [{"single": [text(), text()]}] * 4),
        {**rows("processors", []), "single": [text()] * 11},
        {"type": "BertProcessing", "single": [text()] * 11},
    ],
    ids=lambda processor: json.dumps(processor)[:60],
)
def test_processors_that_add_tokens_without_bound_are_refused(processor):
    assert_refused("post_processor of tokenizer.json adds tokens", post_processor=processor)


@pytest.mark.parametrize(
    "padding",
    [
        {"strategy": {"Fixed": 10**12}},
        {"strategy": "BatchLongest", "pad_to_multiple_of": 10**12},
    ],
)
def test_padding_without_bound_is_refused(padding):
    assert_refused("tokenizer.json pads every text", padding=padding)
    require_bounded("tokenizer.json", {"padding": {"strategy": {"Fixed": 512}}})


@pytest.mark.parametrize("step", [["a"], [{"String": "a"}, "aa"], [[DOUBLING]], "NFC", 3, None])
def test_steps_by_position_are_no_tokenizer(step):
    """tokenizers takes the first for a Prepend, the second for a Replace."""
    for part in ("normalizer", "decoder"):
        with pytest.raises(ValueError, match="no object"):
            require_bounded("t", {part: rows("normalizers", [step])})


def test_parts_that_are_not_what_they_say_are_no_tokenizer():
    for charsmap_ in ("AA==", "x", 3):
        with pytest.raises((ValueError, TypeError)):
            require_bounded("t", {"normalizer": {"precompiled_charsmap": charsmap_}})


@pytest.mark.parametrize(
    "name",
    [
        *("BertTokenizer", "RobertaTokenizer", "GPT2Tokenizer", "CLIPTokenizer", "Qwen2Tokenizer"),
        *("LlamaTokenizer", "GemmaTokenizer", "T5Tokenizer", "XLMRobertaTokenizer"),
        *("AlbertTokenizer", "DebertaV2Tokenizer", "SeamlessM4TTokenizer", "WhisperTokenizer"),
    ],
)
def test_the_tokenizers_of_transformers_pass(name):
    import transformers

    require_bounded("t", json.loads(getattr(transformers, name)()._tokenizer.to_str()))


@pytest.mark.parametrize(
    "content",
    [
        {  # Llama 2
            "normalizer": rows(
                "normalizers",
                [
                    {"type": "Prepend", "prepend": "▁"},
                    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
                ],
            ),
            "pre_tokenizer": None,
            "post_processor": template([special("<s>"), text()], **{"<s>": [1]}),
        },
        {  # Llama 3
            "normalizer": None,
            "pre_tokenizer": rows("pretokenizers", [{"type": "Split", "pattern": {}}, BYTES]),
        },
        {  # T5, whose map makes 33 bytes of one letter
            "normalizer": rows(
                "normalizers",
                [
                    {"type": "Precompiled", "precompiled_charsmap": charsmap(b"x" * 33)},
                    {"type": "Strip"},
                    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"},
                ],
            ),
            "pre_tokenizer": META,
            "padding": None,
        },
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": None}},
        {"normalizer": {"type": "NFKC"}, "decoder": {"type": "WordPiece", "prefix": "##"}},
    ],
    ids=lambda content: str(content)[:40],
)
def test_tokenizers_of_well_known_models_pass(content):
    require_bounded("tokenizer.json", content)


steps = st.one_of(
    st.builds(
        lambda old, new: {"type": "Replace", "pattern": {"String": old}, "content": new},
        st.text("ab ", min_size=1, max_size=2),
        st.text("ab ", max_size=3),
    ),
    st.builds(
        lambda old, new: {"type": "Replace", "pattern": {"Regex": old}, "content": new},
        st.sampled_from(["a*", " {2,}", "^", "b|", "(?=a)"]),
        st.text("ab ", max_size=3),
    ),
    st.builds(lambda text: {"type": "Prepend", "prepend": text}, st.text("ab▁", min_size=1)),
    st.sampled_from([{"type": name} for name in ("ByteLevel", "Lowercase", "NFC", "StripAccents")]),
    st.just(
        {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        }
    ),
)


@contextmanager
def suppress_panic():
    """Pass over a text that tokenizers cannot follow (its panics are no Exception)."""
    try:
        yield
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":
            raise


decoys = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("normalizers", "pretokenizers", "processors", "decoders"), st.just([])),
        "pattern": st.sampled_from([{"String": "aaaa"}, {"Regex": "a"}, {}, None]),
        **dict.fromkeys(("content", "prepend", "replacement"), st.sampled_from(["", "a", None])),
        "precompiled_charsmap": st.sampled_from([None, charsmap(b"x")]),
        **dict.fromkeys(("single", "pair"), st.sampled_from([None, []])),
        "added": st.none(),
    },
)
kinds = st.sampled_from(["Prepend", "Fuse", "Split", "replace", "Sequence", "", None, 3])


@given(st.lists(st.tuples(steps, decoys), min_size=1, max_size=5))
def test_no_key_lowers_the_bound(chosen):
    plain = rows("normalizers", [step for step, _ in chosen])
    dressed = rows("normalizers", [{**decoy, **step} for step, decoy in chosen])
    for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        least, bound = (_grown("t", part, {part: content}) for content in (plain, dressed))
        assert bound.factor >= least.factor
        assert bound.added >= least.added


def assert_bounded(part, content, text):
    """The bound is held against what tokenizers really does, if it takes such a part."""
    from tokenizers import Tokenizer

    model = {"type": "WordLevel", "vocab": {"x": 0}, "unk_token": "x"}
    whole = {"version": "1.0", part: content, "added_tokens": [], "model": model}
    try:
        tokenizer = Tokenizer.from_str(json.dumps(whole))
    except Exception:
        return
    bound = _grown("t", part, {part: content})
    with suppress_panic():
        if part == "normalizer":
            real = tokenizer.normalizer.normalize_str(text)
        else:
            real = tokenizer.decoder.decode([text])
        assert len(real.encode()) <= bound.factor * len(text.encode()) + bound.added


@given(st.lists(steps, min_size=1, max_size=5), st.text("ab ü中", max_size=20))
def test_no_text_grows_beyond_the_bound(chosen, text):
    assert_bounded("normalizer", rows("normalizers", chosen), text)


@given(
    st.lists(st.tuples(steps, decoys), min_size=1, max_size=4), kinds, st.text("ab ü", max_size=9)
)
def test_nor_where_types_are_wrong_and_keys_are_decoys(chosen, kind, text):
    for part, key in (("normalizer", "normalizers"), ("decoder", "decoders")):
        for typed in ({}, {"type": kind}):
            dressed = [{**decoy, **step, **typed} for step, decoy in chosen]
            assert_bounded(part, rows(key, dressed), text)
            assert_bounded(part, dressed[0], text)
        untyped = [{k: v for k, v in step.items() if k != "type"} for step, _ in chosen]
        assert_bounded(part, rows(key, untyped), text)


def test_the_types_are_those_that_tokenizers_has():
    from tokenizers import decoders, normalizers, pre_tokenizers, processors

    from tfcli.models.expansion import _TYPES

    modules = (normalizers, pre_tokenizers, processors, decoders)
    for known, module in zip(_TYPES.values(), modules, strict=True):
        named = {name for name in dir(module) if name[0].isupper()}
        assert set(known) - {"Replace", "CharDelimiterSplit"} <= named
