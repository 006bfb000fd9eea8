"""One model on its way: what is looked at without being fetched, and pickles on their way in."""

import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hostile import MARKER, Acting
from hub import COMMIT
from safetensors.numpy import load, save

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, TfcliError, UnsafeModelError, UsageError
from tfcli.models import convert as converting
from tfcli.models.cache import cache_folder, missing, repo_folder
from tfcli.models.patience import tamed
from tfcli.models.transfer import Transfer, endpoint

REF = ModelRef("org/tiny")
WEIGHTS, INDEX, PICKLED = "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"
HEAD = "bytes=0-100000"


def transfer(ref=REF):
    """A model and what the Hub has of it."""
    made = Transfer(ref)
    return made, made.ask(ref.revision, 10, (), files_metadata=True)


def seen():
    made, found = transfer()
    with tamed():
        return made.look(found)


def brought():
    made, found = transfer()
    with tamed():
        return made, made.bring(found, pickled=True)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


class TestTheAddress:
    def test_is_the_hubs_unless_one_is_named(self, monkeypatch):
        monkeypatch.setenv("HF_ENDPOINT", "")
        assert endpoint() == "https://huggingface.co"
        monkeypatch.setenv("HF_ENDPOINT", "https://hf-mirror.com/")
        assert endpoint() == "https://hf-mirror.com"

    @pytest.mark.parametrize("said", ["hf-mirror.com", "ftp://hf-mirror.com", "://hf-mirror.com"])
    def test_has_its_scheme(self, monkeypatch, said):
        monkeypatch.setenv("HF_ENDPOINT", said)
        with pytest.raises(UsageError, match="HF_ENDPOINT is no address") as refused:
            Transfer(REF)
        assert refused.value.hint == "export HF_ENDPOINT=https://hf-mirror.com"


class TestAsking:
    def test_tells_the_commit_and_the_files(self, hub):
        _, found = transfer()
        assert found.sha == COMMIT
        assert {file.rfilename for file in found.siblings} == set(hub.files)

    @pytest.mark.parametrize("sha", [None, "main", "0123"])
    def test_what_knows_no_commit_is_not_the_hub(self, hub, monkeypatch, sha):
        answer = {"id": "org/tiny", "siblings": []} | ({"sha": sha} if sha else {})
        monkeypatch.setattr(hub, "_info", lambda commit, sizes: answer)
        with pytest.raises(TfcliError, match="is not the Hub"):
            transfer()


class TestLooking:
    def test_fetches_what_describes_a_model_and_the_head_of_its_weights(self, tiny):
        told = seen()
        assert names(told.folder) == ["config.json", "tokenizer.json", "tokenizer_config.json"]
        assert tiny.ranges == [HEAD]
        assert tiny.fetched(WEIGHTS) == [WEIGHTS]
        assert not list(cache_folder().rglob("*.safetensors"))
        assert (told.whole, told.refused) == (False, None)
        assert told.files == {name: len(content) for name, content in tiny.files.items()}
        assert told.elements == {"F32": sum(t.size for t in load(tiny.files[WEIGHTS]).values())}

    def test_of_a_large_file_only_the_beginning_comes(self, tiny):
        """A header of more than 100 kB is asked for in a second step."""
        tensors = {f"layer.{i:04}.weight": np.zeros(1, np.float16) for i in range(2000)}
        tensors["large"] = np.zeros(500_000, np.float32)
        tiny.files[WEIGHTS] = save(tensors)
        assert seen().elements == {"F16": 2000, "F32": 500_000}
        size = int.from_bytes(tiny.files[WEIGHTS][:8], "little")
        assert tiny.ranges == [HEAD, f"bytes=8-{size + 7}"]
        assert size < 300_000 < len(tiny.files[WEIGHTS])

    def test_of_shards_the_head_of_each_comes(self, tiny):
        shards = {f"model-0000{i}-of-00002.safetensors": np.zeros(i, np.float32) for i in (1, 2)}
        del tiny.files[WEIGHTS]
        tiny.files |= {name: save({name: values}) for name, values in shards.items()}
        tiny.files[INDEX] = json.dumps({"weight_map": {name: name for name in shards}}).encode()
        assert seen().elements == {"F32": 3}
        assert tiny.ranges == [HEAD, HEAD]
        assert tiny.fetched(INDEX) == [INDEX]

    @pytest.mark.parametrize("content", [b"", b"no safetensors" * 9, bytes([255] * 9)])
    def test_at_broken_weights_tells_all_the_rest(self, tiny, content):
        tiny.files[WEIGHTS] = content
        told = seen()
        assert told.elements is None
        assert told.files[WEIGHTS] == len(content)
        assert told.refused is None

    def test_is_not_held_up_by_weights_that_do_not_come(self, tiny, monkeypatch):
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.2")
        tiny.fail(f"GET .*{WEIGHTS}", silent=True)
        start = time.monotonic()
        assert seen().elements is None
        assert time.monotonic() - start < 5

    def test_at_pickles_says_why_they_would_be_refused(self, pickled):
        told = seen()
        assert told.refused.startswith("org/tiny has only pytorch_model.bin, which can run code")
        assert told.refused.endswith("(status 5)")
        assert "config.json" in names(told.folder)
        assert told.elements is None
        assert pickled.fetched(PICKLED) == pickled.ranges == []

    def test_at_an_adapter_too(self, tiny):
        tiny.files["adapter_config.json"] = b"{}"
        assert "is an adapter" in seen().refused

    def test_at_what_is_no_model_is_an_error(self, tiny):
        del tiny.files["config.json"]
        with pytest.raises(ModelNotFoundError, match=r"has no config\.json"):
            seen()
        assert tiny.fetched() == []

    def test_twice_fetches_what_describes_it_once(self, tiny):
        seen()
        tiny.asked.clear()
        seen()
        assert [line for line in tiny.asked if "config" in line or "tokenizer" in line] == []


class TestPickles:
    """Most conversions are played: a real one takes a process, and the seconds torch takes."""

    @pytest.fixture
    def converted(self, monkeypatch):
        """The folders that were converted."""
        folders = []

        def convert(folder):
            folders.append(folder)
            (folder / WEIGHTS).write_bytes(save({"weight": np.zeros(1, np.float32)}))

        monkeypatch.setattr(converting, "convert", convert)
        return folders

    def test_become_safetensors_beside_them(self, pickled, classifier):
        made, folder = brought()
        assert made.converted
        assert missing(folder) == ""
        assert names(folder) == sorted([*pickled.files, WEIGHTS])
        known = load((Path(classifier()) / WEIGHTS).read_bytes())
        became = load((folder / WEIGHTS).read_bytes())
        assert known.keys() == became.keys()
        assert all(np.array_equal(known[name], became[name]) for name in known)
        assert (repo_folder("org/tiny") / "refs" / "main").read_text() == COMMIT

    def test_are_fetched_and_converted_once(self, pickled, converted):
        assert brought()[0].converted
        pickled.asked.clear()
        made, folder = brought()
        assert not made.converted
        assert converted == [folder]
        assert pickled.fetched() == []

    def test_lie_where_their_index_says(self, pickled, converted):
        shards = [f"pytorch_model-0000{i}-of-00002.bin" for i in (1, 2)]
        for name in (*shards, "pytorch_model-00001-of-00009.bin", "optimizer.bin"):
            pickled.files[name] = name.encode()
        del pickled.files[PICKLED]
        index = {"weight_map": {"a": shards[1], "b": shards[0], "c": shards[0]}}
        pickled.files[f"{PICKLED}.index.json"] = json.dumps(index).encode()
        _, folder = brought()
        assert [name for name in pickled.fetched() if ".bin" in name] == [
            f"{PICKLED}.index.json",
            *shards,
        ]
        assert set(shards) < set(names(folder))

    def test_may_have_another_name(self, pickled, converted):
        pickled.files["weights.pt"] = pickled.files.pop(PICKLED)
        pickled.files["training_args.bin"] = b"left over"
        brought()
        assert pickled.fetched()[-1] == "weights.pt"
        assert "training_args.bin" not in pickled.fetched()

    @pytest.mark.parametrize("name", ["tf_model.h5", "flax_model.msgpack", "rust_model.ot"])
    def test_may_lie_beside_weights_of_other_libraries(self, pickled, converted, name):
        """As they do in almost every model of before safetensors."""
        pickled.files[name] = b"large"
        brought()
        assert len(converted) == 1
        assert name not in pickled.fetched()

    def test_are_left_alone_where_there_are_safetensors(self, tiny, converted):
        tiny.files[PICKLED] = b"a pickle"
        made, folder = brought()
        assert (made.converted, converted) == (False, [])
        assert PICKLED not in names(folder)

    def test_that_act_are_refused_and_nothing_is_run(self, pickled):
        import pickle

        pickled.files[PICKLED] = pickle.dumps(Acting(), 2)
        with pytest.raises(UnsafeModelError, match="nothing of it was run"):
            brought()
        assert not list(Path().rglob(MARKER))
        assert not list(cache_folder().rglob(WEIGHTS))

    @pytest.mark.parametrize("name", ["adapter_config.json", "config.json"])
    def test_of_what_is_no_model_are_not_fetched(self, pickled, converted, name):
        if pickled.files.pop(name, None) is None:
            pickled.files[name] = b"{}"
        with pytest.raises(TfcliError, match=r"is an adapter|has no config\.json"):
            brought()
        assert (pickled.fetched(), converted) == ([], [])

    def test_need_room_for_what_becomes_of_them(self, pickled, converted, monkeypatch):
        pickled.files[PICKLED] = bytes(3_000_000)
        usage = shutil.disk_usage(".")._replace(free=5_000_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        with pytest.raises(TfcliError, match=r"it needs 6\.0 MB, and 5\.0 MB are free"):
            brought()
        assert (pickled.fetched(PICKLED), converted) == ([], [])

    @pytest.mark.parametrize(
        ("number", "said"),
        [(28, "No space for org/tiny in "), (30, "Cannot write to .*: Read-only file system")],
    )
    def test_on_a_disk_that_fills_up_are_an_error_in_words(
        self, pickled, monkeypatch, number, said
    ):
        import os

        def fails(folder):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(converting, "convert", fails)
        with pytest.raises(TfcliError, match=said) as caught:
            brought()
        assert "export HF_HOME=" in caught.value.hint

    def test_two_at_once_convert_them_once(self, pickled, converted, monkeypatch):
        begun, said = threading.Event(), []
        convert = converting.convert

        def slowly(folder):
            begun.set()
            time.sleep(0.2)
            convert(folder)

        monkeypatch.setattr(converting, "convert", slowly)

        def run():
            made, found = transfer()
            said.append((made.bring(found, pickled=True), made.converted))

        with tamed():
            first = threading.Thread(target=run)
            first.start()
            assert begun.wait(60)
            run()
            first.join()
        folder = repo_folder("org/tiny") / "snapshots" / COMMIT
        assert sorted(said) == [(folder, False), (folder, True)]
        assert converted == [folder]

    def test_of_which_nobody_can_tell_the_right_one_are_not_fetched(self, pickled, converted):
        pickled.files["a.pt"] = pickled.files["b.pt"] = pickled.files.pop(PICKLED)
        with pytest.raises(UsageError, match=r"org/tiny holds 2 pickles, .* a\.pt, b\.pt"):
            brought()
        assert [name for name in pickled.fetched() if name.endswith(".pt")] == converted == []

    def test_with_an_index_that_is_too_large_are_refused_before(
        self, pickled, converted, monkeypatch
    ):
        pickled.files["pytorch_model-00001-of-00001.bin"] = pickled.files.pop(PICKLED)
        pickled.files[f"{PICKLED}.index.json"] = b"{}"
        info = pickled._info

        def huge(commit, sizes):
            told = info(commit, sizes)
            for file in told["siblings"]:
                if "size" in file and "index" in file["rfilename"]:
                    file["size"] = 1 << 30
            return told

        monkeypatch.setattr(pickled, "_info", huge)
        with pytest.raises(UnsafeModelError, match="more than 128 are not read"):
            brought()
        assert pickled.fetched(f"{PICKLED}.index.json") == converted == []


class TestWhatTheHubKeepsAsLarge:
    @pytest.mark.parametrize("name", ["tokenizer.json", "1_Pooling/config.json"])
    def test_is_checked_whatever_it_is(self, tiny, monkeypatch, name):
        monkeypatch.setattr("hub.LARGE", (".safetensors", ".json"))
        tiny.files[name] = b'{"a": 1}'
        tiny.fail(f"GET .*{name}", spoilt=True, times=1)
        with pytest.raises(TfcliError, match=f"{name} of org/tiny did not arrive as the Hub has"):
            brought()
        _, folder = brought()
        assert (folder / name).read_bytes() == tiny.files[name]
        assert not list(cache_folder().rglob("*.unchecked"))


@pytest.mark.parametrize("said", ["me:secret@hub.example", "ftp://me:secret@hub.example"])
def test_an_address_that_is_none_is_told_without_its_password(monkeypatch, said):
    monkeypatch.setenv("HF_ENDPOINT", said)
    with pytest.raises(UsageError, match="HF_ENDPOINT is no address") as refused:
        endpoint()
    assert "secret" not in f"{refused.value} {refused.value.hint}"
