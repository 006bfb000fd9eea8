"""``tfcli models list``: each filter, all together, every format."""

import csv
import json
from io import StringIO
from itertools import chain
from pathlib import Path

import pytest

from tfcli.models.families import ARCHITECTURES, STATUSES
from tfcli.tasks import BUILT_IN

KEYS = [
    *("index", "slug", "name", "model_type", "creator", "year", "architecture", "objectives"),
    *("reads", "tasks", "status", "alias_of", "removed_in", "instead", "checkpoint", "paper"),
    "purpose",
]


@pytest.fixture
def listed(typed):
    """The records for a command line."""

    def records(*arguments):
        status, out, err = typed("models", "list", *arguments)
        assert (status, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return records


@pytest.fixture
def slugs(listed):
    return lambda *arguments: [record["slug"] for record in listed(*arguments)]


class TestARecord:
    def test_tells_what_is_known_of_a_family(self, listed):
        bert = next(record for record in listed() if record["slug"] == "bert")
        assert list(bert) == KEYS
        assert (bert["creator"], bert["year"], bert["objectives"]) == (
            "Google",
            2018,
            ["MLM", "NSP"],
        )
        assert bert["checkpoint"] == "google-bert/bert-base-uncased"

    def test_has_the_same_keys_whatever_is_known(self, listed):
        assert {tuple(record) for record in listed("--all")} == {tuple(KEYS)}

    def test_is_numbered_within_the_list(self, listed):
        chosen = listed("--creator", "OpenAI")
        assert [record["index"] for record in chosen] == list(range(len(chosen)))

    def test_names_the_tasks_that_tell_families_apart_before_those_of_all(self, listed):
        (bert,) = [record for record in listed() if record["slug"] == "bert"]
        tasks = bert["tasks"]
        assert {"fill", "qa", "sentiment", "attn", "tokens"} <= set(tasks)
        assert "generate" not in tasks
        assert max(map(tasks.index, ("fill", "qa"))) < min(map(tasks.index, ("attn", "tokens")))


class TestTask:
    @pytest.mark.parametrize("task", BUILT_IN)
    def test_those_that_serve_it(self, listed, task):
        found = listed("--task", task)
        assert found
        assert all(task in record["tasks"] for record in found)
        others = [record for record in listed() if task not in record["tasks"]]
        assert not {record["slug"] for record in found} & {record["slug"] for record in others}

    def test_what_fills_blanks_does_not_write(self, slugs):
        assert "bert" in slugs("--task", "fill")
        assert "bert" not in slugs("--task", "generate")
        assert "gpt2" in slugs("--task", "generate")

    def test_what_has_no_tokenizer_class_of_its_own_writes_too(self, slugs):
        assert {"llama", "bloom", "falcon", "gpt-oss"} <= set(slugs("--task", "generate"))

    def test_what_is_gone_serves_none(self, slugs):
        assert not any("transfo-xl" in slugs("--task", task) for task in BUILT_IN)

    def test_an_unknown_one_is_a_usage_error_that_names_them_all(self, typed):
        error = f"Error: --task takes one of {', '.join(BUILT_IN)}, not 'drive'.\n"
        assert typed("models", "list", "--task", "drive") == (2, "", error)


class TestCreator:
    @pytest.mark.parametrize("spelling", ["OpenAI", "openai", "Open-AI"])
    def test_however_it_is_spelt(self, slugs, spelling):
        assert slugs("--creator", spelling) == ["gpt", "gpt2", "gpt-oss"]

    def test_alone_or_with_others(self, slugs):
        found = slugs("--creator", "Google")
        assert {"bert", "albert", "funnel", "xlnet"} <= set(found)  # TTIC, CMU
        assert "roberta" not in found

    @pytest.mark.parametrize("creator", ["HIT", "iflytek", "HFL", "HFL (HIT and iFLYTEK)"])
    def test_all_together_or_each(self, slugs, creator):
        assert slugs("--creator", creator) == ["chinese-roberta-wwm", "macbert"]

    @pytest.mark.parametrize(
        ("given", "near"), [("Gogle", "Google"), ("microsft", "Microsoft"), ("TTI", "TTIC")]
    )
    def test_an_unknown_one_is_told_its_like(self, typed, given, near):
        error = f"Error: --creator: no family has '{given}'.\nHint: Did you mean {near}?\n"
        assert typed("models", "list", "--creator", given) == (2, "", error)

    def test_one_that_is_like_none_is_told_them_all(self, typed):
        status, out, err = typed("models", "list", "--creator", "zzzz")
        assert (status, out) == (2, "")
        assert "\nHint: There are: Alibaba, AllenAI, Answer.AI" in err
        assert "Hugging Face, " in err


class TestObjective:
    def test_one_of_its_objectives_will_do(self, listed):
        found = listed("--objective", "nsp")
        assert {"bert", "mobilebert"} <= {record["slug"] for record in found}
        assert all("NSP" in record["objectives"] for record in found)

    def test_of_several_words(self, slugs):
        assert {"t5", "mt5"} <= set(slugs("--objective", "span corruption"))

    def test_an_unknown_one_is_told_its_like(self, typed):
        error = "Error: --objective: no family has 'denoise'.\nHint: Did you mean denoising?\n"
        assert typed("models", "list", "--objective", "denoise") == (2, "", error)

    def test_one_that_is_like_none_is_told_them_all(self, typed):
        status, out, err = typed("models", "list", "--objective", "zzzz")
        assert (status, out) == (2, "")
        assert "\nHint: There are: CLM, contrastive, denoising" in err


class TestArchitectureAndStatus:
    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_all_of_one_architecture(self, listed, architecture):
        found = listed("--architecture", architecture)
        assert found
        assert {record["architecture"] for record in found} == {architecture}

    def test_each_family_has_one(self, slugs):
        parts = (slugs("--architecture", architecture) for architecture in ARCHITECTURES)
        assert sorted(chain.from_iterable(parts)) == sorted(slugs())

    @pytest.mark.parametrize("status", STATUSES)
    def test_all_of_one_status(self, listed, status):
        found = listed("--status", status)
        assert found
        assert {record["status"] for record in found} == {status}

    def test_what_is_gone_says_since_when_and_what_to_use(self, listed):
        gone = {record["slug"]: record for record in listed("--status", "removed")}
        assert gone["transfo-xl"]["removed_in"] == "5.0.0"
        assert gone["transfo-xl"]["instead"] == "xlnet"

    @pytest.mark.parametrize(
        ("option", "value", "choices"),
        [
            ("--architecture", "coder", "encoder, decoder, encoder-decoder"),
            ("--status", "gone", "supported, alias, removed"),
        ],
    )
    def test_an_unknown_one_is_a_usage_error(self, typed, option, value, choices):
        error = f"Error: {option} takes one of {choices}, not '{value}'.\n"
        assert typed("models", "list", option, value) == (2, "", error)


class TestAWord:
    def test_is_looked_for_in_all_that_is_known(self, slugs):
        assert {"bert-base-chinese", "macbert"} <= set(slugs("chinese"))
        assert "gpt2" in slugs("openai-community")  # its checkpoint
        assert "gpt-neox" in slugs("gpt_neox")  # its model_type
        assert "bert" in slugs("Pre-training of Deep")  # its paper

    @pytest.mark.parametrize("word", ["CHINESE", "chinese"])
    def test_in_whatever_case(self, slugs, word):
        assert slugs(word) == slugs("Chinese")

    def test_that_stands_nowhere_lists_nothing(self, typed):
        assert typed("models", "list", "zzzz") == (0, "", "")

    def test_is_no_pattern(self, slugs):
        assert slugs(".*") == []


class TestAll:
    def test_adds_the_types_that_nobody_has_described(self, listed):
        known, every = listed(), listed("--all")
        assert len(every) > len(known) + 50
        more = {record["slug"] for record in every} - {record["slug"] for record in known}
        assert "longt5" not in more
        assert "led" not in more
        added = [record for record in every if record["slug"] in more]
        assert all(record["creator"] is None and record["year"] is None for record in added)
        assert any("generate" in record["tasks"] for record in added)

    def test_those_of_a_word(self, slugs):
        assert "olmo" not in slugs("olmo")
        assert "olmo" in slugs("olmo", "--all")

    def test_a_creator_is_still_known(self, slugs):
        assert slugs("--all", "--creator", "OpenAI") == slugs("--creator", "OpenAI")


def test_every_filter_has_to_be_passed(listed):
    filters = {
        "--task": "qa",
        "--creator": "Google",
        "--architecture": "encoder",
        "--objective": "MLM",
        "--status": "supported",
    }
    given = [part for filter in filters.items() for part in filter]
    together = {record["slug"] for record in listed(*given, "bert")}
    apart = [{record["slug"] for record in listed(*one)} for one in filters.items()]
    assert together == set.intersection(*apart, {record["slug"] for record in listed("bert")})
    assert "bert" in together
    assert together < min(apart, key=len)


class TestFormats:
    def test_csv(self, typed):
        out = typed("models", "list", "--creator", "OpenAI", "-f", "csv").out
        rows = list(csv.DictReader(StringIO(out)))
        assert list(rows[0]) == [*KEYS, "error"]
        assert [row["slug"] for row in rows] == ["gpt", "gpt2", "gpt-oss"]
        assert rows[0]["objectives"] == '["CLM"]'
        assert rows[0]["removed_in"] == ""

    def test_tsv(self, typed):
        out = typed("models", "list", "gpt2", "-f", "tsv").out
        assert out.splitlines()[0].split("\t")[:3] == ["index", "slug", "name"]

    def test_json_is_one_array(self, typed):
        assert len(json.loads(typed("models", "list", "--json").out)) > 80

    def test_plain_is_what_show_takes(self, typed):
        out = typed("models", "list", "--creator", "OpenAI", "-f", "plain").out
        assert out == "gpt\ngpt2\ngpt-oss\n"

    def test_a_table(self, typed):
        out = typed("models", "list", "--creator", "OpenAI", "-f", "table").out
        assert out.splitlines()[0].split() == ["family", "year", "creator", "architecture", "tasks"]
        assert out.endswith("3 families. One of them: tfcli models show NAME\n")

    @pytest.mark.parametrize("name", ["families.csv", "families.json", "families.jsonl.gz"])
    def test_a_file_by_its_name(self, typed, name):
        assert typed("models", "list", "-o", name) == (0, "", "")
        assert Path(name).stat().st_size > 1000

    def test_a_file_says_the_same(self, typed):
        typed("models", "list", "-o", "families.csv")
        assert Path("families.csv").read_text() == typed("models", "list", "-f", "csv").out

    def test_an_unknown_extension_is_a_usage_error(self, typed):
        assert typed("models", "list", "-o", "families.xls").status == 2
        assert not Path("families.xls").exists()
