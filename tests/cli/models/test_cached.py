"""``tfcli models cached``: what lies in the Hub's cache."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from hub import COMMIT

from tfcli.models.cache import cache_folder, repo_folder

KEYS = ["index", "model", "revision", "refs", "bytes", "last_used", "whole", "folder"]


def test_an_empty_cache_is_no_error(typed):
    assert typed("models", "cached") == (0, "", "")
    assert typed("models", "cached", "--json") == (0, "[]\n", "")


def test_an_empty_cache_on_a_terminal_says_so(typed):
    out = typed("models", "cached", "-f", "table").out
    assert out.endswith("0 in all, 0 bytes\n")


class TestACache:
    @pytest.fixture(autouse=True)
    def _pulled(self, hub, typed):
        assert typed("models", "pull", "org/tiny").status == 0

    def test_is_told_model_by_model(self, typed):
        (line,) = typed("models", "cached").out.splitlines()
        tiny = json.loads(line)
        assert list(tiny) == KEYS
        assert (tiny["model"], tiny["revision"], tiny["refs"]) == ("org/tiny", COMMIT, ["main"])
        assert (tiny["whole"], tiny["folder"]) == (
            True,
            str(repo_folder("org/tiny") / "snapshots" / COMMIT),
        )
        assert tiny["bytes"] == sum(p.stat().st_size for p in Path(tiny["folder"]).iterdir())
        assert datetime.fromisoformat(tiny["last_used"]).tzinfo is not None

    def test_plain_is_what_rm_takes(self, typed):
        assert typed("models", "cached", "-f", "plain").out == "org/tiny\n"
        assert typed("models", "rm", "org/tiny", "--yes").status == 0

    def test_is_a_line_each_on_a_terminal(self, typed):
        heading, line, total = typed("models", "cached", "-f", "table").out.splitlines()
        assert heading.split() == ["size", "last", "used", "commit", "model"]
        assert re.fullmatch(
            rf"\d+\.\d kB +\d{{4}}-\d\d-\d\d  {COMMIT[:7]}  org/tiny \(main\)", line
        )
        assert total.startswith("1 in all, ")

    def test_each_revision_is_told(self, typed, hub):
        other = "89abcdef0123456789abcdef0123456789abcdef"
        hub.commits |= {"v2": other, other: other}
        hub.files["config.json"] += b"\n"
        typed("models", "pull", "org/tiny@v2")
        told = [json.loads(line) for line in typed("models", "cached").out.splitlines()]
        assert [(one["revision"], one["refs"]) for one in told] == [
            (COMMIT, ["main"]),
            (other, ["v2"]),
        ]

    def test_what_is_not_whole_says_so(self, typed):
        (repo_folder("org/tiny") / "snapshots" / COMMIT / "model.safetensors").unlink()
        assert json.loads(typed("models", "cached").out)["whole"] is False
        assert "org/tiny (main)  not whole\n" in typed("models", "cached", "-f", "table").out

    def test_what_is_broken_is_noted_and_the_rest_is_told(self, typed):
        (cache_folder() / "models--org--broken").mkdir()
        status, out, err = typed("models", "cached", "-f", "plain")
        assert (status, out) == (0, "org/tiny\n")
        assert err.startswith("Note: ")
        assert "models--org--broken" in err

    def test_of_what_is_broken_quiet_says_nothing(self, typed):
        (cache_folder() / "models--org--broken").mkdir()
        assert typed("models", "cached", "-f", "plain", "-q") == (0, "org/tiny\n", "")
