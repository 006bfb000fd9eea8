"""Settings: no foreign code, no way out of the folder, no absurd sizes, at any depth."""

import json

import pytest

from tfcli.errors import ModelNotFoundError, UnsafeModelError
from tfcli.models.settings import (
    read_json,
    require_content,
    require_no_code,
    require_own_code,
    require_own_words,
    require_special_tokens,
    require_tame,
)


def nested(content, depth):
    for level in range(depth):
        content = {f"level_{level}": [content]} if level % 2 else {"text_config": content}
    return content


def assert_refused(settings, match):
    with pytest.raises(UnsafeModelError, match=match):
        require_tame("config.json", settings)


@pytest.mark.parametrize("depth", [0, 1, 2, 7])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_attn_implementation", "evil/kernel"),
        ("attn_implementation", "evil/kernel@main:run"),
        ("_attn_implementation_internal", "kernels-community/flash-attn2"),
        ("_attn_implementation_autoset", "evil/kernel"),
        ("attn_implementation", {"": "sdpa", "vision": "evil/kernel"}),
        ("attn_implementation", {"text_config": {"": "evil/kernel"}}),
        ("attn_implementation", ["evil/kernel"]),
        ("attn_implementation", 3),
        ("attn_implementation", "paged|evil/kernel"),
        ("my_attn_implementation_x", "no-such"),
        ("_experts_implementation", "evil/experts"),
        ("experts_implementation", {"": "evil/experts"}),
        ("experts_implementation", "deepgemm"),
        ("experts_implementation", "sdpa"),
    ],
)
def test_an_implementation_from_a_repository_is_refused_at_all_depths(key, value, depth):
    assert_refused(nested({key: value}, depth), f"config.json wants foreign code for {key}")


@pytest.mark.parametrize(
    "settings",
    [
        {"_attn_implementation": None},
        {"_attn_implementation_autoset": True},
        *({"attn_implementation": name} for name in ("eager", "sdpa", "flash_attention_2")),
        {"attn_implementation": {"": "sdpa", "text_config": "eager"}},
        {"experts_implementation": "grouped_mm"},
        {"trust_remote_code": False},
        {"tokenizer_class": None},
        *({"tokenizer_class": f"{name}"} for name in ("BertTokenizer", "T5TokenizerFast")),
        *({"tokenizer_class": name} for name in ("TokenizersBackend", "PreTrainedTokenizerFast")),
        {"configuration_files": ["config.4.0.0.json"]},
        {"transformers_weights": "model.safetensors"},
        {"num_hidden_layers": 128, "vocab_size": 262_144, "rope_theta": 5_000_000_000},
        {"max_position_embeddings": 10_485_760, "num_labels": 21_841, "depths": [2, 2, 18, 2]},
        {"model_max_length": int(1e30), "layer_norm_eps": 1e-12, "hidden_size": None},
    ],
    ids=str,
)
def test_what_ordinary_models_say_is_let_through(settings):
    require_tame("config.json", nested(settings, 3))


def test_all_names_are_really_built_into_transformers():
    from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    from tfcli.models.settings import _BUILT_IN

    attentions = {name.removeprefix("paged|") for name in _BUILT_IN["attn_implementation"]}
    assert attentions == {"eager", *ALL_ATTENTION_FUNCTIONS.valid_keys()} - {"paged|eager", "tfcli"}
    assert _BUILT_IN["experts_implementation"] <= {"eager", *ALL_EXPERTS_FUNCTIONS.valid_keys()}


@pytest.mark.parametrize("depth", [0, 3])
@pytest.mark.parametrize("value", [True, "true", 1])
def test_a_model_does_not_decide_whether_it_is_trusted(value, depth):
    assert_refused(nested({"trust_remote_code": value}, depth), "not its to set")


@pytest.mark.parametrize(
    "name", ["BertModel", "pipeline", "AutoTokenizer", "AutoModel", 3, {"a": 1}]
)
def test_a_tokenizer_class_is_a_tokenizer(name):
    assert_refused({"tokenizer_class": name}, "as tokenizer_class: it is none")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("configuration_files", ["../config.4.json"]),
        ("configuration_files", ["config.4.json", "/tmp/config.5.json"]),
        ("configuration_files", "config.4.json"),
        ("fast_tokenizer_files", ["sub/tokenizer.4.json"]),
        ("transformers_weights", "../model.safetensors"),
        ("transformers_weights", "pytorch_model.bin"),
        ("transformers_weights", "adapter_model.bin"),
        ("transformers_weights", ["model.safetensors"]),
    ],
)
def test_no_setting_leads_out_of_the_folder(key, value):
    assert_refused({key: value}, f"config.json leads out of its folder: {key}")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("num_hidden_layers", 10**9), ("n_layer", 10**5), ("encoder_layers", 1e9)),
        *(("depths", [2, 10**9]), ("num_labels", 10**12), ("vocab_size", 10**12)),
        *(("hidden_size", 1 << 40), ("max_position_embeddings", 1 << 60), ("d_model", 10**18)),
    ],
)
def test_sizes_that_no_model_has_are_refused(key, value):
    assert_refused(nested({key: value}, 1), f"declares {key} .*: no model has so many")


def test_nesting_has_an_end():
    assert_refused(nested({"a": 1}, 60), "nested too deep")
    require_tame("config.json", nested({"a": 1}, 20))


def test_code_is_wanted_only_where_transformers_has_none():
    require_no_code({"model_type": "nobody-knows"}, {})
    require_no_code({"model_type": "bert", "auto_map": {"AutoConfig": "x.X"}}, {})
    mapped = {"auto_map": {"AutoTokenizer": ["x.X", None]}}
    require_no_code({"model_type": "bert"}, mapped)
    require_no_code({"model_type": "timesfm"}, {**mapped, "tokenizer_class": "BertTokenizerFast"})


@pytest.mark.parametrize("config", [{"auto_map": {"AutoConfig": "x.X"}}, {"model_type": 3}])
def test_code_is_refused_where_it_is_wanted(config):
    with pytest.raises(UnsafeModelError, match="wants code of its author's"):
        require_no_code({"auto_map": "x", **config}, {})


@pytest.mark.parametrize("flagged", ["RagTokenizer", "RagTokenizerFast"])
def test_tokenizers_that_read_other_folders_are_refused(flagged):
    assert_refused({"tokenizer_class": flagged}, "as tokenizer_class: it is none")
    assert_refused(nested({"model_type": "rag"}, 1), "whose tokenizers lie elsewhere")


@pytest.mark.parametrize(
    "settings",
    [
        *({"vocab": value} for value in ("/outside/vocab.txt", "vocab.txt", 0, True)),
        *({"merges": "/outside/merges.txt"}, {"entity_vocab": "/outside"}, {"target_vocab": "x"}),
        *({"vocab_file": "../vocab.txt"}, {"tokenizer_file": "/outside"}, {"merges_file": 0}),
        *({"source_spm": "a/b"}, {"sp_model_kwargs": {"model_file": "/outside"}}),
        {"sudachi_kwargs": {"sudachi_config_path": "/outside"}},
    ],
    ids=str,
)
def test_a_tokenizer_is_made_of_no_files_elsewhere(settings):
    with pytest.raises(UnsafeModelError, match=r"tokenizer_config\.json leads out of its folder"):
        require_own_words("tokenizer_config.json", settings)


@pytest.mark.parametrize(
    "settings",
    [
        *({"init_inputs": ["/outside"]}, {"gguf_file": "x.gguf"}, {"tokenizer_object": "x"}),
        *({"tokenizer_padding": {"length": 1 << 40}}, {"_json_padding": {"length": 1 << 40}}),
        {"mecab_kwargs": {"mecab_option": "-d /outside"}},
    ],
    ids=str,
)
def test_a_tokenizer_is_made_of_its_files_alone(settings):
    with pytest.raises(UnsafeModelError, match="which is not its to set"):
        require_own_words("tokenizer_config.json", settings)


ADDED = {"content": "<s>", "lstrip": False, "normalized": True, "special": True}


@pytest.mark.parametrize(
    "settings",
    [
        {"do_lower_case": True, "model_max_length": 512},
        {"do_lower_case": False, "max_len": 512, "init_inputs": []},
        {  # the MiniLM of sentence-transformers, Galactica: a folder of their author's
            "name_or_path": "/content/tokenizer",
            "special_tokens_map_file": "/home/author/.cache/x/special_tokens_map.json",
            "never_split": None,
            "tokenizer_class": "BertTokenizer",
        },
        {  # Llama, T5, Qwen
            "added_tokens_decoder": {"0": ADDED, "1": ADDED},
            "sp_model_kwargs": {},
            "extra_ids": 100,
            "additional_special_tokens": ["<extra_id_0>"],
            "chat_template": "{% for m in messages %}{{ m }}/{% endfor %}",
            "bos_token": ADDED,
            "add_prefix_space": None,
            "backend": "tokenizers",
            "is_local": True,
        },
        {"vocab_file": None, "tokenizer_file": None, "merges_file": "merges.txt"},
        {"source_lang": "en", "target_lang": "zh", "separate_vocabs": False, "mecab_kwargs": None},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_what_ordinary_tokenizers_say_is_let_through(settings):
    require_own_words("tokenizer_config.json", settings)


def test_what_the_tokenizers_of_transformers_save_is_let_through(tmp_path):
    import transformers

    names = ("Bert", "Roberta", "GPT2", "Qwen2", "Llama", "T5", "XLMRoberta", "Albert", "Gemma")
    for name in names:
        getattr(transformers, f"{name}Tokenizer")().save_pretrained(tmp_path / name)
        require_own_words("t", json.loads((tmp_path / name / "tokenizer_config.json").read_text()))


@pytest.mark.parametrize("key", ["vocab", "tokenizer_file", "name_or_path", "gguf_file"])
def test_special_tokens_are_no_settings(key):
    named = {"bos_token": ADDED, "additional_special_tokens": [], "image_token": "<i>"}
    require_special_tokens("special_tokens_map.json", named)
    with pytest.raises(UnsafeModelError, match=f"{key}', which is no special token"):
        require_special_tokens("special_tokens_map.json", {**named, key: "/outside"})


@pytest.mark.parametrize(
    "mapped",
    [
        {"AutoConfig": "org/other--mine.Config"},
        {"AutoTokenizer": ["mine.Slow", "org/other--mine.Fast"]},
        "org/other--mine.Config",
    ],
    ids=str,
)
@pytest.mark.parametrize("depth", [0, 2])
def test_code_of_another_repository_is_never_wanted(mapped, depth):
    with pytest.raises(UnsafeModelError, match="code of another repository to run, 'org/other'"):
        require_own_code("config.json", nested({"auto_map": mapped}, depth))


def test_code_of_its_own_lies_in_the_folder():
    require_own_code("config.json", {"auto_map": {"AutoTokenizer": ["my-code.Mine", None]}})
    with pytest.raises(UnsafeModelError, match="leads out of its folder"):
        require_own_code("config.json", {"auto_map": {"AutoConfig": "../evil.Evil"}})


def test_a_key_that_comes_twice_is_refused_where_another_reader_may_take_the_other(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text('{"type": "Fuse", "x": {"a": 1, "b": 2, "a": 3}}')
    assert read_json(path, 1)["x"]["a"] == 3
    with pytest.raises(ModelNotFoundError, match=r"tokenizer\.json has the key 'a' twice"):
        read_json(path, 1, strict=True)


def test_a_pointer_of_git_lfs_is_told_from_weights(tmp_path):
    pointer = tmp_path / "model.safetensors"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(ModelNotFoundError, match="is a pointer of Git LFS; type: git lfs pull"):
        require_content(pointer)
    pointer.write_bytes(b"\x08" + b"\0" * 7)
    require_content(pointer)
