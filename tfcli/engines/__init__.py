"""Where the work runs. An engine takes a job and windows of examples, and gives records."""

from collections.abc import Callable, Iterable, Iterator

from tfcli.core.batches import Window
from tfcli.core.job import Job
from tfcli.core.record import Event

Engine = Callable[[Job, Iterable[Window]], Iterator[Event]]
