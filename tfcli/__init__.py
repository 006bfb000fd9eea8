"""Run Hugging Face models from the shell, and from Python with the same records."""

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike, fspath
from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "run"]


def run(
    task: str,
    examples: str | Mapping[str, str] | Iterable[str | Mapping[str, str]],
    *,
    model: str | PathLike[str] | None = None,
    device: str = "auto",
    dtype: str = "auto",
    provenance: bool = False,
    trust_remote_code: bool = False,
    ablate: str | None = None,
    **options: Any,
) -> Iterator[dict[str, Any]]:
    """Run a task, and give the records of the command line one by one.

    >>> next(run("sentiment", "It is great to learn deep learning."))["label"]
    'POSITIVE'

    Args:
        task: the name of a command, ``"sentiment"``.
        examples: one or many, each a text or a mapping of the task's fields to texts.
        model: a starter, a folder, a GGUF file, or ``org/name[@revision]``; as on the command line
            by default.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``xpu``.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        trust_remote_code: whether code that comes with the model may run.
        ablate: attention heads to switch off, ``"4.3,5"``.
        provenance: whether every record says ``model``, ``revision``, ``dtype`` and ``device``.
        **options: the command's own options, ``top_k=2`` for ``--top-k 2``, and fields that are
            the same for all examples, ``context="…"``; candidates are many, ``among=["…", "…"]``.

    Raises:
        tfcli.errors.TfcliError: what the command line would end with; a failed example is no
            exception, but a record with an ``error``.
    """
    from tfcli.core.batches import shared_fields, window_of, windows
    from tfcli.core.job import Job
    from tfcli.core.options import build
    from tfcli.core.record import only_records
    from tfcli.core.task import fits_of, standard_of
    from tfcli.engines import local
    from tfcli.formats.examples import Reading, example
    from tfcli.formats.rows import Parsed
    from tfcli.models.defaults import model_name
    from tfcli.models.resolve import model_ref
    from tfcli.tasks import task_named

    chosen = task_named(task)
    fields = {f: options.pop(f.name, None) for f in chosen.fields[1:]}
    given = {f.name: _given(f, text) for f, text in fields.items() if text is not None}
    built = build(chosen.options_type, options)
    ref = None
    if chosen.standard:
        name = None if model is None else fspath(model)
        named = model_name(task, name, standard_of(chosen, built), fits_of(chosen, built))
        ref = model_ref(named, dtype, device, trust_remote_code, ablate)
    job = Job(task, ref, built, provenance)
    reading = Reading(chosen.fields, given=given)
    texts = [examples] if isinstance(examples, (str, Mapping)) else examples
    made = (
        example(i, Parsed(None, _cells(text, chosen.fields[0].name)), None, reading)
        for i, text in enumerate(texts)
    )
    cut = windows(made, window_of(chosen, job.options), shared_fields(chosen))
    return only_records(local.run(job, cut))


def _given(field: Any, text: Any) -> Any:
    """A text for all examples; where each line is one, they may come one by one."""
    return "\n".join(text) if field.many and not isinstance(text, str) else text


def _cells(text: Any, first: str) -> dict[str, Any]:
    """A mapping as it is; anything else is the first field, and wrong there if it is no text."""
    return dict(text) if isinstance(text, Mapping) else {first: text}
