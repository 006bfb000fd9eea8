"""What sentence-transformers' files say, in the ways of its older and newer versions."""

import json
from pathlib import Path

import pytest
from tiny_models import describe_vectors

from tfcli.errors import ModelNotFoundError, UnfitModelError, UnsafeModelError
from tfcli.models.pooling import Recipe, recipe_of

NEWER = [
    {"path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
    {
        "path": "1_Pooling",
        "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    },
    {"path": "2_Normalize", "type": "sentence_transformers.base.modules.normalize.Normalize"},
]


def told(folder, pooling="mean", normalize=True, **said):
    describe_vectors(folder, pooling, normalize, **said)
    return recipe_of(folder)


def module(kind, path="3_More"):
    return {"path": path, "type": kind if "." in kind else f"sentence_transformers.models.{kind}"}


def test_a_folder_or_a_file_that_says_nothing(tmp_path):
    assert recipe_of(tmp_path) == recipe_of(None) == Recipe()
    assert Recipe().pooling == ""


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(
    ("pooling", "ours"),
    [
        *(("mean", "mean"), ("cls", "cls"), ("max", "max"), ("lasttoken", "last")),
        ("mean_sqrt_len_tokens", "mean_sqrt_len"),
    ],
)
def test_older_files(tmp_path, pooling, ours, normalize):
    assert told(tmp_path, pooling, normalize) == Recipe(ours, normalize, longest=64)


@pytest.mark.parametrize(
    ("mode", "ours"),
    [
        *(("mean", "mean"), ("cls", "cls"), ("lasttoken", "last"), (["max"], "max")),
        *((["cls", "mean"], "cls and mean"), ("weightedmean", "weightedmean"), (7, "7")),
    ],
)
def test_newer_files(tmp_path, mode, ours):
    pooling = {"embedding_dimension": 32, "pooling_mode": mode, "include_prompt": True}
    settings = {"transformer_task": "feature-extraction", "module_output_name": "token_embeddings"}
    said = {"modules": NEWER, "1_Pooling/config": pooling, "sentence_bert_config": settings}
    assert told(tmp_path, **said) == Recipe(ours, normalize=True)


def test_several_switches_are_several_poolings(tmp_path):
    switches = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
    assert told(tmp_path, **{"1_Pooling/config": switches}).pooling == "cls and mean"


def test_no_switch_is_the_mean(tmp_path):
    assert (
        told(tmp_path, **{"1_Pooling/config": {"word_embedding_dimension": 32}}).pooling == "mean"
    )


def test_what_else_they_say(tmp_path):
    prompts = {"prompts": {"query": "q: ", "other": None}, "default_prompt_name": "query"}
    recipe = told(
        tmp_path,
        sentence_bert_config={"max_seq_length": 16, "do_lower_case": True},
        config_sentence_transformers=prompts,
        **{"1_Pooling/config": {"pooling_mode": "cls", "include_prompt": False}},
    )
    assert recipe == Recipe("cls", True, 16, True, {"query": "q: ", "other": ""}, "q: ", False)


def test_the_settings_of_a_text_may_be_named_after_the_family(tmp_path):
    describe_vectors(tmp_path, "mean", True)
    (tmp_path / "sentence_bert_config.json").unlink()
    (tmp_path / "sentence_roberta_config.json").write_text('{"max_seq_length": 9}')
    assert recipe_of(tmp_path).longest == 9


@pytest.mark.parametrize("length", [None, 0, -1, "9", True])
def test_a_length_that_is_none_is_none(tmp_path, length):
    said = {"sentence_bert_config": {"max_seq_length": length}}
    assert told(tmp_path, **said).longest is None


class TestRefused:
    @pytest.mark.parametrize(
        ("kinds", "named"),
        [
            (["Transformer", "Pooling", "Dense", "Normalize"], "Dense"),
            (["Transformer", "Pooling", "LayerNorm"], "LayerNorm"),
            (["StaticEmbedding"], "StaticEmbedding"),
            (["Transformer"], "Transformer"),
            (["Transformer", "Normalize", "Pooling"], "Transformer and Normalize and Pooling"),
            ([], "nothing"),
        ],
        ids=str,
    )
    def test_other_modules(self, tmp_path, kinds, named):
        modules = [module(kind, f"{i}_{kind}" if i else "") for i, kind in enumerate(kinds)]
        with pytest.raises(UnfitModelError, match=f"are made with {named} ") as refused:
            told(tmp_path, modules=modules)
        assert refused.value.hint

    @pytest.mark.parametrize(
        "kind", ["custom_st.Transformer", "sentence_transformersx.models.Pooling", ""]
    )
    def test_code_of_the_author(self, tmp_path, kind):
        modules = [module("Transformer", ""), module("Pooling", "1_Pooling"), {"type": kind}]
        with pytest.raises(UnfitModelError, match="names code of the author's"):
            told(tmp_path, modules=modules)

    def test_a_transformer_in_a_folder_of_its_own(self, tmp_path):
        modules = [module("Transformer", "0_BERT"), module("Pooling", "1_Pooling")]
        with pytest.raises(UnfitModelError, match="has a folder of its own, '0_BERT'"):
            told(tmp_path, modules=modules)

    @pytest.mark.parametrize(
        ("file", "said", "named"),
        [
            ("config_sentence_transformers", {"model_type": "SparseEncoder"}, "SparseEncoder"),
            ("sentence_bert_config", {"transformer_task": "fill-mask"}, "fill-mask"),
            ("config_sentence_transformers", {"truncate_dim": 64}, "truncate_dim"),
        ],
    )
    def test_what_makes_other_vectors(self, tmp_path, file, said, named):
        with pytest.raises(UnfitModelError, match=named):
            told(tmp_path, **{file: said})

    @pytest.mark.parametrize(
        "path",
        ["../1_Pooling", "/etc", "1_Pooling/..", "pooling", "", "1_Pooling/1_Pooling", None, 7],
    )
    def test_a_path_that_leads_elsewhere(self, tmp_path, path):
        modules = [module("Transformer", ""), module("Pooling", path)]
        with pytest.raises(UnsafeModelError, match="leads out of its folder"):
            told(tmp_path, modules=modules)

    def test_settings_that_are_not_there(self, tmp_path):
        describe_vectors(tmp_path, "mean", True)
        (tmp_path / "1_Pooling/config.json").unlink()
        with pytest.raises(ModelNotFoundError, match=r"names 1_Pooling/config\.json, which is not"):
            recipe_of(tmp_path)

    @pytest.mark.parametrize("content", [{}, "a", [1], None, [None]])
    def test_modules_that_are_none(self, tmp_path, content):
        with pytest.raises(ModelNotFoundError, match="is not a list of modules"):
            told(tmp_path, modules=content)

    @pytest.mark.parametrize(
        "file", ["1_Pooling/config", "sentence_bert_config", "config_sentence_transformers"]
    )
    def test_settings_that_are_no_object(self, tmp_path, file):
        with pytest.raises(ModelNotFoundError, match=f"{file}.json is not a JSON object"):
            told(tmp_path, **{file: []})

    @pytest.mark.parametrize(
        "file", ["modules", "1_Pooling/config", "config_sentence_transformers"]
    )
    def test_what_is_nested_too_deep_or_too_large(self, tmp_path, file):
        describe_vectors(tmp_path, "mean", True)
        path = tmp_path / f"{file}.json"
        path.write_text("[" * 100_000)
        with pytest.raises(UnsafeModelError, match="nested too deep"):
            recipe_of(tmp_path)
        with path.open("wb") as large:
            large.truncate(9 << 20)
        with pytest.raises(UnsafeModelError, match=r"has 9 MiB; more than 8 are not read"):
            recipe_of(tmp_path)


@pytest.mark.parametrize("prompts", [None, [], "x", {"query": 7}])
def test_prompts_that_are_none_do_no_harm(tmp_path, prompts):
    said = {"config_sentence_transformers": {"prompts": prompts}}
    assert set(told(tmp_path, **said).prompts.values()) <= {"7"}


def test_the_files_of_older_and_newer_versions_are_read_alike(tmp_path):
    old = told(tmp_path)
    (tmp_path / "modules.json").write_text(json.dumps(NEWER))
    assert recipe_of(Path(tmp_path)) == old
