"""Text token by token: how ``generate`` is set, and one call of it for a batch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import transformers as t

from tfcli.core.task import Loaded
from tfcli.models.continuation import Pieces, Prompt, Written, written
from tfcli.models.steps import Clock, Draw, Recorder, Sound, Stops, Unfinished

HEARD = (
    *("max_new_tokens", "min_length", "min_new_tokens", "num_beams", "early_stopping"),
    *("length_penalty", "repetition_penalty", "encoder_repetition_penalty"),
    *("no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids", "sequence_bias"),
    *("forced_bos_token_id", "forced_eos_token_id", "suppress_tokens", "begin_suppress_tokens"),
    *("exponential_decay_length_penalty", "remove_invalid_values", "renormalize_logits"),
    *("bos_token_id", "eos_token_id", "decoder_start_token_id", "use_cache"),
)
"""What is heard of a checkpoint's own settings besides sampling and ``stop_strings``.

Others choose another way of decoding (``penalty_alpha``, ``prompt_lookup_num_tokens`` …), or what
``generate`` returns.
"""
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


_Config: Any = t.GenerationConfig  # whose arguments have no types


class Plan(NamedTuple):
    """How a model decodes: an option beats the checkpoint, which beats tfcli."""

    config: Any
    """A ``GenerationConfig``."""
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


def settled(
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
    own = loaded.model.generation_config
    apart = loaded.config.is_encoder_decoder

    def chosen(name: str) -> Any:
        options = (given.get(name), getattr(own, name, None), defaults.get(name))
        return next((value for value in options if value is not None), None)

    config: Any = _Config(**{name: chosen(name) for name in HEARD})
    if given.get("max_new_tokens") is None:
        config.max_new_tokens = _fewer(config.max_new_tokens, loaded)
    if sample is None:
        greedy = own.do_sample is False or own.temperature == 0
        sample = not greedy and (config.num_beams or 1) == 1
    config.num_beams = 1 if sample else config.num_beams or 1
    config.num_return_sequences = 1 if sample else sequences
    config.do_sample = False  # tokens are drawn by a processor of ours
    config.pad_token_id = loaded.tokenizer.pad_token_id
    warpers = None
    if sample:
        shapes = {name: chosen(name) for name in WARPERS}
        warpers = [
            WARPERS[name](int(value) if name == "top_k" else float(value))
            for name, value in shapes.items()
            if value not in (None, NEUTRAL.get(name))
        ]
    least = 0
    if config.min_length and not apart:
        least, config.min_length = config.min_length, None
    stops = own.stop_strings or ()
    return Plan(config, warpers, (stops,) if isinstance(stops, str) else tuple(stops), least)


def _fewer(new: int, loaded: Loaded) -> int:
    """As many new tokens as a model has room for, where nobody asked for more.

    A sequence-to-sequence checkpoint may say how long its answers are, with the token that they
    begin with; a causal one's ``max_length`` counts the prompt.
    """
    if not loaded.config.is_encoder_decoder:
        return min(new, max(1, loaded.max_length // 2))
    own = loaded.model.generation_config
    if own.max_new_tokens is None and own.max_length:
        new = own.max_length - 1
    room = getattr(loaded.config, "max_position_embeddings", None)
    return min(new, room) if isinstance(room, int) else new


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

    A row whose scores are no numbers has none.

    Args:
        loaded: model and tokenizer.
        inputs: the padded rows, on the model's device.
        prompts: what is to be known of each row.
        plan: from ``settled``.
        stops: texts that end a sequence, across token borders too, besides the checkpoint's own.
        logprobs: give each new token's log probability, and that of this many likeliest ones.
        emit: takes the new text of a single row piece by piece, whole characters only.
    """
    tokenizer = loaded.tokenizer
    stops = (*stops, *plan.stops)
    ends = plan.config.eos_token_id
    ends = ends if isinstance(ends, list) else [] if ends is None else [ends]
    clock, sound = Clock(), Sound()
    processors = t.LogitsProcessorList([clock, sound])
    if plan.least and ends:
        processors.append(Unfinished(plan.least - inputs["attention_mask"].sum(-1), ends))
    if plan.warpers is not None:
        seeds = [prompt.seed or 0 for prompt in prompts]
        processors.extend([*plan.warpers, Draw(seeds, plan.config.max_new_tokens)])
    recorder = None if logprobs is None else Recorder(logprobs)
    criteria = t.StoppingCriteriaList([Stops(tokenizer, prompts, stops)] if stops else [])
    if recorder is not None:
        criteria.append(recorder)
    pieces = None
    if emit is not None:
        emit(prompts[0].shown, True)
        pieces = Pieces(tokenizer, prompts[0], stops, emit)
    sequences = _generated(loaded.model, inputs, plan, processors, criteria, pieces, recorder)
    first = 1 if loaded.config.is_encoder_decoder else inputs["input_ids"].shape[1]
    each = len(sequences) // len(prompts)
    longest = plan.config.max_new_tokens
    texts = []
    for i, ids in enumerate(sequences[:, first:].tolist()):
        prompt = prompts[i // each]
        one = written(tokenizer, prompt, ids, ends, stops)
        if plan.config.forced_eos_token_id is not None and one.new_tokens >= longest:
            one = one._replace(finish_reason="length")  # its end was none of the model's
        if recorder is not None:
            one = one._replace(logprobs=recorder.of(i, prompt, ids[: one.new_tokens], tokenizer))
        texts.append(one)
    clock.say(sum(text.new_tokens for text in texts))
    broken = sound.bad.view(len(prompts), -1).any(1).tolist()
    if pieces is not None and not broken[0]:
        pieces.finish(texts[0].text)
    return [[] if bad else texts[i * each : (i + 1) * each] for i, bad in enumerate(broken)]


def _generated(
    model: Any,
    inputs: Mapping[str, Any],
    plan: Plan,
    processors: Any,
    criteria: Any,
    pieces: Pieces | None,
    recorder: Recorder | None,
) -> Any:
    """The tokens of each sequence, (row · sequence, token); the plan is all that counts."""
    own, model.generation_config = model.generation_config, _Config()
    hook = model.register_forward_hook(recorder.see) if recorder is not None else None
    try:
        return model.generate(
            **inputs,
            generation_config=plan.config,
            logits_processor=processors,
            stopping_criteria=criteria,
            streamer=pieces,
        )
    finally:
        model.generation_config = own  # which generate() would take all that is None from
        if hook is not None:
            hook.remove()
