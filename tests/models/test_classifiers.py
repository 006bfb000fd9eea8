"""The logits of classifiers: a row's do not depend on what stands beside it."""

import numpy as np
import pytest
import torch

from tfcli.core.job import ModelRef
from tfcli.core.task import Batch, Row
from tfcli.models.classifiers import class_logits
from tfcli.models.load import load


@pytest.mark.parametrize("family", ["bert", "gpt2", "bart"])
def test_rows_are_judged_together_as_alone(reader, family):
    """BART wants as many end tokens in all rows; a text may have some of its own."""
    folder = reader(family, head="SequenceClassification")
    loaded = load(ModelRef(folder), lambda config: "AutoModelForSequenceClassification")
    end = loaded.tokenizer.eos_token or "good"
    texts = [f"good {end} bad", "good", f"{end}{end} film", "the film is bad"]
    encoded = loaded.tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
    rows = [Row({"input_ids": ids}) for ids in encoded["input_ids"]]
    inputs = {name: v for name, v in encoded.items() if name in loaded.arguments}
    with torch.inference_mode():
        together = class_logits(loaded, Batch(rows, inputs))
        for i, row in enumerate(rows):
            length = int(inputs["attention_mask"][i].sum())
            alone = {name: values[i : i + 1, :length] for name, values in inputs.items()}
            assert np.allclose(together[i], class_logits(loaded, Batch([row], alone)), atol=1e-5)
