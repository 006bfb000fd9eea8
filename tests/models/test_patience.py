"""No wait without an end, and few words about the waits there are."""

import logging
import threading

import pytest

from tfcli.errors import UsageError
from tfcli.models.patience import patience, show_bars, tamed, within


class Request:
    def __init__(self, **timeout):
        self.extensions = {"timeout": timeout}


def bounded(**timeout):
    from huggingface_hub import get_session

    request = Request(**timeout)
    with tamed():
        for hook in get_session().event_hooks["request"][1:]:
            hook(request)
    return request.extensions["timeout"]


def test_it_is_shorter_with_a_copy_at_hand():
    assert patience(with_a_copy=True) < patience()


def test_the_users_own_is_the_one(monkeypatch):
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "7")
    assert patience() == patience(with_a_copy=True) == 7


@pytest.mark.parametrize("name", ["HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"])
@pytest.mark.parametrize("said", ["abc", "-1", "nan", "inf", "1e99"])
def test_what_is_no_number_of_seconds_is_a_usage_error(monkeypatch, name, said):
    monkeypatch.setenv(name, said)
    with pytest.raises(UsageError, match=f"{name} is no number of seconds: '{said}'") as caught:
        patience()
    assert caught.value.hint == f"unset {name}"


def test_a_call_is_not_waited_for_without_an_end():
    with pytest.raises(TimeoutError):
        within(0.01, threading.Event().wait)


def test_a_call_that_ends_returns_or_raises():
    assert within(10, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(10, lambda: 1 / 0)


def test_a_request_without_an_end_gets_one():
    assert bounded(read=None, connect=60, pool=2) == {"read": 10, "connect": 10, "pool": 2}


def test_a_longer_wait_is_the_users_choice(monkeypatch):
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "90")
    assert bounded(read=None, connect=60) == {"read": 90, "connect": 60}


def test_warnings_of_the_library_become_one_note(caplog, capfd):
    before = logging.getLogger("huggingface_hub").handlers
    with tamed():
        for number in (1, 2):
            logging.getLogger("huggingface_hub.utils._http").warning(
                "Retrying in %ds [Retry %d/5].", number, number
            )
    notes = [record.getMessage() for record in caplog.records if record.name == "tfcli"]
    assert notes == ["The Hub does not answer as it should; trying again."]
    assert capfd.readouterr().err == ""
    assert logging.getLogger("huggingface_hub").handlers is before


@pytest.mark.parametrize(("tty", "level", "shown"), [(1, 30, True), (0, 30, False), (1, 40, False)])
def test_bars_are_drawn_where_somebody_wants_to_see_them(monkeypatch, caplog, tty, level, shown):
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled

    monkeypatch.setattr("sys.stderr.isatty", lambda: bool(tty))
    caplog.set_level(level, logger="tfcli")
    with tamed():
        assert are_progress_bars_disabled()
        show_bars()
        assert are_progress_bars_disabled() is not shown
