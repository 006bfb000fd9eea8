"""Fetching from the Hub: only what is read, weights last, never without an end, never half."""

import errno
import hashlib
import json
import shutil
import threading
import time
from pathlib import Path

import pytest
from hub import COMMIT

from tfcli.errors import ModelNotFoundError, TfcliError, UnsafeModelError, UsageError
from tfcli.models.cache import cache_folder, missing, repo_folder
from tfcli.models.hub import fetch, is_offline, look, pull
from tfcli.models.resolve import model_ref

WEIGHTS = "model.safetensors"
READ = ["config.json", "tokenizer.json", WEIGHTS]
OTHER = "89abcdef0123456789abcdef0123456789abcdef"
QUESTION = "GET /api/models/org/tiny"


def fetched(name="org/tiny"):
    return fetch(model_ref(name))


def refused(error, name="org/tiny"):
    with pytest.raises(error) as caught:
        fetched(name)
    return caught.value


def pulled(name="org/tiny"):
    return pull(model_ref(name))


def looked(name="org/tiny"):
    return look(model_ref(name))


def sharded(hub, *shards):
    """Give the Hub's model shards in place of one file; the index names them."""
    del hub.files[WEIGHTS]
    index = {"weight_map": {f"layer.{i}": shard for i, shard in enumerate(shards)}}
    hub.files[f"{WEIGHTS}.index.json"] = json.dumps(index).encode()
    hub.files |= {shard: shard.encode() for shard in shards}


class TestWhatIsFetched:
    def test_only_what_loading_reads(self, hub):
        hub.files |= {"onnx/model.onnx": b"large", "tf_model.h5": b"large", "fp16.safetensors": b""}
        folder = fetched()
        assert sorted(hub.fetched()) == sorted(READ)
        assert sorted(path.name for path in folder.iterdir()) == sorted(READ)
        assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]

    def test_of_folders_the_settings_of_its_modules(self, hub):
        modules = {"1_Pooling/config.json": b"{}", "2_Dense/config.json": b"{ }"}
        others = {
            "onnx/config.json": b"",
            "2_Dense/model.safetensors": b"",
            "1_x/y/config.json": b"",
        }
        hub.files |= {"modules.json": b"[]", **modules, **others}
        folder = fetched()
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.json")}
        assert found == {"config.json", "tokenizer.json", "modules.json", *modules}
        assert (folder / "2_Dense/config.json").read_bytes() == b"{ }"
        assert missing(folder) == ""

    def test_the_weights_come_last(self, hub):
        fetched()
        assert hub.fetched()[-1] == WEIGHTS

    def test_all_of_one_commit_though_the_branch_moves_on_meanwhile(self, hub, monkeypatch):
        answer = hub.answer

        def moving(path, query):
            given = answer(path, query)
            hub.commits["main"] = OTHER
            return given

        monkeypatch.setattr(hub, "answer", moving)
        assert fetched().name == COMMIT
        assert hub.commits["main"] == OTHER
        assert not any(OTHER in line or "main" in line for line in hub.asked)

    def test_of_shards_those_that_the_index_names(self, hub):
        sharded(hub, "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
        hub.files["model-00001-of-00009.safetensors"] = b"left over"
        folder = fetched()
        assert missing(folder) == ""
        assert not (folder / "model-00001-of-00009.safetensors").exists()

    def test_no_shards_where_there_is_one_file(self, hub):
        weights = hub.files[WEIGHTS]
        sharded(hub, "model-00001-of-00001.safetensors")
        hub.files[WEIGHTS] = weights
        fetched()
        assert "model-00001-of-00001.safetensors" not in hub.fetched()

    def test_a_shard_that_the_hub_does_not_have_is_named(self, hub):
        sharded(hub, "model-00001-of-00001.safetensors")
        del hub.files["model-00001-of-00001.safetensors"]
        error = refused(ModelNotFoundError)
        assert "the Hub has no model-00001-of-00001.safetensors" in str(error)

    def test_pickles_are_refused_before_a_byte_is_fetched(self, hub):
        del hub.files[WEIGHTS]
        error = refused(UnsafeModelError)
        assert str(error).startswith("org/tiny has only pytorch_model.bin, which can run code")
        assert (error.status, hub.fetched()) == (5, [])
        assert error.hint.startswith("tfcli models pull org/tiny makes safetensors of them")

    def test_gguf_files_are_to_be_fetched_and_named(self, hub):
        for name in (WEIGHTS, "pytorch_model.bin", "config.json"):
            del hub.files[name]
        hub.files["tiny.Q8_0.gguf"] = b"GGUF"
        error = refused(ModelNotFoundError)
        typed = "hf download org/tiny tiny.Q8_0.gguf --local-dir . — and then: -m tiny.Q8_0.gguf"
        assert (error.hint, hub.fetched()) == (typed, [])

    @pytest.mark.parametrize("name", ["vocab.txt", "tokenizer.json", "data.json"])
    def test_so_is_what_is_too_large_to_be_read(self, hub, name, monkeypatch):
        monkeypatch.setattr("tfcli.models.transfer.READ_MB", 1)
        hub.files[name] = bytes(3 << 20)
        error = refused(UnsafeModelError)
        assert str(error) == f"{name} of org/tiny has 3 MiB; more than 1 are not read."
        assert hub.fetched() == []

    def test_so_is_an_adapter(self, hub):
        hub.files["adapter_config.json"] = b"{}"
        assert "is an adapter" in str(refused(UnsafeModelError))
        assert hub.fetched() == []

    def test_weights_that_the_config_names_are_the_ones(self, hub):
        hub.files["config.json"] = b'{"transformers_weights": "other.safetensors"}'
        hub.files["other.safetensors"] = b"other"
        assert missing(fetched()) == ""
        assert WEIGHTS not in hub.fetched()

    def test_a_broken_index_is_said(self, hub):
        sharded(hub)
        hub.files[f"{WEIGHTS}.index.json"] = b"{"
        assert f"its {WEIGHTS}.index.json is broken" in str(refused(ModelNotFoundError))

    @pytest.mark.parametrize("name", ["config.json", WEIGHTS])
    def test_so_is_what_is_no_model(self, hub, name):
        del hub.files[name], hub.files["pytorch_model.bin"]
        assert f"org/tiny has no {name}" in str(refused(ModelNotFoundError))
        assert hub.fetched() == []

    @pytest.mark.parametrize("revision", ["v1", "refs/pr/7", COMMIT[:7], COMMIT])
    def test_the_revision_asked_for_and_offline_the_same(self, hub, revision, monkeypatch):
        hub.commits |= {"v1": COMMIT, "refs%2Fpr%2F7": COMMIT}
        folder = fetched(f"org/tiny@{revision}")
        assert folder == repo_folder("org/tiny") / "snapshots" / COMMIT
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert fetched(f"org/tiny@{revision}") == folder

    def test_a_revision_that_leads_out_of_the_cache_writes_nothing_there(self, hub):
        hub.commits["..%2F..%2Foutside"] = COMMIT
        fetched("org/tiny@../../outside")
        assert not (cache_folder() / "outside").exists()


class TestAWarmCache:
    @pytest.fixture(autouse=True)
    def _cached(self, hub):
        self.folder = fetched()
        hub.asked.clear()

    def test_costs_one_question(self, hub):
        assert fetched() == self.folder
        assert hub.asked == [QUESTION]

    @pytest.mark.parametrize("revision", [COMMIT, COMMIT[:7]])
    def test_costs_none_where_the_commit_is_pinned(self, hub, revision):
        assert fetched(f"org/tiny@{revision}") == self.folder
        assert hub.asked == []

    def test_a_new_commit_brings_only_what_has_changed(self, hub):
        hub.commits |= {"main": OTHER, OTHER: OTHER}
        hub.files["tokenizer.json"] = b'{"new": 1}'
        folder = fetched()
        assert folder.name == OTHER
        assert (folder / "tokenizer.json").read_bytes() == b'{"new": 1}'
        assert hub.fetched() == ["tokenizer.json"]

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            ({"silent": True}, "cannot be reached (timed out)"),
            ({"status": 503}, "is in trouble (503 Service Unavailable)"),
            ({"status": 429}, "is asked too often from here (429)"),
            ({"status": 404}, "has no model 'org/tiny' that you may read"),
            ({"cut": 0}, "cannot be reached"),
        ],
        ids=str,
    )
    def test_answers_when_the_hub_does_not(self, hub, fault, said, caplog, monkeypatch):
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "1")
        hub.fail(QUESTION, **fault)
        start = time.monotonic()
        assert fetched() == self.folder
        assert time.monotonic() - start < 5
        assert said in caplog.text
        assert "; the copy on this machine answers." in caplog.text

    @pytest.mark.parametrize(
        ("like", "fault"),
        [
            ("GET .*resolve.*tokenizer.json", {"status": 503}),
            (f"GET .*resolve.*{WEIGHTS}", {"cut": 0}),
            (f"GET .*resolve.*{WEIGHTS}", {"spoilt": True}),
            ("GET .*blobs=", {"status": 502}),
        ],
        ids=str,
    )
    def test_answers_when_a_new_commit_does_not_come(self, hub, waits, like, fault, caplog):
        hub.commits |= {"main": OTHER, OTHER: OTHER}
        hub.files |= {"tokenizer.json": b'{"new": 1}', WEIGHTS: b"new"}
        hub.fail(like, **fault)
        assert fetched() == self.folder
        assert "; the copy on this machine answers." in caplog.text

    def test_answers_when_the_disk_is_full(self, hub, caplog, monkeypatch):
        hub.commits |= {"main": OTHER, OTHER: OTHER}
        hub.files[WEIGHTS] = b"new"
        usage = shutil.disk_usage(".")._replace(free=0)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        assert fetched() == self.folder
        assert "No space for org/tiny" in caplog.text

    def test_does_not_answer_in_place_of_a_commit_that_is_refused(self, hub):
        hub.commits |= {"main": OTHER, OTHER: OTHER}
        hub.files["adapter_config.json"] = b"{}"
        assert "is an adapter" in str(refused(UnsafeModelError))

    def test_answers_when_the_cache_cannot_be_written(self, hub, monkeypatch):
        def read_only(*args, **kwargs):
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(Path, "mkdir", read_only)
        monkeypatch.setattr(Path, "write_text", read_only)
        (repo_folder("org/tiny") / "refs" / "main").unlink()
        assert fetched() == self.folder

    @pytest.mark.parametrize("name", READ)
    def test_that_has_lost_a_file_gets_it_back(self, hub, name):
        (self.folder / name).unlink()
        assert fetched() == self.folder
        assert missing(self.folder) == ""
        assert hub.fetched() == []  # the blob was still there

    @pytest.mark.parametrize("revision", ["", f"@{COMMIT}", f"@{COMMIT[:7]}"])
    def test_that_has_lost_a_blob_gets_it_back(self, hub, revision):
        (self.folder / WEIGHTS).resolve().unlink()
        assert fetched(f"org/tiny{revision}") == self.folder
        assert (self.folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
        assert hub.fetched() == [WEIGHTS]


class TestOffline:
    @pytest.fixture(autouse=True)
    def _cached(self, hub, monkeypatch):
        self.folder = fetched()
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        hub.asked.clear()

    def test_nothing_is_asked(self, hub):
        assert fetched() == self.folder
        assert hub.asked == []

    @pytest.mark.parametrize("name", READ)
    @pytest.mark.parametrize("lost", ["link", "blob"])
    def test_a_file_that_is_not_there_is_named(self, hub, name, lost):
        path = self.folder / name
        (path if lost == "link" else path.resolve()).unlink()
        error = refused(ModelNotFoundError)
        assert str(error).startswith(f"org/tiny is not whole on this machine: there is no {name},")
        assert error.hint == f"Type once online: hf download org/tiny {name}"

    def test_what_is_not_cached_is_not_found(self, hub):
        error = refused(ModelNotFoundError, "other/name@v2")
        assert (
            str(error)
            == "other/name@v2 is not on this machine, and the Hub was not asked (offline)."
        )
        assert error.hint.endswith("type once online: tfcli models pull other/name@v2")

    def test_a_near_name_that_is_cached_is_offered(self, hub):
        error = refused(ModelNotFoundError, "org/tiyn")
        assert error.hint.startswith("Did you mean org/tiny, which is cached? ")


class TestATransferThatBreaksOff:
    def test_goes_on_where_it_was(self, hub, waits, caplog, monkeypatch):
        monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1_000)
        hub.fail(f"GET .*{WEIGHTS}", times=1, cut=10_000)
        folder = fetched()
        assert hub.ranges == ["bytes=10000-"]
        assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
        assert "The Hub does not answer as it should; trying again." in caplog.text

    def test_again_and_again_is_an_error_and_no_model(self, hub, waits, monkeypatch):
        hub.fail(f"GET .*{WEIGHTS}", cut=0)
        error = refused(TfcliError)
        assert error.status == 1
        assert str(error).startswith(f"The download of org/tiny broke off at {WEIGHTS} (")
        assert missing(repo_folder("org/tiny") / "snapshots" / COMMIT) == WEIGHTS
        assert not list(cache_folder().rglob("*.incomplete"))
        hub.faults.clear()
        hub.asked.clear()
        assert missing(fetched()) == ""
        assert hub.fetched() == [WEIGHTS]

    def test_offline_it_is_not_taken_for_a_whole_one(self, hub, waits, monkeypatch):
        hub.fail(f"GET .*{WEIGHTS}", cut=0)
        refused(TfcliError)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert f"org/tiny@{COMMIT} is not whole" in str(
            refused(ModelNotFoundError, f"org/tiny@{COMMIT}")
        )

    def test_other_bytes_than_the_hub_has_are_thrown_away(self, hub):
        hub.fail(f"GET .*{WEIGHTS}", times=1, spoilt=True)
        assert "did not arrive as the Hub has it" in str(refused(TfcliError))
        folder = fetched()
        assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]

    @pytest.mark.parametrize("known", [False, True], ids=["first", "again"])
    @pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
    def test_other_bytes_are_found_out_after_a_kill_too(self, hub, known, offline, monkeypatch):
        """The file lay in its place, and the run was killed before it had looked at it."""
        from tfcli.models import arrival as module

        def killed(path):
            raise KeyboardInterrupt

        hub.fail(f"GET .*{WEIGHTS}", times=1, spoilt=True)
        with monkeypatch.context() as patched:
            patched.setattr(module, "sha256", killed)
            with pytest.raises(KeyboardInterrupt):
                fetched()
        if known:
            (repo_folder("org/tiny") / "refs").mkdir(exist_ok=True)
            (repo_folder("org/tiny") / "refs" / "main").write_text(COMMIT)
        if offline:
            monkeypatch.setenv("HF_HUB_OFFLINE", "1")
            refused(ModelNotFoundError)
            monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        folder = fetched()
        assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
        assert sorted(path.name for path in folder.iterdir()) == sorted(READ)


class TestAHubInTrouble:
    def test_that_is_slow_is_waited_for_as_long_as_bytes_come(self, hub, monkeypatch):
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.3")
        monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.3")
        hub.fail(f"GET .*{WEIGHTS}", drip=0.1)
        assert missing(fetched()) == ""

    def test_is_asked_again_before_it_is_given_up(self, hub, waits):
        hub.fail(QUESTION, times=2, status=503)
        assert missing(fetched()) == ""
        assert waits == [1, 2]

    def test_but_not_for_ever(self, hub, waits):
        hub.fail(QUESTION, status=502)
        error = refused(TfcliError)
        assert "is in trouble (502 Bad Gateway)." in str(error)
        assert (error.status, error.hint) == (1, "Try again later.")

    @pytest.mark.parametrize("method", ["HEAD", "GET"])
    def test_a_file_is_asked_for_again_too(self, hub, waits, method):
        hub.fail(f"{method} .*{WEIGHTS}", times=2, status=429)
        assert missing(fetched()) == ""

    def test_when_it_says_how_long_that_is_waited_and_said(self, hub, waits, caplog):
        hub.fail(f"GET .*{WEIGHTS}", times=1, status=429, headers={"Retry-After": "61"})
        fetched()
        assert waits == [62]
        assert "The Hub is asked too often from here. Waiting 62.0s" in caplog.text

    @pytest.mark.parametrize("where", [QUESTION, f"HEAD .*{WEIGHTS}", f"GET .*{WEIGHTS}"])
    def test_that_is_silent_is_given_up(self, hub, waits, where, monkeypatch):
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.2")
        monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.2")
        hub.fail(where, silent=True)
        start = time.monotonic()
        assert "timed out" in str(refused(TfcliError))
        assert time.monotonic() - start < 5

    def test_an_address_where_nobody_answers_is_said(self, hub, monkeypatch):
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        error = refused(ModelNotFoundError)
        assert str(error) == "The Hub at http://127.0.0.1:9 cannot be reached (Connection refused)."


class TestADisk:
    def test_that_is_too_small_is_said_before_the_weights_are_fetched(self, hub, monkeypatch):
        hub.files[WEIGHTS] = bytes(3_000_000)
        usage = shutil.disk_usage(".")._replace(free=1_000_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        error = refused(TfcliError)
        assert str(error).endswith("/hub: it needs 3.0 MB, and 1.0 MB are free.")
        assert error.hint.endswith("export HF_HOME=/a/folder/with/space")
        assert WEIGHTS not in hub.fetched()

    @pytest.mark.filterwarnings("ignore:Not enough free disk space")  # it was told so
    def test_needs_no_room_for_what_is_there(self, hub, monkeypatch):
        hub.files[WEIGHTS] = bytes(3_000_000)
        blobs = repo_folder("org/tiny") / "blobs"
        blobs.mkdir(parents=True)
        digest = hashlib.sha256(hub.files[WEIGHTS]).hexdigest()
        (blobs / f"{digest}.incomplete").write_bytes(bytes(2_500_000))
        usage = shutil.disk_usage(".")._replace(free=1_000_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        assert missing(fetched()) == ""

    def test_that_fills_up_meanwhile_leaves_no_half_file(self, hub, monkeypatch):
        """/dev/full says what a full disk says, from the kernel."""
        opened = Path.open

        def full(path, *args, **kwargs):
            return opened(
                Path("/dev/full") if path.suffix == ".incomplete" else path, *args, **kwargs
            )

        monkeypatch.setattr(Path, "open", full)
        error = refused(TfcliError)
        assert (error.status, str(error)) == (1, f"No space for org/tiny in {cache_folder()}.")
        monkeypatch.undo()
        assert not list(Path().rglob("*.incomplete"))

    def test_that_cannot_be_written_is_said(self, hub, monkeypatch):
        Path("file").touch()
        monkeypatch.setenv("HF_HOME", "file")
        error = refused(TfcliError)
        assert str(error) == "Cannot write to file/hub: Not a directory."


def test_a_wait_that_is_no_number_is_a_usage_error(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "abc")
    assert "HF_HUB_ETAG_TIMEOUT is no number of seconds" in str(refused(UsageError))
    assert hub.asked == []


class TestTheAddress:
    @pytest.mark.parametrize("address", ["hf-mirror.com", "htp://hf-mirror.com"])
    def test_is_wanted_with_its_scheme(self, hub, monkeypatch, address):
        monkeypatch.setenv("HF_ENDPOINT", address)
        error = refused(UsageError)
        assert str(error) == f"HF_ENDPOINT is no address: '{address}'."
        assert error.hint == "export HF_ENDPOINT=https://hf-mirror.com"

    def test_does_not_matter_where_nothing_is_asked(self, hub, monkeypatch):
        fetched()
        monkeypatch.setenv("HF_ENDPOINT", "hf-mirror.com")
        assert missing(fetched(f"org/tiny@{COMMIT}")) == ""


class TestPull:
    def test_brings_what_a_run_would_fetch(self, hub):
        folder, converted = pulled()
        assert sorted(hub.fetched()) == sorted(READ)
        assert (missing(folder), converted) == ("", False)
        hub.asked.clear()
        assert fetched() == folder
        assert hub.asked == [QUESTION]

    @pytest.mark.parametrize("revision", [COMMIT, COMMIT[:7]])
    def test_of_a_pinned_commit_that_is_here_asks_nothing(self, hub, revision):
        folder, _ = pulled(f"org/tiny@{revision}")
        hub.asked.clear()
        assert pulled(f"org/tiny@{revision}") == (folder, False)
        assert hub.asked == []

    def test_of_a_branch_asks_each_time(self, hub):
        pulled()
        hub.commits |= {"main": OTHER, OTHER: OTHER}
        hub.asked.clear()
        folder, _ = pulled()
        assert folder.name == OTHER
        assert hub.asked[0] == QUESTION

    def test_takes_no_older_copy_for_the_answer(self, hub, monkeypatch):
        """Who pulls wants to know whether there is a newer one."""
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.2")
        pulled()
        hub.fail(QUESTION, silent=True)
        with pytest.raises(ModelNotFoundError, match="cannot be reached"):
            pulled()

    @pytest.mark.parametrize("revision", ["", f"@{COMMIT}"])
    def test_offline_finds_what_is_here(self, hub, revision, monkeypatch):
        folder, _ = pulled()
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        hub.asked.clear()
        assert pulled(f"org/tiny{revision}") == (folder, False)
        assert hub.asked == []

    @pytest.mark.parametrize("lost", ["", *READ])
    def test_offline_says_what_is_not_here(self, hub, lost, monkeypatch):
        if lost:
            folder, _ = pulled()
            (folder / lost).unlink()
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(ModelNotFoundError, match=f"no {lost}" if lost else "not on this"):
            pulled()

    def test_goes_on_where_a_broken_transfer_was(self, hub, waits, monkeypatch):
        monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1_000)
        hub.fail(f"GET .*{WEIGHTS}", times=1, cut=10_000)
        folder, _ = pulled()
        assert hub.ranges == ["bytes=10000-"]
        assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]

    def test_throws_away_other_bytes_than_the_hub_has(self, hub):
        hub.fail(f"GET .*{WEIGHTS}", times=1, spoilt=True)
        with pytest.raises(TfcliError, match="did not arrive as the Hub has it") as caught:
            pulled()
        assert caught.value.hint == "Type the command again: it is fetched anew."
        folder, _ = pulled()
        assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]

    def test_of_a_commit_whose_check_was_cut_off_checks_it_first(self, hub, monkeypatch):
        from tfcli.models.arrival import mark

        folder, _ = pulled()
        (folder / WEIGHTS).resolve().write_bytes(b"spoilt")
        mark(folder / WEIGHTS, hashlib.sha256(hub.files[WEIGHTS]).hexdigest())
        assert pulled(f"org/tiny@{COMMIT}") == (folder, False)
        assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]

    def test_onto_a_full_disk_is_refused_before_the_weights(self, hub, monkeypatch):
        usage = shutil.disk_usage(".")._replace(free=1_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        with pytest.raises(TfcliError, match=r"No space for org/tiny in .*hub: it needs"):
            pulled()
        assert WEIGHTS not in hub.fetched()

    def test_into_a_read_only_cache_is_said(self, hub, monkeypatch):
        def read_only(*args, **kwargs):
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr("os.makedirs", read_only)
        monkeypatch.setattr(Path, "mkdir", read_only)
        with pytest.raises(TfcliError, match=r"Cannot write to .*: Read-only file system"):
            pulled()

    def test_from_a_read_only_cache_needs_to_write_nothing(self, hub, monkeypatch):
        def read_only(*args, **kwargs):
            raise OSError(errno.EROFS, "Read-only file system")

        folder, _ = pulled()
        for name in ("mkdir", "write_text", "write_bytes", "unlink"):
            monkeypatch.setattr(Path, name, read_only)
        assert pulled(f"org/tiny@{COMMIT}") == (folder, False)
        assert pulled() == (folder, False)

    def test_twice_at_once_fetches_the_weights_once(self, hub):
        hub.fail(f"GET .*{WEIGHTS}", times=1, drip=0.05)
        said = []
        runs = [threading.Thread(target=lambda: said.append(pulled())) for _ in range(2)]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        assert said == [(repo_folder("org/tiny") / "snapshots" / COMMIT, False)] * 2
        assert hub.fetched(WEIGHTS) == [WEIGHTS]
        assert sorted(path.name for path in said[0][0].iterdir()) == sorted(READ)


class TestPullOfPickles:
    @pytest.fixture(autouse=True)
    def _converted(self, pickled, classifier, monkeypatch):
        """What a conversion makes, without the process; test_transfer.py has a real one."""
        self.weights = (Path(classifier()) / WEIGHTS).read_bytes()
        self.conversions = 0

        def convert(folder):
            self.conversions += 1
            (folder / WEIGHTS).write_bytes(self.weights)

        monkeypatch.setattr("tfcli.models.convert.convert", convert)

    def test_makes_a_model_that_runs_offline(self, hub, monkeypatch):
        from tfcli.models.load import load

        folder, converted = pulled()
        assert converted
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        hub.asked.clear()
        loaded = load(model_ref("org/tiny"), lambda config: "AutoModelForSequenceClassification")
        assert loaded.revision == folder.name == COMMIT
        assert hub.asked == []

    @pytest.mark.parametrize("revision", ["", "@main", f"@{COMMIT}", f"@{COMMIT[:7]}"])
    def test_makes_a_model_that_runs_online(self, hub, revision):
        folder, _ = pulled()
        hub.asked.clear()
        assert fetched(f"org/tiny{revision}") == folder
        assert hub.fetched() == []
        assert len(hub.asked) == (revision in ("", "@main"))

    def test_is_needed_again_when_the_branch_has_moved_on(self, hub):
        pulled()
        hub.commits |= {"main": OTHER, OTHER: OTHER}
        assert "has only pytorch_model.bin" in str(refused(UnsafeModelError))
        folder, converted = pulled()
        assert (folder.name, converted, self.conversions) == (OTHER, True, 2)

    def test_of_a_pinned_commit_asks_nothing_once_it_is_done(self, hub):
        folder, _ = pulled(f"org/tiny@{COMMIT}")
        hub.asked.clear()
        assert pulled(f"org/tiny@{COMMIT}") == (folder, False)
        assert (hub.asked, self.conversions) == ([], 1)

    @pytest.mark.parametrize("revision", ["", f"@{COMMIT}"])
    def test_goes_on_with_the_conversion_before_which_it_was_killed(self, hub, revision):
        """Or for which it was too early: other programs keep pickles in the same cache."""
        folder, _ = pulled()
        (folder / WEIGHTS).unlink()
        hub.asked.clear()
        assert pulled(f"org/tiny{revision}") == (folder, True)
        assert hub.fetched() == []
        assert (folder / WEIGHTS).is_file()

    def test_offline_leaves_what_is_not_converted_to_be_refused(self, hub, monkeypatch):
        folder, _ = pulled()
        (folder / WEIGHTS).unlink()
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert pulled() == (folder, False)
        assert self.conversions == 1

    def test_from_a_read_only_cache_takes_what_was_made(self, hub, monkeypatch):
        def read_only(*args, **kwargs):
            raise OSError(errno.EROFS, "Read-only file system")

        folder, _ = pulled()
        for name in ("mkdir", "write_text", "write_bytes"):
            monkeypatch.setattr(Path, name, read_only)
        assert fetched() == folder

    def test_twice_at_once_converts_once(self, hub):
        said = []
        runs = [threading.Thread(target=lambda: said.append(pulled())) for _ in range(2)]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        assert sorted(converted for _, converted in said) == [False, True]
        assert self.conversions == 1
        assert hub.fetched("pytorch_model.bin") == ["pytorch_model.bin"]

    def test_whose_bytes_are_others_throws_them_away(self, hub):
        hub.fail("GET .*pytorch_model.bin", times=1, spoilt=True)
        with pytest.raises(TfcliError, match=r"pytorch_model\.bin of org/tiny did not arrive"):
            pulled()
        assert self.conversions == 0
        assert pulled()[1]


class TestWithoutWeights:
    """As far as a task needs a model that needs its tokenizer alone."""

    def described(self, name="org/tiny"):
        return fetch(model_ref(name), weights=False)

    def test_only_what_describes_a_model_comes(self, hub):
        folder = self.described()
        assert sorted(path.name for path in folder.iterdir()) == READ[:2]
        assert not any(WEIGHTS in line for line in hub.asked)

    def test_it_costs_one_question_afterwards_and_none_of_a_pinned_commit(self, hub):
        folder = self.described()
        for name, questions in (("org/tiny", [QUESTION]), (f"org/tiny@{COMMIT}", [])):
            hub.asked.clear()
            assert self.described(name) == folder
            assert hub.asked == questions

    def test_offline_it_is_enough(self, hub, monkeypatch):
        folder = self.described()
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert self.described() == folder
        error = refused(ModelNotFoundError)
        assert f"there is no {WEIGHTS}" in str(error)

    @pytest.mark.parametrize("name", READ[:2])
    def test_offline_what_is_wanting_is_named(self, hub, name, monkeypatch):
        (self.described() / name).unlink()
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(ModelNotFoundError, match=f"there is no {name}"):
            self.described()

    def test_it_answers_when_the_hub_does_not(self, hub, caplog, monkeypatch):
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.2")
        folder = self.described()
        hub.fail(QUESTION, silent=True)
        assert self.described() == folder
        assert "; the copy on this machine answers." in caplog.text

    def test_it_hides_no_whole_model_of_an_older_commit(self, hub, monkeypatch):
        old = fetched()
        hub.commits |= {"main": OTHER, OTHER: OTHER}
        assert self.described().name == OTHER
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert fetched() == old

    def test_the_weights_come_when_they_are_wanted(self, hub):
        folder = self.described()
        assert fetched() == folder
        assert missing(folder) == ""

    def test_pickles_are_no_matter(self, hub):
        del hub.files[WEIGHTS]
        assert sorted(path.name for path in self.described().iterdir()) == READ[:2]

    def test_an_adapter_is_refused(self, hub):
        hub.files["adapter_config.json"] = b"{}"
        with pytest.raises(UnsafeModelError, match="is an adapter"):
            self.described()
        assert hub.fetched() == []


class TestLook:
    def test_at_what_is_not_here_fetches_no_weights(self, hub):
        seen = looked()
        assert not seen.whole
        assert sorted(path.name for path in seen.folder.iterdir()) == READ[:2]
        assert set(hub.ranges) <= {"bytes=0-100000"}
        assert seen.files == {name: len(content) for name, content in hub.files.items()}

    def test_at_what_is_here_asks_nothing(self, hub):
        folder = fetched()
        hub.asked.clear()
        assert looked() == (folder, True, None, None, None)
        assert hub.asked == []

    def test_at_what_is_partly_here_asks_unless_offline(self, hub, monkeypatch):
        folder = fetched()
        (folder / WEIGHTS).unlink()
        hub.asked.clear()
        assert looked().files
        assert hub.asked[0] == f"{QUESTION}?blobs=true"
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        hub.asked.clear()
        assert looked() == (folder, False, None, None, None)
        assert hub.asked == []

    def test_offline_at_what_is_not_here_says_so(self, hub, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(ModelNotFoundError, match="the Hub was not asked"):
            looked()

    def test_at_what_there_is_not_says_so(self, hub):
        with pytest.raises(ModelNotFoundError, match="has no model 'org/other'"):
            looked("org/other")


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
@pytest.mark.parametrize(
    ("said", "offline"), [("1", True), ("on", True), ("0", False), ("", False)]
)
def test_offline_is_what_the_environment_says(monkeypatch, name, said, offline):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv(name, said)
    assert is_offline() == offline
