"""Where records go and how they look: a pipe, a terminal, a file that appears when complete."""

import gzip
import os
import stat
import subprocess
from pathlib import Path

import pytest
from watching import eventually

JSONL = """\
{"index": 0, "text": "a", "shouted": "A", "length": 1}
{"index": 1, "text": "too long", "shouted": null, "length": null, "error": {"type": "too_long", \
"message": "8 characters; 7 at most", "file": null, "line": null}}
"""
JSON = "[\n" + JSONL.replace("\n{", ",\n{") + "]\n"
CSV = """\
index,text,shouted,length,error
0,a,A,1,
1,too long,,,"{""type"": ""too_long"", ""message"": ""8 characters; 7 at most"", \
""file"": null, ""line"": null}"
"""
TSV = (
    CSV.replace(",too", "\ttoo")
    .replace("0,a,A,1,", "0\ta\tA\t1\t")
    .replace("long,,,", "long\t\t\t")
)
TSV = TSV.replace("index,text,shouted,length,error", "index\ttext\tshouted\tlength\terror")
FAILED = "Note: 1 of 2 examples failed\n"
WHY = "Note: 1 of 2 examples failed, the first at index 1: 8 characters; 7 at most\n"
ONE = '{"index": 0, "text": "a", "shouted": "A", "length": 1}\n'
EVIL = "\x1b[2J\x07[red]a[/red]\u202eb"
NEW_CSV = "index,text,shouted,length,error\n0,a,A,1,\n"


# Formats


@pytest.mark.parametrize(
    ("form", "expected"),
    [("jsonl", JSONL), ("json", JSON), ("csv", CSV), ("tsv", TSV), ("plain", "A\n\n")],
)
def test_a_format_holds_results_and_errors(tfcli, form, expected):
    note = WHY if form == "plain" else FAILED  # where the record does not say it
    assert tfcli("shout", "a", "too long", "-f", form) == (3, expected, note)


def test_a_pipe_gets_jsonl(tfcli):
    assert tfcli("shout", "a", "too long") == (3, JSONL, FAILED)


@pytest.mark.parametrize(
    ("form", "nothing"),
    [("jsonl", ""), ("json", "[]\n"), ("csv", NEW_CSV[:32]), ("plain", "")],
)
def test_a_format_without_records_is_still_that_format(tfcli, form, nothing):
    assert tfcli("shout", "-f", form, stdin=b"") == (0, nothing, "")


def test_plain_keeps_a_record_on_one_line(tfcli):
    stdin = b'{"word": "a", "context": "a"}\n'
    assert tfcli("find", "-f", "plain", stdin=stdin) == (0, "0\n", "")


def test_json_is_format_json(tfcli):
    assert tfcli("shout", "a", "--json") == tfcli("shout", "a", "-f", "json")


def test_json_with_another_format_is_a_usage_error(tfcli):
    error = "Error: Both --json and --format csv were given.\n"
    assert tfcli("shout", "a", "--json", "-f", "csv") == (2, "", error)


def test_output_is_utf8_whatever_the_locale(tfcli):
    ended = tfcli("shout", "é", "-f", "plain", PYTHONIOENCODING="latin-1")
    assert ended == (0, "É\n", "")


# A terminal


def test_a_terminal_gets_a_table(watched):
    screen = """\
index   text                                    shouted         length
0       a                                       A               1
1       too long                                8 characters; 7 at most
Note: 1 of 2 examples failed
"""
    status, shown = watched("shout", "a", "too long", NO_COLOR="1", TERM="dumb")
    assert (status, "".join(f"{line.rstrip()}\n" for line in shown.splitlines())) == (3, screen)


@pytest.mark.timeout(60)
def test_the_first_row_is_shown_before_the_input_ends(start, terminal):
    program = start("shout", stdout=terminal.theirs, env={"TERM": "dumb"})
    program.stdin.write(b"first\n")
    assert "FIRST" in terminal.until("FIRST")
    program.stdin.write(b"second\n")
    assert "SECOND" in terminal.until("SECOND")
    assert program.poll() is None


def test_what_fits_no_line_of_the_terminal_is_cut(watched):
    _, shown = watched("shout", "a" * 500, TERM="dumb")
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "a…" in shown


@pytest.mark.parametrize("form", ["table", "plain", "csv", "jsonl", "json"])
def test_a_text_never_acts_on_the_terminal(watched, form):
    status, shown = watched("shout", EVIL, "-f", form, "--color", "never")
    assert status == 0
    assert not set("\x1b\x07\u202e") & set(shown.replace("\x1b[1m", "").replace("\x1b[0m", ""))


@pytest.mark.parametrize("form", ["plain", "csv"])
def test_what_would_act_is_made_visible_on_the_terminal(watched, form):
    _, shown = watched("shout", EVIL, "-f", form)
    assert "␛[2J␇[RED]A[/RED]<U+202E>B" in shown


def test_what_would_act_is_made_visible_in_the_table(watched):
    _, shown = watched("shout", EVIL)
    assert "␛[2J␇[red]a[/red]<U+202E>b" in shown


def test_what_would_act_in_an_error_is_made_visible(watched):
    screen = "Error: No file matches ␛[2J␇[red]a[/red]<U+202E>b.\n"
    assert watched("shout", "-i", EVIL) == (2, screen)


def test_jsonl_escapes_what_would_act(tfcli):
    escaped = r'"text": "\u001b[2J\u0007[red]a[/red]\u202eb"'
    assert escaped in tfcli("shout", EVIL).out


def test_plain_in_a_pipe_is_the_text_itself(tfcli):
    assert tfcli("shout", EVIL, "-f", "plain").out == EVIL.upper() + "\n"


RED = "\x1b[31m"


@pytest.mark.parametrize(
    ("arguments", "env", "red"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        (("--color", "never"), {}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
    ],
    ids=["auto", "NO_COLOR", "never", "always"],
)
def test_colour_on_a_terminal(watched, arguments, env, red):
    _, shown = watched("shout", "too long", *arguments, **env)
    assert (RED in shown) is red


@pytest.mark.parametrize(
    ("arguments", "env", "red"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        (("--color", "always"), {}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ],
    ids=["auto", "FORCE_COLOR", "always", "never"],
)
def test_colour_in_a_pipe(tfcli, arguments, env, red):
    ended = tfcli("shout", "too long", "-f", "table", *arguments, TERM="xterm", **env)
    assert (RED in ended.out) is red


def test_without_colour_there_are_no_escape_codes_at_all(watched):
    _, shown = watched("shout", "a", "too long", "--color", "never")
    assert "\x1b" not in shown


# A text as it is made


def test_a_terminal_shows_a_text_as_it_is_made(watched, speaker):
    status, shown = watched("generate", "x", "--greedy", "-m", speaker("你好,\n\x1b[2J👩‍👩‍👧."))
    dim, bold, below, end = "\x1b[2m", "\x1b[1m", "\x1b[2;3m", "\x1b[0m"
    assert status == 0
    assert shown.startswith(f"{dim}x{end}{bold}你{end}{bold}好{end}{bold},{end}")
    for code in (dim, bold, below, end):
        shown = shown.replace(code, "")
    assert shown == "x你好,\n␛[2J👩‍👩‍👧.\n(32 tokens, stop)\n"


def test_a_long_text_looks_on_a_terminal_as_it_does_whole(watched, tfcli, speaker):
    arguments = ("generate", "x", "--greedy", "-m", speaker("word " * 20 + "end"))
    status, shown = watched(*arguments, "--color", "never", "--max-new-tokens", "120")
    text = "x" + "word " * 20 + "end\n"
    assert (status, shown) == (0, text + "(104 tokens, stop)\n")
    plain = tfcli(*arguments, "-f", "plain", "--max-new-tokens", "120")
    assert plain == (0, text, "")


def test_plain_on_a_terminal_is_one_line(watched, speaker):
    arguments = ("--greedy", "-m", speaker("a\n\x1bb"), "-f", "plain")
    assert watched("generate", "x", *arguments) == (0, "xa\\n␛b\n")


def test_several_texts_are_shown_whole(watched, speaker):
    arguments = ("--greedy", "-m", speaker("one"), "--color", "never")
    assert watched("generate", "x", "y", *arguments) == (
        0,
        "xone\n(4 tokens, stop)\n\nyone\n(4 tokens, stop)\n",
    )


@pytest.mark.timeout(120)
def test_plain_in_a_pipe_comes_as_it_is_made(start, writer):
    endless = writer("llama", length=20_000, eos_token_id=None)
    program = start("generate", "a", "-m", endless, "-f", "plain", "--max-new-tokens", "19000")
    assert program.stdout.read(12).startswith(b"a")
    assert program.poll() is None


# A file


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("out.jsonl", JSONL),
        ("out.ndjson", JSONL),
        ("out.json", JSON),
        ("out.csv", CSV),
        ("out.tsv", TSV),
        ("out.txt", "A\n\n"),
    ],
)
def test_the_name_of_the_file_says_its_format(tfcli, name, expected):
    note = WHY if name == "out.txt" else FAILED
    assert tfcli("shout", "a", "too long", "-o", name) == (3, "", note)
    assert Path(name).read_text() == expected


def test_format_beats_the_name(tfcli):
    assert tfcli("shout", "a", "-o", "out.csv", "-f", "jsonl") == (0, "", "")
    assert Path("out.csv").read_text() == ONE


def test_a_name_ending_in_gz_is_packed(tfcli):
    assert tfcli("shout", "a", "-o", "out.csv.gz") == (0, "", "")
    assert gzip.decompress(Path("out.csv.gz").read_bytes()) == NEW_CSV.encode()


@pytest.mark.parametrize("name", ["out.xls", "out", "out.gz"])
def test_an_unknown_extension_is_a_usage_error(tfcli, name):
    error = (
        f"Error: The name of {name} does not say which format to write.\n"
        "Hint: Say it with --format, or end the name in "
        ".jsonl, .ndjson, .json, .csv, .tsv, .txt, .parquet.\n"
    )
    assert tfcli("shout", "a", "-o", name) == (2, "", error)


def test_a_folder_that_is_not_there_is_a_usage_error(tfcli):
    error = "Error: There is no folder absent to write to.\n"
    assert tfcli("shout", "a", "-o", "absent/out.csv") == (2, "", error)


def test_a_folder_is_no_file(tfcli):
    Path("out.csv").mkdir()
    assert tfcli("shout", "a", "-o", "out.csv") == (2, "", "Error: out.csv is a folder.\n")


def test_a_dash_is_standard_output(tfcli):
    assert tfcli("shout", "a", "-o", "-") == (0, ONE, "")


def test_a_file_on_a_terminal_holds_no_escape_codes(watched):
    watched("shout", "a", "too long", "-f", "table", "-o", "out.txt", "-q")
    assert "\x1b" not in Path("out.txt").read_text()


def test_the_input_may_be_the_output(tfcli):
    Path("same.csv").write_text("text\na\n")
    assert tfcli("shout", "-i", "same.csv", "-o", "same.csv") == (0, "", "")
    assert Path("same.csv").read_text() == NEW_CSV


@pytest.mark.timeout(60)
def test_the_old_file_stays_until_the_new_one_is_complete(start):
    Path("out.csv").write_text("old")
    program = start("shout", "-o", "out.csv")
    program.stdin.write(b"a\n")
    eventually(lambda: [p for p in Path().glob(".out.csv.*.partial") if p.stat().st_size])
    assert Path("out.csv").read_text() == "old"
    program.communicate()
    assert Path("out.csv").read_text() == NEW_CSV
    assert list(Path().iterdir()) == [Path("out.csv")]


def test_a_run_that_fails_leaves_the_old_file_and_says_where_its_own_is(tfcli):
    Path("out.csv").write_text("old")
    stdin = b'{"text": "a"}\n{"text": "b", "new": 1}\n'
    status, out, err = tfcli("shout", "--keep", "all", "-o", "out.csv", stdin=stdin)
    (partial,) = Path.cwd().glob(".*.partial")
    error = (
        "Error: Record 1 has a column 'new' that the first has not.\n"
        "Hint: Name the columns with --keep A,B, or write jsonl.\n"
    )
    assert (status, out, err) == (1, "", f"{error}Note: What was done is in {partial}.\n")
    assert Path("out.csv").read_text() == "old"
    assert partial.read_text() == NEW_CSV


def test_a_run_that_fails_at_once_leaves_nothing(tfcli):
    Path("bad.csv").write_text('"a')
    error = "Error: Cannot read the header of bad.csv: unexpected end of data.\n"
    assert tfcli("shout", "-i", "bad.csv", "-o", "out.csv") == (1, "", error)
    assert list(Path().iterdir()) == [Path("bad.csv")]


def test_a_new_file_has_the_rights_of_any_new_file(tfcli):
    tfcli("shout", "a", "-o", "out.csv")
    Path("any").touch()
    assert Path("out.csv").stat().st_mode == Path("any").stat().st_mode


def test_a_replaced_file_keeps_its_rights(tfcli):
    Path("out.csv").touch(mode=0o640)
    tfcli("shout", "a", "-o", "out.csv")
    assert stat.S_IMODE(Path("out.csv").stat().st_mode) == 0o640


def test_a_link_stays_a_link_and_its_target_is_replaced(tfcli):
    Path("elsewhere").mkdir()
    Path("elsewhere/real.csv").write_text("old")
    Path("out.csv").symlink_to("elsewhere/real.csv")
    tfcli("shout", "a", "-o", "out.csv")
    assert Path("out.csv").is_symlink()
    assert Path("elsewhere/real.csv").read_text() == NEW_CSV


def test_dev_stdout_is_standard_output(tfcli):
    assert tfcli("shout", "a", "-o", "/dev/stdout", "-f", "csv") == (0, NEW_CSV, "")


def test_a_named_pipe_stays_one(start):
    os.mkfifo("pipe.csv")
    program = start("shout", "a", "-o", "pipe.csv")
    assert Path("pipe.csv").read_text() == NEW_CSV
    assert program.wait(timeout=60) == 0
    assert Path("pipe.csv").is_fifo()


# What a writer may meet


def test_a_full_disk_is_an_error_of_one_line(start):
    with Path("/dev/full").open("w") as full:
        program = start("shout", "a", stdout=full)
    error = b"Error: Cannot write to standard output: No space left on device.\n"
    assert program.communicate() == (None, error)
    assert program.returncode == 1


def test_a_full_disk_under_a_file_is_an_error_of_one_line(tfcli):
    error = "Error: Cannot write to /dev/full: No space left on device.\n"
    assert tfcli("shout", "a", "-o", "/dev/full", "-f", "csv") == (1, "", error)


def test_a_closed_standard_output_is_a_usage_error(start):
    program = start("shout", "a", stdout=None, preexec_fn=lambda: os.close(1))
    assert program.communicate() == (None, b"Error: Standard output is closed.\n")
    assert program.returncode == 2


def test_a_reader_that_has_enough_ends_the_run_quietly(start):
    Path("many.txt").write_text("a\n" * 20_000)
    program = start("shout", "-i", "many.txt")
    head = subprocess.run(["head", "-1"], stdin=program.stdout, capture_output=True, check=True)
    program.stdout.close()
    assert (head.stdout.decode(), program.stderr.read()) == (ONE, b"")
    assert program.wait(timeout=60) == 0


def test_a_format_of_another_task_is_no_format(tfcli):
    ended = tfcli("shout", "a", "-o", "out.npz")
    assert ended.status == 2
    assert "does not say which format to write" in ended.err
    assert ".npz" not in ended.err.partition("\n")[2]


def test_a_full_disk_in_the_middle_of_arrays(tfcli):
    ended = tfcli("attn", "a dog", "-o", "/dev/full", "--layer", "0", "-f", "json")
    assert ended.status == 1
    assert ended.err.startswith("Error: Cannot write to /dev/full: No space left on device.")


def test_many_numbers_as_text_are_advised_against(monkeypatch, caplog):
    import numpy as np

    from tfcli.cli import output

    few, many = {"a": np.zeros(output.MANY)}, {"a": np.zeros(output.MANY + 1)}
    assert list(output._advising(iter([few, few]))) == [few, few]
    assert caplog.text == ""
    assert len(list(output._advising(iter([many, many])))) == 2
    assert caplog.text.count("1,048,577 numbers take long as text; -o FILE.npz is quick") == 1


def test_a_name_and_a_format_that_do_not_go_together(tfcli):
    ended = tfcli("attn", "a dog", "-o", "heads.npz", "-f", "csv")
    assert ended.err == "Error: Both --format csv and a name in .npz.\n"
    assert not Path("heads.npz").exists()


# A page.

PAGE = ("attn", "a dog", "--layer", "4")


def test_a_page_in_a_file_or_in_a_pipe(tfcli):
    assert tfcli(*PAGE, "-o", "a.html") == (0, "", "")
    written = Path("a.html").read_text("utf-8")
    assert written.startswith("<!doctype html>")
    assert tfcli(*PAGE, "-f", "html") == (0, written, "")


def test_a_page_is_opened(tfcli):
    Path("browser").write_text('#!/bin/sh\necho "$1" >> opened')
    Path("browser").chmod(0o755)
    browser = f"{Path('browser').resolve()} %s"
    assert tfcli(*PAGE, "--open", "-o", "a.html", BROWSER=browser) == (0, "", "")
    assert tfcli(*PAGE, "--open", BROWSER=browser) == (0, "", "")
    first, second = Path("opened").read_text().split()
    assert first == Path("a.html").resolve().as_uri()
    path = Path(second.removeprefix("file://"))
    assert path.read_text("utf-8") == Path("a.html").read_text("utf-8")
    path.unlink()


def test_without_a_browser_the_page_is_named(tfcli):
    ended = tfcli(*PAGE, "--open", "-o", "a.html", BROWSER="/bin/false %s")
    assert ended == (0, "", "Note: no browser was found; the page is a.html\n")


@pytest.mark.parametrize("given", [("-o", "a.json"), ("-f", "csv"), ("-o", "-")])
def test_only_a_page_is_opened(tfcli, given):
    ended = tfcli(*PAGE, "--open", *given)
    assert ended.status == 2
    assert ended.err.startswith("Error: --open shows a page: leave -o and -f out")


@pytest.mark.parametrize("command", ["sentiment", "attn-stats"])
def test_other_commands_have_no_page(tfcli, command):
    assert tfcli(command, "a", "-f", "html").status == 2
    ended = tfcli(command, "a", "-o", "a.html")
    assert ended.err.startswith("Error: The name of a.html does not say which format to write.")
    assert "--open" not in tfcli(command, "--help").out


def test_numbers_have_no_page(tfcli):
    ended = tfcli("attn", "a dog", "--entropy", "-o", "a.html")
    assert ended.err == (
        "Error: A page shows maps, with all that is in them: leave --entropy, --distance and "
        "--patterns out.\n"
    )
