"""``tfcli models lock``: write down exactly which models a project runs."""

from collections.abc import Iterator

from tfcli.cli.options import complete_model
from tfcli.cli.report import Argument, Report
from tfcli.core.job import ModelRef
from tfcli.core.task import NoOptions, Record
from tfcli.errors import UsageError
from tfcli.models.defaults import default_for, model_name
from tfcli.models.resolve import model_ref
from tfcli.tasks import BUILT_IN, task_named

COLUMNS = ("model", "revision", "sha256")


def _columns(names: list[str] | None, options: NoOptions) -> tuple[str, ...]:
    return COLUMNS


def _records(names: list[str] | None, options: NoOptions) -> Iterator[Record]:
    """A record for each model in the lock."""
    from tfcli.models.lock import entry_for, write

    refs = [model_ref(name) for name in names or _defaults()]
    _require_one_revision(refs)
    entries = {ref.checkpoint: entry_for(ref) for ref in refs}
    write(entries)
    for model, entry in entries.items():
        yield {
            "model": model,
            "revision": entry.get("revision"),
            "sha256": entry.get("sha256"),
        }


def _defaults() -> list[str]:
    """The models that the tasks use when none is named."""
    known = [task for task in BUILT_IN if task_named(task).standard and default_for(task)]
    return list(dict.fromkeys(model_name(task, None) for task in known))


def _require_one_revision(refs: list[ModelRef]) -> None:
    """Refuse two revisions of a model: the lock holds one of each."""
    first: dict[str, ModelRef] = {}
    for ref in refs:
        other = first.setdefault(ref.checkpoint, ref)
        if other.revision != ref.revision:
            raise UsageError(
                f"The lock holds one revision of a model, and {other} and {ref} are two."
            )


LOCK = Report(
    name="lock",
    summary="Write tfcli.lock: exact revisions, which --locked holds runs to.",
    notes="Models of the Hub are held by their commit, folders and starters by the SHA-256 of "
    "their files. Without names: the models that the tasks use by default.",
    examples=(
        "tfcli models lock",
        "tfcli models lock bert-starter && tfcli sentiment 'Good.' -m bert-starter --locked",
    ),
    arguments=(Argument("names", "Models.", required=False, many=True, complete=complete_model),),
    columns=_columns,
    records=_records,
    view="card",
)
