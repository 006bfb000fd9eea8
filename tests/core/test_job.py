import pickle

import pytest

from tfcli.core.job import DTYPES, Job, ModelRef
from tfcli.core.task import NoOptions
from tfcli.errors import UsageError


def test_a_model_is_named_as_the_user_would_name_it():
    assert str(ModelRef("org/name", "714eb0f")) == "org/name@714eb0f"
    assert str(ModelRef("bert-starter")) == "bert-starter"


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:1", "xpu", "xpu:0"])
def test_devices_that_may_exist_are_taken(device):
    assert ModelRef("m", device=device).device == device


@pytest.mark.parametrize("device", ["", "gpu", "cuda:", "cuda:x", "cpu:0", "cuda:1 ", "mps:0"])
def test_devices_that_exist_nowhere_are_refused(device):
    with pytest.raises(UsageError, match="There is no device") as caught:
        ModelRef("m", device=device)
    assert caught.value.hint == "auto, cpu, cuda, cuda:1, mps, xpu"


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_named_is_taken(dtype):
    assert ModelRef("m", dtype=dtype).dtype == dtype


def test_another_dtype_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"There is no dtype 'int8'\.") as caught:
        ModelRef("m", dtype="int8")
    assert caught.value.hint == "auto, float32, bfloat16, float16"


def test_a_job_is_a_value_that_travels():
    job = Job("sentiment", ModelRef("org/name", "714eb0f", "float32", "cpu"), NoOptions())
    assert pickle.loads(pickle.dumps(job)) == job
    assert len({job, pickle.loads(pickle.dumps(job))}) == 1
