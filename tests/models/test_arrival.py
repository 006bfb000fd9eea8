"""What has arrived is what was sent, or it goes; a revision is noted when all of it is here."""

import hashlib
import os
import shutil
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hub import COMMIT

from tfcli.core.job import ModelRef
from tfcli.models import arrival as module
from tfcli.models.arrival import check_again, free_space, is_sound, mark, remember
from tfcli.models.cache import cache_folder, repo_folder
from tfcli.models.files import sha256

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = "89abcdef0123456789abcdef0123456789abcdef"


@pytest.fixture
def weights():
    """Weights in the cache, as huggingface_hub puts them there: a link to a blob."""
    repo = repo_folder("org/tiny")
    folder = repo / "snapshots" / COMMIT
    for place in (folder, repo / "blobs"):
        place.mkdir(parents=True)
    (repo / "blobs" / DIGEST).write_bytes(CONTENT)
    (folder / "model.safetensors").symlink_to(f"../../blobs/{DIGEST}")
    return folder / "model.safetensors"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


class TestAMark:
    def test_is_taken_away_from_what_is_as_it_was_sent(self, weights):
        mark(weights, DIGEST)
        assert names(weights.parent) == ["model.safetensors", "model.safetensors.unchecked"]
        assert is_sound(weights)
        assert names(weights.parent) == ["model.safetensors"]
        assert weights.read_bytes() == CONTENT

    @pytest.mark.parametrize("wanted", ["0" * 64, "", DIGEST.upper()])
    def test_throws_away_what_is_not_with_its_blob(self, weights, wanted):
        mark(weights, wanted)
        assert not is_sound(weights)
        assert names(weights.parent) == []
        assert names(weights.parents[2] / "blobs") == []

    def test_that_is_not_there_asks_for_nothing(self, weights, monkeypatch):
        monkeypatch.setattr(module, "sha256", None)
        assert is_sound(weights)

    def test_waits_for_a_file_that_has_not_come(self, weights):
        mark(weights.with_name("other"), DIGEST)
        assert is_sound(weights.with_name("other"))
        assert "other.unchecked" in names(weights.parent)

    @pytest.mark.parametrize("sound", [True, False])
    def test_may_be_settled_by_another_run_meanwhile(self, weights, monkeypatch, sound):
        """Both read the file at once; the slower one finds the mark gone, and maybe the file."""
        both, said = Barrier(2, timeout=30), []
        mark(weights, DIGEST if sound else "0" * 64)

        def together(path):
            both.wait()
            digest = sha256(path)
            both.wait()
            return digest

        monkeypatch.setattr(module, "sha256", together)
        runs = [Thread(target=lambda: said.append(is_sound(weights))) for _ in range(2)]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        assert said == [sound, sound]
        assert names(weights.parent) == (["model.safetensors"] if sound else [])

    def test_is_whole_for_another_run_while_it_is_written_again(self, weights, monkeypatch):
        mark(weights, DIGEST)
        said = []
        monkeypatch.setattr("os.fsync", lambda _: said.append(is_sound(weights)))
        mark(weights, DIGEST)
        assert said == [True]
        assert weights.read_bytes() == CONTENT

    @pytest.mark.parametrize("gone", ["mark", "file", "both"])
    def test_that_is_gone_before_it_is_read_is_no_error(self, weights, monkeypatch, gone):
        mark(weights, DIGEST)

        def settled(path):
            if gone in ("mark", "both"):
                path.with_name(f"{path.name}.unchecked").unlink()
            if gone in ("file", "both"):
                path.unlink()
            return sha256(path)

        monkeypatch.setattr(module, "sha256", settled)
        assert is_sound(weights) == (gone == "mark")


class TestCheckAgain:
    def test_looks_at_all_that_a_killed_run_had_not(self, weights):
        spoilt = weights.with_name("model-00002.safetensors")
        spoilt.write_bytes(b"spoilt")
        mark(weights, DIGEST)
        mark(spoilt, DIGEST)
        check_again(weights.parent)
        assert names(weights.parent) == ["model.safetensors"]

    def test_leaves_a_cache_alone_that_cannot_be_written(self, weights, monkeypatch):
        def read_only(path, **how):
            raise PermissionError(13, "Permission denied")

        mark(weights, "0" * 64)
        monkeypatch.setattr(Path, "unlink", read_only)
        check_again(weights.parent)
        assert weights.read_bytes() == CONTENT


class TestRemember:
    def ref(self, revision=None):
        return repo_folder("org/tiny") / "refs" / (revision or "main")

    @pytest.mark.parametrize("revision", [None, "v1", "refs/pr/7"])
    def test_notes_what_a_branch_means(self, weights, revision):
        remember(ModelRef("org/tiny", revision), COMMIT)
        assert self.ref(revision).read_text() == COMMIT
        remember(ModelRef("org/tiny", revision), OTHER)
        assert self.ref(revision).read_text() == OTHER
        assert names(self.ref(revision).parent) == [self.ref(revision).name]

    def test_a_commit_means_itself(self, weights):
        remember(ModelRef("org/tiny", COMMIT), COMMIT)
        assert not self.ref().parent.exists()

    @pytest.mark.parametrize("revision", ["../../outside", "/outside", "..", "a/../../../outside"])
    def test_nothing_is_written_elsewhere(self, weights, revision):
        before = sorted(Path().rglob("*"))
        remember(ModelRef("org/tiny", revision), COMMIT)
        assert sorted(Path().rglob("*")) == before

    def test_what_is_known_is_not_written_again(self, weights, monkeypatch):
        remember(ModelRef("org/tiny"), COMMIT)
        monkeypatch.setattr(Path, "write_text", None)
        remember(ModelRef("org/tiny"), COMMIT)
        assert self.ref().read_text() == COMMIT

    def test_a_cache_that_cannot_be_written_is_no_error(self, weights, monkeypatch):
        def read_only(*args, **how):
            raise OSError(30, "Read-only file system")

        monkeypatch.setattr(Path, "mkdir", read_only)
        remember(ModelRef("org/tiny"), COMMIT)
        assert not self.ref().exists()


class TestFreeSpace:
    def test_is_that_of_the_disk_on_which_the_cache_will_be(self, monkeypatch):
        asked = []
        usage = shutil.disk_usage(".")._replace(free=7)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or usage)
        assert free_space() == 7
        cache_folder().mkdir(parents=True)
        assert free_space() == 7
        assert asked == [Path.cwd(), cache_folder()]

    def test_of_a_folder_named_from_here(self, monkeypatch):
        monkeypatch.setenv("HF_HUB_CACHE", "not/yet/there")
        assert free_space() > 0


def test_what_a_revision_means_is_not_written_through_a_link(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("mine")
    path = repo_folder("org/tiny") / "refs" / "main"
    path.parent.mkdir(parents=True)
    path.with_name(f"main.{os.getpid()}.tmp").symlink_to(secret)
    remember(ModelRef("org/tiny"), COMMIT)
    assert (path.read_text(), secret.read_text()) == (COMMIT, "mine")


def test_a_mark_finds_its_folder_and_is_found_in_it(tmp_path):
    path = tmp_path / "snapshot" / "1_Pooling" / "config.json"
    mark(path, "0" * 64)
    path.write_text("{}")
    check_again(tmp_path / "snapshot")
    assert list(path.parent.iterdir()) == []
