"""One BERT encoder with two heads, named so that transformers' own classes read both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import BertConfig, BertModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from bert_starter.rows import SentimentRow, SpanRow


class TwoHeads(nn.Module):
    """An encoder, a sentiment head and a span head.

    The weights are named `bert.*`, `classifier.*` and `qa_outputs.*`, as in transformers'
    BertForSequenceClassification and BertForQuestionAnswering.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.bert = BertModel(config)
        self.classifier = nn.Linear(config.hidden_size, 2)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        for head in (self.classifier, self.qa_outputs):
            nn.init.normal_(head.weight, std=config.initializer_range)
            nn.init.zeros_(head.bias)

    def hidden(self, ids: Tensor, mask: Tensor, segments: Tensor) -> Tensor:
        """Encode a padded batch; the pooler stays out."""
        inner = self.bert.embeddings(input_ids=ids, token_type_ids=segments)
        # Additive: 0 where there is a token, very negative where there is padding.
        bias = (1.0 - mask.to(inner.dtype)) * torch.finfo(inner.dtype).min
        states = self.bert.encoder(inner, attention_mask=bias[:, None, None, :])
        last: Tensor = states.last_hidden_state  # (batch, token, hidden)
        return last

    def sentiment(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return logits for NEGATIVE and POSITIVE, in float32."""
        assert self.bert.pooler is not None  # BertModel has one unless told otherwise
        first = self.hidden(ids, mask, torch.zeros_like(ids))[:, 0]  # (batch, hidden)
        pooled = torch.tanh(float32_linear(self.bert.pooler.dense, first))  # (batch, hidden)
        return float32_linear(self.classifier, pooled)  # (batch, 2)

    def spans(self, ids: Tensor, mask: Tensor, segments: Tensor) -> Tensor:
        """Return start and end logits, in float32, very negative on padding."""
        states = self.hidden(ids, mask, segments)  # (batch, token, hidden)
        logits = float32_linear(self.qa_outputs, states)  # (batch, token, 2)
        return logits.masked_fill(mask[:, :, None] == 0, -1e4)  # (batch, token, 2)


def float32_linear(layer: nn.Linear, inner: Tensor) -> Tensor:
    """Apply a linear layer in float32 whatever its dtype: bfloat16 logits tie too often."""
    return nn.functional.linear(inner.float(), layer.weight.float(), layer.bias.float())


def starter_config(**changes: int) -> BertConfig:
    """Return the shape of MiniLM-L6; the modes train and eval switch dropout on and off."""
    settings: dict[str, Any] = {
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "intermediate_size": 1536,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.0,  # its random numbers would cost much time
        # On CPUs, in bfloat16, plain attention's backward pass is twice as fast as sdpa's.
        "attn_implementation": "eager",
    }
    return BertConfig(**settings | changes)


def load_base(folder: Path) -> TwoHeads:
    """Start from a pretrained encoder's folder, with new heads."""
    from safetensors.torch import load_file

    model = TwoHeads(starter_config())
    weights = load_file(folder / "model.safetensors")
    weights.pop("embeddings.position_ids", None)
    model.bert.load_state_dict(weights)
    return model


def pad(rows: Sequence[Sequence[int]], fill: int = 0) -> Tensor:
    """Pad lists of integers on the right to a rectangle."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows])


def sentiment_loss(model: TwoHeads, rows: Sequence[SentimentRow]) -> Tensor:
    """Weighted mean cross-entropy against soft labels."""
    ids = pad([row.ids for row in rows])  # (batch, token)
    positive = torch.tensor([row.positivity for row in rows])
    weights = torch.tensor([row.weight for row in rows])
    target = torch.stack([1 - positive, positive], dim=1)  # (batch, 2)
    logits = model.sentiment(ids, (ids != 0).long())  # (batch, 2)
    each = nn.functional.cross_entropy(logits, target, reduction="none")  # (batch,)
    return (each * weights).sum() / weights.sum()


def span_loss(model: TwoHeads, rows: Sequence[SpanRow]) -> Tensor:
    """Mean cross-entropy of the answer's first and last token."""
    ids = pad([row.ids for row in rows])  # (batch, token)
    segments = pad([[0] * row.second + [1] * (len(row.ids) - row.second) for row in rows])
    logits = model.spans(ids, (ids != 0).long(), segments)  # (batch, token, 2)
    first = torch.tensor([row.first for row in rows])
    last = torch.tensor([row.last for row in rows])
    starts = nn.functional.cross_entropy(logits[:, :, 0], first)
    ends = nn.functional.cross_entropy(logits[:, :, 1], last)
    return (starts + ends) / 2
