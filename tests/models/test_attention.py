"""Attention equals what transformers itself gives for it, in every kind of family."""

import numpy as np
import pytest
import torch
import transformers
from tiny_models import READERS

from tfcli.core.job import ModelRef
from tfcli.errors import UnfitModelError
from tfcli.models import attention
from tfcli.models.load import load
from tfcli.models.targets import decoder_start

TEXTS = ["the film is great and it is not bad at all", "i hate it"]
TWO_STACKS = ("bart", "t5", "marian")
BY_THE_MODEL = {"xlnet", "deberta", "gemma2", "longformer", "mpnet"}


def loaded_from(folder, family):
    name = "AutoModelForSeq2SeqLM" if family in TWO_STACKS else "AutoModel"
    return load(ModelRef(folder), lambda config: name)


def batch_of(loaded):
    """A padded batch of two texts, and where decoders have one, of two targets."""
    encoded = loaded.tokenizer(TEXTS, padding=True, padding_side="right", return_tensors="pt")
    inputs = {n: v for n, v in encoded.items() if n in loaded.arguments}
    if loaded.config.is_encoder_decoder:
        start = decoder_start(loaded)
        targets = [[start, 5, 6, 7, 8], [start, 9, 10, 11, 12]]
        inputs["decoder_input_ids"] = torch.tensor(targets)
    return inputs, encoded["attention_mask"].sum(-1).tolist()


def reference(folder, family, inputs):
    """All maps as transformers gives them, by kind: (layer, row, head, query, key)."""
    kind = transformers.AutoModelForSeq2SeqLM if family in TWO_STACKS else transformers.AutoModel
    model = kind.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        output = model(**inputs, output_attentions=True)
    if family in TWO_STACKS:
        found = {
            "encoder": output.encoder_attentions,
            "decoder": output.decoder_attentions,
            "cross": output.cross_attentions,
        }
    else:
        found = {"self": output.attentions}
    return {name: torch.stack(maps).numpy() for name, maps in found.items()}


def looked(loaded, inputs, kind, layers, heads):
    """The maps of some layers and heads, (layer, row, head, query, key)."""
    taken = []
    with torch.inference_mode():
        attention.look(loaded, inputs, kind, layers, lambda one: taken.append(one.weights(heads)))
    return torch.stack(taken).numpy()


@pytest.mark.parametrize("family", [family for family in READERS if family != "longformer"])
def test_the_weights_are_those_of_output_attentions(reader, family):
    folder = reader(family)
    loaded = loaded_from(folder, family)
    inputs, lengths = batch_of(loaded)
    expected = reference(folder, family, inputs)
    found = attention.anatomy(loaded)
    assert found.shapes == dict.fromkeys(expected, (2, 4))
    assert found.tapped == (family not in BY_THE_MODEL)
    for kind, maps in expected.items():
        looked_at = looked(loaded, inputs, kind, [0, 1], [0, 1, 2, 3])
        for row, length in enumerate(lengths):
            queries = length if kind in ("self", "encoder") else 5
            keys = 5 if kind == "decoder" else length
            part = (slice(None), row, slice(None), slice(queries), slice(keys))
            assert np.abs(looked_at[part] - maps[part]).max() < 1e-5
            assert looked_at[part].sum(-1) == pytest.approx(1, abs=1e-5)


def test_causal_maps_are_exactly_zero_above_the_diagonal(reader):
    loaded = loaded_from(reader("gpt2"), "gpt2")
    inputs, (length, _) = batch_of(loaded)
    maps = looked(loaded, inputs, "self", [0, 1], [0, 1, 2, 3])[:, 0, :, :length, :length]
    assert (maps[..., np.triu_indices(length, 1)[0], np.triu_indices(length, 1)[1]] == 0).all()
    assert (maps[..., np.arange(length), np.arange(length)] > 0).all()


@pytest.mark.parametrize("family", ["bert", "llama", "xlnet"])
def test_only_the_heads_asked_for(reader, family):
    loaded = loaded_from(reader(family), family)
    inputs, _ = batch_of(loaded)
    every = looked(loaded, inputs, "self", [0, 1], [0, 1, 2, 3])
    some = looked(loaded, inputs, "self", [1], [3, 0])
    lengths = inputs["attention_mask"].sum(-1)
    for row, length in enumerate(lengths):
        part = (slice(None), row, slice(None), slice(length), slice(length))
        assert np.abs(some[part] - every[1:, :, [3, 0]][part]).max() < 1e-6


def test_the_model_runs_no_further_than_the_last_layer_wanted(reader):
    loaded = loaded_from(reader("bert"), "bert")
    inputs, _ = batch_of(loaded)
    ran = []
    for number, layer in enumerate(loaded.model.encoder.layer):
        layer.register_forward_hook(lambda *_, number=number: ran.append(number))
    attention.anatomy(loaded)
    ran.clear()
    looked(loaded, inputs, "self", [0], [0])
    assert ran == []
    looked(loaded, inputs, "self", [1], [0])
    assert ran == [0]


@pytest.mark.parametrize("family", ["bert", "llama", "t5"])
def test_weights_are_the_softmax_of_queries_keys_and_bias(reader, family):
    loaded = loaded_from(reader(family), family)
    inputs, lengths = batch_of(loaded)
    seen = []
    kind = "encoder" if family == "t5" else "self"
    with torch.inference_mode():
        attention.look(loaded, inputs, kind, [1], seen.append)
    (one,) = seen
    query, key = one.vectors([0, 3])
    scores = query @ key.transpose(-1, -2) * one.scaling
    if one.bias is not None:
        scores = scores + one.bias[:, [0, 3]]
    length = lengths[0]
    scores = scores[0, :, :length, :length]
    if family == "llama":
        scores = scores.masked_fill(~torch.ones(length, length).tril().bool(), -torch.inf)
    expected = scores.softmax(-1)
    assert (one.weights([0, 3])[0, :, :length, :length] - expected).abs().max() < 1e-5
    assert (one.bias is not None) == (family == "t5")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_gives_rows_that_sum_to_one(reader, dtype):
    loaded = load(ModelRef(reader("bert"), dtype=dtype), lambda config: "AutoModel")
    inputs, lengths = batch_of(loaded)
    maps = looked(loaded, inputs, "self", [0, 1], [0, 1, 2, 3])
    assert maps.dtype == np.float32
    assert maps[:, 0, :, : lengths[0]].sum(-1) == pytest.approx(1, abs=1e-5)


def test_a_model_without_attention_says_so(tmp_path):
    from tiny_models import tokenizer_of

    tokenizer = tokenizer_of("bert")
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48}
    config = transformers.FNetConfig(vocab_size=len(tokenizer), **sizes)
    transformers.FNetModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = load(ModelRef(str(tmp_path)), lambda config: "AutoModel")
    with pytest.raises(UnfitModelError, match="A fnet model does not say what its heads look at"):
        attention.anatomy(loaded)
