"""What happens after every token that a model writes: drawing, stopping, recording."""

import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessor, StoppingCriteria

from tfcli.models.continuation import CONTEXT, LONGEST, Prompt, is_stopped, token

log = logging.getLogger("tfcli")


class Clock(LogitsProcessor):
    """Notes when the first scores are there."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.first: float | None = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Leave the scores alone."""
        self.first = self.first or time.monotonic()
        return scores

    def say(self, tokens: int) -> None:
        """Say how long it took to begin, and how fast it was."""
        end = time.monotonic()
        waited, taken = (self.first or end) - self.start, max(1e-9, end - self.start)
        log.info("first token after %.3f s, %.1f tokens/s", waited, tokens / taken)


class Sound(LogitsProcessor):
    """Remembers the rows whose scores are no numbers, and lets them go on with harmless ones."""

    def __init__(self) -> None:
        self.bad: Any = False

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Give equal scores to the tokens of a broken row."""
        self.bad = ~scores.amax(-1).isfinite() | self.bad  # (row)
        return scores.masked_fill(self.bad[:, None], 0.0)


class Unfinished(LogitsProcessor):
    """Lets no row end before it is long enough; ``generate`` would count its padding, too."""

    def __init__(self, missing: Any, ends: Sequence[int]) -> None:
        self.missing = missing  # (row)
        self.ends = list(ends)
        self.step = 0

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Give the ends no chance where tokens are missing."""
        early = (self.missing > self.step).repeat_interleave(len(scores) // len(self.missing))
        self.step += 1
        scores = scores.clone()
        scores[:, self.ends] = scores[:, self.ends].masked_fill(early[:, None], -torch.inf)
        return scores


class Draw(LogitsProcessor):
    """Draw a token for each row; what is drawn depends on the row's seed and scores alone.

    By inversion: the first token at which the cumulated probability exceeds a number from 0 to 1,
    of which each row has a stream of its own. ``generate`` would draw all rows from one stream.
    """

    def __init__(self, seeds: Sequence[int], steps: int) -> None:
        uniform = np.stack([np.random.default_rng(seed).random(steps) for seed in seeds])
        self.uniform = torch.from_numpy(uniform)  # (row, step)
        self.step = 0

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Leave one token a row with a score above minus infinity."""
        # Other devices may have no double precision.
        exact = torch.float64 if scores.device.type in ("cpu", "cuda") else torch.float32
        cumulated = scores.softmax(-1, dtype=exact).cumsum(-1)  # (row, vocabulary)
        total = cumulated[:, -1:].contiguous()
        drawn = self.uniform[:, self.step, None].to(scores.device, exact) * total
        last = torch.searchsorted(cumulated, total)  # with a probability; drawn may be rounded up
        tokens = torch.searchsorted(cumulated, drawn, right=True).minimum(last)  # (row, 1)
        self.step += 1
        chosen = torch.full_like(scores, -torch.inf)
        return chosen.scatter_(1, tokens, 0.0)


class Stops(StoppingCriteria):
    """Ends a row at a stop text, wherever that stands in its new tokens."""

    def __init__(self, tokenizer: Any, prompts: Sequence[Prompt], texts: Sequence[str]) -> None:
        self.tokenizer = tokenizer
        self.prompts = prompts
        self.texts = texts
        # A token that is text has a byte at least.
        self.reach = max(len(text.encode()) for text in texts) + LONGEST
        self.steps = 0

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """Say which rows are done."""
        self.steps += 1
        new = min(self.steps, self.reach)
        known = min(self.steps, self.reach + CONTEXT + LONGEST)
        rows = input_ids[:, -known:].tolist()
        each = len(rows) // len(self.prompts)
        done = [self._done(self.prompts[i // each], row, new) for i, row in enumerate(rows)]
        return torch.tensor(done, device=input_ids.device)

    def _done(self, prompt: Prompt, ids: list[int], new: int) -> bool:
        before = [*prompt.ids[-CONTEXT - LONGEST :], *ids[:-new]]
        return is_stopped(self.tokenizer, before, ids[-new:], self.texts)


class Recorder(StoppingCriteria):
    """Keeps the log probabilities of the tokens that were taken, and of the likeliest; ends none.

    They are the model's own: ``see`` is a hook of its forward pass, before anything shapes them.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.logits: Any = None
        self.steps: list[tuple[Any, Any, Any]] = []

    def see(self, model: Any, inputs: Any, outputs: Any) -> None:
        """Take the logits of the last token."""
        self.logits = outputs.logits[:, -1]  # (row, vocabulary)

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """Look up the tokens that were taken."""
        logs = self.logits.float().log_softmax(-1)
        own = logs.gather(1, input_ids[:, -1:])[:, 0]
        values, tokens = logs.topk(min(self.count, logs.shape[-1]))
        self.steps.append((own.tolist(), values.tolist(), tokens.tolist()))
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

    def of(self, row: int, prompt: Prompt, ids: Sequence[int], tokenizer: Any) -> list[Any]:
        """What there is of each new token of a row."""
        told = []
        for i, (id, (own, values, tokens)) in enumerate(zip(ids, self.steps, strict=False)):
            before = [*prompt.ids[-CONTEXT - LONGEST :], *ids[:i]]
            top = [
                {**token(tokenizer, one, before), "logprob": value}
                for one, value in zip(tokens[row], values[row], strict=True)
                if value > -float("inf")
            ]
            told.append({**token(tokenizer, id, before), "logprob": own[row], "top": top})
        return told
