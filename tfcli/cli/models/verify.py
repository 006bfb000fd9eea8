"""``tfcli models verify``: are the files what they should be, and would they be loaded?"""

from collections.abc import Iterator
from pathlib import Path

from tfcli.cli.options import complete_model
from tfcli.cli.report import Argument, Report
from tfcli.core.task import NoOptions, Record
from tfcli.errors import OK, TfcliError, UnsafeModelError
from tfcli.models.registry import starters
from tfcli.models.resolve import is_local

COLUMNS = ("model", "revision", "status", "message")
_STATUS = {
    "ok": OK,
    "partial": OK,
    "damaged": TfcliError.status,
    "refused": UnsafeModelError.status,
}


def _columns(names: list[str] | None, options: NoOptions) -> tuple[str, ...]:
    return COLUMNS


def _records(names: list[str] | None, options: NoOptions) -> Iterator[Record]:
    """A record for each model: those named, or the starters and all that is cached."""
    from tfcli.models.cache import is_described
    from tfcli.models.stock import damage, named, starter_damage, stock

    asked = list(names or ())
    cached = [name for name in asked if name not in starters() and not is_local(name)]
    held = named(cached) if asked else stock()[0]
    for starter in starters().values():
        if not asked or starter.name in asked:
            yield _record(starter.name, None, starter.folder, starter_damage(starter))
    for name in asked:
        if name not in starters() and is_local(name):
            yield _record(name, None, Path(name), iter(()))
    for one in held:
        described = is_described(one.folder)
        yield _record(one.model, one.revision, one.folder, damage(one.folder), described)


def _record(
    model: str, revision: str | None, place: Path, wrong: Iterator[str], described: bool = False
) -> Record:
    """What is wrong with a model; of one that is only ``described`` no weights are looked for."""
    from tfcli.models.stock import refusal

    status, message = "ok", next(wrong, None)
    if message is not None:
        status = "damaged"
    elif error := refusal(place, weights=not described):
        status = "refused" if isinstance(error, UnsafeModelError) else "damaged"
        message = str(error)
    elif described:
        status, message = "partial", f"no weights yet: tfcli models pull {model}@{revision}"
    return {"model": model, "revision": revision, "status": status, "message": message}


VERIFY = Report(
    name="verify",
    summary="Check models: hashes against the Hub's, and whether tfcli would load them.",
    notes="Without names: the starters and all that is cached. Status 1 if a file is damaged or "
    "missing, 5 if a model would be refused as unsafe. A model that was only looked at is partial: "
    "its weights were never fetched, which is no error.",
    examples=("tfcli models verify", "tfcli models verify openai-community/gpt2 ./my-model"),
    arguments=(Argument("names", "Models.", required=False, many=True, complete=complete_model),),
    columns=_columns,
    records=_records,
    status=lambda record: _STATUS[record["status"]],
    view="models_verify",
)
