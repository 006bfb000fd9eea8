"""``tfcli models``: which models there are, what they are, and how they come and go."""

from typing import Any

import typer

from tfcli.cli.models.cached import CACHED
from tfcli.cli.models.convert import CONVERT
from tfcli.cli.models.families import LIST
from tfcli.cli.models.lock import LOCK
from tfcli.cli.models.pull import PULL
from tfcli.cli.models.rm import RM
from tfcli.cli.models.show import SHOW
from tfcli.cli.models.use import USE
from tfcli.cli.models.verify import VERIFY
from tfcli.cli.report import add_report

SUMMARY = "List the model families; show, fetch, choose, check and remove models."
HELP = f"""{SUMMARY}

\b
  tfcli models --task qa
  tfcli models show bert
  tfcli models pull sentiment"""

REPORTS = (LIST, SHOW, PULL, USE, CACHED, RM, VERIFY, LOCK, CONVERT)


class _Models(typer.core.TyperGroup):
    """``tfcli models``, alone or with options, is ``tfcli models list``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = [LIST.name, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app = typer.Typer(
    name="models",
    cls=_Models,
    help=HELP,
    short_help=SUMMARY,
    rich_markup_mode=None,
)
for report in REPORTS:
    add_report(app, report)
