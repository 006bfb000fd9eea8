"""Settings: no foreign code, no way out of the folder, no absurd sizes, at any depth."""

import pytest

from tfcli.errors import UnsafeModelError
from tfcli.models.settings import is_plain, require_no_code, require_tame


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
    assert attentions == {"eager", *ALL_ATTENTION_FUNCTIONS.valid_keys()} - {"paged|eager"}
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


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a\\b", "C:a", "a\0", 3, None])
def test_a_plain_name_has_no_way_in_it(name):
    assert not is_plain(name)
    assert is_plain("model-00001-of-00002.safetensors")
