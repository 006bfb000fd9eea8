"""Maps of rows: cut to their own lengths, with what decoders read."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from tfcli.core.job import ModelRef
from tfcli.core.task import Failure
from tfcli.errors import UnfitModelError
from tfcli.models import heads
from tfcli.models.axis import encoded
from tfcli.models.findings import Telling
from tfcli.models.heads import Wanted, maps_of, neurons_of
from tfcli.models.load import load
from tfcli.models.tap import Attention
from tfcli.models.targets import target_of

TEXTS = ["the film is great and it is not bad at all", "i hate it"]


def loaded_from(folder):
    return load(
        ModelRef(folder), lambda c: "AutoModelForSeq2SeqLM" if c.is_encoder_decoder else "AutoModel"
    )


def rows_of(loaded, kind, target=None, layers=(0, 1), heads=(0, 3)):
    """What is wanted of two texts, and their padded batch."""
    texts = encoded([(text, None) for text in TEXTS], loaded, "none", truncate=False)
    padded = loaded.tokenizer.pad(
        [text.inputs for text in texts], padding_side="right", return_tensors="pt"
    )
    inputs = {name: v for name, v in padded.items() if name in loaded.arguments}
    read = target and target_of(target, loaded, "none")
    wanted = [Wanted(kind, list(layers), list(heads), text.axis, read or None) for text in texts]
    return wanted, inputs


def maps(loaded, *rows):
    with torch.inference_mode():
        return maps_of(loaded, *rows, "none", Telling())


def weights(found):
    return found.record()["attention"]


def test_each_map_has_the_length_of_its_text(reader):
    loaded = loaded_from(reader("bert"))
    wanted, inputs = rows_of(loaded, "self")
    for one, found in zip(wanted, maps(loaded, wanted, inputs), strict=True):
        size = one.text.tokens
        assert weights(found).shape == (2, 2, size, size)
        assert weights(found).sum(-1) == pytest.approx(1, abs=1e-5)
        assert found.queries is found.keys is one.text


def test_a_map_does_not_depend_on_the_batch(reader):
    loaded = loaded_from(reader("llama"))
    wanted, inputs = rows_of(loaded, "self")
    together = maps(loaded, wanted, inputs)
    length = wanted[1].text.tokens
    alone = maps(loaded, wanted[1:], {n: v[1:, :length] for n, v in inputs.items()})
    assert np.abs(weights(together[1]) - weights(alone[0])).max() < 1e-5


@pytest.mark.parametrize(("kind", "keys"), [("decoder", 4), ("cross", None)])
@pytest.mark.parametrize("family", ["bart", "t5", "marian"])
def test_queries_of_a_decoder_are_what_it_reads(reader, family, kind, keys):
    loaded = loaded_from(reader(family))
    wanted, inputs = rows_of(loaded, kind, "not bad film" if family == "t5" else "the")
    read = wanted[0].target
    for one, found in zip(wanted, maps(loaded, wanted, inputs), strict=True):
        assert found.queries.labels == read.axis.labels
        columns = read.axis.tokens if kind == "decoder" else one.text.tokens
        assert weights(found).shape == (2, 2, read.axis.tokens, columns)
        assert weights(found).sum(-1) == pytest.approx(1, abs=1e-5)


def test_a_model_can_write_its_own_target(reader):
    loaded = loaded_from(reader("t5"))
    wanted, inputs = rows_of(loaded, "cross")
    eager = AutoModelForSeq2SeqLM.from_pretrained(reader("t5"), attn_implementation="eager").eval()
    with torch.inference_mode():
        written = loaded.model.generate(**inputs, do_sample=False, max_new_tokens=63)
        read = eager(**inputs, decoder_input_ids=written, output_attentions=True)
    for row, found in enumerate(maps(loaded, wanted, inputs)):
        own = [id for id in written[row, 1:].tolist() if id not in (0, 1)]  # padding, end
        assert found.queries.labels[1:] == loaded.tokenizer.convert_ids_to_tokens(own)
        assert found.queries.special[:1] == [True]
        size = len(own) + 1, wanted[row].text.tokens
        for layer, place in ((0, 0), (1, 1)):
            expected = read.cross_attentions[layer][row, [0, 3], : size[0], : size[1]]
            assert np.abs(weights(found)[place] - expected.numpy()).max() < 1e-5


@pytest.mark.parametrize("token", [2, -1])
def test_neurons_explain_the_weights(reader, token):
    loaded = loaded_from(reader("llama"))
    wanted, inputs = rows_of(loaded, "self")
    with torch.inference_mode():
        found = neurons_of(loaded, wanted, inputs, token)
    for one, whole in zip(found, maps(loaded, wanted, inputs), strict=True):
        place = token % whole.queries.tokens
        assert one.token == place
        assert one.query.shape == (2, 2, 8)
        assert one.key.shape == (2, 2, whole.keys.tokens, 8)
        score = (one.query[:, :, None] * one.key).sum(-1) * 8**-0.5
        seen = np.arange(whole.keys.tokens) <= place
        assert np.abs(score - one.score)[..., seen].max() < 1e-4
        assert np.isinf(one.score[..., ~seen]).all()
        exps = np.where(seen, np.exp(one.score), 0)
        assert np.abs(exps / exps.sum(-1, keepdims=True) - one.weights).max() < 1e-5
        assert np.abs(weights(whole)[:, :, place] - one.weights).max() < 1e-6


def test_a_row_without_the_token_says_how_many_it_has(reader):
    loaded = loaded_from(reader("bert"))
    wanted, inputs = rows_of(loaded, "self")
    short = wanted[1].text.tokens
    with torch.inference_mode():
        found = neurons_of(loaded, wanted, inputs, short)
    message = f"there is no token {short}: the text has {short}, from 0 on"
    assert found[1] == Failure("token", message)
    assert found[0].token == short


def test_a_model_outside_the_interface_has_no_neurons(reader):
    loaded = loaded_from(reader("xlnet"))
    wanted, inputs = rows_of(loaded, "self")
    with pytest.raises(UnfitModelError, match="A xlnet model gives the weights"):
        neurons_of(loaded, wanted, inputs, 0)


def test_neurons_of_heads_of_different_sizes(reader, monkeypatch):
    loaded = loaded_from(reader("bert"))
    wanted, inputs = rows_of(loaded, "self")
    maps(loaded, wanted, inputs)
    real = Attention.vectors

    def vectors(attention, heads):
        query, key = real(attention, heads)
        size = 8 - attention.layer
        return query[..., :size], key[..., :size]

    monkeypatch.setattr(Attention, "vectors", vectors)
    with pytest.raises(UnfitModelError, match="different sizes"), torch.inference_mode():
        neurons_of(loaded, wanted, inputs, 0)


def test_a_layer_that_does_not_run(reader, monkeypatch):
    loaded = loaded_from(reader("bert"))
    wanted, inputs = rows_of(loaded, "self")
    monkeypatch.setattr(heads, "look", lambda *args: None)
    with pytest.raises(UnfitModelError, match="A bert model does not run all its layers"):
        maps(loaded, wanted, inputs)
