"""The tap: in a model for its life, and felt only by whoever listens."""

import threading

import pytest
import torch

from tfcli.core.job import ModelRef
from tfcli.models.load import load
from tfcli.models.tap import NAME, tap_of


def loaded_from(folder, auto_class="AutoModel"):
    return load(ModelRef(folder), lambda config: auto_class)


def run(loaded):
    inputs = loaded.tokenizer(["the film is great", "bad"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        return loaded.model(**{n: v for n, v in inputs.items() if n in loaded.arguments})


def heard(loaded):
    """The kinds and layers that a listener hears of."""
    seen = []
    with tap_of(loaded.model).heard_by(lambda one: seen.append((one.kind, one.layer))):
        run(loaded)
    return seen


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama", "modernbert", "albert"])
def test_a_tap_changes_nothing(reader, family):
    loaded = loaded_from(reader(family))
    before = run(loaded).last_hidden_state
    tap_of(loaded.model)
    assert loaded.model.config._attn_implementation == NAME
    assert torch.equal(run(loaded).last_hidden_state, before)


def test_there_is_one_tap_for_a_model(reader):
    loaded = loaded_from(reader("bert"))
    assert tap_of(loaded.model) is tap_of(loaded.model)


@pytest.mark.parametrize("family", ["bert", "albert", "distilbert"])
def test_layers_are_counted_where_a_family_does_not_number_them(reader, family):
    loaded = loaded_from(reader(family))
    assert heard(loaded) == [("self", 0), ("self", 1)]
    assert heard(loaded) == [("self", 0), ("self", 1)]


def test_a_listener_hears_only_its_own_model(reader):
    one, other = loaded_from(reader("bert")), loaded_from(reader("bert"))
    tap_of(other.model)
    seen = []
    with tap_of(one.model).heard_by(seen.append):
        run(other)
    assert seen == []


def test_what_a_listener_raises_ends_the_run_and_the_next_one_is_whole(reader):
    loaded = loaded_from(reader("bert"))

    def refuse(attention):
        raise LookupError

    with pytest.raises(LookupError), tap_of(loaded.model).heard_by(refuse):
        run(loaded)
    assert heard(loaded) == [("self", 0), ("self", 1)]


def test_runs_in_other_threads_are_heard_too(reader):
    loaded = loaded_from(reader("bert"))
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(heard(loaded)))
    thread.start()
    thread.join()
    assert seen == [("self", 0), ("self", 1)]


def test_heads_that_are_off_give_nothing(reader):
    """The same as a model whose output layer does not read these heads."""
    loaded, changed = loaded_from(reader("bert")), loaded_from(reader("bert"))
    tap_of(loaded.model).off = {("self", 1): [0, 2]}
    dense = changed.model.encoder.layer[1].attention.output.dense
    weight = dense.weight.clone()
    weight[:, 0:8] = 0  # four heads of eight numbers
    weight[:, 16:24] = 0
    whole = torch.nn.Linear(32, 32)
    with torch.no_grad():
        whole.weight.copy_(weight)
        whole.bias.copy_(dense.bias)
    before = run(changed).last_hidden_state
    changed.model.encoder.layer[1].attention.output.dense = whole
    expected = run(changed).last_hidden_state
    assert (run(loaded).last_hidden_state - expected).abs().max() < 1e-5
    assert (expected - before).abs().max() > 1e-2
