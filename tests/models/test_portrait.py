"""A portrait: what is told is what the model is; of a hostile one nothing is run to know it."""

import json
import os
import shutil
from pathlib import Path

import pytest
from hostile import MARKER, acting_code, acting_pickle, edit, tree
from hub import COMMIT

from tfcli.errors import ModelNotFoundError, UnsafeModelError
from tfcli.models.files import sha256
from tfcli.models.hub import fetch
from tfcli.models.portrait import KEYS, portrait
from tfcli.models.registry import starters
from tfcli.models.resolve import model_ref

WEIGHTS, PICKLED = "model.safetensors", "pytorch_model.bin"
HEAD = "bytes=0-100000"
"""As much of weights as is fetched to be looked at, by huggingface_hub."""


def told(name):
    facts = portrait(model_ref(str(name)))
    assert tuple(facts) == KEYS
    return facts


@pytest.fixture
def folder(classifier, tmp_path):
    """A model, to be changed."""
    return Path(shutil.copytree(classifier(), tmp_path / "model"))


class TestAFolder:
    def test_is_told_whole(self, folder):
        assert told(folder) == {
            "name": str(folder),
            "kind": "folder",
            "model_type": "bert",
            "family": "bert",
            "architectures": ["BertForSequenceClassification"],
            "auto_classes": ["AutoModel", "AutoModelForSequenceClassification", "AutoTokenizer"],
            "layers": 2,
            "decoder_layers": None,
            "heads": 4,
            "hidden_size": 32,
            "vocab_size": 117,
            "max_positions": 64,
            "parameters": 22083,
            "dtype": "float32",
            "labels": ["LABEL_0", "LABEL_1", "LABEL_2"],
            "bytes": sum(path.stat().st_size for path in folder.iterdir()),
            "files": {path.name: path.stat().st_size for path in folder.iterdir()},
            "revision": None,
            "cached": None,
            "refused": None,
        }

    @pytest.mark.parametrize("family", ["gpt2", "llama"])
    def test_of_what_writes_has_as_many_parameters_as_the_model(self, writer, family):
        self.assert_counted(writer(family))

    @pytest.mark.parametrize("family", ["bert", "roberta", "electra", "xlnet", "modernbert"])
    def test_of_what_reads_too(self, reader, family):
        self.assert_counted(reader(family))

    def assert_counted(self, name):
        import transformers

        config = transformers.AutoConfig.from_pretrained(name)
        kind = getattr(transformers, json.loads(config.to_json_string())["architectures"][0])
        model = kind.from_pretrained(name)
        facts = told(name)
        assert facts["parameters"] == sum(p.numel() for p in model.parameters())
        assert facts["layers"] == config.num_hidden_layers
        assert facts["heads"] == config.num_attention_heads
        assert facts["hidden_size"] == config.hidden_size
        assert facts["vocab_size"] == model.get_input_embeddings().num_embeddings

    @pytest.mark.parametrize("family", ["bart", "t5"])
    def test_with_encoder_and_decoder_has_the_layers_of_both(self, writer, family):
        facts = told(writer(family))
        assert (facts["layers"], facts["decoder_layers"], facts["heads"]) == (2, 2, 4)
        assert facts["hidden_size"] == 32
        assert "AutoModelForSeq2SeqLM" in facts["auto_classes"]
        assert facts["labels"] is None

    def test_of_a_classifier_has_its_labels(self, classifier):
        names = {0: "red", 1: "深", 2: "[b]"}
        facts = told(classifier(id2label=names, label2id={v: k for k, v in names.items()}))
        assert facts["labels"] == ["red", "深", "[b]"]

    @pytest.mark.parametrize("size", ["20KB", "5GB"])
    @pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
    def test_in_any_dtype_in_one_file_or_many_is_the_same(self, folder, size, dtype):
        import torch
        import transformers

        whole = told(folder)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
        (folder / WEIGHTS).unlink()
        model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=size)
        facts = told(folder)
        assert facts["dtype"] == dtype
        assert len([name for name in facts["files"] if name.endswith(".safetensors")]) in (
            {1} if size == "5GB" else {3, 4, 5, 6}
        )
        same = ("parameters", "layers", "architectures", "labels", "refused")
        assert [facts[key] for key in same] == [whole[key] for key in same]

    def test_of_several_dtypes_has_that_of_most(self, folder):
        import torch
        from safetensors.torch import load_file, save_file

        weights = load_file(folder / WEIGHTS)
        weights["classifier.weight"] = weights["classifier.weight"].to(torch.bfloat16)
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
        assert (told(folder)["dtype"], told(folder)["parameters"]) == ("float32", 22083)

    def test_of_a_type_that_nobody_has_described_is_told(self, folder):
        """Its family is its type."""
        edit(folder / "config.json", model_type="roc_bert", architectures=["RoCBertModel"])
        facts = told(folder)
        assert (facts["model_type"], facts["family"]) == ("roc_bert", "roc_bert")

    def test_loads_no_model(self, folder, monkeypatch):
        import transformers

        monkeypatch.setattr(transformers.PreTrainedModel, "from_pretrained", None)
        monkeypatch.setattr(transformers.PreTrainedTokenizerBase, "from_pretrained", None)
        assert told(folder)["parameters"] == 22083

    def test_is_read_in_silence(self, folder, capfd):
        edit(folder / "config.json", sub_configs=5)  # transformers prints all of it
        told(folder)
        assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", starters())
def test_a_starter_is_told_by_its_name(name):
    facts = told(name)
    assert (facts["kind"], facts["name"], facts["cached"]) == ("starter", name, None)
    assert facts["dtype"] == "float16"
    assert facts["refused"] is None
    assert facts["parameters"] > 1e6
    assert facts["files"][WEIGHTS] >= 2 * facts["parameters"]
    assert facts["model_type"] == name.partition("-")[0]


class TestAGgufFile:
    @pytest.mark.parametrize("quantized", [False, True])
    def test_is_told(self, llama, tmp_path, quantized):
        from tiny_gguf import make_gguf

        path = make_gguf(tmp_path / "tiny.gguf", llama, quantized=quantized)
        facts, known = told(path), told(llama)
        assert facts["kind"] == "file"
        assert facts["files"] == {"tiny.gguf": path.stat().st_size}
        assert facts["bytes"] == path.stat().st_size
        assert facts["refused"] is None
        same = ("model_type", "family", "layers", "heads", "hidden_size", "vocab_size")
        assert [facts[key] for key in same] == [known[key] for key in same]
        assert facts["parameters"] == known["parameters"]
        assert facts["max_positions"] == known["max_positions"]

    def test_that_is_broken_is_refused(self, tmp_path):
        (tmp_path / "tiny.gguf").write_bytes(b"GGUF" + bytes(9))
        facts = told(tmp_path / "tiny.gguf")
        assert facts["refused"].endswith("(status 4)")
        assert facts["files"] == {"tiny.gguf": 13}


class TestAModelOfTheHub:
    def test_is_told_without_its_weights(self, tiny, classifier):
        facts = told("org/tiny")
        known = told(classifier())
        assert (facts["kind"], facts["cached"], facts["revision"]) == ("hub", False, COMMIT)
        assert {key: facts[key] for key in KEYS[2:] if key not in ("revision", "cached")} == {
            key: known[key] for key in KEYS[2:] if key not in ("revision", "cached")
        }
        assert tiny.ranges == [HEAD]
        assert tiny.fetched(WEIGHTS) == [WEIGHTS]
        assert not list(Path().rglob(f"snapshots/*/{WEIGHTS}"))

    def test_that_is_cached_asks_nothing(self, tiny, classifier):
        folder = fetch(model_ref("org/tiny"))
        tiny.asked.clear()
        facts = told("org/tiny")
        assert (facts["cached"], facts["revision"], tiny.asked) == (True, COMMIT, [])
        assert facts["files"] == told(classifier())["files"]
        assert facts["parameters"] == told(folder)["parameters"] == 22083
        assert told(folder)["revision"] == COMMIT

    def test_keeps_its_revision_in_its_name(self, tiny):
        assert told(f"org/tiny@{COMMIT[:7]}")["name"] == f"org/tiny@{COMMIT[:7]}"

    def test_offline_is_told_if_it_is_here(self, tiny, monkeypatch):
        fetch(model_ref("org/tiny"))
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert told("org/tiny")["parameters"] == 22083

    def test_offline_is_told_as_far_as_it_is_here(self, tiny, monkeypatch):
        folder = fetch(model_ref("org/tiny"))
        (folder / WEIGHTS).unlink()
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        facts = told("org/tiny")
        assert (facts["cached"], facts["parameters"], facts["layers"]) == (False, None, 2)

    def test_offline_that_is_not_here_is_not_found(self, tiny, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(ModelNotFoundError, match="the Hub was not asked"):
            told("org/tiny")
        assert tiny.asked == []

    def test_of_pickles_alone_is_told_with_its_refusal(self, pickled):
        facts = told("org/tiny")
        assert facts["refused"].startswith("org/tiny has only pytorch_model.bin")
        assert facts["refused"].endswith("(status 5)")
        assert facts["model_type"] == "bert"
        assert facts["architectures"] == ["BertForSequenceClassification"]
        assert facts["parameters"] is facts["layers"] is None
        assert pickled.ranges == pickled.fetched(PICKLED) == []

    def test_that_is_hostile_is_refused_unfetched(self, tiny):
        config = json.loads(tiny.files["config.json"])
        tiny.files["config.json"] = json.dumps(
            config | {"_attn_implementation": "evil/kernel"}
        ).encode()
        facts = told("org/tiny")
        assert "wants foreign code" in facts["refused"]
        assert facts["model_type"] is None
        assert facts["parameters"] == 22083  # the head of its weights does not lie

    def test_whose_settings_are_giants_is_an_error(self, tiny):
        tiny.files["vocab.json"] = bytes(129 << 20)
        with pytest.raises(UnsafeModelError, match="more than 128 are not read"):
            told("org/tiny")
        assert tiny.fetched() == []


class TestHostile:
    def refusal(self, folder, status):
        """What is told; and nothing was run, made or changed."""
        before = tree(Path.cwd())
        facts = told(folder)
        assert tree(Path.cwd()) == before
        assert not list(Path().rglob(MARKER))
        assert facts["refused"].endswith(f"(status {status})")
        assert "\n" not in facts["refused"]
        assert facts["parameters"] is None
        return facts

    def test_pickles_are_told_with_type_and_classes(self, folder):
        (folder / WEIGHTS).unlink()
        acting_pickle(folder / PICKLED)
        facts = self.refusal(folder, 5)
        assert "can run code when it is loaded" in facts["refused"]
        assert facts["model_type"] == "bert"
        assert facts["architectures"] == ["BertForSequenceClassification"]

    def test_code_of_an_unknown_family(self, folder):
        acting_code(folder / "evil.py")
        edit(folder / "config.json", model_type="evil", auto_map={"AutoConfig": "evil.Evil"})
        facts = self.refusal(folder, 5)
        assert "auto_map" in facts["refused"]
        assert facts["model_type"] == "evil"

    def test_code_of_a_known_family_is_passed_over(self, folder):
        acting_code(folder / "evil.py")
        edit(folder / "config.json", auto_map={"AutoConfig": "evil.Evil"})
        assert told(folder)["refused"] is None
        assert not list(Path().rglob(MARKER))

    def test_a_kernel_of_the_hub(self, folder):
        edit(folder / "config.json", _attn_implementation="evil/kernel")
        facts = self.refusal(folder, 5)
        assert facts["model_type"] is None  # nothing of such a file is believed

    def test_an_adapter(self, folder):
        edit(folder / "adapter_config.json", base_model_name_or_path="evil/model")
        assert "holds an adapter" in self.refusal(folder, 5)["refused"]

    @pytest.mark.timeout(30)
    @pytest.mark.parametrize("name", ["config.json", WEIGHTS, "vocab.txt"])
    def test_a_pipe_is_not_opened(self, folder, name):
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)
        facts = told(folder)
        assert f"{name} is neither a file nor a folder" in facts["refused"]
        assert name not in facts["files"]

    @pytest.mark.timeout(30)
    @pytest.mark.parametrize("target", ["/dev/zero", "../secret.json"])
    def test_a_link_out_of_the_folder_is_not_followed(self, folder, target):
        Path("secret.json").write_text('{"model_type": "a secret"}')
        (folder / "config.json").unlink()
        (folder / "config.json").symlink_to(target)
        facts = self.refusal(folder, 5)
        assert "leads out of" in facts["refused"]
        assert facts["model_type"] is None

    @pytest.mark.timeout(60)
    def test_a_giant_is_not_read(self, folder):
        with (folder / "config.json").open("ab") as file:
            file.truncate(1 << 40)  # holes: it takes no room
        assert "more than 8 are not read" in told(folder)["refused"]

    def test_what_is_nested_too_deep(self, folder):
        (folder / "config.json").write_text('{"a":' * 200_000 + "1" + "}" * 200_000)
        assert "nested too deep" in self.refusal(folder, 5)["refused"]

    @pytest.mark.parametrize("text", ["", "{", "[]", "3", '"bert"', "\xff", "{}"])
    def test_a_config_that_is_none(self, folder, text):
        (folder / "config.json").write_text(text, encoding="latin-1")
        facts = self.refusal(folder, 4)
        assert facts["model_type"] is None

    @pytest.mark.parametrize(
        "change",
        [
            *({"model_type": x} for x in (None, 5, [1], {}, "nope", "\x1b[2J")),
            *({"id2label": x} for x in (5, [1], {"x": "y"})),
            *({"num_hidden_layers": "x"}, {"hidden_size": None}, {"dtype": "evil"}),
            *({"num_labels": "x"}, {"quantization_config": 5}, {"text_config": 5, "decoder": 5}),
        ],
        ids=str,
    )
    def test_a_config_of_nonsense(self, folder, change):
        """It is refused as loading would refuse it, or told; it is no crash."""
        edit(folder / "config.json", **change)
        facts = told(folder)
        assert facts["refused"] is None or facts["refused"].endswith("(status 4)")
        assert facts["model_type"] is None or isinstance(facts["model_type"], str)

    @pytest.mark.parametrize(
        ("architectures", "read"),
        [(5, []), ("abc", []), ([1, None, "BertModel"], ["BertModel"]), ({"a": 1}, []), (None, [])],
    )
    def test_classes_that_are_none(self, folder, architectures, read):
        edit(folder / "config.json", architectures=architectures)
        assert told(folder)["architectures"] == read
        (folder / WEIGHTS).unlink()
        acting_pickle(folder / PICKLED)
        assert told(folder)["architectures"] == read

    @pytest.mark.parametrize("left", [0, 8, -1])
    def test_weights_that_are_cut_off(self, folder, left):
        (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:left])
        facts = self.refusal(folder, 4)
        assert "is cut off or damaged" in facts["refused"]
        assert facts["model_type"] == "bert"

    def test_what_has_no_weights(self, folder):
        (folder / WEIGHTS).unlink()
        assert "has no model.safetensors" in self.refusal(folder, 4)["refused"]

    def test_an_empty_folder(self, tmp_path):
        (tmp_path / "empty").mkdir()
        facts = self.refusal(tmp_path / "empty", 4)
        assert (facts["files"], facts["bytes"], facts["model_type"]) == ({}, 0, None)


def test_a_gguf_file_in_the_cache_is_of_its_commit(gguf_file):
    place = Path("hub/models--org--tiny/snapshots") / COMMIT
    place.mkdir(parents=True)
    copy = shutil.copy(gguf_file, place / "tiny.gguf")
    facts = told(copy)
    assert facts["revision"] == COMMIT
    assert sha256(Path(copy)) == sha256(gguf_file)


def test_of_a_model_with_two_parts_of_text_is_told(folder):
    from transformers import EncodecConfig, MusicgenConfig, MusicgenDecoderConfig, T5Config

    parts = {"text_encoder": T5Config(), "audio_encoder": EncodecConfig()}
    parts["decoder"] = MusicgenDecoderConfig()
    written = MusicgenConfig(**{name: part.to_dict() for name, part in parts.items()})
    (folder / "config.json").write_text(written.to_json_string())
    facts = told(folder)
    assert (facts["model_type"], facts["refused"]) == ("musicgen", None)


def test_of_a_model_elsewhere_trusts_its_code_as_far_as_of_one_here(hub, monkeypatch):
    import transformers

    asked = []
    config = transformers.BertConfig()
    monkeypatch.setattr(
        transformers.AutoConfig, "from_pretrained", lambda *a, **how: asked.append(how) or config
    )
    assert told("org/tiny")["model_type"] == "bert"
    assert asked == [{"trust_remote_code": False}]
