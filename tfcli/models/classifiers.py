"""What a model with a classification head says of rows."""

from collections.abc import Mapping
from typing import Any

from tfcli.core.task import Batch, Loaded


def class_logits(loaded: Loaded, batch: Batch) -> Any:
    """The logits of each row, (row, class)."""
    import numpy as np

    # As the pipelines do: a classifier has no use for a cache of keys and values.
    cacheless = {"use_cache": False} if "use_cache" in loaded.arguments else {}

    def judged(inputs: Mapping[str, Any]) -> Any:
        return loaded.model(**inputs, **cacheless).logits.float().cpu().numpy()  # (row, class)

    if not loaded.config.is_encoder_decoder:
        return judged(batch.inputs)
    # BART and its kin want as many end tokens in every row, and a text may spell one: </s>.
    ends = (batch.inputs["input_ids"] == loaded.config.eos_token_id).sum(-1)  # (row,)
    logits = np.empty((len(batch.rows), loaded.config.num_labels), np.float32)
    for count in ends.unique():
        chosen = ends == count
        some = {name: values[chosen] for name, values in batch.inputs.items()}
        logits[chosen.cpu().numpy()] = judged(some)
    return logits
