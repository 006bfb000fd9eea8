"""Every error a user can see: what it is called, its exit status, its hint.

    TfcliError                1   a failure of the run
    ├── UsageError            2   the command line asks for what cannot be
    │   └── UnfitModelError   2   the model cannot do this task
    ├── ModelNotFoundError    4   no such model, or not cached while offline
    ├── UnsafeModelError      5   refused before loading
    └── ResourceError         6   out of memory, or the device is missing

What is wrong with one example is not an exception but a ``core.task.Failure``: a value that takes
the place of the results, while the run goes on (status 3).
"""

OK = 0
SOME_FAILED = 3
INTERRUPTED = 130
TERMINATED = 143


class Terminated(BaseException):
    """SIGTERM has come; like KeyboardInterrupt, it passes by whoever handles errors."""


class TfcliError(Exception):
    """Shown as ``Error:`` and ``Hint:``, without a traceback."""

    status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(TfcliError):
    """The command line, or the arguments of ``tfcli.run``, ask for what cannot be."""

    status = 2


class UnfitModelError(UsageError):
    """The model is there, and is not one for this task."""


class ModelNotFoundError(TfcliError):
    """No model of that name is at hand."""

    status = 4


class UnsafeModelError(TfcliError):
    """Loading the model could do harm: run its author's code, lead elsewhere, fill the memory."""

    status = 5


class ResourceError(TfcliError):
    """The machine does not have what was asked for: memory, or a device."""

    status = 6


def first_line(exc: BaseException) -> str:
    """What a library's exception says, in one line; its name if it says nothing."""
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
