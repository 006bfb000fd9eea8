"""``tfcli models cached``: what of the Hub lies on this machine."""

import logging
from collections.abc import Iterator

from tfcli.cli.report import Report
from tfcli.core.task import NoOptions, Record

log = logging.getLogger("tfcli")

COLUMNS = ("model", "revision", "refs", "bytes", "last_used", "whole", "folder")


def _columns(options: NoOptions) -> tuple[str, ...]:
    return COLUMNS


def _records(options: NoOptions) -> Iterator[Record]:
    """A record for each revision of each model."""
    from tfcli.models.stock import stock

    found, broken = stock()
    for one in found:
        yield {
            "model": one.model,
            "revision": one.revision,
            "refs": list(one.refs),
            "bytes": one.bytes,
            "last_used": one.last_used.isoformat(timespec="seconds"),
            "whole": not one.missing,
            "folder": str(one.folder),
        }
    for warning in broken:
        log.warning("%s", warning)


CACHED = Report(
    name="cached",
    summary="List the models of the Hub that lie on this machine.",
    examples=("tfcli models cached", "tfcli models cached -f csv"),
    columns=_columns,
    records=_records,
    view="models_cached",
)
