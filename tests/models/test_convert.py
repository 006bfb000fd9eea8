"""Converting: the same tensors, both hashes; a hostile pickle leaves everything as it was."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from hostile import acting_pickle, refused, tree
from safetensors import safe_open
from safetensors.torch import load_file

from tfcli.errors import ModelNotFoundError, ResourceError, TfcliError, UnsafeModelError, UsageError
from tfcli.models import convert as module
from tfcli.models.convert import convert


@pytest.fixture
def folder(classifier, tmp_path):
    """A model in a pickle, as models were kept until 2023."""
    made = Path(shutil.copytree(classifier(), tmp_path / "old model"))
    torch.save(load_file(made / "model.safetensors"), made / "pytorch_model.bin")
    (made / "model.safetensors").unlink()
    return made


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_the_tensors_are_the_same_and_both_hashes_are_recorded(folder):
    before = tree(folder)
    (record,) = convert(folder)
    source, output = folder / "pytorch_model.bin", folder / "model.safetensors"
    assert record == {
        "file": str(source),
        "output": str(output),
        "sha256": sha256(source),
        "output_sha256": sha256(output),
        "tensors": len(load_file(output)),
        "bytes": output.stat().st_size,
    }
    pickled, made = torch.load(source), load_file(output)
    assert pickled.keys() == made.keys()
    assert all(torch.equal(pickled[name], made[name]) for name in made)
    with safe_open(output, "np") as opened:
        assert opened.metadata() == {
            "format": "pt",
            "converted_by": "tfcli models convert",
            "converted_from": "pytorch_model.bin",
            "source_sha256": sha256(source),
        }
    assert {k: v for k, v in tree(folder).items() if k != str(output)} == before


def test_the_model_can_be_loaded_then(folder, classifier):
    from tfcli.core.job import ModelRef
    from tfcli.models.load import load

    def loaded(name):
        return load(ModelRef(str(name)), lambda config: "AutoModelForSequenceClassification").model

    convert(folder)
    ours, original = loaded(folder).state_dict(), loaded(classifier()).state_dict()
    assert all(torch.equal(ours[name], original[name]) for name in original)


def test_bfloat16_views_and_old_archives_are_converted(tmp_path):
    content = {"a": torch.ones(3, dtype=torch.bfloat16), "b": torch.arange(6.0).view(2, 3).t()}
    torch.save(content, "model.pt", _use_new_zipfile_serialization=False)
    convert(tmp_path)
    made = load_file("model.safetensors")
    assert made["a"].dtype == torch.bfloat16
    assert torch.equal(made["b"], content["b"])


def test_tensors_that_are_one_are_written_once(tmp_path):
    tied = torch.randn(4, 2)
    torch.save({"embeddings.weight": tied, "head.weight": tied}, "pytorch_model.bin")
    (record,) = convert(tmp_path)
    assert record["tensors"] == 1
    with safe_open("model.safetensors", "np") as opened:
        kept = opened.keys()[0]
        (left_out,) = {"embeddings.weight", "head.weight"} - {kept}
        assert opened.metadata()[left_out] == kept


class TestShards:
    @pytest.fixture
    def shards(self, tmp_path):
        for number, name in enumerate("ab", 1):
            content = {f"{name}.weight": torch.full((2,), float(number))}
            torch.save(content, f"pytorch_model-0000{number}-of-00002.bin")
        self.point(
            {f"{n}.weight": f"pytorch_model-0000{i}-of-00002.bin" for i, n in enumerate("ab", 1)}
        )
        return tmp_path

    def point(self, places):
        index = {"metadata": {"total_size": 16}, "weight_map": places}
        Path("pytorch_model.bin.index.json").write_text(json.dumps(index))

    def test_become_shards(self, shards):
        records = convert(shards)
        names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
        assert [record["output"] for record in records] == [str(shards / name) for name in names]
        assert json.loads(Path("model.safetensors.index.json").read_text()) == {
            "metadata": {"total_size": 16},
            "weight_map": {"a.weight": names[0], "b.weight": names[1]},
        }
        assert load_file(names[1])["b.weight"].tolist() == [2, 2]

    def test_of_alike_names_become_one_file_each(self, shards):
        (shards / "pytorch_model-00001-of-00002.bin").rename("w.bin")
        (shards / "pytorch_model-00002-of-00002.bin").rename("w.pt")
        self.point({"a.weight": "w.bin", "b.weight": "w.pt"})
        first, second = (load_file(record["output"]) for record in convert(shards))
        assert (list(first), list(second)) == (["a.weight"], ["b.weight"])

    @pytest.mark.parametrize("there", ["file", "folder"])
    def test_overwrite_nothing(self, shards, there):
        output = shards / "model-00002-of-00002.safetensors"
        output.mkdir() if there == "folder" else output.write_text("mine")
        with refused(UsageError, r"has model-00002-of-00002\.safetensors already, which"):
            convert(shards)

    def test_are_converted_all_or_none(self, shards):
        acting_pickle(shards / "pytorch_model-00002-of-00002.bin")
        with refused(UnsafeModelError, "pytorch_model-00002-of-00002.bin asks for posix.system"):
            convert(shards)

    @pytest.mark.parametrize("file", ["../x.bin", "/tmp/x.bin", "x.safetensors", 3])
    def test_that_lie_elsewhere_are_refused(self, shards, file):
        self.point({"a.weight": file})
        with refused(UnsafeModelError, "leads out of its folder"):
            convert(shards)

    def test_that_are_missing_are_named(self, shards):
        self.point({"a.weight": "pytorch_model-00003-of-00002.bin"})
        with refused(ModelNotFoundError, "names pytorch_model-00003-of-00002.bin, which is not"):
            convert(shards)

    def test_need_a_whole_index(self, shards):
        self.point({})
        with refused(ModelNotFoundError, "has no weight_map"):
            convert(shards)


class TestAHostilePickle:
    @pytest.mark.parametrize(
        ("protocol", "said"), [(0, "asks for posix"), (2, "asks for posix"), (5, "not a pickle of")]
    )
    def test_is_refused_unrun(self, folder, protocol, said):
        acting_pickle(folder / "pytorch_model.bin", protocol)
        with refused(UnsafeModelError, rf"pytorch_model\.bin .*{said}.*nothing of it") as caught:
            convert(folder)
        assert caught.value.status == 5

    def test_in_torchs_own_archive_is_refused_unrun(self, folder):
        from hostile import Acting

        torch.save({"a": torch.ones(1), "b": Acting()}, folder / "pytorch_model.bin")
        with refused(UnsafeModelError, r"asks for posix\.system"):
            convert(folder)

    def test_that_holds_a_model_object_is_refused(self, folder):
        torch.save(torch.nn.Linear(2, 2), folder / "pytorch_model.bin")
        with refused(UnsafeModelError, r"asks for torch\.nn\.modules\.linear\.Linear"):
            convert(folder)

    def test_that_unpacks_to_a_terabyte_is_refused(self, folder):
        torch.save({"a": torch.zeros(1).expand(1 << 38)}, folder / "pytorch_model.bin")
        with refused(UnsafeModelError, "unpacks to far more than it is"):
            convert(folder)

    def test_that_is_a_link_out_of_the_folder_is_refused(self, folder):
        (folder / "pytorch_model.bin").rename("elsewhere.bin")
        (folder / "pytorch_model.bin").symlink_to("../elsewhere.bin")
        with refused(UnsafeModelError, "leads out of"):
            convert(folder)

    @pytest.mark.parametrize("content", [b"", b"not even a pickle", b"PK\x03\x04 nor a zip"])
    def test_that_is_none_is_refused(self, folder, content):
        (folder / "pytorch_model.bin").write_bytes(content)
        with refused(TfcliError, r"pytorch_model\.bin") as caught:
            convert(folder)
        assert caught.value.status in (4, 5)

    def test_finds_no_secrets(self, folder, monkeypatch):
        monkeypatch.setenv("HF_TOKEN", "secret")
        seen = {}

        def run(*args, **kwargs):
            seen.update(kwargs["env"])
            raise KeyboardInterrupt

        monkeypatch.setattr(module.subprocess, "run", run)
        with pytest.raises(KeyboardInterrupt):
            convert(folder)
        assert "HF_TOKEN" not in seen
        assert seen["HF_HUB_OFFLINE"] == "1"
        assert [path.name for path in folder.glob(".*")] == []


class TestTheChild:
    @pytest.fixture
    def ends(self, folder, monkeypatch):
        """A child that ends as the test wants it."""

        def ending(code):
            fake = folder.parent / "python"
            fake.write_text(f"#!/bin/sh\n{code}\n")
            fake.chmod(0o755)
            monkeypatch.setattr(module.sys, "executable", str(fake))

        return ending

    def test_that_the_system_killed_had_no_memory(self, folder, ends):
        ends("kill -9 $$")
        with refused(ResourceError, r"pytorch_model\.bin does not fit into the memory"):
            convert(folder)

    def test_that_failed_is_told_with_its_last_words(self, folder, ends):
        ends("echo one >&2; echo two >&2; exit 3")
        with refused(TfcliError, r"ended with status 3\. two"):
            convert(folder)

    @pytest.mark.parametrize(
        "answer",
        [
            *('{"error": "OK", "message": "x"}', '{"error": "Terminated", "message": "x"}'),
            *('{"error": "__name__", "message": "x"}', '{"error": 3, "message": "x"}', "[]", "3"),
            *('{"tensors": "x"}', "{}", '{"error": "TfcliError", "message": ["x"]}'),
        ],
    )
    def test_is_not_believed_whatever_it_says(self, folder, ends, answer):
        ends(f"echo '{answer}'")
        with refused(TfcliError, r"^x$|ended with status 0") as caught:
            convert(folder)
        assert type(caught.value) is TfcliError

    def test_that_does_not_end_is_stopped(self, folder, ends, monkeypatch):
        monkeypatch.setattr(module, "_SECONDS", 0.2)
        ends("exec sleep 60")
        with refused(TfcliError, r"pytorch_model\.bin was not converted within 0\.2 seconds"):
            convert(folder)


def test_what_is_no_pickle_is_broken_not_hostile(folder):
    (folder / "pytorch_model.bin").write_text("<html>404</html>")
    with refused(ModelNotFoundError, r"pytorch_model\.bin is no pickle") as caught:
        convert(folder)
    assert caught.value.status == 4


class TestWhatToConvert:
    def test_is_nothing_where_there_are_safetensors(self, classifier, folder):
        shutil.copy(Path(classifier()) / "model.safetensors", folder)
        with refused(UsageError, r"has model\.safetensors already") as caught:
            convert(folder)
        assert caught.value.hint == f"It is ready: -m '{folder}'"

    def test_is_not_what_training_leaves_behind(self, tmp_path):
        for name in ("training_args.bin", "optimizer.pt", "rng_state_0.pth", "adapter_model.bin"):
            acting_pickle(tmp_path / name)
        with refused(ModelNotFoundError, "holds no pickled weights"):
            convert(tmp_path)
        torch.save({"a": torch.ones(1)}, "last.ckpt")
        assert convert(tmp_path)[0]["file"] == str(tmp_path / "last.ckpt")

    def test_is_not_guessed(self, tmp_path):
        for name in ("a.bin", "b.pt"):
            torch.save({"a": torch.ones(1)}, name)
        with refused(UsageError, r"holds 2 pickles, and none is pytorch_model\.bin: a\.bin, b\.pt"):
            convert(tmp_path)

    def test_is_a_folder(self, tmp_path):
        with refused(ModelNotFoundError, "There is no folder"):
            convert(tmp_path / "absent")
