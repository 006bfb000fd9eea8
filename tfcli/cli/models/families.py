"""``tfcli models list``: the model families of transformers, at once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from tfcli.cli.report import Argument, Report
from tfcli.core.task import Flag, Record
from tfcli.models.families import (
    ARCHITECTURES,
    STATUSES,
    Family,
    described,
    families,
    require_one_of,
    same,
)
from tfcli.tasks import BUILT_IN, tasks_for

COLUMNS = (
    *("slug", "name", "model_type", "creator", "year", "architecture", "objectives", "reads"),
    *("tasks", "status", "alias_of", "removed_in", "instead", "checkpoint", "paper", "purpose"),
)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Which families to list."""

    task: Annotated[str | None, Flag("Those that serve this task.", choices=BUILT_IN)] = None
    creator: Annotated[
        str | None, Flag("Those that Google, Meta, HIT … made, alone or with others.")
    ] = None
    architecture: Annotated[
        str | None, Flag("Those of this architecture.", choices=ARCHITECTURES)
    ] = None
    objective: Annotated[str | None, Flag("Those trained so: MLM, CLM, denoising …")] = None
    status: Annotated[
        str | None, Flag("What the current transformers makes of them.", choices=STATUSES)
    ] = None
    all: Annotated[
        bool, Flag("Also the types of transformers of which no more is known than their classes.")
    ] = False


def _columns(word: str | None, options: ListOptions) -> tuple[str, ...]:
    return COLUMNS


def _records(word: str | None, options: ListOptions) -> Iterator[Record]:
    """A record for each family that passes every filter."""
    known = list(families().values()) if options.all else described()
    if options.creator is not None:
        of_all = (creator for family in known for creator in _creators(family.creator))
        require_one_of("--creator", options.creator, of_all)
    if options.objective is not None:
        of_all = (objective for family in known for objective in family.objectives)
        require_one_of("--objective", options.objective, of_all)
    for family in known:
        record = facts(family)
        if _passes(record, options) and _speaks_of(family, word):
            yield record


def facts(family: Family) -> Record:
    """What a record says of a family."""
    known = {
        "tasks": tasks_for(family.auto_classes, family.model_type),
        "objectives": list(family.objectives),
    }
    return {name: known[name] if name in known else getattr(family, name) for name in COLUMNS}


def _passes(record: Record, options: ListOptions) -> bool:
    return (
        (options.task is None or options.task in record["tasks"])
        and (
            options.creator is None
            or any(same(creator, options.creator) for creator in _creators(record["creator"]))
        )
        and options.architecture in (None, record["architecture"])
        and (
            options.objective is None
            or any(same(objective, options.objective) for objective in record["objectives"])
        )
        and options.status in (None, record["status"])
    )


def _creators(said: str | None) -> list[str]:
    """All of them as one, then each: ``HFL (HIT and iFLYTEK)`` are three."""
    each = re.split(r",| and |[()]", said or "")
    if "Facebook" in each:
        each.append("Meta")  # its name since 2021
    return [said, *filter(None, map(str.strip, each))] if said else []


def _speaks_of(family: Family, word: str | None) -> bool:
    """Whether a word stands in what is known of a family."""
    told = (*family.spellings, family.model_type, family.creator, family.title, family.purpose)
    texts = [text.casefold() for text in (*told, family.checkpoint) if text]
    return word is None or any(word.casefold() in text for text in texts)


LIST = Report(
    name="list",
    summary="List the model families: who made them, what for, and what the tasks can use.",
    examples=(
        "tfcli models list --task qa --architecture encoder",
        "tfcli models list --status removed -f json | jq '.[] | {name, instead}'",
        "tfcli models list chinese",
    ),
    arguments=(Argument("word", "Those that speak of this word.", required=False),),
    options_type=ListOptions,
    columns=_columns,
    records=_records,
    view="models_list",
)
