"""A run from its start to its exit status: signals, live input, other programs around it."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from watching import eventually

A = b'{"index": 0, "text": "a", "shouted": "A", "length": 1}'
STOPPED = b"Note: stopped after 1 record\n"
SIGNALS = pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)

pytestmark = pytest.mark.timeout(60)


# Exit statuses


@pytest.mark.parametrize(
    ("texts", "status"),
    [
        (["a"], 0),
        (["a", "too long"], 3),
        (["loud"], 10),
        (["a", "loud", "b"], 10),
        (["loud", "too long"], 3),
        (["too long", "loud"], 3),
    ],
    ids=str,
)
def test_failed_examples_come_before_what_a_task_asks_for(tfcli, texts, status):
    assert tfcli("shout", *texts, "--loud", "LOUD").status == status


def test_a_usage_error_comes_before_all(tfcli):
    assert tfcli("shout", "loud", "--loud", "LOUD", "-f", "xml").status == 2


def test_a_failure_of_the_run_comes_before_failed_examples(tfcli):
    stdin = b'{"text": "too long"}\n{"text": "a"}\n{"text": "a", "new": 1}\n'
    ended = tfcli("shout", "--keep", "all", "-f", "csv", stdin=stdin)
    assert ended.status == 1


# Live input


def test_each_line_is_answered_at_once(start):
    program = start("shout", "-f", "plain")
    for line, answer in [(b"a\n", b"A\n"), (b"b\n", b"B\n"), (b"c\n", b"C\n")]:
        program.stdin.write(line)
        assert program.stdout.readline() == answer


def test_each_text_is_answered_at_once_with_null(start):
    program = start("shout", "-0", "-f", "plain")
    for text, answer in [(b"a\0", b"A\n"), (b"b\0", b"B\n")]:
        program.stdin.write(text)
        assert program.stdout.readline() == answer


def test_each_json_object_is_answered_at_once(start):
    program = start("shout", "-c", "body", "-f", "plain")
    for line, answer in [(b'{"body": "a"}\n', b"A\n"), (b'{"body": "b"}\n', b"B\n")]:
        program.stdin.write(line)
        assert program.stdout.readline() == answer


def test_it_follows_a_growing_log(start):
    log = Path("log")
    log.write_text("a\n")
    with subprocess.Popen(["tail", "-f", log], stdout=subprocess.PIPE) as tail:
        program = start("shout", "-f", "plain", stdin=tail.stdout)
        assert program.stdout.readline() == b"A\n"
        with log.open("a") as more:
            more.write("b\n")
        assert program.stdout.readline() == b"B\n"
        tail.kill()


# Signals


@SIGNALS
def test_a_signal_ends_the_wait_for_input(start, sent, status):
    program = start("shout")
    program.stdin.write(b"a\n")
    assert program.stdout.readline() == A + b"\n"
    program.send_signal(sent)
    assert program.communicate() == (b"", STOPPED)
    assert program.returncode == status


@SIGNALS
def test_a_signal_ends_a_batch_at_work(start, sent, status):
    program = start("shout", "--pause", "0.5")
    program.stdin.write(b"a\n")
    assert program.stdout.readline() == A + b"\n"
    program.stdin.write(b"b\n")
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(0.2)
    program.send_signal(sent)
    assert program.communicate() == (b"", STOPPED)
    assert program.returncode == status


@SIGNALS
def test_a_signal_leaves_a_whole_json_array(start, sent, status):
    program = start("shout", "-f", "json")
    program.stdin.write(b"a\n")
    begun = program.stdout.read(len(b"[\n" + A))
    program.send_signal(sent)
    rest, said = program.communicate()
    assert (begun + rest, said) == (b"[\n" + A + b"\n]\n", STOPPED)
    assert program.returncode == status


@SIGNALS
def test_a_signal_keeps_and_names_what_was_done_of_a_file(start, sent, status):
    Path("out.json").write_text("old")
    program = start("shout", "-o", "out.json")
    program.stdin.write(b"a\n")
    (partial,) = eventually(lambda: [p for p in Path.cwd().glob(".*.partial") if p.stat().st_size])
    program.send_signal(sent)
    note = f"Note: What was done is in {partial}.\n".encode()
    assert program.communicate() == (b"", note + STOPPED)
    assert program.returncode == status
    assert json.loads(partial.read_text()) == [json.loads(A)]
    assert Path("out.json").read_text() == "old"


def test_a_signal_comes_before_failed_examples(start):
    program = start("shout", "-f", "plain")
    program.stdin.write(b"too long\n")
    assert program.stdout.readline() == b"\n"
    program.send_signal(signal.SIGINT)
    assert program.wait() == 130


@SIGNALS
def test_a_signal_ends_the_wait_for_a_whole_text(start, sent, status):
    program = start("find", "word")
    program.stdin.write(b"a" * 500_000)  # more than a pipe holds: written when it is being read
    program.send_signal(sent)
    assert program.communicate() == (b"", b"")
    assert program.returncode == status


@SIGNALS
@pytest.mark.parametrize("form", ["table", "plain"])
def test_a_signal_ends_a_text_with_what_there_is(start, terminal, writer, form, sent, status):
    endless = writer("llama", length=20_000, eos_token_id=None)
    program = start(
        *("generate", "a film", "-m", endless, "--max-new-tokens", "19000", "-f", form),
        *("--color", "never"),
        stdin=terminal.theirs,
        stdout=terminal.theirs,
        stderr=terminal.theirs,
        env={"TERM": "xterm"},
    )
    terminal.until("a film")
    program.send_signal(sent)
    text, said = terminal.to_the_end().removesuffix("\n").rsplit("\n", 1)
    assert text.startswith("a film")
    assert len(text) < 19_000
    assert said == "Note: stopped after 0 records and a part"
    assert program.wait(timeout=60) == status


def test_a_signal_ends_a_text_in_a_pipe(start, writer):
    endless = writer("llama", length=20_000, eos_token_id=None)
    program = start("generate", "a film", "-m", endless, "--max-new-tokens", "19000", "-f", "plain")
    begun = program.stdout.read(len("a film"))
    program.send_signal(signal.SIGINT)
    rest, said = program.communicate(timeout=60)
    assert begun == b"a film"
    assert rest.endswith(b"\n")
    assert said == b"Note: stopped after 0 records and a part\n"
    assert program.returncode == 130


# Other programs


@pytest.fixture
def shell(monkeypatch):
    """Run a line of shell in which ``tfcli`` is this one, and give what it prints."""
    folder = Path("bin").absolute()
    folder.mkdir()
    script = folder / "tfcli"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tfcli "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def run(line: str) -> str:
        for tool in ("jq", "xargs", "head", "find", "yes"):
            if tool in line and shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed here")
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {line}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    return run


def test_jq_reads_the_records(shell):
    assert shell("printf 'a\\nb\\n' | tfcli shout | jq -r .shouted") == "A\nB\n"


def test_jq_reads_the_array(shell):
    assert shell("tfcli shout a b --json | jq -c 'map(.length)'") == "[1,1]\n"


def test_one_run_reads_the_records_of_another(shell):
    line = "tfcli shout a | tfcli shout -c shouted --times 2 -f plain"
    assert shell(line) == "A A\n"


def test_xargs_hands_over_any_text(shell):
    line = "printf '%s\\0' -a 'b c' \"it's\" | xargs -0 tfcli shout -f plain --"
    assert shell(line) == "-A\nB C\nIT'S\n"


def test_find_hands_over_any_name(shell):
    Path("texts").mkdir()
    Path("texts/a\nb").touch()
    line = "find texts -type f -print0 | tfcli shout -0 -f plain"
    assert shell(line) == "TEXTS/A B\n"


def test_head_has_enough(shell):
    Path("many.txt").write_text("a\n" * 20_000)
    assert shell("tfcli shout -i many.txt -f plain | head -1") == "A\n"


def test_as_many_texts_come_out_as_prompts_went_in(shell, writer):
    """Nobody waits for the hundredth, and pipefail minds not that yes is cut off by head."""
    model = f"-m '{writer()}'"
    line = (
        f"(yes 'Once upon a time' || :) | head -100 |"
        f" tfcli generate {model} --max-new-tokens 20 -f jsonl | wc -l"
    )
    assert shell(line) == "100\n"


def test_texts_are_read_by_the_next_command(shell, speaker):
    line = f"tfcli generate x y --greedy -m '{speaker('one')}' | tfcli shout -c text -f plain"
    assert shell(line) == "XONE\nYONE\n"


def test_who_has_read_enough_of_a_text_ends_it(shell, writer):
    endless = writer("llama", length=20_000, eos_token_id=None)
    line = f"tfcli generate a -m '{endless}' --max-new-tokens 19000 -f plain | head -c 6 | wc -c"
    assert shell(line) == "6\n"
