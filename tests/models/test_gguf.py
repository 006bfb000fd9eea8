"""GGUF files: the answers of the folder they were made of; and nothing a file says is believed.

The tiny files are written with the package gguf, as llama.cpp's converter writes them.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hostile import MARKER, acting_code, acting_pickle, edit, refused
from tiny_gguf import head, make_gguf, patch, setting, text

from tfcli import run
from tfcli.core.job import ModelRef
from tfcli.errors import (
    ModelNotFoundError,
    ResourceError,
    UnfitModelError,
    UnsafeModelError,
    UsageError,
)
from tfcli.models import gguf
from tfcli.models.load import load
from tfcli.models.resolve import model_ref

PROMPT = "the film was"


def continues(config):
    return "AutoModelForCausalLM"


def loaded(path, **ref):
    return load(ModelRef(str(path), **ref), continues)


def ahead(model, **options):
    return next(run("next", PROMPT, model=str(model), **options))


def written(model):
    return next(run("generate", PROMPT, model=str(model), greedy=True, max_new_tokens=12))


@pytest.fixture
def changed(llama, tmp_path):
    """A file that says something else in its head."""
    return lambda **changes: make_gguf(tmp_path / "tiny.gguf", llama, **changes)


class TestTheSameAsTheFolderItWasMadeOf:
    def test_in_what_comes_next(self, llama, gguf_file):
        theirs, ours = ahead(llama), ahead(gguf_file)
        assert ours["entropy"] == pytest.approx(theirs["entropy"], abs=1e-5)
        assert [one["token"] for one in ours["next"]] == [one["token"] for one in theirs["next"]]
        assert [one["logprob"] for one in ours["next"]] == pytest.approx(
            [one["logprob"] for one in theirs["next"]], abs=1e-5
        )

    def test_in_what_is_written(self, llama, gguf_file):
        assert written(gguf_file) == written(llama)

    def test_but_for_rounding_where_it_is_quantized(self, llama, gguf_file, tmp_path):
        small = make_gguf(tmp_path / "q8.gguf", llama, quantized=True)
        assert small.stat().st_size < gguf_file.stat().st_size * 2 / 3
        theirs, ours = ahead(llama, top_k=51), ahead(small, top_k=51)
        expected = {one["token"]: one["logprob"] for one in theirs["next"]}
        found = {one["token"]: one["logprob"] for one in ours["next"]}
        assert found == pytest.approx(expected, abs=0.3)

    def test_in_length_attention_and_dtype(self, gguf_file):
        result = loaded(gguf_file)
        assert (result.max_length, result.dtype) == (128, "float32")
        assert result.config._attn_implementation == "sdpa"
        assert loaded(gguf_file, dtype="bfloat16").dtype == "bfloat16"

    def test_silently(self, gguf_file, capfd):
        loaded(gguf_file)
        assert capfd.readouterr() == ("", "")


def test_from_the_command_line(gguf_file, tmp_path, tfcli):
    file = shutil.copy(gguf_file, tmp_path / "a tiny.GGUF")
    ended = tfcli("next", PROMPT, "-m", str(file), "--provenance", "-v")
    record = json.loads(ended.out)
    assert (ended.status, record["likeliest"]) == (0, ahead(gguf_file)["likeliest"])
    assert (record["model"], record["revision"]) == (str(file), None)
    assert (record["dtype"], record["device"]) == ("float32", "cpu")
    assert ended.err == f"model {file}, float32, on cpu\n"


def test_in_the_cache_it_has_the_commit_of_its_snapshot(gguf_file, tmp_path):
    snapshot = tmp_path / "models--org--name" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    assert loaded(shutil.copy(gguf_file, snapshot)).revision == "0" * 40


def test_the_end_of_a_turn_ends_the_text_too(changed):
    """A folder would say so in generation_config.json."""
    assert loaded(changed()).model.generation_config.eos_token_id == [2]
    path = changed(tokenizer__ggml__eot_token_id=7)
    assert loaded(path).model.generation_config.eos_token_id == [2, 7]


def test_what_lies_beside_it_is_never_read(gguf_copy):
    edit(gguf_copy.parent / "config.json", model_type="bert", auto_map={"AutoConfig": "evil.Evil"})
    edit(gguf_copy.parent / "tokenizer_config.json", tokenizer_class="Evil", chat_template="evil")
    for name in ("tokenizer.json", "generation_config.json", "chat_template.jinja"):
        (gguf_copy.parent / name).write_text("{")
    edit(gguf_copy.parent / "adapter_config.json", base_model_name_or_path="org/other")
    acting_code(gguf_copy.parent / "evil.py")
    acting_pickle(gguf_copy.parent / "pytorch_model.bin")
    result = loaded(gguf_copy, trust_remote_code=True)
    assert result.tokenizer.chat_template is None
    assert result.model.generation_config.eos_token_id == [2]
    assert not Path(MARKER).exists()


class TestNames:
    def test_a_file_that_is_not_there_is_said(self):
        for name in ("tiny.gguf", "org/tiny.gguf", "./TINY.GGUF"):
            with pytest.raises(ModelNotFoundError, match=f"There is no file {name}"):
                model_ref(name)

    def test_a_pipe_is_no_file(self):
        os.mkfifo("pipe.gguf")
        with pytest.raises(ModelNotFoundError, match="There is no file"):
            model_ref("pipe.gguf")

    @pytest.mark.parametrize("with_config", [True, False])
    def test_of_a_folder_the_file_is_to_be_named(self, gguf_copy, with_config):
        if with_config:
            edit(gguf_copy.parent / "config.json", model_type="llama")
        with refused(ModelNotFoundError, "taken by name") as caught:
            loaded(gguf_copy.parent)
        assert caught.value.hint == f"-m {gguf_copy}"


class TestWithoutTheExtra:
    MISSING = "import sys; sys.modules['gguf'] = None; "

    def test_the_command_that_installs_it_is_named(self, gguf_file, monkeypatch):
        monkeypatch.setitem(sys.modules, "gguf", None)
        for missed in (lambda: model_ref(str(gguf_file)), lambda: loaded(gguf_file)):
            with pytest.raises(UsageError, match="GGUF files take the package gguf") as caught:
                missed()
            assert (caught.value.status, caught.value.hint) == (2, 'pip install "tfcli[gguf]"')

    def test_so_is_it_where_transformers_is_too_old(self, gguf_file, monkeypatch):
        monkeypatch.setattr("importlib.metadata.version", lambda name: "5.17.0")
        with pytest.raises(UsageError, match="a newer transformers"):
            model_ref(str(gguf_file))

    def test_nothing_heavy_is_imported_to_see_that(self, gguf_file):
        program = (
            f"{self.MISSING}from tfcli.models.resolve import model_ref\n"
            f"try: model_ref({str(gguf_file)!r})\n"
            "except Exception as exc: print(exc.status, {'torch', 'numpy'} & set(sys.modules))"
        )
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
        assert ended.stdout == b"2 set()\n"


class TestNoModel:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"general__type": "adapter"}, "holds no model: its general.type is 'adapter'"),
            ({"split__count": 3}, "a part of a model"),
            ({"general__architecture": "clip"}, "cannot read the architecture 'clip' from GGUF"),
            ({"tokenizer__ggml__model": "rwkv"}, "no whole model: .* tokenizer 'rwkv'"),
        ],
    )
    def test_other_files_of_llama_cpp(self, changed, changes, said):
        path = changed(**changes)
        with refused(ModelNotFoundError, said):
            loaded(path)

    @pytest.mark.parametrize(
        ("settings", "said"),
        [([], "names no general.architecture"), (["llama"], "has no tensors")],
    )
    def test_a_file_without_a_model(self, gguf_copy, settings, said):
        named = [setting("general.architecture", 8, text(name)) for name in settings]
        gguf_copy.write_bytes(head(*named))
        with refused(ModelNotFoundError, said):
            loaded(gguf_copy)

    @pytest.mark.parametrize("task", ["sentiment", "qa"])
    def test_a_task_that_needs_a_trained_head(self, gguf_file, task):
        more = {"context": "the film"} if task == "qa" else {}
        with pytest.raises(UnfitModelError, match="without a trained head"):
            list(run(task, PROMPT, model=str(gguf_file), **more))


class TestHeads:
    @pytest.mark.timeout(60)
    @pytest.mark.parametrize(
        "changes",
        [
            {"llama__block_count": 1_001},
            {"llama__block_count": -1},
            {"llama__block_count": 1_000},
            {"llama__context_length": (1 << 24) + 1},
            {"llama__embedding_length": 1 << 24},
            {"llama__feed_forward_length": 1 << 24},
            {"llama__attention__head_count": [1 << 30, 4]},
            {"llama__rope__dimension_count": 1 << 24},
            {"llama__vocab_size": 1 << 24},
            {"llama__embedding_length": float("nan")},
        ],
        ids=str,
    )
    def test_of_far_larger_models_are_refused(self, changed, changes):
        path = changed(**changes)
        with refused(UnsafeModelError, "which no model has|far larger than its weights"):
            loaded(path)

    def test_whose_weights_do_not_fit_the_memory_are_refused(self, gguf_copy):
        """A terabyte of zeros that takes no room on the disk; none of it is unpacked."""
        patch(gguf_copy, text("token_embd.weight"), "QQ", 1 << 20, 1 << 18, skip=4)
        with gguf_copy.open("r+b") as file:
            file.truncate((1 << 40) + (1 << 20))
        with pytest.raises(ResourceError, match=r"does not fit into the memory: 1,099\.\d GB"):
            loaded(gguf_copy)


class TestVocabulary:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"tokens": None}, "has no vocabulary"),
            ({"tokens": [1, 2]}, "has no vocabulary"),
            ({"tokens": ["a", "b"]}, r"scores does not fit its 2 tokens"),
            ({"token_type": [1]}, r"token_type does not fit"),
            ({"scores": None}, "neither scores nor merges"),
            ({"eos_token_id": 51}, "eos_token_id is 51: no token"),
            ({"bos_token_id": -1}, "bos_token_id is -1: no token"),
            ({"padding_token_id": "</s>"}, "padding_token_id is '</s>': no token"),
            ({"eos_token_id": None}, "no token to fill up a row with"),
            ({"model": "gpt2", "merges": ["zz b"]}, "out of vocabulary"),
            ({"model": "gpt2", "merges": ["a b c"]}, "no whole model"),
            ({"model": "gpt2"}, "has 52 tokens, and the model knows 51"),
        ],
        ids=str,
    )
    def test_that_no_tokenizer_can_be_made_of(self, changed, changes, said):
        path = changed(**{f"tokenizer__ggml__{name}": value for name, value in changes.items()})
        with refused(ModelNotFoundError, said):
            loaded(path)

    def test_with_more_special_tokens_than_can_be_added(self, changed, monkeypatch):
        monkeypatch.setattr(gguf, "_MOST_SPECIAL", 1)
        path = changed()
        with refused(UnsafeModelError, "declares 2 special tokens"):
            loaded(path)


class TestContradictions:
    @pytest.mark.parametrize(
        "changes",
        [
            {"attention__head_count": 0},
            {"attention__head_count_kv": 4},
            {"attention__layer_norm_rms_epsilon": "x"},
            {"block_count": 3},
            {"rope__dimension_count": 7},
            {"vocab_size": 5},
            {"context_length": "x"},
        ],
        ids=str,
    )
    def test_of_the_head_and_the_weights_make_no_whole_model(self, changed, changes):
        path = changed(**{f"llama__{name}": value for name, value in changes.items()})
        with refused(ModelNotFoundError, "is no whole model: "):
            loaded(path)

    def test_that_only_computing_shows(self, gguf_file, monkeypatch):
        from transformers import LlamaForCausalLM

        def fail(*args, **kwargs):
            raise RuntimeError("shapes\nand all")

        monkeypatch.setattr(LlamaForCausalLM, "forward", fail)
        with refused(ModelNotFoundError, "it does not compute: shapes\\.$"):
            loaded(gguf_file)


class TestChatTemplate:
    def chat(self, model):
        options = {"chat": True, "greedy": True, "max_new_tokens": 1, "only_new": False}
        return next(run("generate", "good", model=str(model), **options))

    def test_of_the_file_is_rendered(self, changed):
        template = "{% for m in messages %}the {{ m.content }} film{% endfor %}"
        assert self.chat(changed(tokenizer__chat_template=template))["new_tokens"] == 1

    def test_that_is_no_text(self, changed):
        path = changed(tokenizer__chat_template=5)
        with refused(ModelNotFoundError, "chat template is no text"):
            loaded(path)

    @pytest.mark.parametrize(
        "template", ["{% for", "{{ raise_exception('x') }}", "{{ messages.__class__.__mro__ }}"]
    )
    def test_that_fails_or_looks_around(self, changed, template):
        path = changed(tokenizer__chat_template=template)
        with refused(UsageError, "The model's chat template: "):
            self.chat(path)


class TestTheLibraries:
    def test_compiled_code_is_never_fetched(self, gguf_file, monkeypatch):
        """As transformers would where the package kernels is installed, for some architectures."""
        from transformers.integrations import hub_kernels
        from transformers.integrations.gguf import kernels

        def installed(*args, **kwargs):
            return True

        def fetch(*args, **kwargs):
            raise AssertionError("fetched")

        monkeypatch.setattr(kernels, "is_kernels_available", installed)
        monkeypatch.setattr(hub_kernels, "get_kernel", fetch)
        with gguf.opened(gguf_file) as source:
            assert kernels.get_gguf_kernel() is False
            kernels.kernelize_ggml_layers(torch.nn.Linear(1, 1))  # imports kernels, if it may
            assert source.of_model["quantization_config"].dequantize
        assert kernels.is_kernels_available is installed

    def test_are_afterwards_as_they_were(self, gguf_file):
        import gguf as library

        before = dict(vars(library))
        loaded(gguf_file)
        assert dict(vars(library)) == before

    def test_of_the_file_nothing_is_left_behind(self, gguf_file, monkeypatch, tmp_path):
        (tmp_path / "tmp").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
        loaded(gguf_file)
        assert not list((tmp_path / "tmp").iterdir())
