"""What lies in the cache: all of it is listed, what is damaged is found, what goes goes alone."""

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hostile import acting_pickle, edit
from hub import COMMIT
from safetensors.numpy import load, save

from tfcli.errors import ModelNotFoundError, TfcliError, UnsafeModelError
from tfcli.models.cache import cache_folder, repo_folder
from tfcli.models.hub import fetch
from tfcli.models.registry import Starter, starters
from tfcli.models.resolve import model_ref
from tfcli.models.stock import (
    Cached,
    damage,
    digests,
    named,
    refusal,
    remove,
    starter_damage,
    stock,
)

OTHER = "89abcdef0123456789abcdef0123456789abcdef"
WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(hub):
    """``org/tiny``, fetched; the Hub has it, too."""
    return fetch(model_ref("org/tiny"))


@pytest.fixture
def newer(hub, folder):
    """A newer commit of it with another tokenizer and the same weights; v1 is the older one."""
    (repo_folder("org/tiny") / "refs" / "v1").write_text(COMMIT)
    hub.commits |= {"main": OTHER, OTHER: OTHER}
    hub.files["tokenizer.json"] = b'{"new": 1}'
    return fetch(model_ref("org/tiny"))


@pytest.fixture
def twin(folder):
    """Another model at the same commit, as a copy on the Hub has it."""
    shutil.copytree(repo_folder("org/tiny"), repo_folder("org/twin"), symlinks=True)
    return repo_folder("org/twin") / "snapshots" / COMMIT


def models():
    return [(one.model, one.revision) for one in stock()[0]]


class TestTheStock:
    def test_is_empty_where_there_is_no_cache(self):
        assert stock() == ([], [])

    def test_is_empty_where_a_file_has_its_name(self):
        cache_folder().parent.mkdir(parents=True)
        cache_folder().touch()
        assert stock() == ([], [])

    def test_tells_of_each_revision(self, folder):
        before = datetime.now(UTC)
        (one,), warnings = stock()
        assert one[:4] == ("org/tiny", COMMIT, ("main",), folder)
        assert one.bytes == sum(path.stat().st_size for path in folder.iterdir())
        assert (before - one.last_used).total_seconds() < 3600
        assert (one.missing, warnings) == ("", [])

    def test_has_each_revision_of_a_model_and_what_it_is_called(self, newer):
        older, newest = stock()[0]
        assert (older.revision, older.refs) == (COMMIT, ("v1",))
        assert (newest.revision, newest.refs, newest.folder) == (OTHER, ("main",), newer)

    def test_is_in_the_order_of_names(self, twin):
        shutil.copytree(repo_folder("org/tiny"), repo_folder("a/z"), symlinks=True)
        assert [name for name, _ in models()] == ["a/z", "org/tiny", "org/twin"]

    @pytest.mark.parametrize("name", ["config.json", "tokenizer.json", WEIGHTS])
    def test_says_what_of_a_model_has_not_come(self, folder, name):
        (folder / name).unlink()
        assert stock()[0][0].missing == name

    @pytest.mark.parametrize("name", ["config.json", "tokenizer.json", WEIGHTS])
    def test_has_a_model_that_has_lost_a_blob(self, folder, newer, twin, name):
        """huggingface_hub's scan passes such a one over, and all its revisions."""
        (folder / name).resolve().unlink()
        held, warnings = stock()
        known = [(one.model, one.revision, one.refs) for one in held]
        assert known[:2] == [("org/tiny", COMMIT, ("v1",)), ("org/tiny", OTHER, ("main",))]
        assert {one.model for one in held[2:]} == {"org/twin"}
        assert (held[0].folder, held[0].missing) == (folder, name)
        assert held[0].bytes == sum(p.stat().st_size for p in folder.iterdir() if p.exists())
        assert ([one.missing for one in held[2:]], warnings) == (["", ""], [])

    def test_has_a_model_with_a_branch_of_which_nothing_came(self, folder):
        (repo_folder("org/tiny") / "refs" / "dev").write_text(OTHER)
        held, warnings = stock()
        assert [(one.refs, one.missing) for one in held] == [(("main",), "")]
        assert warnings == []

    def test_has_no_data_sets(self, folder):
        shutil.copytree(repo_folder("org/tiny"), cache_folder() / "datasets--org--data")
        assert [name for name, _ in models()] == ["org/tiny"]

    def test_says_what_else_is_wrong(self, folder):
        (cache_folder() / "notes").touch()
        (cache_folder() / "models--org--empty").mkdir()
        held, warnings = stock()
        assert [one.model for one in held] == ["org/tiny"]
        assert any("notes" in warning for warning in warnings)
        assert any("models--org--empty" in warning for warning in warnings)


class TestNames:
    @pytest.mark.parametrize(
        ("name", "found"),
        [
            ("org/tiny", [COMMIT, OTHER]),
            ("org/tiny@main", [OTHER]),
            ("org/tiny@v1", [COMMIT]),
            (f"org/tiny@{COMMIT}", [COMMIT]),
            (f"org/tiny@{OTHER[:7]}", [OTHER]),
        ],
    )
    def test_mean_revisions(self, newer, name, found):
        assert [one.revision for one in named([name])] == found

    def test_that_mean_the_same_mean_it_once(self, newer):
        found = named(["org/tiny@v1", "org/tiny", f"org/tiny@{COMMIT}"])
        assert [one.revision for one in found] == [COMMIT, OTHER]

    @pytest.mark.parametrize("name", ["org/other", "org/tiny@v9", "tiny", "org/tiny@abc", ""])
    def test_of_what_is_not_there_are_an_error(self, newer, name):
        with pytest.raises(ModelNotFoundError, match="is not in the cache") as caught:
            named(["org/tiny", name])
        assert caught.value.hint == "What is there: tfcli models cached"

    def test_of_a_damaged_model_are_known(self, folder):
        (folder / WEIGHTS).resolve().unlink()
        assert [one.folder for one in named(["org/tiny"])] == [folder]


class TestRemoving:
    def test_a_model_takes_all_of_it(self, folder):
        size = stock()[0][0].bytes
        assert remove(named(["org/tiny"])) == size
        assert stock() == ([], [])
        assert not repo_folder("org/tiny").exists()

    def test_a_revision_leaves_what_others_need(self, folder, newer):
        lone = (folder / "tokenizer.json").resolve()
        size = lone.stat().st_size
        assert remove(named(["org/tiny@v1"])) == size
        assert models() == [("org/tiny", OTHER)]
        assert not lone.exists()
        assert all(path.is_file() for path in newer.iterdir())

    @pytest.mark.parametrize("name", ["org/tiny", "org/twin"])
    def test_leaves_another_model_of_the_same_commit(self, twin, name):
        """Commits of a repository and its copy are the same; huggingface_hub takes either."""
        remove(named([name]))
        (left,) = stock()[0]
        assert left.model == ({"org/tiny", "org/twin"} - {name}).pop()
        assert all(path.is_file() for path in left.folder.iterdir())

    def test_several_models_at_once(self, twin):
        size = sum(one.bytes for one in stock()[0])
        assert remove(named(["org/tiny", "org/twin"])) == size
        assert models() == []

    def test_what_safetensors_were_made_of_takes_both(self, folder):
        (folder / WEIGHTS).unlink()
        (folder / WEIGHTS).write_bytes(b"made here")
        remove(named(["org/tiny"]))
        assert not repo_folder("org/tiny").exists()

    @pytest.mark.parametrize("name", ["config.json", WEIGHTS])
    def test_a_model_that_has_lost_a_blob(self, folder, newer, twin, name):
        (folder / name).resolve().unlink()
        remove(named(["org/tiny"]))
        assert models() == [("org/twin", COMMIT), ("org/twin", OTHER)]
        assert not repo_folder("org/tiny").exists()

    def test_a_model_with_a_branch_of_which_nothing_came(self, folder):
        (repo_folder("org/tiny") / "refs" / "dev").write_text(OTHER)
        remove(named(["org/tiny"]))
        assert not repo_folder("org/tiny").exists()

    def test_from_a_cache_that_is_not_ours_is_an_error(self, folder, monkeypatch):
        def foreign(*args, **how):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(shutil, "rmtree", foreign)
        monkeypatch.setattr(os, "remove", foreign)
        with pytest.raises(TfcliError, match="the cache is not yours to write to"):
            remove(named(["org/tiny"]))
        assert models() == [("org/tiny", COMMIT)]


class TestDamage:
    def test_is_none_of_what_is_as_the_hub_has_it(self, folder):
        assert list(damage(folder)) == []

    @pytest.mark.parametrize("name", ["config.json", WEIGHTS])
    def test_is_a_changed_blob_small_or_large(self, folder, name):
        blob = (folder / name).resolve()
        blob.write_bytes(blob.read_bytes()[:-1] + b"!")
        assert list(damage(folder)) == [f"{name} is not as the Hub has it"]

    @pytest.mark.parametrize("name", ["config.json", WEIGHTS])
    def test_is_a_missing_blob(self, folder, name):
        (folder / name).resolve().unlink()
        assert list(damage(folder)) == [f"{name} is missing"]

    def test_is_all_that_is_wrong(self, folder):
        (folder / WEIGHTS).resolve().unlink()
        (folder / "tokenizer.json").resolve().write_text("changed")
        assert list(damage(folder)) == [
            f"{WEIGHTS} is missing",
            "tokenizer.json is not as the Hub has it",
        ]

    def test_is_found_in_the_folders_of_modules(self, hub):
        hub.files["1_Pooling/config.json"] = b'{"pooling_mode": "mean"}'
        folder = fetch(model_ref("org/tiny"))
        assert list(damage(folder)) == []
        (folder / "1_Pooling" / "config.json").resolve().write_text("changed")
        assert list(damage(folder)) == ["1_Pooling/config.json is not as the Hub has it"]

    def test_is_not_what_is_called_by_another_rule(self, folder):
        """Some stores call a blob by other hashes."""
        blob = (folder / WEIGHTS).resolve()
        blob.rename(blob.with_name("xet-0123"))
        (folder / WEIGHTS).unlink()
        (folder / WEIGHTS).symlink_to(blob.with_name("xet-0123"))
        assert list(damage(folder)) == []

    class TestOfWhatWasConverted:
        @pytest.fixture
        def made(self, folder, tiny):
            """Safetensors that were made of a pickle beside them, as they say."""
            blob = repo_folder("org/tiny") / "blobs" / hashlib.sha256(b"a pickle").hexdigest()
            blob.write_bytes(b"a pickle")
            (folder / "pytorch_model.bin").symlink_to(blob)
            (folder / WEIGHTS).unlink()
            self.write(folder / WEIGHTS, tiny.files[WEIGHTS], blob.name)
            return folder

        def write(self, path, content, source):
            path.write_bytes(save(load(content), metadata={"source_sha256": source}))

        def test_is_none_while_both_belong_together(self, made):
            assert list(damage(made)) == []

        def test_is_a_pickle_that_is_another_now(self, made, tiny):
            (made / WEIGHTS).unlink()
            self.write(made / WEIGHTS, tiny.files[WEIGHTS], "0" * 64)
            said = f"{WEIGHTS} was made of another file than is here"
            assert list(damage(made)) == [said]

        def test_is_a_pickle_that_has_changed(self, made):
            (made / "pytorch_model.bin").resolve().write_bytes(b"another")
            assert list(damage(made)) == [
                f"{WEIGHTS} was made of another file than is here",
                "pytorch_model.bin is not as the Hub has it",
            ]

        def test_is_a_pickle_that_is_missing(self, made):
            (made / "pytorch_model.bin").resolve().unlink()
            assert list(damage(made)) == ["pytorch_model.bin is missing"]

        def test_is_not_a_pickle_that_nobody_needs_any_more(self, made):
            (made / "pytorch_model.bin").unlink()
            assert list(damage(made)) == []

        def test_is_not_what_says_nothing_of_its_source(self, made, tiny):
            (made / WEIGHTS).write_bytes(tiny.files[WEIGHTS])
            assert list(damage(made)) == []

        def test_of_a_file_that_is_cut_off_is_for_the_refusal_to_say(self, made):
            (made / WEIGHTS).write_bytes((made / WEIGHTS).read_bytes()[:-1])
            assert list(damage(made)) == []
            assert "is cut off or damaged" in str(refusal(made))


class TestAStarter:
    @pytest.mark.parametrize("name", starters())
    def test_is_the_one_that_came_with_the_package(self, name):
        assert list(starter_damage(starters()[name])) == []

    def test_that_has_changed_is_said(self):
        known = starters()["bert-starter"]
        changed = Starter(known.name, known.tasks, known.summary, "0" * 64)
        (said,) = starter_damage(changed)
        assert said == f"{WEIGHTS} is not the one that came with tfcli"


class TestRefusal:
    @pytest.fixture
    def model(self, classifier, tmp_path):
        return Path(shutil.copytree(classifier(), tmp_path / "model"))

    def test_is_none_of_a_sound_model(self, model):
        assert refusal(model) is None

    def test_is_that_of_loading(self, model):
        edit(model / "config.json", _attn_implementation="evil/kernel")
        assert isinstance(refusal(model), UnsafeModelError)

    def test_is_of_pickles(self, model):
        (model / WEIGHTS).unlink()
        acting_pickle(model / "pytorch_model.bin")
        assert isinstance(refusal(model), UnsafeModelError)

    def test_is_of_what_is_not_whole(self, model):
        (model / WEIGHTS).unlink()
        assert isinstance(refusal(model), ModelNotFoundError)


class TestDigests:
    def test_are_of_all_that_loading_reads(self, classifier, tmp_path):
        model = Path(shutil.copytree(classifier(), tmp_path / "model"))
        nested = ("1_Pooling/config.json", "additional_chat_templates/x.jinja", "onnx/config.json")
        for name in (*nested, "modeling_own.py", "README.md", "pytorch_model.bin", "notes.log"):
            (model / name).parent.mkdir(exist_ok=True)
            (model / name).write_text(name)
        told = digests(model)
        unread = {"README.md", "pytorch_model.bin", "notes.log", "onnx/config.json"}
        files = {p.relative_to(model).as_posix() for p in model.rglob("*") if p.is_file()}
        assert set(told) == files - unread
        assert list(told) == sorted(told)
        assert all(
            told[name] == hashlib.sha256((model / name).read_bytes()).hexdigest() for name in told
        )

    def test_are_json(self, classifier):
        told = digests(Path(classifier()))
        assert json.loads(json.dumps(told)) == told


def test_a_cached_revision_is_a_plain_value(folder):
    (one,) = stock()[0]
    assert isinstance(one, Cached)
    assert one == Cached(*one)

    def test_are_of_files_alone(self, classifier, tmp_path):
        model = Path(shutil.copytree(classifier(), tmp_path / "model"))
        told = digests(model)
        (model / "additional_chat_templates" / "old").mkdir(parents=True)
        (model / "1_Pooling" / "config.json").mkdir(parents=True)
        assert digests(model) == told


def test_a_folder_where_a_file_should_be_is_no_damage(folder):
    blob = repo_folder("org/tiny") / "blobs" / ("0" * 64)
    blob.mkdir()
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "old").symlink_to(blob)
    assert list(damage(folder)) == []


def test_a_starter_without_its_weights_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("tfcli.models.registry._HERE", tmp_path)
    (said,) = starter_damage(Starter("mine", (), "", "0" * 64))
    assert said == f"{WEIGHTS} is missing"


class TestRemovingBesideDamage:
    def test_leaves_the_damage_of_another_revision_to_be_seen(self, folder, newer):
        (newer / "tokenizer.json").resolve().unlink()
        lone, shared = (folder / "tokenizer.json").resolve(), (folder / WEIGHTS).resolve()
        size = lone.stat().st_size
        assert remove(named(["org/tiny@v1"])) == size
        assert list(damage(newer)) == ["tokenizer.json is missing"]
        assert [(one.revision, one.refs) for one in stock()[0]] == [(OTHER, ("main",))]
        assert (lone.exists(), shared.exists(), folder.exists()) == (False, True, False)
        assert not (repo_folder("org/tiny") / "refs" / "v1").exists()

    def test_a_damaged_revision_goes_alone(self, folder, newer):
        (newer / "tokenizer.json").resolve().unlink()
        remove(named(["org/tiny@main"]))
        assert (models(), list(damage(folder))) == ([("org/tiny", COMMIT)], [])

    def test_deletes_nothing_that_a_link_leads_out_to(self, folder, newer, tmp_path):
        (tmp_path / "mine").write_text("mine")
        (folder / "out.txt").symlink_to(tmp_path / "mine")
        remove(named(["org/tiny@v1"]))
        assert (tmp_path / "mine").read_text() == "mine"
