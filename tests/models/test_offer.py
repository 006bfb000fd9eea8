"""What the Hub offers, judged by names alone."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tfcli.core.job import ModelRef
from tfcli.errors import ModelNotFoundError, UnsafeModelError
from tfcli.models.offer import has_weights, is_converted, names_in, require_model, require_weights

REF = ModelRef("org/tiny", "v1")


def offered(*names):
    return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in names])


class TestNames:
    def test_are_those_of_the_model_and_of_its_modules(self):
        found = offered("model.safetensors", "config.json", "1_Pooling/config.json", "onnx/a.onnx")
        assert names_in(found) == ["1_Pooling/config.json", "config.json", "model.safetensors"]

    def test_are_none_where_the_hub_tells_none(self):
        assert names_in(SimpleNamespace(siblings=None)) == []

    @pytest.mark.parametrize("name", ["model.safetensors", "fp16.safetensors"])
    def test_of_safetensors_are_weights(self, name):
        assert has_weights(["config.json", name])
        assert not has_weights(["config.json", f"{name}.index.json", "pytorch_model.bin"])


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.index.json"])
def test_a_folder_is_converted_once_it_has_what_loading_begins_with(name):
    Path("model-00001-of-00002.safetensors").touch()
    assert not is_converted(Path())
    Path(name).touch()
    assert is_converted(Path())


class TestRequireModel:
    def test_an_adapter_is_refused_whatever_lies_beside_it(self):
        with pytest.raises(UnsafeModelError, match="org/tiny@v1 is an adapter") as caught:
            require_model(REF, ["adapter_config.json", "config.json", "model.safetensors"])
        assert caught.value.hint == "Name a model that its adapter was merged into."

    def test_gguf_files_alone_are_to_be_named(self):
        with pytest.raises(ModelNotFoundError, match="GGUF files are models each") as caught:
            require_model(REF, ["a b.gguf", "config.json"])
        typed = "hf download org/tiny 'a b.gguf' --revision v1 --local-dir . — and then: "
        assert caught.value.hint == f"{typed}-m 'a b.gguf'"

    @pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
    def test_gguf_files_beside_weights_are_passed(self, name):
        require_model(REF, ["a.gguf", "config.json", name])

    def test_without_a_config_there_is_no_model(self):
        with pytest.raises(ModelNotFoundError, match=r"has no config\.json"):
            require_model(REF, ["model.safetensors"])


class TestRequireWeights:
    @pytest.mark.parametrize(
        "name", ["model.safetensors", "model.safetensors.index.json", "named.safetensors"]
    )
    def test_safetensors_pass(self, name):
        require_weights(REF, ["config.json", name])

    def test_pickles_are_refused_with_what_converts_them(self):
        with pytest.raises(UnsafeModelError, match=r"only pytorch_model\.bin") as caught:
            require_weights(REF, ["pytorch_model.bin", "tf_model.h5"])
        assert caught.value.hint.startswith(f"tfcli models pull {REF} makes safetensors")

    @pytest.mark.parametrize("name", ["tf_model.h5", "flax_model.msgpack", "model.onnx"])
    def test_weights_of_other_libraries_are_refused(self, name):
        with pytest.raises(UnsafeModelError, match=name) as caught:
            require_weights(REF, ["config.json", name])
        assert "convert" not in caught.value.hint

    def test_where_there_are_none_that_is_said(self):
        with pytest.raises(ModelNotFoundError, match=r"has no model\.safetensors"):
            require_weights(REF, ["config.json", "training_args.bin", "optimizer.pt"])
