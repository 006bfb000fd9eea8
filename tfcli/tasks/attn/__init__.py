"""``tfcli attn``: what a model's attention heads look at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tfcli.core.places import places, ranges
from tfcli.core.record import LongForm
from tfcli.core.task import Batch, Example, Failure, Field, Loaded, Record, Row
from tfcli.errors import UsageError
from tfcli.models.axis import Encoded, encoded
from tfcli.models.targets import GENERATE, NEW_TOKENS, target_of
from tfcli.tasks.attn.options import AttnOptions

TOKEN_BYTES = 1 << 17
"""Bytes of maps that take as much room in a batch as a token."""

PAGE_BYTES = 200_000_000
"""Bytes of maps of a text that a page shows without making its reader wait: a quarter is stored."""

SMALL_WINDOW = 64
"""Examples in a window, where what they come to is small."""


MAPLESS = ("reformer", "funnel")
"""Families whose heads look at chunks or pools of tokens: there is no map to show."""


class Attn:
    """Show attention: as maps, links, or numbers for each head."""

    name = "attn"
    summary = "Show what the attention heads of a model look at."
    examples = (
        'tfcli attn "The dog chased its tail." --layer 4 --head 3',
        'tfcli attn "The dog is tired." --pair "It sleeps." -o heads.npz',
        "tfcli attn \"It was hot.\" --layer -1 --head all -f plain | sort -t$'\\t' -k7gr | head",
    )
    fields = (
        Field("text"),
        Field("pair", required=False, repeated=False, help="A second text, read with the first."),
        Field("target", required=False, repeated=False, help="What a decoder writes [its own]."),
    )
    options_type = AttnOptions
    files = ("html", "npz", "safetensors", "png", "svg", "pdf")
    standard = "google-bert/bert-base-uncased@86b5e09"
    auto_classes = ("AutoModel", "AutoModelForSeq2SeqLM", "AutoModelForTextEncoding")

    def columns(self, options: AttnOptions) -> tuple[str, ...]:
        """Which heads, which tokens, and what is between them."""
        which = ("kind", "queries", "keys", "segments", "layers", "heads")
        cut = ("truncated",) if options.truncate is not None else ()
        if options.neurons:
            return (*which, "token", "query", "key", "product", "score", "attention", *cut)
        found = ("links",) if options.top_k is not None else ("attention",)
        page = ("units", "vectors") if options.page else ()
        return (*which, *(options.statistics or found), *page, *cut)

    def for_page(self, options: AttnOptions) -> AttnOptions:
        """The options under which a record has all that a page shows."""
        return replace(options, page=True)

    def window(self, options: AttnOptions) -> int:
        """Texts with many maps wait for nothing; what is small may wait for its like."""
        spans = [*ranges(options.layer, "layer"), *ranges(options.head, "head")]
        one = len(spans) == 2 and all(first == last for first, last in spans)
        return SMALL_WINDOW if one or options.is_small else 1

    def padding_side(self, config: Any) -> str:
        """Tokens are counted from the first one, in every family."""
        return "right"

    def suits(self, model_type: str, labels: Sequence[str] | None) -> bool:
        """All but those that give no maps of queries and keys."""
        return model_type not in MAPLESS

    def fits(self, config: Mapping[str, Any], options: AttnOptions) -> bool:
        """Only two stacks have attention of other kinds."""
        return options.kind in (None, "self") or config.get("is_encoder_decoder", False)

    def auto_model(self, config: Any, options: AttnOptions) -> str:
        """A model without a head; where a decoder reads what was written, one that writes."""
        if any(name.endswith("EncoderModel") for name in config.architectures or ()):
            return "AutoModelForTextEncoding"  # the encoder of T5, without its decoder
        return "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModel"

    def preprocess(
        self, examples: Sequence[Example], loaded: Loaded, options: AttnOptions
    ) -> list[list[Row] | Failure]:
        """One row for each text."""
        texts = [(e.fields["text"], e.fields.get("pair")) for e in examples]
        return [
            _prepared(example, one, loaded, options)
            for example, one in zip(
                examples,
                encoded(texts, loaded, options.merge, options.truncate is not None),
                strict=True,
            )
        ]

    def forward(self, loaded: Loaded, batch: Batch, options: AttnOptions) -> Sequence[Any]:
        """The maps, or the neurons, that are wanted of each row."""
        from tfcli.models.findings import Telling
        from tfcli.models.heads import maps_of, neurons_of
        from tfcli.models.maps import ROLLOUT

        how = Telling(
            aggregate=ROLLOUT if options.rollout else options.agg,
            between=options.between,
            special=not options.no_special,
            links=options.top_k,
            statistics=options.statistics,
            page=options.page,
            whole=options.head in (None, "all"),
        )
        found: dict[int, Record | Failure] = {}
        for kind in {row.note.kind for row in batch.rows}:
            chosen = [i for i, row in enumerate(batch.rows) if row.note.kind == kind]
            wanted = [batch.rows[i].note for i in chosen]
            inputs = {name: values[chosen] for name, values in batch.inputs.items()}
            seen: Sequence[Any]
            if options.token is None:
                seen = maps_of(loaded, wanted, inputs, options.merge, how)
            else:
                seen = neurons_of(loaded, wanted, inputs, options.token)
            told = (_told(*one, loaded) for one in zip(seen, wanted, strict=True))
            found.update(zip(chosen, told, strict=True))
        return [found[i] for i in range(len(batch.rows))]

    def postprocess(
        self,
        example: Example,
        rows: Sequence[Row],
        outputs: Sequence[Record | Failure],
        loaded: Loaded,
        options: AttnOptions,
    ) -> Record | Failure:
        """The numbers as they are wanted."""
        from tfcli.models.findings import halved

        (found,) = outputs
        return halved(found) if options.half and not isinstance(found, Failure) else found

    def long_form(self, options: AttnOptions) -> LongForm:
        """A line for each weight; for the numbers of heads a line for each head."""
        omitted = frozenset({"text", *self.columns(options)})
        if options.statistics:
            return LongForm(_columns_of_numbers(options), _lines, omitted)
        units = ("query_index", "key_index", "query", "key")
        score = ("score",) if options.neurons else ()
        cut = ("truncated",) if options.truncate is not None else ()
        columns = ("layer", "head", *units, *score, "weight")
        return LongForm(
            (*columns, *cut),
            lambda record: ((*line, *(record[name] for name in cut)) for line in _lines(record)),
            omitted,
        )


def _columns_of_numbers(options: AttnOptions) -> tuple[str, ...]:
    from tfcli.models.maps import PATTERNS

    numbers = [name for name in options.statistics if name != "patterns"]
    return ("layer", "head", *numbers, *(PATTERNS if options.patterns else ()))


def _lines(record: Record) -> Iterator[tuple[Any, ...]]:
    from tfcli.models.findings import lines

    return lines(record)


def _told(seen: Any, wanted: Any, loaded: Loaded) -> Record | Failure:
    """What is told of the maps, or of the neurons, of a row."""
    if isinstance(seen, Failure):
        return seen
    found: Record | Failure = seen.record() if seen.sound else loaded.overflow
    if isinstance(found, Failure):
        return found
    return {"kind": wanted.kind, **found, "truncated": wanted.truncated}


def _prepared(
    example: Example, text: Encoded | Failure, loaded: Loaded, options: AttnOptions
) -> list[Row] | Failure:
    """A row for a text, or what is wrong with it."""
    from tfcli.models.attention import anatomy, maps_at_once
    from tfcli.models.heads import Wanted

    if isinstance(text, Failure):
        return text
    pair, target = example.fields.get("pair"), example.fields.get("target")
    shapes = anatomy(loaded).shapes
    kind = options.kind or ("cross" if target and "cross" in shapes else next(iter(shapes)))
    if wrong := _unfit(kind, loaded, pair, options):
        return wrong
    layers = places(options.layer, shapes[kind].layers, "layer")
    heads = places(options.head, shapes[kind].heads, "head")
    if options.rollout:
        layers = list(range(max(layers) + 1))
    read: Encoded | Failure | None = None
    queries = text.axis.tokens
    if kind in ("decoder", "cross"):
        read = target_of(target or GENERATE, loaded, options.merge)
        queries = read.axis.tokens if isinstance(read, Encoded) else NEW_TOKENS
    if isinstance(read, Failure):
        return read
    keys = queries if kind == "decoder" else text.axis.tokens
    maps = maps_at_once(loaded, kind, 1 if options.is_small else len(layers), len(heads))
    needed = 4 * maps * keys * (1 if options.neurons else queries)
    most = min(PAGE_BYTES, options.max_bytes) if options.page else options.max_bytes
    if needed > most:
        many = f"{maps:,} maps of {queries:,} × {keys:,} tokens"
        limit = "--max-bytes" if most == options.max_bytes else "a page"
        sizes = f"{needed:,} bytes, and {limit} allows {most:,}"
        return Failure("too_large", f"{many} take {sizes}; ask for fewer with --layer and --head")
    note = Wanted(kind, layers, heads, text.axis, read, text.truncated)
    return [Row(text.inputs, note, needed // TOKEN_BYTES)]


def _unfit(kind: str, loaded: Loaded, pair: str | None, options: AttnOptions) -> Failure | None:
    """What is missing of an example.

    Raises:
        UsageError: the model, or attention of this kind, does not have what is asked for.
    """
    from tfcli.models.attention import anatomy

    shapes = anatomy(loaded).shapes
    if kind not in shapes:
        raise UsageError(f"The model has no {kind} attention.", hint="--kind " + ", ".join(shapes))
    if kind == "cross":
        for name in ("rollout", "distance", "patterns"):
            if getattr(options, name):
                raise UsageError(
                    f"{name.capitalize()}: queries and keys have to be of one text, "
                    "which they are not in cross attention.",
                    hint="--kind encoder, or --kind decoder.",
                )
    if options.between != "all" and kind not in ("self", "encoder"):
        raise UsageError(f"--between parts the two texts of a pair, not {kind} attention.")
    if options.between != "all" and pair is None:
        return Failure("column", "--between needs a second text: --pair TEXT")
    return None


TASK = Attn()
