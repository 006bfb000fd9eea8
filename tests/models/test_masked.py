"""The logits of masked models at chosen places: those of the whole text, for less work."""

import pytest
import torch

from tfcli.core.job import ModelRef
from tfcli.errors import UnfitModelError
from tfcli.models.load import load
from tfcli.models.masked import MASKED, logits_at, mask_id

TEXTS = ["the film is great", "i hate it, very bad plot! é", "a"]
FAMILIES = (
    *("bert", "distilbert", "roberta", "albert", "electra", "deberta", "xlm-roberta"),
    *("modernbert", "longformer", "bart"),
)
ROWS, TOKENS = [0, 0, 1, 2], [1, 3, 2, 0]


@pytest.fixture(scope="module")
def model(filler):
    return lambda family: load(ModelRef(filler(family), device="cpu"), lambda config: MASKED)


def padded(loaded):
    return dict(loaded.tokenizer(TEXTS, padding=True, padding_side="right", return_tensors="pt"))


@torch.inference_mode()
@pytest.mark.parametrize("family", FAMILIES)
def test_are_those_of_the_whole_batch(model, family):
    loaded = model(family)
    inputs = {name: one for name, one in padded(loaded).items() if name in loaded.arguments}
    whole = loaded.model(**inputs).logits
    found = logits_at(loaded, inputs, ROWS, TOKENS)
    assert found.shape == (4, whole.shape[-1])
    assert torch.allclose(found, whole[ROWS, TOKENS], atol=1e-5)
    assert torch.allclose(loaded.model(**inputs).logits, whole)  # which is as it was


@torch.inference_mode()
def test_the_output_layer_sees_the_chosen_places_alone(model):
    loaded, seen = model("bert"), []
    layer = loaded.model.get_output_embeddings()
    layer.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    logits_at(loaded, padded(loaded), ROWS, TOKENS)
    assert [shape[:2] for shape in seen] == [(1, 4)]


@torch.inference_mode()
@pytest.mark.parametrize("layer", [None, torch.nn.Identity()], ids=["unknown", "never called"])
def test_a_model_that_hides_its_output_layer_is_run_whole(model, monkeypatch, layer):
    loaded = model("bert")
    whole = logits_at(loaded, padded(loaded), ROWS, TOKENS)
    monkeypatch.setattr(type(loaded.model), "get_output_embeddings", lambda self: layer)
    assert torch.allclose(logits_at(loaded, padded(loaded), ROWS, TOKENS), whole, atol=1e-6)


def test_a_tokenizer_without_a_mask_is_refused(model, writer):
    assert mask_id(model("roberta").tokenizer) == model("roberta").tokenizer.mask_token_id
    gpt2 = load(ModelRef(writer(), device="cpu"), lambda config: "AutoModelForCausalLM")
    with pytest.raises(UnfitModelError, match="no mask token"):
        mask_id(gpt2.tokenizer)
