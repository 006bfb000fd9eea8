from tfcli.errors import (
    ModelNotFoundError,
    ResourceError,
    Terminated,
    TfcliError,
    UnfitModelError,
    UnsafeModelError,
    UsageError,
)


def test_each_error_has_the_exit_status_that_the_manual_promises():
    assert {error.__name__: error.status for error in (TfcliError, *all_errors())} == {
        "TfcliError": 1,
        "UsageError": 2,
        "UnfitModelError": 2,
        "ModelNotFoundError": 4,
        "UnsafeModelError": 5,
        "ResourceError": 6,
    }


def all_errors():
    return (UsageError, UnfitModelError, ModelNotFoundError, UnsafeModelError, ResourceError)


def test_every_error_is_a_tfcli_error_that_says_what_is_wrong():
    assert [str(error("no such thing")) for error in all_errors()] == ["no such thing"] * 5
    assert all(issubclass(error, TfcliError) for error in all_errors())


def test_a_hint_is_there_when_one_is_given():
    assert UsageError("wrong", hint="tfcli --help").hint == "tfcli --help"
    assert UsageError("wrong").hint == ""


def test_termination_passes_by_whoever_handles_errors():
    assert not issubclass(Terminated, Exception)
