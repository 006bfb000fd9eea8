"""Hostile folders: each is refused clearly, before anything of it is run or written."""

import json
import os
import shutil
import struct
from pathlib import Path

import pytest
from hostile import MARKER, acting_code, acting_pickle, edit, refused

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, UnsafeModelError
from tfcli.models.load import load
from tfcli.models.registry import starters
from tfcli.models.trust import Weights, nested, require_safe, require_settings


@pytest.fixture
def folder(classifier, tmp_path):
    """A sound model, to be made hostile."""
    return Path(shutil.copytree(classifier(), tmp_path / "model"))


def load_it(folder):
    return load(ModelRef(str(folder)), lambda config: "AutoModelForSequenceClassification")


def test_the_starters_are_safe():
    for starter in starters().values():
        assert require_safe(starter.folder).tensors


def test_what_the_weights_hold_is_counted(classifier):
    from safetensors.torch import load_file

    held = load_file(Path(classifier()) / "model.safetensors").values()
    assert require_safe(Path(classifier())) == Weights(len(held), sum(t.numel() for t in held))


@pytest.mark.parametrize("size", ["20KB", "5GB"])
def test_so_are_the_elements_of_each_dtype(folder, size):
    import torch
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    half = model.bert.embeddings.to(torch.bfloat16)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size=size)
    held = require_safe(folder)
    halves = sum(p.numel() for p in half.parameters())
    assert held.dtypes == {"BF16": halves, "F32": held.elements - halves}
    assert held.elements == sum(p.numel() for p in model.parameters())
    assert held == Weights(held.tensors, held.elements)  # they are no part of what it is


class TestRequireSettings:
    """What is read without weights is looked through without them."""

    def test_passes_a_model_whose_weights_are_elsewhere(self, folder):
        (folder / "model.safetensors").unlink()
        names, config = require_settings(folder)
        assert names == ["config.json", "tokenizer.json", "tokenizer_config.json"]
        assert config["model_type"] == "bert"

    def test_passes_pickles_which_nobody_reads(self, folder):
        acting_pickle(folder / "pytorch_model.bin")
        acting_pickle(folder / "model.safetensors")
        require_settings(folder)
        assert not Path(MARKER).exists()

    def test_refuses_what_would_act(self, folder):
        edit(folder / "config.json", _attn_implementation="evil/kernel")
        with refused(UnsafeModelError, "wants foreign code"):
            require_settings(folder)

    def test_refuses_links_that_lead_out(self, folder, tmp_path):
        (tmp_path / "secret").touch()
        (folder / "vocab.txt").symlink_to("../secret")
        with refused(UnsafeModelError, "is a link that leads out of"):
            require_settings(folder)

    def test_refuses_giants(self, folder):
        with (folder / "vocab.txt").open("wb") as file:
            file.truncate(129 << 20)
        with pytest.raises(UnsafeModelError, match="more than 128 are not read"):
            require_settings(folder)

    def test_wants_a_config(self, folder):
        (folder / "config.json").unlink()
        with refused(ModelNotFoundError, r"has no config\.json"):
            require_settings(folder)

    def test_lets_code_pass_only_where_it_is_trusted(self, folder):
        acting_code(folder / "evil.py")
        edit(folder / "config.json", model_type="evil", auto_map={"AutoConfig": "evil.Evil"})
        with refused(UnsafeModelError, "auto_map"):
            require_settings(folder)
        _, config = require_settings(folder, trust_remote_code=True)
        assert config["model_type"] == "evil"
        assert not Path(MARKER).exists()


def test_the_files_of_folders_in_a_model_are_those_that_are_read(folder):
    read = ("1_Pooling/config.json", "additional_chat_templates/x.jinja")
    for name in (*read, "onnx/config.json", "1_Pooling/notes.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert {path.relative_to(folder).as_posix() for path in nested(folder)} == set(read)


class TestPickles:
    @pytest.mark.parametrize(
        "name",
        [
            *("pytorch_model.bin", "model.pt", "model.pth", "last.ckpt", "weights.pkl"),
            *("model.pickle", "PYTORCH_MODEL.BIN"),
        ],
    )
    def test_of_every_name_are_refused_with_the_command_that_converts_them(self, folder, name):
        (folder / "model.safetensors").unlink()
        acting_pickle(folder / name)
        with refused(UnsafeModelError, f"{name} can run code when it is loaded") as caught:
            load_it(folder)
        assert caught.value.status == 5
        assert caught.value.hint == f"tfcli models convert {folder}"

    @pytest.mark.parametrize("name", ["tf_model.h5", "flax_model.msgpack", "model.onnx"])
    def test_what_cannot_be_converted_has_no_such_hint(self, folder, name):
        (folder / "model.safetensors").unlink()
        (folder / name).touch()
        with refused(UnsafeModelError, f"{name} can run code") as caught:
            load_it(folder)
        assert "convert" not in caught.value.hint

    def test_beside_safetensors_are_never_read(self, folder):
        acting_pickle(folder / "pytorch_model.bin")
        acting_pickle(folder / "training_args.bin")
        assert load_it(folder).model
        assert not Path(MARKER).exists()

    def test_beside_safetensors_of_another_name_are_refused(self, folder):
        (folder / "model.safetensors").rename(folder / "other.safetensors")
        acting_pickle(folder / "pytorch_model.bin")
        with refused(UnsafeModelError, r"pytorch_model\.bin can run code"):
            load_it(folder)


class TestModules:
    """The settings of sentence-transformers' modules lie in folders of their own."""

    @pytest.fixture
    def folder(self, encoder, tmp_path):
        return Path(shutil.copytree(encoder(), tmp_path / "model"))

    def test_are_safe_as_they_are_written(self, folder):
        assert require_safe(folder).tensors

    def test_that_are_links_to_elsewhere_are_refused(self, folder, tmp_path):
        settings = folder / "1_Pooling/config.json"
        settings.rename(tmp_path / "config.json")
        settings.symlink_to(tmp_path / "config.json")
        with refused(UnsafeModelError, r"config\.json is a link that leads out"):
            require_safe(folder)

    def test_so_are_folders_that_are_links(self, folder, tmp_path):
        (folder / "1_Pooling").rename(tmp_path / "elsewhere")
        (folder / "1_Pooling").symlink_to(tmp_path / "elsewhere")
        with refused(UnsafeModelError, "1_Pooling is a link that leads out"):
            require_safe(folder)

    def test_that_are_no_files_are_refused(self, folder):
        (folder / "1_Pooling/config.json").unlink()
        os.mkfifo(folder / "1_Pooling/config.json")
        with refused(UnsafeModelError, r"config\.json is neither a file nor a folder"):
            require_safe(folder)

    def test_too_large_ones_are_refused(self, folder):
        with (folder / "1_Pooling/config.json").open("wb") as file:
            file.truncate(129 << 20)
        with refused(UnsafeModelError, r"config\.json has 129 MiB"):
            require_safe(folder)

    def test_in_the_hubs_cache_are_links_into_its_blobs(self, folder, tmp_path):
        repository = tmp_path / "models--org--tiny"
        blobs, snapshot = repository / "blobs", repository / "snapshots" / ("a" * 40)
        blobs.mkdir(parents=True)
        shutil.copytree(folder, snapshot)
        settings = snapshot / "1_Pooling/config.json"
        settings.rename(blobs / "1234")
        settings.symlink_to(Path("../../../blobs/1234"))
        assert require_safe(snapshot).tensors

    def test_lists_of_what_a_model_was_trained_on_are_no_settings(self, folder):
        (folder / "data_config.json").write_text('[{"name": "reddit", "weight": 1}]')
        assert require_safe(folder).tensors


class TestCode:
    def test_of_a_family_that_transformers_does_not_know_is_refused(self, folder):
        acting_code(folder / "evil.py")
        edit(folder / "config.json", model_type="evil", auto_map={"AutoConfig": "evil.Evil"})
        with refused(UnsafeModelError, "auto_map.*knows no model type 'evil'") as caught:
            load_it(folder)
        assert caught.value.status == 5

    def test_of_a_known_family_is_passed_over(self, folder):
        acting_code(folder / "evil.py")
        names = {"AutoConfig": "evil.Evil", "AutoModelForSequenceClassification": "evil.Evil"}
        edit(folder / "config.json", auto_map=names)
        edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", None]})
        assert type(load_it(folder).model).__name__ == "BertForSequenceClassification"
        assert not Path(MARKER).exists()

    def test_of_an_unknown_tokenizer_is_refused(self, classifier, folder):
        acting_code(folder / "evil.py")
        edit(folder / "config.json", model_type="timesfm")  # a family without a tokenizer
        evil = {"tokenizer_class": "EvilTokenizer", "auto_map": {"AutoTokenizer": ["evil.Evil"]}}
        edit(folder / "tokenizer_config.json", **evil)
        with refused(UnsafeModelError, "auto_map.*knows no tokenizer 'EvilTokenizer'"):
            load_it(folder)

    def test_beside_a_model_is_never_run(self, folder):
        (folder / "custom_generate").mkdir()
        for name in ("custom_generate/generate.py", "modeling_bert.py", "transformers.py"):
            acting_code(folder / name)
        assert load_it(folder).model
        assert not Path(MARKER).exists()


@pytest.mark.parametrize("with_config", [False, True])
def test_an_adapter_is_refused_for_it_names_another_model(folder, with_config):
    edit(folder / "adapter_config.json", base_model_name_or_path="evil/model", peft_type="LORA")
    if not with_config:
        (folder / "config.json").unlink()
    with refused(UnsafeModelError, "holds an adapter") as caught:
        load_it(folder)
    assert caught.value.status == 5


class TestLinks:
    @pytest.mark.parametrize("name", ["config.json", "vocab.txt", "model.safetensors", "notes"])
    def test_out_of_the_folder_are_refused(self, folder, tmp_path, name):
        (folder / name).unlink(missing_ok=True)
        shutil.copy(folder / "tokenizer.json", tmp_path / "secret")
        (folder / name).symlink_to("../secret")
        with refused(UnsafeModelError, f"{name} is a link that leads out of") as caught:
            load_it(folder)
        assert caught.value.status == 5

    def test_of_the_folder_of_templates_are_refused_too(self, folder, tmp_path):
        (folder / "additional_chat_templates").mkdir()
        (folder / "additional_chat_templates" / "x.jinja").symlink_to(tmp_path)
        with refused(UnsafeModelError, r"x\.jinja is a link that leads out of"):
            load_it(folder)

    def test_within_the_folder_are_followed(self, folder):
        (folder / "model.safetensors").rename(folder / "real")
        (folder / "model.safetensors").symlink_to("real")
        assert load_it(folder).model

    def test_to_the_folder_itself_are_the_users_own(self, folder, tmp_path):
        (tmp_path / "link").symlink_to(folder)
        assert load_it(tmp_path / "link").model

    def test_to_nothing_make_no_whole_model(self, folder):
        (folder / "vocab.txt").symlink_to("absent")
        with refused(ModelNotFoundError, r"vocab\.txt is a link to a file that is not there"):
            load_it(folder)

    def test_in_a_circle_make_no_whole_model(self, folder):
        (folder / "vocab.txt").symlink_to("vocab.txt")
        with refused(ModelNotFoundError, r"vocab\.txt is a link to"):
            load_it(folder)

    class TestOfTheHubsCache:
        @pytest.fixture
        def snapshot(self, folder, tmp_path):
            """The model as huggingface_hub keeps it."""
            repository = tmp_path / "hub" / "models--org--tiny"
            made = repository / "snapshots" / "0123456789abcdef"
            made.mkdir(parents=True)
            shutil.move(folder, repository / "blobs")
            for blob in (repository / "blobs").iterdir():
                (made / blob.name).symlink_to(f"../../blobs/{blob.name}")
            return made

        def test_lead_to_its_blobs(self, snapshot):
            assert load_it(snapshot).model

        def test_lead_on_to_the_store_that_repositories_share(self, snapshot, tmp_path):
            """Where Xet keeps what it fetched."""
            store = tmp_path / "hub" / "blobs" / "ab"
            store.mkdir(parents=True)
            blob = tmp_path / "hub" / "models--org--tiny" / "blobs" / "model.safetensors"
            shutil.move(blob, store / "abcdef")
            blob.symlink_to("../../blobs/ab/abcdef")
            assert load_it(snapshot).model

        def test_are_refused_when_they_lead_elsewhere(self, snapshot, tmp_path):
            other = tmp_path / "hub" / "models--org--private" / "blobs"
            other.mkdir(parents=True)
            (other / "secret").touch()
            (snapshot / "vocab.txt").symlink_to("../../../models--org--private/blobs/secret")
            with refused(UnsafeModelError, r"vocab\.txt is a link that leads out of"):
                load_it(snapshot)

        def test_are_refused_in_a_folder_that_only_looks_alike(self, snapshot, tmp_path):
            shutil.move(snapshot.parent.parent, tmp_path / "hub" / "tiny")
            with refused(UnsafeModelError, "is a link that leads out of"):
                load_it(tmp_path / "hub" / "tiny" / "snapshots" / snapshot.name)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.txt"])
def test_a_pipe_is_refused_unopened(folder, name):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(UnsafeModelError, match=f"{name} is neither a file nor a folder"):
        load_it(folder)


class TestBrokenWeights:
    @pytest.fixture
    def weights(self, folder):
        return folder / "model.safetensors"

    def rewrite(self, weights, change):
        """Change the header of a safetensors file, and nothing behind it."""
        data = weights.read_bytes()
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        change(next(value for name, value in header.items() if name != "__metadata__"))
        text = json.dumps(header).encode()
        weights.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])

    def assert_refused(self, folder):
        with refused(ModelNotFoundError, r"model\.safetensors is cut off or damaged") as caught:
            load_it(folder)
        assert caught.value.status == 4

    @pytest.mark.parametrize("left", [0, 4, 8, 100, -1])
    def test_cut_off(self, folder, weights, left):
        weights.write_bytes(weights.read_bytes()[:left])
        self.assert_refused(folder)

    @pytest.mark.parametrize("length", [1 << 63, (1 << 64) - 1, 1 << 40, 0])
    def test_with_a_header_that_lies_about_its_own_length(self, folder, weights, length):
        weights.write_bytes(struct.pack("<Q", length) + weights.read_bytes()[8:])
        self.assert_refused(folder)

    @pytest.mark.parametrize("shape", [[1 << 40], [1 << 63, 1 << 63], [-1], ["x"]])
    def test_with_a_header_that_lies_about_sizes(self, folder, weights, shape):
        self.rewrite(weights, lambda tensor: tensor.update(shape=shape))
        self.assert_refused(folder)

    @pytest.mark.parametrize("offsets", [[0, 1 << 50], [1 << 50, 1 << 51], [8, 4], [-8, 0]])
    def test_with_a_header_that_lies_about_offsets(self, folder, weights, offsets):
        self.rewrite(weights, lambda tensor: tensor.update(data_offsets=offsets))
        self.assert_refused(folder)

    def test_with_a_header_that_is_nested_too_deep(self, folder, weights):
        text = b'{"a":' * 100_000
        weights.write_bytes(struct.pack("<Q", len(text)) + text)
        self.assert_refused(folder)


class TestShards:
    @pytest.fixture
    def index(self, folder):
        """The model with its one file behind an index."""
        (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
        return folder / "model.safetensors.index.json"

    def point(self, index, file):
        from safetensors import safe_open

        with safe_open(index.parent / "model-00001-of-00001.safetensors", "np") as opened:
            edit(index, metadata={}, weight_map=dict.fromkeys(opened.keys(), file))

    def test_are_loaded_by_their_index(self, folder, index):
        self.point(index, "model-00001-of-00001.safetensors")
        assert load_it(folder).model

    @pytest.mark.parametrize(
        "file", ["../model.safetensors", "/etc/passwd", "a/b.safetensors", "pytorch_model.bin", 3]
    )
    def test_that_lie_elsewhere_or_are_pickles_are_refused(self, folder, index, file):
        acting_pickle(folder / "pytorch_model.bin")
        self.point(index, file)
        with refused(UnsafeModelError, "leads out of its folder") as caught:
            load_it(folder)
        assert caught.value.status == 5

    def test_that_are_missing_make_no_whole_model(self, folder, index):
        self.point(index, "model-00002-of-00002.safetensors")
        with refused(ModelNotFoundError, "names model-00002.*, which is not there"):
            load_it(folder)

    @pytest.mark.parametrize("text", ["[]", "{}", '{"weight_map": {}}', '{"weight_map": []}', "{"])
    def test_with_a_broken_index_make_no_whole_model(self, folder, index, text):
        index.write_text(text)
        with refused(ModelNotFoundError, "no whole model"):
            load_it(folder)

    def test_of_a_distributed_checkpoint_are_refused(self, folder):
        shutil.copy(
            folder / "model.safetensors", folder / "shard-00000-model-00001-of-00001.safetensors"
        )
        with refused(ModelNotFoundError, "part of a distributed checkpoint"):
            load_it(folder)

    def test_named_by_the_config_are_the_ones_that_are_checked(self, folder):
        edit(folder / "config.json", transformers_weights="other.safetensors")
        (folder / "other.safetensors").write_bytes(b"damaged")
        with refused(ModelNotFoundError, r"other\.safetensors is cut off or damaged"):
            load_it(folder)


class TestGiants:
    @pytest.mark.parametrize(
        ("name", "megabytes"),
        [
            *(("config.json", 9), ("generation_config.json", 9), ("tokenizer_config.json", 9)),
            *(("tokenizer.json", 129), ("vocab.txt", 129), ("spiece.model", 129)),
            *(("special_tokens_map.json", 129), ("chat_template.jinja", 129)),
            *(("emoji.json", 129), ("word_shape.json", 129), ("byte_maps.json", 129)),
            *(("tekken.json", 129), ("additional_chat_templates/x.jinja", 129)),
        ],
    )
    def test_are_refused_unread(self, folder, name, megabytes):
        (folder / name).parent.mkdir(exist_ok=True)
        with (folder / name).open("ab") as file:
            file.truncate(megabytes << 20)  # holes: it takes no room
        with pytest.raises(UnsafeModelError, match=f"{Path(name).name} has {megabytes} MiB"):
            load_it(folder)

    @pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "generation_config.json"])
    def test_nested_too_deep_are_refused(self, folder, name):
        (folder / name).write_text('{"a":' * 200_000 + "1" + "}" * 200_000)
        with refused(UnsafeModelError, f"{name} is nested too deep"):
            load_it(folder)

    def test_whose_weights_do_not_fit_the_memory_are_refused(self, folder, monkeypatch):
        from tfcli.errors import ResourceError
        from tfcli.models import memory

        monkeypatch.setattr(memory, "available", lambda: 1000)
        with refused(ResourceError, "does not fit into the memory: .* GB of weights") as caught:
            load_it(folder)
        assert caught.value.status == 6

    @pytest.mark.timeout(60)
    def test_that_are_only_holes_are_refused_before_they_fill_the_memory(self, folder):
        """A terabyte of zeros that takes no room on the disk."""
        from tfcli.errors import ResourceError

        size = 1 << 40
        tensor = {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}
        text = json.dumps({"bert.pooler.dense.weight": tensor}).encode()
        with (folder / "model.safetensors").open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            file.truncate(8 + len(text) + size)
        with pytest.raises(ResourceError, match="does not fit into the memory"):
            load_it(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("text", ["[]", "{", "\xff"])
def test_a_file_that_is_not_what_its_name_says_makes_no_whole_model(folder, name, text):
    (folder / name).write_text(text, encoding="latin-1")
    with refused(ModelNotFoundError, f"no whole model: {name} is not"):
        load_it(folder)


def test_a_tokenizer_bomb_is_refused(folder):
    doubling = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    edit(folder / "tokenizer.json", normalizer={"type": "Sequence", "normalizers": [doubling] * 40})
    with refused(UnsafeModelError, r"normalizer of tokenizer\.json can blow up a text") as caught:
        load_it(folder)
    assert caught.value.status == 5


@pytest.mark.timeout(60)
class TestATokenizerOfFilesElsewhere:
    @pytest.fixture
    def outside(self, tmp_path):
        """A pipe: whoever opens it hangs."""
        os.mkfifo(tmp_path / "outside.txt")
        return str(tmp_path / "outside.txt")

    @pytest.mark.parametrize("key", ["vocab", "merges", "init_inputs", "gguf_file", "vocab_file"])
    def test_is_refused_unopened(self, folder, outside, key):
        (folder / "tokenizer.json").unlink()
        edit(folder / "tokenizer_config.json", **{key: [outside] if "in" in key else outside})
        with pytest.raises(UnsafeModelError, match=rf"tokenizer_config\.json .*{key}") as caught:
            load_it(folder)
        assert caught.value.status == 5

    def test_is_refused_as_a_special_token_too(self, folder, outside):
        """What stands there is read after all else, and overrules it."""
        edit(folder / "special_tokens_map.json", tokenizer_file=outside)
        with pytest.raises(UnsafeModelError, match="which is no special token"):
            load_it(folder)


def test_a_tokenizer_in_folders_of_its_own_is_refused(folder):
    edit(folder / "tokenizer_config.json", tokenizer_class="RagTokenizer")
    with refused(UnsafeModelError, "'RagTokenizer' as tokenizer_class"):
        load_it(folder)


def test_a_step_with_two_types_is_refused(folder):
    """Python takes the last; tokenizers goes by the other keys."""
    text = (folder / "tokenizer.json").read_text()
    step = '"normalizer": {"type": "NFC", "type": "NFD"}, "was":'
    (folder / "tokenizer.json").write_text(text.replace('"normalizer":', step, 1))
    with refused(ModelNotFoundError, r"tokenizer\.json has the key 'type' twice"):
        load_it(folder)


def test_a_config_for_another_version_of_transformers_is_checked_too(folder):
    """transformers reads config.4.0.0.json instead, if config.json says so."""
    edit(folder / "config.json", configuration_files=["config.4.0.0.json"])
    shutil.copy(folder / "config.json", folder / "config.4.0.0.json")
    edit(folder / "config.4.0.0.json", _attn_implementation="evil/kernel")
    with refused(UnsafeModelError, r"config\.4\.0\.0\.json wants foreign code"):
        load_it(folder)
