"""Text token by token: settings, seeded sampling, stop texts and streams around ``generate``."""

import copy
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import transformers as t

from tfcli.core.task import Loaded
from tfcli.models.continuation import Pieces, Prompt, Written, continued, token, written

log = logging.getLogger("tfcli")

WARPERS: Mapping[str, Callable[[Any], Any]] = {
    "temperature": t.TemperatureLogitsWarper,
    "top_h": t.TopHLogitsWarper,
    "top_k": t.TopKLogitsWarper,
    "top_p": t.TopPLogitsWarper,
    "min_p": t.MinPLogitsWarper,
    "typical_p": t.TypicalLogitsWarper,
    "epsilon_cutoff": t.EpsilonLogitsWarper,
    "eta_cutoff": t.EtaLogitsWarper,
}
"""What shapes a distribution before a token is drawn, in the order of ``generate``."""
NEUTRAL: Mapping[str, float] = {
    "temperature": 1,
    "top_k": 0,
    "top_p": 1,
    "min_p": 0,
    "typical_p": 1,
    "epsilon_cutoff": 0,
    "eta_cutoff": 0,
}
"""The values that leave it as it is."""


class Plan(NamedTuple):
    """How a model decodes: an option beats the checkpoint, which beats tfcli."""

    config: t.GenerationConfig
    warpers: list[Any] | None
    """None where nothing is drawn: greedy and beam search."""
    stops: tuple[str, ...] = ()
    """The checkpoint's own stop texts."""
    least: int = 0
    """The fewest tokens of a causal row, its prompt with it."""

    @property
    def samples(self) -> bool:
        """Whether tokens are drawn."""
        return self.warpers is not None


def plan(
    loaded: Loaded,
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
    sample: bool | None,
    sequences: int,
) -> Plan:
    """Settle how a model decodes.

    Args:
        loaded: whose ``generation_config`` holds the checkpoint's own settings.
        given: options by their names in ``GenerationConfig``; None where nobody gave one.
        defaults: what holds where neither they nor the checkpoint say anything.
        sample: whether to draw; None leaves it to the checkpoint, which draws unless it says else.
        sequences: how many to return of a search; of what is drawn a row is one.
    """
    config = copy.deepcopy(loaded.model.generation_config)
    for name, value in given.items():
        if value is not None:
            setattr(config, name, value)
    # A checkpoint may count from the token that a decoder begins with.
    if config.max_new_tokens is None and config.max_length and loaded.config.is_encoder_decoder:
        config.max_new_tokens = config.max_length - 1
    for name, value in defaults.items():
        if getattr(config, name) is None:
            setattr(config, name, value)
    if sample is None:
        sample = config.do_sample is not False and (config.num_beams or 1) == 1
    if sample:
        config.num_beams = 1
    config.num_beams = config.num_beams or 1
    config.num_return_sequences = 1 if sample else sequences
    config.pad_token_id = loaded.tokenizer.pad_token_id
    config.return_dict_in_generate = False
    own = config.stop_strings or ()
    config.do_sample = False  # tokens are drawn by a processor of ours
    warpers = [
        warper(getattr(config, name))
        for name, warper in WARPERS.items()
        if getattr(config, name) not in (None, NEUTRAL.get(name))
    ]
    least = 0
    if config.min_length and not loaded.config.is_encoder_decoder:
        least, config.min_length = config.min_length, 0
    stops = (own,) if isinstance(own, str) else tuple(own)
    return Plan(config, warpers if sample else None, stops, least)


def decode(
    loaded: Loaded,
    inputs: Mapping[str, Any],
    prompts: Sequence[Prompt],
    plan: Plan,
    *,
    stops: Sequence[str] = (),
    logprobs: int | None = None,
    emit: Callable[[str, bool], None] | None = None,
) -> list[list[Written]]:
    """Write on from each row; for each its sequences, one, or those that beam search returns.

    Args:
        loaded: model and tokenizer.
        inputs: the padded rows, on the model's device.
        prompts: what is to be known of each row.
        plan: from ``plan``.
        stops: texts that end a sequence, across token borders too, besides the checkpoint's own.
        logprobs: give each new token's log probability, and that of this many likeliest ones.
        emit: takes the new text of a single row piece by piece, whole characters only.
    """
    tokenizer = loaded.tokenizer
    stops = (*stops, *plan.stops)
    watch = Watch(tokenizer, prompts, stops, logprobs)
    ends = plan.config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    processors = t.LogitsProcessorList()
    if plan.least and ends != [None]:
        processors.append(Unfinished(plan.least - inputs["attention_mask"].sum(-1), ends))
    if plan.warpers is not None:
        seeds = [prompt.seed or 0 for prompt in prompts]
        processors.extend([*plan.warpers, Draw(seeds, plan.config.max_new_tokens)])
    pieces = None
    if emit is not None:
        emit(prompts[0].shown, True)
        pieces = Pieces(tokenizer, prompts[0], stops, emit)
    hook = loaded.model.register_forward_hook(watch.see) if logprobs is not None else None
    try:
        sequences = loaded.model.generate(
            **inputs,
            generation_config=plan.config,
            logits_processor=processors,
            stopping_criteria=t.StoppingCriteriaList([watch]),
            streamer=pieces,
            tokenizer=tokenizer,  # for the checkpoint's own stop texts
        )  # (row · sequence, token)
    finally:
        if hook is not None:
            hook.remove()
    first = 1 if loaded.config.is_encoder_decoder else inputs["input_ids"].shape[1]
    each = len(sequences) // len(prompts)
    texts = [
        written(tokenizer, prompts[i // each], ids, ends, stops, watch.of(i))
        for i, ids in enumerate(sequences[:, first:].tolist())
    ]
    watch.tell(sum(text.new_tokens for text in texts))
    if pieces is not None:
        pieces.finish(texts[0].text)
    return [texts[i : i + each] for i in range(0, len(texts), each)]


class Unfinished(t.LogitsProcessor):
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


class Draw(t.LogitsProcessor):
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
        exact = torch.float32 if scores.device.type == "mps" else torch.float64
        cumulated = scores.softmax(-1, dtype=exact).cumsum(-1)  # (row, vocabulary)
        total = cumulated[:, -1:].contiguous()
        drawn = self.uniform[:, self.step, None].to(scores.device, exact) * total
        last = torch.searchsorted(cumulated, total)  # with a probability; drawn may be rounded up
        tokens = torch.searchsorted(cumulated, drawn, right=True).minimum(last)  # (row, 1)
        self.step += 1
        chosen = torch.full_like(scores, -torch.inf)
        return chosen.scatter_(1, tokens, 0.0)


class Watch(t.StoppingCriteria):
    """Looks on after every token: ends rows at stop texts, keeps log probabilities, takes time."""

    def __init__(
        self,
        tokenizer: Any,
        prompts: Sequence[Prompt],
        stops: Sequence[str],
        logprobs: int | None,
    ) -> None:
        self.tokenizer = tokenizer
        self.prompts = prompts
        self.stops = stops
        # A token that is text has a byte at least.
        self.reach = max((len(stop.encode()) for stop in stops), default=0) + 4
        self.count = logprobs
        self.logits: Any = None
        self.seen: list[tuple[Any, Any, Any]] = []
        self.steps = 0
        self.start = time.monotonic()
        self.first = 0.0

    def see(self, model: Any, inputs: Any, outputs: Any) -> None:
        """Take the model's own logits, before anything shapes them (a forward hook)."""
        self.logits = outputs.logits[:, -1]  # (row, vocabulary)

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """Say which rows are done."""
        self.steps += 1
        if self.steps == 1:
            self.first = time.monotonic() - self.start
        if self.count is not None:
            logs = self.logits.float().log_softmax(-1)
            own = logs.gather(1, input_ids[:, -1:])[:, 0]
            values, tokens = logs.topk(min(self.count, logs.shape[-1]))
            self.seen.append((own.tolist(), values.tolist(), tokens.tolist()))
        done = [False] * len(input_ids)
        if self.stops:
            new = input_ids[:, -self.steps :].tolist()
            each = len(new) // len(self.prompts)
            done = [self._stops(self.prompts[i // each], ids) for i, ids in enumerate(new)]
        return torch.tensor(done, device=input_ids.device)

    def _stops(self, prompt: Prompt, ids: list[int]) -> bool:
        text = continued(self.tokenizer, [*prompt.ids, *ids[: -self.reach]], ids[-self.reach :])
        return any(stop in text for stop in self.stops)

    def of(self, row: int) -> list[dict[str, Any]] | None:
        """What was recorded of a row, a dictionary a token."""
        if self.count is None:
            return None
        return [
            {
                "logprob": own[row],
                "top": [
                    {**token(self.tokenizer, one), "logprob": value}
                    for one, value in zip(tokens[row], values[row], strict=True)
                ],
            }
            for own, values, tokens in self.seen
        ]

    def tell(self, tokens: int) -> None:
        """Say how fast it was."""
        seconds = max(1e-9, time.monotonic() - self.start)
        log.info("first token after %.3f s, %.1f tokens/s", self.first, tokens / seconds)
