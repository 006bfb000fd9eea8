"""What goes wrong with the Hub, in words, with the next command to type."""

import threading

import pytest
from hub import COMMIT

from tfcli.errors import ModelNotFoundError, TfcliError
from tfcli.models.cache import repo_folder
from tfcli.models.hub import fetch
from tfcli.models.resolve import model_ref
from tfcli.models.trouble import shown

QUESTION = "GET /api/models/org/tiny"
NOT_FOUND = {"status": 401, "headers": {"X-Error-Code": "RepoNotFound"}}


def refused(name="org/tiny"):
    """The error, and that it leaves no model behind."""
    with pytest.raises(TfcliError) as caught:
        fetch(model_ref(name))
    assert "\n" not in str(caught.value)
    assert not (repo_folder("org/tiny") / "refs").exists()
    return caught.value


class TestWhatTheHubDoesNotGive:
    @pytest.mark.parametrize("like", [QUESTION, "HEAD "], ids=["asked", "fetched"])
    def test_a_gated_model(self, hub, like):
        hub.fail(like, status=403, headers={"X-Error-Code": "GatedRepo"})
        error = refused()
        assert error.status == 4
        assert str(error).startswith("org/tiny is gated: its authors let you in once")
        assert error.hint == f"Accept them on {hub.address}/org/tiny, then type: hf auth login"

    @pytest.mark.parametrize("fault", [NOT_FOUND, {"status": 404}, {"status": 401}], ids=str)
    def test_a_private_model_or_none(self, hub, fault):
        hub.fail(QUESTION, **fault)
        error = refused()
        assert error.status == 4
        assert str(error) == f"The Hub at {hub.address} has no model 'org/tiny' that you may read."
        assert error.hint.endswith(" If it is private, type: hf auth login")

    def test_a_revision(self, hub):
        error = refused("org/tiny@v9")
        assert (error.status, str(error)) == (4, "org/tiny has no revision 'v9'.")
        assert f"{hub.address}/org/tiny/tree/main" in error.hint

    def test_a_file_that_it_has_listed(self, hub):
        hub.fail("HEAD .*safetensors", status=404, headers={"X-Error-Code": "EntryNotFound"})
        with pytest.raises(TfcliError, match=r"did not give org/tiny: 404 Not Found\."):
            fetch(model_ref("org/tiny"))

    def test_a_disabled_model(self, hub):
        headers = {"X-Error-Message": "Access to this resource is disabled."}
        hub.fail(QUESTION, status=403, headers=headers)
        assert str(refused()).endswith("has disabled org/tiny.")

    def test_what_it_says_itself_is_passed_on(self, hub):
        hub.fail(QUESTION, status=403, headers={"X-Error-Message": "Your token may not do this"})
        assert str(refused()).endswith("did not give org/tiny: 403 Your token may not do this.")

    def test_anything_for_a_bad_token(self, hub):
        headers = {"X-Error-Message": "Invalid credentials in Authorization header"}
        hub.fail(QUESTION, status=401, headers=headers)
        error = refused()
        assert str(error).endswith("does not take your token.")
        assert "hf auth login" in error.hint

    def test_an_impossible_name(self, hub):
        assert str(refused("org/na--me")) == "'org/na--me' is no name that the Hub takes."
        assert hub.asked == []


class TestNearNames:
    @pytest.mark.parametrize("name", ["ogr/tiny", "org/tyni", "org/tiny-2"])
    def test_are_looked_for_on_the_hub(self, hub, name):
        hub.others = ["org/else", "other/thing"]
        assert refused(name).hint.startswith("Did you mean org/tiny")

    def test_are_three_at_most(self, hub):
        hub.others = [f"org/tiny{i}" for i in range(9)]
        assert refused("org/tinyx").hint.count("org/") == 3

    @pytest.mark.parametrize("fault", [{"status": 500}, {"silent": True}, {"cut": 3}], ids=str)
    def test_nobody_hears_of_a_search_that_fails(self, hub, fault, monkeypatch):
        monkeypatch.setattr("tfcli.models.trouble._SEARCH_PATIENCE", 0.2)
        hub.fail(r"GET /api/models\?", **fault)
        assert refused("org/tyni").hint == "Check the name. If it is private, type: hf auth login"


class TestTooManyQuestions:
    @pytest.mark.parametrize(
        ("headers", "when"),
        [
            ({}, "later"),
            ({"Retry-After": "42"}, "in 42 seconds"),
            ({"Retry-After": "Fri, 31 Dec 1999"}, "after Fri, 31 Dec 1999"),
            ({"ratelimit": '"api";r=0;t=55'}, "in 55 seconds"),
        ],
        ids=str,
    )
    def test_says_when_to_ask_again(self, hub, headers, when):
        hub.fail(QUESTION, status=429, headers=headers)
        error = refused()
        assert error.status == 1
        assert str(error).endswith("is asked too often from here (429).")
        assert error.hint == f"Try again {when}. With a token more is allowed: hf auth login"


def test_what_is_no_hub_is_said(hub, monkeypatch):
    """A login page of the network, say: 200, and no JSON."""
    monkeypatch.setattr(hub, "answer", lambda path, query: (200, {}, b"<html>Welcome!"))
    error = refused()
    assert (error.status, str(error)[:30]) == (1, "What answers at http://127.0.0")
    assert "is not the Hub (" in str(error)
    assert "HF_ENDPOINT" in error.hint


def test_a_name_server_that_is_silent_is_given_up(hub, monkeypatch):
    """No timeout of a request bounds it."""
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.1")
    asking = threading.Event()
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *args, **kwargs: asking.wait())
    error = refused()
    assert error.status == 4
    assert str(error).endswith(" cannot be reached (timed out).")


@pytest.mark.parametrize("commit", ["../../..", "main", ""])
def test_neither_is_what_names_no_commit(hub, commit):
    hub.commits["main"] = commit
    assert "is not the Hub (" in str(refused())


def test_a_full_disk_under_xet_is_known_by_its_words(hub, monkeypatch):
    def full(*args, **kwargs):
        raise RuntimeError("Data processing error: No space left on device (os error 28)")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", full)
    assert str(refused()).startswith("No space for org/tiny in ")


def test_what_came_whole_is_kept_and_named_when_typed_again(hub, waits):
    hub.fail("GET .*safetensors", status=500)
    with pytest.raises(TfcliError, match="is in trouble"):
        fetch(model_ref("org/tiny"))
    hub.faults.clear()
    hub.asked.clear()
    assert fetch(model_ref("org/tiny")).name == COMMIT
    assert hub.fetched() == ["model.safetensors"]


def test_a_proxy_that_is_not_there_is_said(hub, monkeypatch):
    from huggingface_hub import close_session

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    close_session()
    with pytest.raises(ModelNotFoundError, match="cannot be reached"):
        fetch(model_ref("org/tiny"))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("https://me:secret@hub.example/x", "https://…@hub.example/x"),
        ("me:secret@hub.example", "…@hub.example"),
        (
            "404 for http://secret@a/b and http://secret@c/d",
            "404 for http://…@a/b and http://…@c/d",
        ),
        ("https://huggingface.co/org/x@v1", "https://huggingface.co/org/x@v1"),
        ("Cannot connect", "Cannot connect"),
    ],
)
def test_no_password_of_an_address_is_shown(text, safe):
    assert shown(text) == safe


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 404},
        {"status": 403, "headers": {"X-Error-Code": "GatedRepo"}},
        {"status": 429},
        {"status": 500},
        {"silent": True},
    ],
    ids=str,
)
def test_no_password_is_in_what_went_wrong(hub, monkeypatch, waits, fault):
    monkeypatch.setenv("HF_ENDPOINT", hub.address.replace("//", "//me:secret@"))
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.2")
    hub.fail(QUESTION, **fault)
    error = refused()
    assert "secret" not in f"{error} {error.hint}"
    assert "//…@127.0.0.1" in f"{error} {error.hint}"


def test_no_password_is_in_what_is_no_hub(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.address.replace("//", "//me:secret@"))
    monkeypatch.setattr(hub, "answer", lambda path, query: (200, {}, b"<html>Welcome!"))
    assert str(refused()).startswith("What answers at http://…@127.0.0.1")
