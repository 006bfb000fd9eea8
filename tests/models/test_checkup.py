"""Each check finds what is wrong, with the way out, and nothing where nothing is."""

import shutil
import subprocess
import time
from types import SimpleNamespace

import pytest
from hub import COMMIT

from tfcli.models import checkup as module
from tfcli.models.cache import cache_folder, repo_folder
from tfcli.models.checkup import (
    CHECKS,
    OK,
    PROBLEM,
    WARNING,
    Finding,
    accelerator,
    cache,
    checks,
    hub,
    space,
    speed,
    versions,
)
from tfcli.models.hub import fetch
from tfcli.models.resolve import model_ref

XEON = {"name": "Xeon", "cores": 4, "usable_cores": 4, "instructions": ["avx2", "amx_bf16"]}
BUILD = {"cuda": None, "rocm": None, "capability": "AVX512", "threads": 4}


@pytest.fixture
def machine(monkeypatch):
    """A machine of four cores without a card, all well; what it is given changes it."""

    def plays(cards=(), cores=4, instructions=("avx2", "amx_bf16"), **build):
        monkeypatch.setattr(module, "graphics_cards", lambda: list(cards))
        monkeypatch.setattr(module, "usable_cores", lambda: cores)
        monkeypatch.setattr(module, "processor", lambda: XEON | {"instructions": instructions})
        monkeypatch.setattr(module, "torch_build", lambda: BUILD | build)

    plays()
    return plays


class TestAll:
    def test_find_something_each(self):
        found = list(checks())
        assert all(isinstance(finding, Finding) for finding in found)
        assert [*dict.fromkeys(finding.check for finding in found)] == [
            *("versions", "device", "speed", "space", "cache", "hub"),
        ]
        assert {finding.status for finding in found} <= {OK, WARNING, PROBLEM}
        assert all(finding.fix for finding in found if finding.status != OK)

    def test_are_told_one_by_one(self, monkeypatch):
        def breaks():
            raise AssertionError("too early")
            yield

        monkeypatch.setattr(module, "CHECKS", (CHECKS[0], breaks))
        assert next(checks()).check == "versions"


class TestVersions:
    @pytest.fixture
    def installed(self, monkeypatch):
        """Packages as they say that they are: their version and what they want."""
        known = {}

        def of(package):
            if package not in known:
                raise module.PackageNotFoundError(package)
            return known[package]

        monkeypatch.setattr(
            module, "distribution", lambda package: SimpleNamespace(requires=of(package)[1])
        )
        monkeypatch.setattr(module, "version", lambda package: of(package)[0])
        return known

    def test_fit_as_they_are_installed_here(self):
        assert list(versions()) == [
            Finding("versions", OK, "the installed packages fit each other")
        ]

    def test_that_do_not_fit_are_named(self, installed):
        installed["transformers"] = ("5.23.0", ["tokenizers<=0.23,>=0.22", "safetensors>=0.4.3"])
        installed["tokenizers"] = ("0.24.1", None)
        installed["safetensors"] = ("0.8.0", [])
        assert list(versions()) == [
            Finding(
                "versions",
                PROBLEM,
                "transformers wants tokenizers<=0.23,>=0.22, and tokenizers 0.24.1 is installed",
                "pip install 'tokenizers<=0.23,>=0.22'",
            )
        ]

    def test_that_are_not_there_are_named(self, installed):
        installed["tfcli"] = ("0.1.0", ["huggingface_hub>=1.31", "torch>=2.10"])
        installed["torch"] = ("2.13.0+cpu", [])
        (found,) = versions()
        assert found.message.endswith("and huggingface_hub none is installed")

    def test_may_be_before_a_release(self, installed):
        installed["tfcli"] = ("0.1.0", ["torch<2.14,>=2.10"])
        installed["torch"] = ("2.13.0.dev20261101+cu130", [])
        assert next(versions()).status == OK

    @pytest.mark.parametrize(
        "wanted",
        [
            "torch>=9; extra == 'gpu'",
            "torch>=9; python_version < '3'",
            "rich>=99",
        ],
    )
    def test_that_nobody_wants_here_are_passed_over(self, installed, wanted):
        installed["tfcli"] = ("0.1.0", [wanted])
        installed["torch"] = ("2.13.0", [])
        assert next(versions()).status == OK

    def test_are_looked_up_by_any_spelling(self, installed):
        installed["tfcli"] = ("0.1.0", ["huggingface-hub>=1.31"])
        installed["huggingface-hub"] = ("0.36.0", [])
        (found,) = versions()
        assert found.fix == "pip install 'huggingface-hub>=1.31'"


class TestTheDevice:
    @pytest.fixture(autouse=True)
    def _unseen(self, monkeypatch):
        """Torch sees no accelerator."""
        import torch

        monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
        self.torch = torch

    def test_that_torch_sees_is_well(self, machine, monkeypatch):
        monkeypatch.setattr(self.torch.accelerator, "is_available", lambda: True)
        monkeypatch.setattr(
            self.torch.accelerator, "current_accelerator", lambda: self.torch.device("cuda:0")
        )
        assert list(accelerator()) == [Finding("device", OK, "torch uses cuda:0")]

    def test_that_is_not_there_is_well_too(self, machine):
        said = "no accelerator; the processor runs the models"
        assert list(accelerator()) == [Finding("device", OK, said)]

    def test_that_torch_was_not_built_for_is_said(self, machine):
        machine(cards=["NVIDIA H100"])
        (found,) = accelerator()
        assert found.status == WARNING
        assert found.message == ("there is NVIDIA H100, and torch is a build for processors alone")
        assert found.fix.startswith("pip install --force-reinstall torch --index-url https://")

    @pytest.mark.parametrize(
        ("build", "made"), [({"cuda": "13.0"}, "CUDA 13.0"), ({"rocm": "7.2"}, "ROCm 7.2")]
    )
    def test_whose_driver_does_not_fit_is_said(self, machine, build, made):
        machine(cards=["a card of NVIDIA"], **build)
        (found,) = accelerator()
        assert (found.status, found.fix) == (WARNING, "nvidia-smi")
        assert f"torch, built for {made}, cannot use it" in found.message

    @pytest.mark.parametrize(("said", "status"), [("1\n", WARNING), ("0\n", OK), ("", OK)])
    def test_of_apple_under_an_intel_python_is_said(self, machine, monkeypatch, said, status):
        monkeypatch.setattr(module.sys, "platform", "darwin")
        monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
        answer = subprocess.CompletedProcess([], 0, said, "")
        monkeypatch.setattr(subprocess, "run", lambda *args, **how: answer)
        (found,) = accelerator()
        assert found.status == status


class TestSpeed:
    def test_is_well_on_a_good_machine(self, machine):
        said = "4 threads, AVX512; --dtype bfloat16 is quick here"
        assert list(speed()) == [Finding("speed", OK, said)]

    def test_says_where_bfloat16_gains_nothing(self, machine):
        machine(instructions=["avx2"])
        assert next(speed()).message.endswith("bfloat16 is no quicker here")

    @pytest.mark.parametrize("capability", ["DEFAULT", "NO AVX"])
    def test_of_a_processor_without_avx2_is_said(self, machine, capability):
        machine(capability=capability)
        (found,) = speed()
        assert (found.status, found.fix) == (WARNING, "grep -o -m1 avx2 /proc/cpuinfo")
        assert "offers no AVX2" in found.message

    @pytest.mark.parametrize(("cores", "wanted"), [(2, 2), (1.5, 1), (0.5, 1)])
    def test_of_more_threads_than_cores_is_said(self, machine, cores, wanted):
        machine(cores=cores)
        (found,) = speed()
        said = f"torch takes 4 threads, and {cores:g} cores are there for it"
        assert found == Finding("speed", WARNING, said, f"export OMP_NUM_THREADS={wanted}")

    @pytest.mark.parametrize("cores", [4, 3.5, 8])
    def test_of_threads_that_have_their_cores_is_well(self, machine, cores):
        machine(cores=cores)
        assert next(speed()).status == OK

    @pytest.mark.parametrize(
        ("named", "fix"),
        [
            ("OMP_NUM_THREADS", "unset OMP_NUM_THREADS"),
            ("MKL_NUM_THREADS", "unset MKL_NUM_THREADS"),
            (None, "nproc"),
        ],
    )
    def test_of_one_thread_beside_idle_cores_is_said(self, machine, monkeypatch, named, fix):
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            monkeypatch.delenv(name, raising=False)
        if named:
            monkeypatch.setenv(named, "1")
        machine(threads=1)
        (found,) = speed()
        assert (found.status, found.fix) == (WARNING, fix)

    def test_of_one_thread_on_one_core_is_well(self, machine):
        machine(threads=1, cores=1)
        assert next(speed()).status == OK

    def test_may_be_wrong_in_two_ways(self, machine):
        machine(threads=8, capability="DEFAULT")
        assert [found.status for found in speed()] == [WARNING, WARNING]


class TestSpace:
    @pytest.fixture
    def free(self, monkeypatch):
        """What the disk has left."""

        def has(gigabytes):
            usage = shutil.disk_usage(".")._replace(free=int(gigabytes * 1e9))
            monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

        return has

    @pytest.mark.parametrize(
        ("gigabytes", "status"), [(100, OK), (5, OK), (4.9, WARNING), (0.5, WARNING), (0, PROBLEM)]
    )
    def test_is_what_the_disk_has_left(self, free, gigabytes, status):
        free(gigabytes)
        (found,) = space()
        assert found.status == status
        assert found.message.startswith(f"{cache_folder()} has {gigabytes:.1f} GB left")
        assert found.fix == (None if status == OK else "export HF_HOME=/a/folder/with/space")

    def test_of_a_folder_that_is_not_ours_is_none(self, free, monkeypatch):
        free(100)
        monkeypatch.setattr(module.os, "access", lambda path, mode: False)
        (found,) = space()
        assert (found.status, found.message) == (
            WARNING,
            f"{cache_folder()} cannot be written to",
        )
        assert found.fix.startswith("export HF_HOME=")

    def test_in_the_place_of_a_file_is_none(self, free):
        free(100)
        cache_folder().parent.mkdir(parents=True)
        cache_folder().touch()
        assert next(space()).message == f"{cache_folder()} cannot be written to"


class TestTheCache:
    def test_that_is_empty_is_well(self):
        assert [found.status for found in cache()] == [OK]

    def test_that_is_whole_is_well(self, hub):
        fetch(model_ref("org/tiny"))
        (found,) = cache()
        assert found.status == OK
        assert found.message.startswith(f"1 model in {cache_folder()}")

    @pytest.mark.parametrize(
        ("name", "lost"),
        [("tokenizer.json", "link"), ("tokenizer.json", "blob"), ("model.safetensors", "blob")],
    )
    def test_with_a_model_that_is_not_whole_is_said(self, hub, name, lost):
        path = fetch(model_ref("org/tiny")) / name
        (path if lost == "link" else path.resolve()).unlink()
        said = f"org/tiny@{COMMIT[:7]} lacks {name}"
        fix = f"tfcli models pull org/tiny@{COMMIT[:7]}"
        assert list(cache()) == [Finding("cache", WARNING, said, fix)]

    def test_with_something_strange_is_said(self, hub):
        fetch(model_ref("org/tiny"))
        (cache_folder() / "notes").touch()
        (found,) = cache()
        assert found.status == WARNING
        assert "notes" in found.message

    def test_with_an_unfinished_model_says_what_finishes_it(self, hub):
        """The command that is offered does what it should."""
        from tfcli.models.hub import pull

        (fetch(model_ref("org/tiny")) / "model.safetensors").resolve().unlink()
        (found,) = cache()
        pull(model_ref(found.fix.removeprefix("tfcli models pull ")))
        assert next(cache()).status == OK
        assert repo_folder("org/tiny").is_dir()


class TestTheHub:
    """``online`` is the stand-in; ``hub`` is the check."""

    @pytest.fixture
    def online(self, request):
        return request.getfixturevalue("hub")

    def test_that_answers_is_well(self, online):
        (found,) = hub()
        assert found.status == OK
        assert found.message.startswith(f"{online.address} answers in 0.")
        assert online.asked == ["GET /api/models?limit=1"]

    def test_is_not_asked_offline(self, online, monkeypatch):
        monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
        (found,) = hub()
        assert (found.status, online.asked) == (OK, [])
        assert found.fix == "unset HF_HUB_OFFLINE TRANSFORMERS_OFFLINE"

    @pytest.mark.parametrize(
        "fault",
        [{"silent": True}, {"status": 503}, {"status": 401}, {"cut": 0}, {"cut": 1}],
        ids=str,
    )
    def test_that_does_not_answer_is_said_soon(self, online, fault, monkeypatch):
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.2")
        online.fail("GET /api/models", **fault)
        start = time.monotonic()
        (found,) = hub()
        assert time.monotonic() - start < 5
        assert found.status == WARNING
        assert found.message.startswith(f"{online.address} does not answer (")
        assert found.fix == "unset HF_ENDPOINT"

    def test_that_is_a_login_page_is_said(self, online, monkeypatch):
        monkeypatch.setattr(online, "answer", lambda path, query: (200, {}, b"<html>Log in"))
        assert next(hub()).status == WARNING

    def test_that_is_the_usual_one_has_a_mirror(self, online, monkeypatch):
        def silent(address):
            raise TimeoutError("timed out")

        monkeypatch.setenv("HF_ENDPOINT", "")
        monkeypatch.setattr(module, "_answer_time", silent)
        assert list(hub()) == [
            Finding(
                "hub",
                WARNING,
                "https://huggingface.co does not answer (timed out)",
                "export HF_ENDPOINT=https://hf-mirror.com",
            )
        ]

    def test_whose_address_is_none_is_a_problem(self, online, monkeypatch):
        monkeypatch.setenv("HF_ENDPOINT", "hf-mirror.com")
        (found,) = hub()
        assert found.status == PROBLEM
        assert found.fix == "export HF_ENDPOINT=https://hf-mirror.com"

    def test_that_is_waited_for_no_number_of_seconds_is_a_problem(self, online, monkeypatch):
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "soon")
        (found,) = hub()
        assert (found.status, found.fix) == (PROBLEM, "unset HF_HUB_ETAG_TIMEOUT")


@pytest.mark.parametrize("fault", [{}, {"status": 503}], ids=str)
def test_no_password_of_an_address_is_told(request, monkeypatch, fault):
    online = request.getfixturevalue("hub")
    monkeypatch.setenv("HF_ENDPOINT", online.address.replace("//", "//me:secret@"))
    if fault:
        online.fail("GET /api/models", **fault)
    (found,) = hub()
    assert "secret" not in found.message
    assert found.message.startswith("http://…@127.0.0.1")


class TestWhatIsStrangeInTheCache:
    def test_is_taken_away_by_its_whole_name(self):
        (cache_folder() / "models--a--b").mkdir(parents=True)
        for name in ("models--a--b c", "two words.txt"):
            (cache_folder() / name).touch()
        fixes = {found.fix for found in cache()} - {None}
        names = ("models--a--b c", "two words.txt")
        assert fixes == {f"rm -r '{cache_folder()}/{name}'" for name in names}

    def test_in_brackets_is_found_too(self):
        (cache_folder() / "what--is this").mkdir(parents=True)
        (found,) = cache()
        assert found.fix == f"rm -r '{cache_folder()}/what--is this'"

    def test_that_is_not_there_is_not_to_be_taken_away(self):
        (cache_folder() / "models--a--b").mkdir(parents=True)
        (found,) = cache()
        assert "models--a--b/snapshots" in found.message
        assert found.fix is None


def test_a_model_that_was_only_looked_at_is_well(request):
    request.getfixturevalue("hub")
    fetch(model_ref("org/tiny"), weights=False)
    assert next(cache()).status == OK
