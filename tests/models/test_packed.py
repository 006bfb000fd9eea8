import pytest
import torch
import transformers
from torch import nn
from transformers.pytorch_utils import Conv1D

from tfcli.models.packed import PackedLinear, pack


@pytest.mark.parametrize("shape", [(48,), (1, 48), (2, 3, 48), (300, 48), (0, 48)])
@pytest.mark.parametrize("biased", [True, False])
def test_it_computes_what_a_linear_layer_does(shape, biased):
    layer = nn.Linear(48, 32, bias=biased)
    x = torch.randn(shape)
    with torch.inference_mode():
        torch.testing.assert_close(PackedLinear(layer.weight, layer.bias)(x), layer(x))


def test_the_weight_can_still_be_read():
    layer = nn.Linear(48, 32)
    assert torch.equal(PackedLinear(layer.weight, layer.bias).weight, layer.weight)


@pytest.mark.parametrize("family", ["gpt2", "llama", "bart", "t5"])
def test_a_packed_model_gives_the_same_logits(writer, family):
    auto = transformers.AutoModelForSeq2SeqLM
    if family in ("gpt2", "llama"):
        auto = transformers.AutoModelForCausalLM
    model = auto.from_pretrained(writer(family)).eval()
    ids = torch.tensor([[5, 7, 9, 11], [6, 8, 10, 12]])
    given = {"input_ids": ids} | ({"decoder_input_ids": ids} if family in ("bart", "t5") else {})
    with torch.inference_mode():
        expected = model(**given).logits
        pack(model)
        torch.testing.assert_close(model(**given).logits, expected, rtol=1e-4, atol=1e-4)
    left = {name for name, module in model.named_modules() if type(module) in (nn.Linear, Conv1D)}
    assert any(type(module) is PackedLinear for module in model.modules())
    # T5 looks at the weights of its feed-forward layers for each token.
    assert all("DenseReluDense" in name for name in left) if family == "t5" else not left


def test_what_cannot_be_packed_stays_as_it_is():
    model = nn.Sequential(nn.Linear(4, 4, dtype=torch.float64), nn.LayerNorm(4))
    pack(model)
    assert type(model[0]) is nn.Linear


def test_bfloat16_is_packed_where_the_processor_knows_it():
    model = nn.Sequential(nn.Linear(48, 32, dtype=torch.bfloat16))
    x = torch.randn(3, 48, dtype=torch.bfloat16)
    with torch.inference_mode():
        expected = model(x)
        pack(model)
        torch.testing.assert_close(model(x), expected)
    known = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    assert isinstance(model[0], PackedLinear) == known


def test_what_is_shared_stays_so_where_memory_is_short(monkeypatch):
    model = nn.Sequential(nn.Linear(48, 32))
    monkeypatch.setattr("tfcli.models.packed.available", lambda: 2 * 48 * 32 * 4)
    pack(model)
    assert type(model[0]) is nn.Linear
