"""A file is the old one or the new one, whole; nothing else is written to."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from tfcli.models.replace import write_over


def test_a_new_file_is_there(tmp_path):
    write_over(tmp_path / "a.txt", "深\n")
    assert (tmp_path / "a.txt").read_bytes() == "深\n".encode()
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


def test_the_rights_of_an_old_one_stay(tmp_path):
    path = tmp_path / "a.txt"
    path.touch()
    path.chmod(0o600)
    write_over(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["a.txt", ".a.txt.partial"])
def test_a_link_in_its_way_is_not_written_through(tmp_path, name):
    """A repository that somebody cloned may bring one."""
    secret = tmp_path / "secret"
    secret.write_text("mine")
    (tmp_path / name).symlink_to(secret)
    write_over(tmp_path / "a.txt", "new")
    assert (secret.read_text(), (tmp_path / "a.txt").read_text()) == ("mine", "new")


def test_many_at_once_leave_one_whole_file(tmp_path):
    texts = [str(i) * 100_000 for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_over(tmp_path / "a.txt", text), texts))
    assert (tmp_path / "a.txt").read_text() in texts
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_leaves_the_old_one(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    (tmp_path / "a.txt").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_over(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
