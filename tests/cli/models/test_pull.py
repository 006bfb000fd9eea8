"""``tfcli models pull``: from a stand-in of the Hub, whole, checked, and a task's default."""

import io
import json
import signal
from pathlib import Path

import pytest
from hub import COMMIT
from watching import eventually

from tfcli.models.cache import repo_folder
from tfcli.models.defaults import Default, config_file, default_for

KEYS = ["index", "model", "revision", "folder", "bytes", "converted", "default_for"]


@pytest.fixture
def pulled(typed):
    """The records of what is pulled."""

    def records(*arguments):
        status, out, err = typed("models", "pull", *arguments)
        assert (status, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return records


class TestATask:
    def test_gets_its_standard_checkpoint_which_is_its_default_from_then_on(self, pulled, standard):
        checkpoint, commit = standard("sentiment")
        (record,) = pulled("sentiment")
        assert list(record) == KEYS
        assert (record["model"], record["revision"]) == (checkpoint, commit)
        assert record["default_for"] == "sentiment"
        assert default_for("sentiment") == Default(checkpoint, str(config_file()))
        assert default_for("qa").origin == "starter"

    def test_is_told_on_a_terminal_and_how_to_go_back(self, typed, standard):
        checkpoint, commit = standard("sentiment")
        status, out, err = typed("models", "pull", "sentiment", "-f", "table")
        first, second, third = out.splitlines()
        assert (status, err, first) == (0, "", checkpoint)
        assert second.endswith(f"kB, commit {commit[:7]}")
        back = "tfcli models use sentiment --reset"
        assert third == f"  sentiment uses it from now on; back again: {back}"
        assert typed(*back.split()[1:]).status == 0
        assert default_for("sentiment").origin == "starter"

    def test_answers_with_it(self, typed, standard):
        standard("sentiment")
        typed("models", "pull", "sentiment")
        assert typed("sentiment", "good", "-f", "plain").out.startswith("LABEL_")

    def test_does_not_with_no_default(self, pulled, standard):
        standard("sentiment")
        (record,) = pulled("sentiment", "--no-default")
        assert record["default_for"] is None
        assert default_for("sentiment") == Default("bert-starter", "starter")
        assert not config_file().exists()

    def test_is_nobodys_default_if_it_does_not_come(self, typed, hub):
        assert typed("models", "pull", "sentiment").status == 4
        assert not config_file().exists()

    def test_that_is_here_already_is_not_fetched_again(self, pulled, standard, hub):
        standard("sentiment")
        pulled("sentiment", "--no-default")
        before = len(hub.fetched())
        (record,) = pulled("sentiment")
        assert len(hub.fetched()) == before
        assert record["default_for"] == "sentiment"

    def test_offline_it_becomes_the_default_if_it_is_here(self, pulled, standard, monkeypatch):
        standard("sentiment")
        pulled("sentiment", "--no-default")
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert pulled("sentiment")[0]["default_for"] == "sentiment"


class TestAModel:
    def test_comes_whole_and_is_nobodys_default(self, pulled, hub):
        (record,) = pulled("org/tiny")
        folder = repo_folder("org/tiny") / "snapshots" / COMMIT
        assert record == {
            "index": 0,
            "model": "org/tiny",
            "revision": COMMIT,
            "folder": str(folder),
            "bytes": sum(path.stat().st_size for path in folder.iterdir()),
            "converted": False,
            "default_for": None,
        }
        for name in ("model.safetensors", "config.json", "tokenizer.json"):
            assert (folder / name).read_bytes() == hub.files[name]
        assert not config_file().exists()

    def test_of_a_revision(self, pulled, hub):
        (record,) = pulled(f"org/tiny@{COMMIT[:7]}")
        assert (record["model"], record["revision"]) == (f"org/tiny@{COMMIT[:7]}", COMMIT)

    def test_with_pickles_alone_gets_safetensors_made_of_them(self, pulled, hub):
        import torch
        from safetensors.torch import load

        tensors, pickle = load(hub.files.pop("model.safetensors")), io.BytesIO()
        torch.save(tensors, pickle)
        hub.files["pytorch_model.bin"] = pickle.getvalue()
        (record,) = pulled("org/tiny")
        assert record["converted"] is True
        made = load((Path(record["folder"]) / "model.safetensors").read_bytes())
        assert made.keys() == tensors.keys()
        assert all(torch.equal(made[name], tensors[name]) for name in tensors)

    def test_that_would_be_refused_is_refused_when_it_comes(self, typed, hub):
        config = json.loads(hub.files["config.json"])
        config["attn_implementation"] = "evil/kernel"
        hub.files["config.json"] = json.dumps(config).encode()
        status, out, err = typed("models", "pull", "org/tiny")
        assert (status, out) == (5, "")
        assert "evil/kernel" in err

    def test_that_is_not_there_is_not_found(self, typed, hub):
        status, out, err = typed("models", "pull", "org/absent")
        assert (status, out) == (4, "")
        assert "org/absent" in err

    def test_offline_it_is_not_found(self, typed):
        status, out, err = typed("models", "pull", "org/tiny")
        assert (status, out) == (4, "")
        assert "offline" in err

    def test_of_one_name_among_several_that_cannot_be_nothing_is_fetched(self, typed, hub):
        status, out, err = typed("models", "pull", "org/tiny", "nope")
        assert (status, out) == (4, "")
        assert err.startswith("Error: There is no model 'nope'.")
        assert hub.asked == []

    def test_from_a_process_of_its_own(self, tfcli, hub):
        status, out, err = tfcli("models", "pull", "org/tiny", "-f", "plain")
        assert (status, out, err) == (0, "org/tiny\n", "")
        assert tfcli("models", "cached", "-f", "plain").out == "org/tiny\n"


class TestWhatIsHere:
    @pytest.mark.parametrize("name", ["bert-starter", "./mine", "mine"])
    def test_is_not_to_be_fetched(self, typed, hub, name):
        Path("mine").mkdir()
        error = f"Error: {name} is on this machine already.\nHint: -m {name}\n"
        assert typed("models", "pull", name) == (2, "", error)
        assert hub.asked == []

    def test_a_name_is_wanted(self, typed):
        assert typed("models", "pull").status == 2


def test_a_family_is_no_model_but_has_one(typed):
    status, _, err = typed("models", "pull", "bert")
    assert status == 4
    checkpoint = "google-bert/bert-base-uncased"
    assert err.endswith(f"Hint: The checkpoint of that family: tfcli models pull {checkpoint}\n")


@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_stopped_it_says_that_the_same_command_goes_on(start, typed, hub, sent, status):
    hub.fail("GET .*model.safetensors", times=1, drip=0.2)
    program = start("models", "pull", "org/tiny")
    eventually(lambda: hub.fetched("model.safetensors"))
    program.send_signal(sent)
    out, err = program.communicate(timeout=60)
    note = "Note: What has come is kept: the same command goes on from there."
    assert (out, err.decode().splitlines()[-1]) == (b"", note)
    assert program.returncode == status
    assert typed("models", "pull", "org/tiny").status == 0
