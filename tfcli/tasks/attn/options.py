"""What ``tfcli attn`` takes."""

from dataclasses import dataclass, field
from typing import Annotated

from tfcli.core.options import INTERNAL
from tfcli.core.places import ranges
from tfcli.core.task import Flag
from tfcli.errors import UsageError
from tfcli.models.axis import MERGES

KINDS = ("self", "encoder", "decoder", "cross")


@dataclass(frozen=True, slots=True)
class AttnOptions:
    """What ``tfcli attn`` takes."""

    layer: Annotated[
        str | None, Flag("Layers: 4 or 0,3,5-7 or all; -1 is the last.", metavar="LAYERS")
    ] = None
    head: Annotated[str | None, Flag("Heads of these layers, likewise.", metavar="HEADS")] = None
    kind: Annotated[
        str | None,
        Flag("Which attention of a model with encoder and decoder.", choices=KINDS),
    ] = None
    merge: Annotated[
        str, Flag("Take the tokens of a word, or of a character, as one.", choices=MERGES)
    ] = "none"
    between: Annotated[
        str,
        Flag("Of a pair: from which text to which.", choices=("all", "aa", "ab", "ba", "bb")),
    ] = "all"
    no_special: Annotated[bool, Flag("Leave out [CLS], [SEP] and their like.")] = False
    agg: Annotated[
        str | None, Flag("One map of all layers and heads asked for.", choices=("mean", "max"))
    ] = None
    top_k: Annotated[
        int | None, Flag("Only the N strongest links of each token, as 'links'.", min=1)
    ] = None
    rollout: Annotated[
        bool, Flag("Follow the attention from the first layer to the last asked for.")
    ] = False
    entropy: Annotated[bool, Flag("How widely each head looks, in nats.")] = False
    distance: Annotated[bool, Flag("How far each head looks, in tokens.")] = False
    patterns: Annotated[
        bool, Flag("What goes to the previous, next, first and same token, and to separators.")
    ] = False
    neurons: Annotated[
        bool, Flag("How the query of one --token meets each key, number by number.")
    ] = False
    token: Annotated[int | None, Flag("The token for --neurons, counted from 0.")] = None
    half: Annotated[bool, Flag("Give float16 numbers, which take half the room.")] = False
    truncate: Annotated[
        str | None, Flag("Cut the end off texts that are too long.", choices=("right",))
    ] = None
    max_bytes: Annotated[int, Flag("Refuse a text whose maps are larger.", min=1)] = 1_000_000_000
    theme: Annotated[str, Flag("Colours of a figure.", choices=("light", "dark"))] = "light"
    page: bool = field(default=False, metadata=INTERNAL)
    """Whether a page shows it, which tells more of each text than a record."""

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        ranges(self.layer, "layer")
        ranges(self.head, "head")
        if self.neurons != (self.token is not None):
            raise UsageError("--neurons and --token go together: --neurons --token 5")
        forms = {
            "--neurons": self.neurons,
            "--rollout": self.rollout,
            "--agg": self.agg is not None,
            "--entropy, --distance and --patterns": bool(self.statistics),
        }
        chosen = [name for name, given in forms.items() if given]
        if len(chosen) > 1:
            raise UsageError(f"{chosen[0]} does not go together with {chosen[1]}.")
        if self.top_k is not None and (self.neurons or self.statistics):
            raise UsageError(f"--top-k does not go together with {chosen[0]}.")
        if self.neurons and (self.merge != "none" or self.between != "all" or self.no_special):
            raise UsageError(
                "--neurons shows one token and all keys: leave the choice of them out."
            )
        if self.rollout and self.head is not None:
            raise UsageError("--rollout takes the mean of all heads: leave --head out.")
        if self.page and (self.top_k is not None or self.neurons or self.statistics):
            named = "--top-k" if self.top_k is not None else chosen[0]
            raise UsageError(f"A page shows maps, with all that is in them: leave {named} out.")

    @property
    def is_small(self) -> bool:
        """Whether what is told of a text is less than a map for each head."""
        return bool(self.statistics or self.agg or self.rollout)

    @property
    def statistics(self) -> tuple[str, ...]:
        """The numbers to give for each head, in place of its map."""
        return tuple(name for name in ("entropy", "distance", "patterns") if getattr(self, name))
