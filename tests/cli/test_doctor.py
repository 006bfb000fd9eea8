"""``tfcli doctor``: findings as they are found, and a status only for what cannot work."""

import json

import pytest

from tfcli.models.checkup import OK, PROBLEM, WARNING, Finding

SOUND = Finding("versions", OK, "the installed packages fit each other")
SLOW = Finding("speed", WARNING, "torch takes one thread", "unset OMP_NUM_THREADS")
FULL = Finding("space", PROBLEM, "/cache has 0.1 GB left", "export HF_HOME=/a/folder")


@pytest.fixture
def found(typed, monkeypatch):
    """What the command says of these findings."""

    def run(*findings, form="jsonl"):
        monkeypatch.setattr("tfcli.models.checkup.CHECKS", (lambda: iter(findings),))
        return typed("doctor", "-f", form)

    return run


@pytest.mark.parametrize(
    ("findings", "status"),
    [((SOUND,), 0), ((SOUND, SLOW), 0), ((SLOW, FULL, SOUND), 1), ((FULL,), 1)],
    ids=["sound", "warning", "problem among others", "problem"],
)
def test_the_status_is_1_only_for_a_problem(found, findings, status):
    assert found(*findings).status == status


def test_a_finding_is_a_record(found):
    ended = found(SLOW)
    assert json.loads(ended.out) == {
        "index": 0,
        "message": "torch takes one thread",
        "check": "speed",
        "status": "warning",
        "fix": "unset OMP_NUM_THREADS",
    }
    assert ended.err == ""


def test_what_mends_nothing_is_null(found):
    assert json.loads(found(SOUND).out)["fix"] is None


def test_on_a_terminal_the_way_out_stands_below(found):
    assert found(SOUND, FULL, form="table").out == (
        "✓ versions the installed packages fit each other\n"
        "✗ space    /cache has 0.1 GB left\n"
        "           export HF_HOME=/a/folder\n"
    )


def test_a_finding_is_told_before_the_next_check(typed, monkeypatch, capsys):
    said = []

    def second():
        said.append(capsys.readouterr().out)
        yield SLOW

    monkeypatch.setattr("tfcli.models.checkup.CHECKS", (lambda: iter([SOUND]), second))
    typed("doctor", "-f", "plain")
    assert said == [f"{SOUND.message}\n"]


def test_on_this_machine_it_looks_at_everything(typed):
    out = typed("doctor").out
    checks = [json.loads(line)["check"] for line in out.splitlines()]
    assert list(dict.fromkeys(checks)) == [
        *("versions", "device", "speed", "space", "cache", "hub"),
    ]
