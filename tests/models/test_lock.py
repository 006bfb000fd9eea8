"""The lock: what a project runs is what it ran, or nothing."""

import json
import shutil
from pathlib import Path

import pytest
from hostile import acting_code, edit
from hub import COMMIT

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, TfcliError, UnsafeModelError, UsageError
from tfcli.models.files import sha256
from tfcli.models.lock import FILE, entry_for, held, write
from tfcli.models.registry import starters
from tfcli.models.resolve import model_ref

OTHER = "89abcdef0123456789abcdef0123456789abcdef"


@pytest.fixture
def folder(classifier, tmp_path):
    """A model of the user's own."""
    return Path(shutil.copytree(classifier(), tmp_path / "model"))


def locked(*names):
    """Lock the models of these names, as the command does."""
    refs = [model_ref(name) for name in names]
    write({ref.checkpoint: entry_for(ref) for ref in refs})
    return json.loads(Path(FILE).read_text())


def refused(error, name, match):
    with pytest.raises(error, match=match) as caught:
        held(model_ref(name))
    return caught.value


class TestAModelOfTheHub:
    @pytest.mark.parametrize("name", ["org/tiny", "org/tiny@main", f"org/tiny@{COMMIT[:7]}"])
    def test_is_held_by_its_commit(self, hub, name):
        content = locked(name)
        assert content == {"version": 1, "models": {"org/tiny": {"revision": COMMIT}}}
        hub.commits |= {"main": OTHER, OTHER: OTHER}
        assert held(model_ref("org/tiny")) == ModelRef("org/tiny", COMMIT)

    def test_is_fetched_to_be_locked_and_not_asked_for_to_be_held(self, hub):
        locked("org/tiny")
        assert "model.safetensors" in hub.fetched()
        hub.asked.clear()
        held(model_ref("org/tiny"))
        assert hub.asked == []

    def test_keeps_what_else_was_said_of_it(self, hub):
        locked("org/tiny")
        ref = model_ref("org/tiny", dtype="bfloat16", device="cpu", ablate="0")
        assert held(ref) == model_ref(
            f"org/tiny@{COMMIT}", dtype="bfloat16", device="cpu", ablate="0"
        )

    def test_may_be_named_with_the_commit_that_is_held(self, hub):
        locked("org/tiny")
        for revision in (COMMIT, COMMIT[:7]):
            assert held(model_ref(f"org/tiny@{revision}")).revision == COMMIT

    @pytest.mark.parametrize("revision", ["main", "v1", OTHER])
    def test_may_not_be_named_with_another(self, hub, revision):
        locked("org/tiny")
        error = refused(UsageError, f"org/tiny@{revision}", f"at 0123456, not at {revision}")
        assert error.hint == f"tfcli models lock org/tiny@{revision}"

    def test_is_not_a_folder_of_its_name(self, hub, folder):
        """Which would be loaded in its place."""
        locked("org/tiny")
        Path("org").mkdir()
        folder.rename("org/tiny")
        refused(UnsafeModelError, "org/tiny", "holds org/tiny of the Hub, and a folder here")

    def test_that_there_is_not_is_not_locked(self, hub):
        with pytest.raises(ModelNotFoundError):
            locked("org/other")
        assert not Path(FILE).exists()


class TestAFolder:
    def test_is_held_by_the_sha256_of_its_files(self, folder):
        content = locked("model")
        files = {path.name: sha256(path) for path in folder.iterdir()}
        assert content["models"] == {"model": {"sha256": files}}
        assert held(model_ref("model")) == model_ref("model")

    @pytest.mark.parametrize(
        "name", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    )
    def test_with_a_changed_file_is_refused(self, folder, name):
        locked("model")
        (folder / name).write_bytes((folder / name).read_bytes() + b" ")
        error = refused(UnsafeModelError, "model", f"{name} of model is not the one that")
        assert error.hint == "If the change is yours: tfcli models lock model"
        locked("model")
        assert held(model_ref("model"))

    def test_with_a_file_more_is_refused(self, folder):
        locked("model")
        edit(folder / "generation_config.json", temperature=9)
        refused(UnsafeModelError, "model", r"generation_config\.json of model")

    def test_with_a_file_less_is_refused(self, folder):
        locked("model")
        (folder / "tokenizer_config.json").unlink()
        refused(UnsafeModelError, "model", r"tokenizer_config\.json of model")

    @pytest.mark.parametrize("name", ["modeling_own.py", "1_Pooling/config.json"])
    def test_with_changed_code_or_modules_is_refused(self, folder, name):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
        locked("model")
        acting_code(folder / name)
        refused(UnsafeModelError, "model", f"{name} of model")

    def test_with_other_words_about_it_is_the_same(self, folder):
        locked("model")
        (folder / "README.md").write_text("# A model")
        (folder / "pytorch_model.bin").write_bytes(b"a pickle, which nobody reads")
        assert held(model_ref("model"))

    def test_that_has_gone_is_not_looked_for_on_the_hub(self, hub, folder):
        Path("org").mkdir()
        folder.rename("org/tiny")
        locked("org/tiny")
        shutil.rmtree("org")
        refused(UnsafeModelError, "org/tiny", "as a folder; there is none")
        assert hub.asked == []


class TestWhatElse:
    @pytest.mark.parametrize("name", starters())
    def test_a_starter_is_held_by_its_files(self, name):
        files = locked(name)["models"][name]["sha256"]
        assert files["model.safetensors"] == starters()[name].sha256
        assert held(model_ref(name)) == model_ref(name)

    def test_a_gguf_file_is_held_by_itself(self, gguf_copy):
        content = locked("tiny.gguf")
        assert content["models"]["tiny.gguf"]["sha256"] == {"tiny.gguf": sha256(gguf_copy)}
        assert held(model_ref("tiny.gguf"))
        with gguf_copy.open("ab") as file:
            file.write(b"!")
        refused(UnsafeModelError, "tiny.gguf", r"tiny\.gguf of tiny\.gguf is not the one")


class TestTheFile:
    def test_gets_more_models_and_keeps_the_others(self, hub, folder):
        locked("org/tiny")
        content = locked("model", "bert-starter")
        assert list(content["models"]) == ["bert-starter", "model", "org/tiny"]

    def test_is_for_people_to_read(self, hub):
        locked("org/tiny")
        assert Path(FILE).read_text() == (
            '{\n  "version": 1,\n  "models": {\n    "org/tiny": {\n'
            f'      "revision": "{COMMIT}"\n    }}\n  }}\n}}\n'
        )

    def test_is_whole_or_as_it_was(self, hub, monkeypatch):
        locked("org/tiny")
        before = Path(FILE).read_text()

        def full(path, target):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(TfcliError, match=r"Cannot write tfcli\.lock: No space left on device"):
            write({"org/other": {"revision": OTHER}})
        assert Path(FILE).read_text() == before
        assert [path.name for path in Path().glob(".tfcli*")] == []

    def test_that_is_not_there_is_said(self):
        error = refused(UsageError, "bert-starter", r"There is no tfcli\.lock in this folder")
        assert (error.status, error.hint) == (2, "tfcli models lock MODEL writes one.")

    def test_that_does_not_hold_a_model_says_so(self, folder):
        locked("bert-starter")
        error = refused(UsageError, "model", r"tfcli\.lock does not hold model")
        assert error.hint == "tfcli models lock model"

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "",
                "{",
                "[]",
                "\xff",
                "null",
                "{}",
                '{"version": 1}',
                '{"version": 1, "models": []}',
                "[" * 200_000,
            ),
            *('{"version": 2, "models": {}}', '{"models": {"bert-starter": {}}}'),
        ],
    )
    def test_that_is_broken_is_said_and_left_alone(self, text):
        Path(FILE).write_text(text, encoding="latin-1")
        refused(UsageError, "bert-starter", r"tfcli\.lock is broken: ")
        with pytest.raises(UsageError, match=r"tfcli\.lock is broken: "):
            write({"org/tiny": {"revision": COMMIT}})
        assert Path(FILE).read_text(encoding="latin-1") == text

    @pytest.mark.parametrize("digests", [3, None, [], "0" * 64])
    def test_whose_files_are_none_is_broken(self, digests):
        write({"bert-starter": {"sha256": digests}})
        refused(UsageError, "bert-starter", "broken: bert-starter has neither a commit nor SHA-256")

    @pytest.mark.parametrize("commit", ["main", "", "0123456", "../../x", 3, None, COMMIT.upper()])
    def test_whose_commit_is_none_is_broken(self, commit):
        write({"org/tiny": {"revision": commit}})
        refused(UsageError, "org/tiny", "broken: org/tiny has no commit")

    def test_is_not_written_through_a_link(self, tmp_path):
        """As one that a cloned repository brings, by the name of what is half written."""
        secret = tmp_path / "secret"
        secret.write_text("mine")
        Path(".tfcli.lock.partial").symlink_to(secret)
        write({"org/tiny": {"revision": COMMIT}})
        assert secret.read_text() == "mine"
