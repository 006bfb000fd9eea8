"""Loading: silent, safetensors only, whole, and with a trained head."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from hostile import edit, refused
from tiny_models import make_base_model

from tfcli import run
from tfcli.core.job import ModelRef
from tfcli.errors import (
    ModelNotFoundError,
    ResourceError,
    TfcliError,
    UnfitModelError,
    UnsafeModelError,
    UsageError,
)
from tfcli.models.load import load, load_tokenizer


def classify(config):
    return "AutoModelForSequenceClassification"


@pytest.fixture
def copy(classifier, tmp_path):
    """A copy of a tiny classifier, to be broken."""
    return Path(shutil.copytree(classifier(), tmp_path / "copy"))


def loaded(folder, auto_model=classify, **ref):
    return load(ModelRef(str(folder), **ref), auto_model)


def test_gives_model_tokenizer_config_and_the_longest_row(classifier):
    result = loaded(classifier())
    assert not result.model.training
    assert result.model.dtype == torch.float32
    assert result.config.num_labels == 3
    assert result.tokenizer("good")["input_ids"]
    assert result.max_length == 64


class TestATokenizerAlone:
    def test_comes_with_its_config_and_no_model(self, classifier):
        result = load_tokenizer(ModelRef(classifier()))
        assert result.model is None
        assert result.config.model_type == "bert"
        assert result.folder == Path(classifier())
        assert result.tokenizer("good")["input_ids"]

    def test_is_fetched_from_the_hub_without_the_weights(self, classifier, hub):
        for path in Path(classifier()).iterdir():
            hub.files[path.name] = path.read_bytes()
        result = load_tokenizer(ModelRef("org/tiny"))
        assert result.tokenizer("good")["input_ids"]
        assert not (result.folder / "model.safetensors").exists()
        assert result.revision == result.folder.name

    def test_is_read_from_a_gguf_file(self, llama, gguf_file):
        theirs = load_tokenizer(ModelRef(str(llama))).tokenizer("a film")["input_ids"]
        assert load_tokenizer(ModelRef(str(gguf_file))).tokenizer("a film")["input_ids"] == theirs


def test_roberta_counts_positions_from_behind_the_padding(classifier):
    """66 positions, of which the first two are never used."""
    assert loaded(classifier("roberta")).max_length == 64


def test_a_tokenizer_without_a_limit_is_bounded_by_the_positions(copy):
    path = copy / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": int(1e30)}))
    assert loaded(copy).max_length == 64


def test_says_nothing(classifier, capfd):
    loaded(classifier())
    assert capfd.readouterr() == ("", "")


def test_computes_in_the_dtype_asked_for(classifier):
    assert loaded(classifier(), dtype="bfloat16").model.dtype == torch.bfloat16


def test_uses_sdpa_where_the_family_has_it(classifier):
    assert loaded(classifier("bert")).config._attn_implementation == "sdpa"
    assert loaded(classifier("deberta")).config._attn_implementation == "eager"


def test_a_base_model_is_refused_instead_of_given_a_random_head(tmp_path):
    folder = make_base_model(tmp_path / "base")
    with pytest.raises(UnfitModelError, match=r"no classifier\.bias"):
        loaded(folder)


def test_a_model_without_a_head_needs_no_pooler(answerer):
    """A checkpoint with a span head has none."""
    result = loaded(answerer("bert"), lambda config: "AutoModel")
    assert type(result.model).__name__ == "BertModel"


def test_but_all_of_its_layers(answerer, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(answerer("bert"), tmp_path / "cut")
    weights = load_file(folder / "model.safetensors")
    del weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelNotFoundError, match=r"layer\.1\.output\.dense\.weight is not as"):
        loaded(folder, lambda config: "AutoModel")


def test_weights_that_are_not_as_the_config_says_are_no_whole_model(copy):
    path = copy / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_hidden_layers": 3}))
    with pytest.raises(ModelNotFoundError, match=r"bert\.encoder\.layer\.2.* not as config"):
        loaded(copy)


def test_neither_is_a_head_of_another_shape(copy):
    path = copy / "config.json"
    config = json.loads(path.read_text())
    config["id2label"]["3"], config["label2id"]["LABEL_3"] = "LABEL_3", 3
    path.write_text(json.dumps(config))
    with pytest.raises(ModelNotFoundError, match=r"classifier\.bias is not as config\.json says"):
        loaded(copy)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_a_folder_without_tokenizer_files_is_refused(classifier, tmp_path, family):
    """transformers would make a tokenizer that knows no word, and answer with it."""
    for name in ("config.json", "model.safetensors"):
        shutil.copy(Path(classifier(family)) / name, tmp_path)
    with pytest.raises(ModelNotFoundError, match="no tokenizer files"):
        loaded(tmp_path)


def test_too_little_memory_to_load_is_said(classifier, monkeypatch):
    from transformers import BertForSequenceClassification

    def full(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(BertForSequenceClassification, "from_pretrained", full)
    with pytest.raises(ResourceError, match="does not fit into the memory"):
        loaded(classifier())


def test_a_family_that_cannot_do_the_task_is_refused(classifier):
    with pytest.raises(UnfitModelError, match=r"A bert model cannot do this \(Seq2SeqLM\)"):
        loaded(classifier(), lambda config: "AutoModelForSeq2SeqLM")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl", "tf_model.h5"])
def test_a_pickle_is_refused_unread(copy, name):
    (copy / "model.safetensors").unlink()
    (copy / name).write_bytes(b"not even a pickle")
    with pytest.raises(UnsafeModelError, match="can run code") as refused:
        loaded(copy)
    assert refused.value.status == 5


def test_a_folder_without_weights_or_config_holds_no_model(copy):
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelNotFoundError, match=r"no model\.safetensors"):
        loaded(copy)
    (copy / "config.json").unlink()
    with pytest.raises(ModelNotFoundError, match=r"no config\.json"):
        loaded(copy)


def test_damaged_weights_are_an_error_in_one_line(copy):
    weights = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ModelNotFoundError, match="cut off or damaged") as refused:
        loaded(copy)
    assert "\n" not in str(refused.value)


def test_what_transformers_cannot_load_is_an_error_in_one_line(classifier, monkeypatch):
    from transformers import BertForSequenceClassification

    def fail(*args, **kwargs):
        raise KeyError("k\nl")

    monkeypatch.setattr(BertForSequenceClassification, "from_pretrained", fail)
    with pytest.raises(TfcliError, match=r"^Cannot load [^\n]*$") as refused:
        loaded(classifier())
    assert refused.value.status == 1


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"model_type": "no-such-family"}',
        "{}",
        '{"model_type": "bert", "hidden_size": "x"}',
    ],
)
def test_a_broken_config_is_an_error_in_one_line(copy, text):
    (copy / "config.json").write_text(text)
    with pytest.raises(ModelNotFoundError, match="no whole model") as refused:
        loaded(copy)
    assert "\n" not in str(refused.value)


def test_a_tokenizer_that_panics_is_an_error_in_one_line(copy):
    path = copy / "tokenizer.json"
    broken = {"type": "Precompiled", "precompiled_charsmap": "/////w=="}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"normalizer": broken}))
    with pytest.raises(ModelNotFoundError, match="no whole model: Precompiled") as refused:
        loaded(copy)
    assert "\n" not in str(refused.value)


def test_a_tokenizer_that_takes_a_package_to_read_says_which(seq2seq, monkeypatch):
    import transformers

    def fails(*args, **kwargs):
        raise ImportError("MarianTokenizer requires the SentencePiece library")

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", fails)
    with pytest.raises(ModelNotFoundError, match="no whole model"):  # it is there
        load(ModelRef(seq2seq("marian")), lambda config: "AutoModelForSeq2SeqLM")
    monkeypatch.setattr("tfcli.models.load.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="takes sentencepiece to read") as refused:
        load(ModelRef(seq2seq("marian")), lambda config: "AutoModelForSeq2SeqLM")
    assert refused.value.hint == 'pip install "tfcli[translate]"'
    with pytest.raises(ModelNotFoundError, match="no whole model"):  # no matter of the package
        load(ModelRef(seq2seq("t5")), lambda config: "AutoModelForSeq2SeqLM")


@pytest.mark.parametrize(
    "setting",
    [
        *(f'"model_max_length": {n}' for n in ("Infinity", "NaN", '"x"', "-1", "0", "2", "[]")),
        *(f'"model_input_names": {n}' for n in ('["foo"]', "[]", '"input_ids"', "null")),
    ],
)
def test_a_tokenizer_with_which_no_text_can_be_read_makes_no_whole_model(copy, setting):
    path = copy / "tokenizer_config.json"
    path.write_text(path.read_text().rstrip().rstrip("}") + f", {setting}}}")
    with pytest.raises(ModelNotFoundError, match="is no whole model: ") as refused:
        loaded(copy)
    assert "\n" not in str(refused.value)


class TestADeviceThatIsTooSmall:
    @pytest.fixture(autouse=True)
    def _full_device(self, monkeypatch):
        from tfcli.models import device

        to = torch.nn.Module.to

        def full(module, where, *dtype):
            if where == torch.device("meta"):
                raise torch.OutOfMemoryError("out of memory")
            return to(module, where, *dtype)

        monkeypatch.setattr(torch.nn.Module, "to", full)
        small = {"auto": "meta", "cuda": "meta", "cpu": "cpu"}
        monkeypatch.setattr(device, "device_for", lambda wanted: torch.device(small[wanted]))

    def test_auto_falls_back_to_the_cpu_and_says_so(self, classifier, caplog):
        assert loaded(classifier()).model.device == torch.device("cpu")
        assert "does not fit into the memory of meta; using the CPU" in caplog.text

    def test_and_there_it_computes_in_the_dtype_of_the_cpu(self, classifier, monkeypatch):
        from tfcli.models import device

        chosen = {"meta": torch.bfloat16, "cpu": torch.float32}
        monkeypatch.setattr(device, "dtype_for", lambda ref, where, *rest: chosen[where.type])
        assert loaded(classifier()).model.dtype == torch.float32

    def test_an_explicit_request_fails(self, classifier):
        with pytest.raises(ResourceError, match="does not fit"):
            loaded(classifier(), device="cuda")


class TestTrustedCode:
    """A model whose classes come with it, as files of Python."""

    @pytest.fixture
    def own(self, copy):
        (copy / "mine.py").write_text(
            "from transformers import BertConfig, BertForSequenceClassification\n"
            "open('it was run', 'w').close()\n"
            "class MineConfig(BertConfig):\n"
            "    model_type = 'mine'\n"
            "class Mine(BertForSequenceClassification):\n"
            "    config_class = MineConfig\n"
        )
        classes = {"AutoConfig": "MineConfig", "AutoModelForSequenceClassification": "Mine"}
        mapped = {name: f"mine.{one}" for name, one in classes.items()}
        edit(copy / "config.json", model_type="mine", auto_map=mapped)
        return copy

    def test_runs_and_answers_as_the_classes_of_transformers(self, own, classifier):
        trusted = next(run("sentiment", "good", model=str(own), trust_remote_code=True))
        assert Path("it was run").exists()
        ours = next(run("sentiment", "good", model=classifier()))
        assert trusted["label"] == ours["label"]
        assert trusted["score"] == pytest.approx(ours["score"], abs=1e-5)

    def test_is_refused_unless_somebody_said_so(self, own, tfcli):
        ended = tfcli("sentiment", "good", "-m", str(own), TFCLI_TRUST_REMOTE_CODE="1")
        assert (ended.status, ended.out) == (5, "")
        assert ended.err.endswith(
            "Hint: If you have read that code and trust it: --trust-remote-code\n"
        )
        assert not Path("it was run").exists()

    def test_lets_nothing_else_pass(self, own):
        edit(own / "config.json", attn_implementation="org/kernel")
        with refused(UnsafeModelError, "foreign code for attn_implementation"):
            loaded(own, trust_remote_code=True)

    @pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
    def test_is_never_that_of_another_repository(self, own, name):
        edit(own / name, auto_map={"AutoConfig": "org/other--mine.MineConfig"})
        with refused(UnsafeModelError, f"{name} wants code of another repository.*'org/other'"):
            loaded(own, trust_remote_code=True)

    def test_is_not_needed_for_a_task_that_transformers_has_a_class_for(self, own):
        edit(own / "config.json", model_type="bert")
        model = loaded(own, trust_remote_code=False).model
        assert type(model).__name__ == "BertForSequenceClassification"
