"""What a model tells of its attention: maps of windows, families that tell nothing."""

import logging
from types import SimpleNamespace

import pytest
import torch
import transformers

from tfcli.core.job import ModelRef
from tfcli.core.task import Loaded
from tfcli.errors import UnfitModelError
from tfcli.models import attention, eager
from tfcli.models.load import load

CONFIG = SimpleNamespace(model_type="odd")
INPUTS = {"input_ids": torch.zeros(2, 5, dtype=torch.long)}


def maps_in(**output):
    return list(eager.maps_in(SimpleNamespace(**output), Loaded(config=CONFIG), INPUTS, "self"))


def test_maps_of_a_moving_window_are_laid_over_the_text(reader, caplog):
    caplog.set_level(logging.INFO, "tfcli")
    loaded = load(ModelRef(reader("longformer")), lambda config: "AutoModel")
    texts = ["the film is great and it is not bad at all", "i hate it"]
    inputs = loaded.tokenizer(texts, padding=True, return_tensors="pt")
    model = transformers.AutoModel.from_pretrained(
        reader("longformer"), attn_implementation="eager"
    )
    with torch.inference_mode():
        output = model.eval()(**inputs, output_attentions=True)
        rolled = torch.stack(output.attentions)  # 4 keys before, itself, 4 behind
        taken = []
        attention.look(loaded, inputs, "self", [0, 1], taken.append)
        maps = torch.stack([one.weights([3, 0]) for one in taken])
    assert rolled.shape[-1] == 9
    assert attention.anatomy(loaded) == attention.Anatomy({"self": (2, 4)}, tapped=False)
    assert "Each token looks at most 4 tokens back and ahead" in caplog.text
    for row, length in enumerate(inputs["attention_mask"].sum(-1).tolist()):
        for query in range(length):
            for key in range(length):
                there = maps[:, row, :, query, key]
                if abs(query - key) > 4:
                    assert (there == 0).all()
                else:
                    assert (there == rolled[:, row, [3, 0], query, 4 + key - query]).all()
        assert maps[:, row, :, :length].sum(-1).numpy() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("output", [{}, {"attentions": None}, {"attentions": (None, None)}])
def test_a_model_that_tells_nothing(output):
    message = "A odd model does not say what its heads look at: it has no attention heads"
    with pytest.raises(UnfitModelError, match=message):
        maps_in(**output)


def test_maps_that_are_not_of_the_tokens():
    with pytest.raises(UnfitModelError, match="they do not look at the text token by token"):
        maps_in(attentions=(torch.rand(2, 4, 3, 3),))


def test_maps_by_layer():
    maps = torch.rand(2, 2, 4, 5, 5)
    told = maps_in(attentions=tuple(maps))
    assert [one.layer for one in told] == [0, 1]
    assert (told[1].weights([3, 0]) == maps[1][:, [3, 0]]).all()
