"""``tfcli doctor``: what is wrong with this machine, and the command that mends it."""

from collections.abc import Iterator

from tfcli.cli.report import Report
from tfcli.core.task import NoOptions, Record
from tfcli.errors import OK, TfcliError

COLUMNS = ("message", "check", "status", "fix")


def _columns(options: NoOptions) -> tuple[str, ...]:
    return COLUMNS


def _records(options: NoOptions) -> Iterator[Record]:
    """A record for each finding, as it is found."""
    from tfcli.models.checkup import checks

    for finding in checks():
        told = finding._asdict()
        yield {name: told[name] for name in COLUMNS}


DOCTOR = Report(
    name="doctor",
    summary="Look for what is wrong: versions, devices, speed, disk, cache, Hub.",
    notes="Each finding comes with the command that mends it. Status 1 if something cannot work as "
    "it is; warnings leave it at 0.",
    examples=("tfcli doctor", "tfcli doctor | jq -r 'select(.status != \"ok\") | .fix'"),
    columns=_columns,
    records=_records,
    status=lambda record: TfcliError.status if record["status"] == "problem" else OK,
    view="doctor",
)
