"""What a task is, and the values that go in and come out: Example, Record, and their kin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple, Protocol

Record = dict[str, Any]
"""One result: JSON types (and numpy arrays), keyed by column."""


class Failure(NamedTuple):
    """What is wrong with one example; the run goes on."""

    type: str
    """A word to sort errors by: ``empty``, ``encoding``, ``json``, ``column``, ``too_long`` …"""
    message: str


@dataclass(frozen=True, slots=True)
class Example:
    """One input: a text for each field, and where it came from."""

    index: int
    fields: Mapping[str, str]
    kept: Mapping[str, Any] = field(default_factory=dict)
    file: str | None = None
    line: int | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What the model sees once; an example has one row, or many if it is long."""

    inputs: Mapping[str, Any]
    """The model's arguments, unpadded lists or arrays of integers: ``input_ids`` …"""
    note: Any = None
    """What the task's ``forward`` and ``postprocess`` want to know of the row."""
    more: int = 0
    """How many tokens may come to it, where a model writes on."""

    @property
    def length(self) -> int:
        """How many tokens the row has, or will have."""
        return len(next(iter(self.inputs.values()))) + self.more


class Batch(NamedTuple):
    """Rows that run together."""

    rows: Sequence[Row]
    inputs: Mapping[str, Any]
    """The padded tensors on the model's device, as the model takes them; without a model nothing.
    """
    emit: Callable[[str, bool], None] | None = None
    """Where somebody reads along: takes text as it is made, and whether it was given, not made.

    It raises when nobody wants more.
    """


class Progress(NamedTuple):
    """How far the rows are whose records come next; it stands between records, and is none."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text as it is made; all pieces of an example come before its record."""

    index: int
    text: str
    given: bool
    """Whether it was there before: a prompt."""


@dataclass(frozen=True, slots=True)
class Field:
    """One text that an example is made of."""

    name: str
    required: bool = True
    whole: bool = False
    """Whether standard input is one text, even for the first field."""
    repeated: bool = True
    """Whether records repeat it; if not, ``--keep`` brings it."""
    many: bool = False
    """Whether each line of it is a text: its option may be repeated, and what examples share is
    read once."""
    help: str = ""
    """What it is for, where its name does not say it all."""
    noun: str = ""
    """What messages call it, where that is not its name."""

    @property
    def called(self) -> str:
        """What messages call it."""
        return self.noun or self.name


@dataclass(frozen=True, slots=True)
class Flag:
    """How an option looks on the command line, and which values it takes."""

    help: str
    short: str = ""
    choices: tuple[str, ...] = ()
    """The words it takes; for a number, words that it takes besides numbers."""
    min: float | None = None
    max: float | None = None
    metavar: str = ""


@dataclass(frozen=True, slots=True)
class NoOptions:
    """For a task without options of its own."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory, ready to run, with what belongs to it."""

    model: Any = None
    tokenizer: Any = None
    config: Any = None
    max_length: int = 0
    """The longest row that the model reads, in tokens."""
    revision: str | None = None
    """The commit of a model of the Hub."""
    folder: Path | None = None
    """Where its files lie; None for a GGUF file."""
    cache: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What a task has made with it and needs again, as long as the run lasts."""

    @property
    def dtype(self) -> str:
        """What the model computes in: ``float32``."""
        return str(self.model.dtype).removeprefix("torch.")

    @property
    def arguments(self) -> frozenset[str]:
        """What the model's ``forward`` takes."""
        return frozenset(signature(self.model.forward).parameters)

    @property
    def overflow(self) -> Failure:
        """What is wrong with an example whose scores are no numbers."""
        return Failure("overflow", f"the scores overflow in {self.dtype}; try --dtype float32")


class Task(Protocol):
    """Turns examples into records with a model: ``preprocess → forward → postprocess``.

    A task may also have

    - ``status(record, options) -> int``, the exit status that a record asks for (0 for none),
    - ``padding_side(config) -> str``, where that is not the model family's,
    - ``window(options) -> int``, how many examples to take at a time, where many would make the
      first wait, or fill the memory,
    - ``streams = True``: its ``forward`` gives text to ``batch.emit`` as it is made,
    - ``long_form(options) -> LongForm | None``: the lines that ``plain``, csv and tsv have for each
      record, where one is not enough,
    - ``for_view(options) -> options``, under which a record has all that its view shows, and
      ``for_page``, the same of its page, where ``files`` has ``html``,
    - ``beforehand(examples, loaded, options)``, a generator of rows that are to run before those of
      a window; it is sent their outputs, and may keep what comes of them in ``loaded.cache``,
    - ``further(example, rows, outputs, loaded, options) -> rows``: what is to run after all that
      has run for an example, made of what came of it; called again until it gives nothing,
    - ``suits(model_type, labels) -> bool``: whether such a model is one for it, where its Auto
      classes do not tell (``labels`` is None where they are not known),
    - ``standard_for(options) -> str``, where the standard checkpoint depends on the options,
    - ``fits(config, options) -> bool``: whether a starter can do what the options ask, by its
      config.json; the first of the task's starters that can is the default,
    - ``files``, further extensions that ``--output`` takes: ``("npz", "png")``,
    - ``stacks = True``: arrays of its records have one shape, and are one array in such a file.
    """

    name: str
    """The command."""
    summary: str
    """What it does, in one line."""
    examples: tuple[str, ...]
    """Two command lines or more for its help."""
    fields: tuple[Field, ...]
    options_type: type[Any]
    """A frozen dataclass whose fields are ``Annotated[T, Flag(…)]``."""
    standard: str
    """The task's standard checkpoint, ``org/name@revision``; empty: it needs no model."""
    auto_classes: tuple[str, ...]
    """The Auto classes that load its models; a family that has one of them serves the task.

    ``("AutoTokenizer",)`` alone: it needs no weights, and ``loaded.model`` is None.
    """

    def columns(self, options: Any) -> tuple[str, ...]:
        """The keys of a result under these options; the first is what ``plain`` prints."""

    def auto_model(self, config: Any, options: Any) -> str:
        """Which of ``auto_classes`` loads the model."""

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: Any
    ) -> Sequence[Sequence[Row] | Failure]:
        """For each example its rows, or what is wrong with it; one tokenizer call for all."""

    def forward(self, loaded: Loaded, batch: Batch, options: Any) -> Sequence[Any]:
        """Run one padded batch; one value in host memory for each row."""

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Any],
        loaded: Loaded,
        options: Any,
    ) -> Record | Failure:
        """The results of one example, under the keys that ``columns`` names; or what went wrong."""


Fits = Callable[[Mapping[str, Any]], bool]
"""Whether a starter will do, by what its config.json says."""


def standard_of(task: Task, options: Any) -> str:
    """The standard checkpoint of a task under these options."""
    return str(task.standard_for(options) if hasattr(task, "standard_for") else task.standard)


def fits_of(task: Task, options: Any) -> Fits | None:
    """Which starters can do what the options ask; None: all."""
    if not hasattr(task, "fits"):
        return None
    return lambda config: bool(task.fits(config, options))
