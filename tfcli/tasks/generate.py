"""``tfcli generate``: what a language model writes on from a prompt. Any model that writes will do.

A causal model (GPT-2, Llama, Qwen …) continues the prompt, a sequence-to-sequence model answers it.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from tfcli.core.record import LongForm
from tfcli.core.task import Batch, Example, Failure, Field, Flag, Loaded, Record, Row
from tfcli.errors import UsageError
from tfcli.models.continuation import Prompt, Written
from tfcli.models.generative import (
    CAUSAL,
    SEQUENCE_TO_SEQUENCE,
    auto_class,
    padding_side,
)
from tfcli.models.prompts import Fitted, as_message, fitted

DEFAULTS: Mapping[str, float] = {"max_new_tokens": 64, "temperature": 0.8, "top_p": 0.95}
"""What holds where neither an option nor the checkpoint's generation_config says anything."""
DRAWING = ("temperature", "top_k", "top_p", "min_p", "seed")
"""The options that only mean something where tokens are drawn."""
SEEDS = 1 << 32


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    """What ``tfcli generate`` takes; the names are those of transformers' ``GenerationConfig``.

    What is not given is the checkpoint's, or else ``DEFAULTS``.

    Raises:
        UsageError: two options contradict each other.
    """

    max_new_tokens: Annotated[
        int | None, Flag("The most tokens to write [the model's own, or 64].", min=1)
    ] = None
    temperature: Annotated[
        float | None, Flag("Below 1 likelier words, above 1 wilder ones [0.8].", min=0)
    ] = None
    top_k: Annotated[int | None, Flag("Draw from the K likeliest tokens; 0: from all.", min=0)] = (
        None
    )
    top_p: Annotated[
        float | None,
        Flag("Draw from the fewest tokens that are this likely together [0.95].", min=1e-3, max=1),
    ] = None
    min_p: Annotated[
        float | None,
        Flag("Draw from tokens at least this likely, as a share of the likeliest.", min=0, max=1),
    ] = None
    repetition_penalty: Annotated[
        float | None, Flag("Above 1: say again less of what was said.", min=1e-3)
    ] = None
    num_beams: Annotated[
        int | None, Flag("Search for the likeliest text with this many beams.", min=1)
    ] = None
    greedy: Annotated[bool, Flag("Take the likeliest token each time; draw nothing.")] = False
    num_return_sequences: Annotated[
        int | None, Flag("Write N texts for each prompt, as 'sequences'.", "-n", min=1)
    ] = None
    stop: Annotated[
        tuple[str, ...], Flag("End before this text (repeatable).", metavar="TEXT")
    ] = ()
    seed: Annotated[
        int | None, Flag("Draw the same again; the next text takes N+1.", min=0, metavar="N")
    ] = None
    only_new: Annotated[bool, Flag("Leave the prompt out of the text.")] = False
    chat: Annotated[bool, Flag("Take prompts as messages, by the model's chat template.")] = False
    system: Annotated[str | None, Flag("The system message before each (with --chat).")] = None
    logprobs: Annotated[
        int | None,
        Flag("Give each token's log probability, and those of the N likeliest.", min=0),
    ] = None
    truncate: Annotated[
        str | None, Flag("Cut the beginning off prompts that are too long.", choices=("left",))
    ] = None
    draws: bool | None = field(init=False, default=None)
    """Whether to draw tokens; None: the checkpoint says."""

    def __post_init__(self) -> None:
        """Check what cannot go together; draw a seed if one is wanted and none was given."""
        drawing = [f"--{name.replace('_', '-')}" for name in DRAWING if self._has(name)]
        search = "--greedy" if self.greedy else "--num-beams" if self.searches else ""
        if search and drawing:
            raise UsageError(f"{search} draws nothing: {drawing[0]} has no meaning beside it.")
        if self.temperature == 0:
            raise UsageError("--temperature 0 draws nothing.", hint="Say --greedy.")
        if self.greedy and self.searches:
            raise UsageError("--greedy and --num-beams are two ways to go: choose one.")
        if self.greedy and self.count > 1:
            raise UsageError("--greedy has one result: -n has no meaning beside it.")
        if self.searches and self.count > (self.num_beams or 1):
            raise UsageError(f"{self.num_beams} beams give at most {self.num_beams} texts.")
        if self.searches and self.logprobs is not None:
            raise UsageError("--logprobs are those of a text as it is made, not of beams.")
        if self.system is not None and not self.chat:
            raise UsageError("--system is a message of a chat.", hint="Add --chat.")
        if "" in self.stop:
            raise UsageError("--stop is empty: that would be everywhere.")
        object.__setattr__(self, "draws", False if search else bool(drawing) or None)
        if self.seed is None and not search:
            object.__setattr__(self, "seed", secrets.randbelow(SEEDS))

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None

    @property
    def decoding(self) -> dict[str, Any]:
        """What ``GenerationConfig`` knows, under its names; None where nobody said anything."""
        names = ("max_new_tokens", "temperature", "top_k", "top_p", "min_p", "repetition_penalty")
        wanted = {name: getattr(self, name) for name in names}
        return wanted | {"num_beams": 1 if self.greedy else self.num_beams}

    @property
    def searches(self) -> bool:
        """Whether beam search was asked for."""
        return (self.num_beams or 1) > 1

    @property
    def count(self) -> int:
        """How many texts to write for each prompt."""
        return self.num_return_sequences or 1


class Generate:
    """Write on from prompts."""

    name = "generate"
    summary = "Write on from a prompt with a language model."
    examples = (
        'tfcli generate "Once upon a time"',
        'tfcli generate "Once upon a time" -n 3 --seed 1 --stop "." | jq -r ".sequences[].text"',
        "tfcli generate -i prompts.txt --greedy --max-new-tokens 20 -o texts.jsonl",
    )
    fields = (Field("prompt"),)
    options_type = GenerateOptions
    standard = "openai-community/gpt2@607a30d"
    auto_classes = (CAUSAL, SEQUENCE_TO_SEQUENCE)
    streams = True

    def window(self, options: GenerateOptions) -> int:
        """Few prompts at a time: with many the first record would come late."""
        return 64

    def columns(self, options: GenerateOptions) -> tuple[str, ...]:
        """The text, why it ended, and what repeats it."""
        wanted = {
            "logprobs": options.logprobs,
            "sequences": options.num_return_sequences,
            "truncated": options.truncate,
        }
        more = [name for name, option in wanted.items() if option is not None]
        return ("text", "finish_reason", "new_tokens", "seed", *more)

    def auto_model(self, config: Any, options: GenerateOptions) -> str:
        """A causal head, or a decoder with its encoder."""
        return auto_class(config)

    def padding_side(self, config: Any) -> str:
        """The left for causal models."""
        return padding_side(config)

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: GenerateOptions
    ) -> list[list[Row] | Failure]:
        """For each prompt a row for each text to be drawn.

        Raises:
            UsageError: the model cannot do what the options ask for.
        """
        plan = _plan(loaded, options)
        texts = [example.fields["prompt"] for example in examples]
        if options.chat:
            texts = [as_message(text, options.system, loaded.tokenizer) for text in texts]
        prompts = fitted(
            texts,
            loaded,
            plan.config.max_new_tokens,
            truncate=options.truncate is not None,
            special=not options.chat,
        )
        return [
            prompt if isinstance(prompt, Failure) else _rows(example, prompt, plan, loaded, options)
            for example, prompt in zip(examples, prompts, strict=True)
        ]

    def forward(self, loaded: Loaded, batch: Batch, options: GenerateOptions) -> Sequence[Any]:
        """The texts of each row."""
        from tfcli.models.decoding import decode

        plan = _plan(loaded, options)
        written: Sequence[Any] = decode(
            loaded,
            batch.inputs,
            [row.note for row in batch.rows],
            plan,
            stops=options.stop,
            logprobs=options.logprobs,
            emit=batch.emit if plan.config.num_beams == 1 else None,
        )
        return written

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: GenerateOptions,
    ) -> Record | Failure:
        """The text of the first sequence, and all of them on demand."""
        if not all(outputs):
            return loaded.overflow
        sequences = [
            _sequence(row.note, one, options)
            for row, written in zip(rows, outputs, strict=True)
            for one in written
        ]
        record = dict(sequences[0])
        if options.num_return_sequences is not None:
            record["sequences"] = sequences
        if options.truncate is not None:
            record["truncated"] = rows[0].note.truncated
        return record

    def long_form(self, options: GenerateOptions) -> LongForm | None:
        """Of several texts for a prompt each has a line."""
        if options.num_return_sequences is None:
            return None
        logprobs = ("logprobs",) if options.logprobs is not None else ()
        return LongForm(
            ("text", "finish_reason", "new_tokens", "seed", *logprobs),
            lambda record: (tuple(one.values()) for one in record["sequences"]),
            frozenset({*self.columns(options)} - {"truncated"}),
            plain=1,
        )


def _plan(loaded: Loaded, options: GenerateOptions) -> Any:
    """How the model decodes under these options.

    Raises:
        UsageError: the checkpoint settles on a search that does not go with them.
    """
    from tfcli.models.decoding import settled

    plan = settled(loaded, options.decoding, DEFAULTS, options.draws, options.count)
    beams = plan.config.num_beams
    if not plan.samples and options.count > beams:
        how = f"with {beams} beams" if beams > 1 else "greedily"
        raise UsageError(
            f"The checkpoint itself decodes {how}: no {options.count} texts.",
            hint="Add --temperature to draw them.",
        )
    if beams > 1 and options.logprobs is not None:
        raise UsageError(
            f"--logprobs: the checkpoint itself decodes with {beams} beams.", hint="Add --greedy."
        )
    return plan


def _rows(
    example: Example, prompt: Fitted, plan: Any, loaded: Loaded, options: GenerateOptions
) -> list[Row]:
    """A row for each text that is drawn, with a seed of its own; a search needs one for all."""
    answers = loaded.config.is_encoder_decoder
    note = Prompt(
        "" if options.only_new or options.chat or answers else example.fields["prompt"],
        () if answers else prompt.ids,
        prompt.truncated,
    )
    inputs, length = {"input_ids": prompt.ids}, len(prompt.ids)
    more = int(plan.config.max_new_tokens)
    if not plan.samples:
        return [Row(inputs, note, (length + more) * plan.config.num_beams - length)]
    first = (options.seed or 0) + example.index * options.count
    seeds = range(first, first + options.count)
    return [Row(inputs, note._replace(seed=seed), more) for seed in seeds]


def _sequence(prompt: Prompt, written: Written, options: GenerateOptions) -> dict[str, Any]:
    sequence = {
        "text": prompt.shown + written.text,
        "finish_reason": written.finish_reason,
        "new_tokens": written.new_tokens,
        "seed": prompt.seed,
    }
    if options.logprobs is not None:
        sequence["logprobs"] = written.logprobs
    return sequence


TASK = Generate()
