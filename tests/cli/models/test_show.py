"""``tfcli models show``: families, starters, folders, files, models of the Hub; hostile ones."""

import json
import shutil
from pathlib import Path

import pytest
from hostile import MARKER, acting_code, acting_pickle, edit
from hub import COMMIT

OF_A_FAMILY = [
    *("index", "slug", "name", "model_type", "creator", "year", "architecture", "objectives"),
    *("reads", "tasks", "status", "alias_of", "removed_in", "instead", "checkpoint", "paper"),
    *("purpose", "title", "classes", "commands"),
]
OF_A_MODEL = [
    *("index", "name", "kind", "model_type", "family", "architectures", "layers"),
    *("decoder_layers", "heads", "hidden_size", "vocab_size", "max_positions", "parameters"),
    *("dtype", "labels", "bytes", "files", "revision", "cached", "refused", "tasks", "card"),
    "commands",
]


@pytest.fixture
def shown(typed):
    """The record of a name."""

    def record(name):
        status, out, err = typed("models", "show", name)
        assert (status, err) == (0, "")
        return json.loads(out)

    return record


@pytest.fixture
def folder(classifier):
    """A classifier of one's own, to be changed."""
    return Path(shutil.copytree(classifier("distilbert"), "mine"))


class TestAFamily:
    def test_is_told_with_its_paper_classes_and_what_to_type(self, shown):
        bert = shown("bert")
        assert list(bert) == OF_A_FAMILY
        assert bert["title"].startswith("BERT: Pre-training of Deep Bidirectional")
        assert bert["classes"]["AutoModelForQuestionAnswering"] == ["BertForQuestionAnswering"]
        first, second, *_ = bert["commands"]
        assert first == "tfcli models show google-bert/bert-base-uncased"
        assert second.endswith(" -m google-bert/bert-base-uncased")

    def test_no_command_is_told_that_needs_a_head_of_its_own(self, shown):
        """What google-bert/bert-base-uncased can do: fill blanks, not classify."""
        tasks = {command.split()[1] for command in shown("bert")["commands"]}
        assert not tasks & {"sentiment", "qa", "generate"}
        assert "fill" in tasks

    @pytest.mark.parametrize("name", ["GPT-2", "gpt2", "gpt_2", "Gpt 2"])
    def test_however_it_is_spelt(self, shown, name):
        assert shown(name)["slug"] == "gpt2"

    def test_that_loads_as_another_says_which(self, shown):
        alias = shown("macbert")
        assert (alias["status"], alias["alias_of"]) == ("alias", "bert")
        assert alias["model_type"] == "bert"
        assert alias["classes"]["AutoModelForMaskedLM"] == ["BertForMaskedLM"]

    def test_that_is_gone_says_what_to_use(self, shown):
        gone = shown("transfo-xl")
        told = [gone[key] for key in ("status", "removed_in", "instead")]
        assert told == ["removed", "5.0.0", "xlnet"]
        assert (gone["tasks"], gone["commands"]) == ([], ["tfcli models show xlnet"])

    def test_that_nobody_has_described_has_the_same_keys(self, shown):
        assert list(shown("olmo")) == OF_A_FAMILY
        assert shown("olmo")["commands"] == []

    def test_is_told_though_a_folder_could_have_that_name(self, shown, folder):
        assert shown("bert")["slug"] == "bert"
        folder.rename("bert")
        assert shown("bert")["kind"] == "folder"

    def test_on_a_terminal_it_is_a_card(self, typed):
        out = typed("models", "show", "transfo-xl", "-f", "table").out
        assert out.startswith("Transformer-XL\n  model type    transfo-xl\n  creator")
        assert "\n  year          2019\n" in out
        assert out.endswith("\n  try  tfcli models show xlnet\n")


class TestAStarter:
    def test_is_told_with_its_card(self, shown):
        starter = shown("bert-starter")
        assert list(starter) == OF_A_MODEL
        assert (starter["kind"], starter["family"]) == ("starter", "bert")
        assert (starter["layers"], starter["heads"], starter["hidden_size"]) == (6, 12, 384)
        assert starter["labels"] == ["NEGATIVE", "POSITIVE"]
        assert {"sentiment", "qa"} <= set(starter["tasks"])
        assert Path(starter["card"]).is_file()
        assert starter["refused"] is None

    def test_its_commands_work(self, shown, tfcli):
        command = shown("bert-starter")["commands"][0]
        assert command.startswith("tfcli sentiment ")
        assert command.endswith(" -m bert-starter")
        assert tfcli("sentiment", "It is great.", "-m", "bert-starter", "-f", "plain").status == 0


class TestAFolder:
    def test_is_counted_and_its_weights_are_not_loaded(self, shown, folder, monkeypatch):
        monkeypatch.setattr("safetensors.torch.load_file", None)
        mine = shown("mine")
        assert list(mine) == OF_A_MODEL
        assert (mine["kind"], mine["family"]) == ("folder", "distilbert")
        assert (mine["layers"], mine["heads"], mine["hidden_size"]) == (2, 4, 32)
        assert (mine["dtype"], mine["card"], mine["cached"]) == ("float32", None, None)
        assert mine["files"]["model.safetensors"] == (folder / "model.safetensors").stat().st_size
        assert mine["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
        from safetensors import safe_open

        with safe_open(folder / "model.safetensors", "numpy") as weights:
            sizes = [weights.get_tensor(name).size for name in weights.keys()]  # noqa: SIM118
        assert mine["parameters"] == sum(sizes)

    def test_whose_labels_have_no_names_fits_all_the_same(self, shown, folder):
        mine = shown("mine")
        assert mine["labels"] == ["LABEL_0", "LABEL_1", "LABEL_2"]
        assert "sentiment" in mine["tasks"]

    def test_without_a_head_has_no_labels_and_fits_no_task_that_needs_one(self, shown, reader):
        base = shown(reader("distilbert"))
        assert base["labels"] is None
        assert not set(base["tasks"]) & {"sentiment", "qa", "fill", "generate"}
        assert {"attn", "tokens"} <= set(base["tasks"])

    def test_that_writes_fits_generate(self, shown, writer):
        mine = shown(writer("llama"))
        assert {"generate", "next"} <= set(mine["tasks"])
        assert mine["family"] == "llama"

    def test_its_commands_can_be_copied_whatever_its_name(self, shown, folder):
        folder.rename("my model; ls")
        commands = shown("my model; ls")["commands"]
        assert commands
        assert all(command.endswith(" -m 'my model; ls'") for command in commands)
        assert all(command.count(" -m ") == 1 for command in commands)

    def test_without_a_model_is_refused_in_words(self, shown):
        Path("empty").mkdir()
        empty = shown("empty")
        assert empty["refused"].endswith("(status 4)")
        assert (empty["tasks"], empty["commands"]) == ([], [])

    def test_a_gguf_file_is_a_model_too(self, shown, writer):
        from tiny_gguf import make_gguf

        file = make_gguf(Path("tiny.gguf"), Path(writer("llama")))
        tiny = shown("tiny.gguf")
        assert (tiny["kind"], tiny["family"]) == ("file", "llama")
        assert tiny["files"] == {"tiny.gguf": file.stat().st_size}
        assert "generate" in tiny["tasks"]


HOSTILE = "[red]x[/] :smile: \x1b[2J\u202e"


class TestAHostileFolder:
    def refused(self, typed, status):
        ended = typed("models", "show", "mine")
        assert (ended.status, ended.err) == (0, "")
        mine = json.loads(ended.out)
        assert mine["refused"].endswith(f"(status {status})")
        assert (mine["tasks"], mine["commands"], mine["labels"]) == ([], [], None)
        assert not Path(MARKER).exists()
        return mine["refused"]

    def test_that_names_foreign_code_is_refused_and_shown(self, typed, folder):
        edit(folder / "config.json", attn_implementation="evil/kernel")
        assert "evil/kernel" in self.refused(typed, 5)

    def test_whose_weights_are_a_pickle_is_refused_and_shown(self, typed, folder):
        (folder / "model.safetensors").unlink()
        acting_pickle(folder / "pytorch_model.bin")
        assert "pytorch_model.bin" in self.refused(typed, 5)

    def test_code_that_it_brings_is_not_run(self, typed, folder):
        edit(
            folder / "config.json",
            model_type="evil",
            auto_map={"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"},
        )
        acting_code(folder / "evil.py")
        self.refused(typed, 5)

    @pytest.mark.parametrize(
        "change",
        [
            {"id2label": ["a", "b"]},
            {"id2label": "x"},
            {"n_layers": "many"},
            {"model_type": ["x"]},
            {"model_type": HOSTILE},
            {"dtype": "nope"},
        ],
        ids=str,
    )
    def test_whose_config_is_nonsense_is_refused_and_shown(self, typed, folder, change):
        edit(folder / "config.json", **change)
        self.refused(typed, 4)

    @pytest.mark.parametrize(
        "change",
        [
            {"id2label": {"0": HOSTILE, "1": "深度", "2": "b"}},
            {"architectures": [HOSTILE]},
            {"model_type": HOSTILE, "architectures": [HOSTILE]},
            {"attn_implementation": HOSTILE},
        ],
        ids=["labels", "architectures", "model_type", "refusal"],
    )
    @pytest.mark.parametrize("form", ["table", "jsonl"])
    def test_its_words_are_shown_and_do_not_act(self, typed, folder, change, form):
        edit(folder / "config.json", **change)
        status, out, err = typed("models", "show", "mine", "-f", form, "--color", "never")
        assert (status, err) == (0, "")
        assert "[red]x[/] :smile:" in " ".join(out.split())
        assert not {"\x1b", "\u202e"} & set(out)

    def test_on_a_terminal_no_form_lets_them_act(self, watched, folder):
        edit(folder / "config.json", id2label={"0": HOSTILE, "1": "b", "2": "c"})
        status, screen = watched("models", "show", "mine", "-f", "csv")
        assert status == 0
        assert "\x1b[2J" not in screen
        assert "\u202e" not in screen


class TestAModelOfTheHub:
    def test_is_told_without_its_weights(self, shown, hub):
        tiny = shown("org/tiny")
        assert list(tiny) == OF_A_MODEL
        assert (tiny["kind"], tiny["family"], tiny["cached"]) == ("hub", "distilbert", False)
        assert tiny["labels"] == ["LABEL_0", "LABEL_1", "LABEL_2"]
        assert tiny["files"] == {name: len(data) for name, data in sorted(hub.files.items())}
        assert tiny["revision"] == COMMIT
        assert "sentiment" in tiny["tasks"]
        weights = len(hub.files["model.safetensors"])
        assert all(range != f"bytes=0-{weights - 1}" for range in hub.ranges)

    def test_its_parameters_are_counted_from_the_head_of_the_file(self, shown, hub, folder):
        assert shown("org/tiny")["parameters"] == shown("mine")["parameters"]
        assert shown("org/tiny")["dtype"] == "float32"

    def test_that_is_cached_says_so(self, shown, hub, typed):
        typed("models", "pull", "org/tiny")
        assert shown("org/tiny")["cached"] is True

    def test_of_a_revision(self, shown, hub):
        assert shown(f"org/tiny@{COMMIT[:7]}")["name"] == f"org/tiny@{COMMIT[:7]}"

    def test_with_pickles_alone_says_that_they_would_be_refused(self, shown, hub):
        hub.files["pytorch_model.bin"] = hub.files.pop("model.safetensors")
        tiny = shown("org/tiny")
        assert tiny["refused"].endswith("(status 5)")
        assert (tiny["tasks"], tiny["commands"]) == ([], [])

    def test_that_is_not_there_is_not_found(self, typed, hub):
        status, out, err = typed("models", "show", "org/absent")
        assert (status, out) == (4, "")
        assert err.startswith("Error: ")
        assert "org/absent" in err

    def test_offline_and_not_cached_is_not_found(self, typed):
        status, out, err = typed("models", "show", "org/tiny")
        assert (status, out) == (4, "")
        assert "offline" in err


class TestAnUnknownName:
    def test_is_told_the_families_that_look_like_it(self, typed):
        status, out, err = typed("models", "show", "disitlbert")
        assert (status, out) == (4, "")
        assert err.startswith("Error: There is no model 'disitlbert'.\nHint: Families with such")
        assert "distilbert" in err

    def test_is_told_the_model_that_looks_like_it(self, typed):
        status, _, err = typed("models", "show", "gpt2-startr")
        assert status == 4
        assert err.partition("\n")[2] == "Hint: Did you mean gpt2-starter?\n"

    def test_that_is_like_none_is_told_what_there_could_be(self, typed):
        status, _, err = typed("models", "show", "zzzz")
        assert status == 4
        assert "Hint: Take a starter (bert-starter, gpt2-starter" in err

    def test_of_a_folder_is_no_folder(self, typed):
        error = "Error: There is no folder ./absent.\n"
        assert typed("models", "show", "./absent") == (4, "", error)

    def test_is_wanted(self, typed):
        error = "Error: Missing argument 'NAME'.\nHint: tfcli models show --help\n"
        assert typed("models", "show") == (2, "", error)
