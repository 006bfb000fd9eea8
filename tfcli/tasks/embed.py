"""``tfcli embed``: a vector for each text, as the model's author pools them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.models.embedding import (
    BODY,
    ENCODER,
    WITHOUT_TOKENS,
    Plan,
    auto_class,
    joined,
    planned,
    pooled,
    rows_of,
)
from tfcli.models.pooling import POOLINGS


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """What ``tfcli embed`` takes; what is not given is the model's own (``modules.json``)."""

    pooling: Annotated[
        str | None, Flag("How one vector is made of those of tokens.", choices=POOLINGS)
    ] = None
    normalize: Annotated[
        bool | None, Flag("Vectors of length 1, so that dot products are cosines; or as they are.")
    ] = None
    prompt: Annotated[
        str | None,
        Flag("Put this before each text: a name that the model knows, or the text itself."),
    ] = None


class Embed:
    """Make vectors of texts, of long ones window by window."""

    name = "embed"
    summary = "Turn texts into vectors."
    examples = (
        'tfcli embed "The dog sleeps." | jq -c .embedding',
        "tfcli embed -i texts.txt -o vectors.npz",
        'tfcli embed -i questions.csv -c question --prompt "query: " -o questions.parquet',
    )
    fields = (Field("text"),)
    options_type = EmbedOptions
    standard = "sentence-transformers/all-MiniLM-L6-v2@c9745ed"
    auto_classes = (BODY, ENCODER)
    files = ("npz", "safetensors")
    stacks = True

    def columns(self, options: EmbedOptions) -> tuple[str, ...]:
        """The vector."""
        return ("embedding",)

    def suits(self, model_type: str, labels: Sequence[str] | None) -> bool:
        """All that give vectors of tokens to pool."""
        return model_type not in WITHOUT_TOKENS

    def auto_model(self, config: Any, options: EmbedOptions) -> str:
        """A model without a head."""
        return auto_class(config)

    def padding_side(self, config: Any) -> str:
        """Tokens are counted from the first one, in every family."""
        return "right"

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: EmbedOptions
    ) -> list[list[Row] | Failure]:
        """The windows of each text."""
        plan = _plan(loaded, options)
        return rows_of([example.fields["text"] for example in examples], loaded, plan)

    def forward(self, loaded: Loaded, batch: Batch, options: EmbedOptions) -> Sequence[Any]:
        """The vector of each row."""
        rows: Sequence[Any] = pooled(loaded, batch, _plan(loaded, options).pooling).cpu().numpy()
        return rows

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: EmbedOptions,
    ) -> Record | Failure:
        """The vector of the text."""
        import numpy as np

        vector = joined(outputs, [row.note for row in rows], _plan(loaded, options))
        return {"embedding": vector} if np.isfinite(vector).all() else loaded.overflow


def _plan(loaded: Loaded, options: EmbedOptions) -> Plan:
    return planned(loaded, options.pooling, options.normalize, options.prompt)


TASK = Embed()
