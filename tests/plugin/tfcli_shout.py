"""Two tasks without a model and without torch, brought by an entry point as a package would."""

import time
from dataclasses import dataclass
from typing import Annotated

from tfcli.core.task import Failure, Field, Flag, NoOptions, Row


@dataclass(frozen=True, slots=True)
class ShoutOptions:
    """What ``tfcli shout`` takes."""

    times: Annotated[int, Flag("Say it this often.", min=1, max=9)] = 1
    pause: Annotated[float, Flag("Seconds to take for each batch.")] = 0.0
    until: Annotated[int | str | None, Flag("A number or a word.", choices=("all",), min=1)] = None
    loud: Annotated[tuple[str, ...], Flag("Ask for status 10 at this word.")] = ()


class Shout:
    """Say it louder."""

    name = "shout"
    summary = "Say it louder."
    examples = ("tfcli shout hello", "echo hello | tfcli shout")
    fields = (Field("text"),)
    options_type = ShoutOptions
    standard = ""
    auto_classes = ()

    def columns(self, options):
        return ("shouted", "length") if options.until is None else ("shouted", "length", "until")

    def preprocess(self, examples, loaded, options):
        rows = []
        for example in examples:
            text = example.fields["text"]
            if text == "too long":
                rows.append(Failure("too_long", "8 characters; 7 at most"))
            else:
                words = text.split()
                rows.append([Row({"text": word}) for word in words])
        return rows

    def forward(self, loaded, batch, options):
        time.sleep(options.pause)
        return [row.inputs["text"].upper() for row in batch.rows]

    def postprocess(self, example, rows, outputs, loaded, options):
        shouted = " ".join(list(outputs) * options.times)
        return {"shouted": shouted, "length": len(shouted), "until": options.until}

    def status(self, record, options):
        return 10 if record["shouted"] in options.loud else 0


class Find:
    """Where one text stands in another: a task with two fields."""

    name = "find"
    summary = "Say where a word stands in a context."
    examples = ("tfcli find word --context 'a word'", "tfcli find word < letter.txt")
    fields = (Field("word"), Field("context", whole=True, repeated=False))
    options_type = NoOptions
    standard = ""
    auto_classes = ()

    def columns(self, options):
        return ("at",)

    def preprocess(self, examples, loaded, options):
        return [[Row({"text": example.fields["context"]})] for example in examples]

    def forward(self, loaded, batch, options):
        return [row.inputs["text"] for row in batch.rows]

    def postprocess(self, example, rows, outputs, loaded, options):
        return {"at": outputs[0].find(example.fields["word"])}


SHOUT, FIND = Shout(), Find()
