"""The bundled models."""

import json

import pytest

from tfcli.models.files import sha256
from tfcli.models.registry import starter_for, starters
from tfcli.tasks import BUILT_IN


def test_every_task_of_a_starter_exists():
    assert {task for starter in starters().values() for task in starter.tasks} <= set(BUILT_IN)


def test_a_task_without_a_starter_has_none():
    assert starter_for("shout") is None


@pytest.mark.parametrize("name", starters())
class TestEachStarter:
    def test_is_an_ordinary_folder_with_a_model_card(self, name):
        files = {path.name for path in starters()[name].folder.iterdir()}
        assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= files
        assert not any(file.endswith((".bin", ".pt", ".pkl")) for file in files)

    def test_has_the_weights_that_the_table_says(self, name):
        assert sha256(starters()[name].folder / "model.safetensors") == starters()[name].sha256

    def test_chooses_no_attention_implementation_and_brings_no_code(self, name):
        config = json.loads((starters()[name].folder / "config.json").read_text())
        assert not [key for key in config if "attn_implementation" in key or key == "auto_map"]

    def test_is_stored_in_float16(self, name):
        from safetensors import safe_open

        with safe_open(starters()[name].folder / "model.safetensors", "pt") as weights:
            assert {weights.get_slice(key).get_dtype() for key in weights.keys()} == {"F16"}  # noqa: SIM118


def test_the_package_stays_small():
    files = [file for one in starters().values() for file in one.folder.iterdir()]
    assert sum(file.stat().st_size for file in files) < 90e6
    assert (starters()["gpt2-starter"].folder / "model.safetensors").stat().st_size < 30e6


def loaded(name, auto_model):
    """A starter as transformers loads it, with all its weights."""
    import transformers

    folder = starters()[name].folder
    loader = getattr(transformers, auto_model)
    model, report = loader.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    return model, transformers.AutoTokenizer.from_pretrained(folder)


def test_the_gpt2_starter_is_a_gpt2_with_pieces_of_its_own():
    model, tokenizer = loaded("gpt2-starter", "AutoModelForCausalLM")
    assert type(model).__name__ == "GPT2LMHeadModel"
    assert 6_000 <= len(tokenizer) <= 12_000
    text = "The café of 好 👩‍👧 “said” she.\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_marian_starter_is_a_marian_that_says_its_languages():
    model, tokenizer = loaded("marian-starter", "AutoModelForSeq2SeqLM")
    assert type(model).__name__ == "MarianMTModel"
    said = tokenizer.init_kwargs
    assert (said["source_lang"], said["target_lang"]) == ("en", "de")
    text = "Grüße, 好 👩‍👧 – it's 3,5 €!"
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text
    assert (starters()["marian-starter"].folder / "model.safetensors").stat().st_size < 25e6


@pytest.mark.parametrize(
    "auto_class",
    ["AutoModel", "AutoModelForSequenceClassification", "AutoModelForQuestionAnswering"],
)
def test_the_bert_starter_serves_three_classes_with_trained_weights(auto_class):
    import transformers

    _, report = getattr(transformers, auto_class).from_pretrained(
        starters()["bert-starter"].folder, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["mismatched_keys"]


def test_the_first_starter_that_fits_is_the_default():
    found = starter_for("sentiment", lambda config: config["model_type"] == "bert")
    assert found.name == "bert-starter"
    assert starter_for("sentiment", lambda config: False) is None
    found = starter_for("attn", lambda config: config.get("is_encoder_decoder"))
    assert found.name == "marian-starter"
