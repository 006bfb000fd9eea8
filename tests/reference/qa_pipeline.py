"""Record what the question-answering pipeline of transformers 4.57 says: `qa_pipeline.json`.

transformers 5 has no such pipeline. Make the tiny models with this project's environment, then
record with an environment that has `transformers==4.57.6`:

    python tests/reference/qa_pipeline.py make models
    OTHER/python tests/reference/qa_pipeline.py record models > tests/reference/qa_pipeline.json

The starter in `tfcli/models/starters` is recorded with them. Record again when it changes.
`OTHER/python tests/reference/qa_pipeline.py squad FILE COUNT` prints the answers to the
first questions of a file in SQuAD's format, for `pytest -m soak`.
"""

import hashlib
import json
import logging
import sys
from pathlib import Path

FAMILIES = ("bert", "roberta", "distilbert", "albert")
ROOT = Path(__file__).parents[2]
STARTER = ROOT / "tfcli/models/starters/bert-starter"

SETTINGS = [
    {"align_to_words": False},
    {"align_to_words": False, "top_k": 4},
    {"align_to_words": True},
    {"align_to_words": True, "top_k": 3},
    {"align_to_words": False, "handle_impossible_answer": True, "top_k": 3},
    {"align_to_words": False, "max_answer_len": 2, "top_k": 2},
]
TINY = [
    ("what is great?", "the film is great"),
    ("bad?", "the plot of the film was not very good and i hate it"),
    ("i love deep learning", "deep learning, deep learning: good. 42 films!"),
    ("film", "a film is a film, it is not a plot; and the film: great film"),
]
REAL = [
    (
        "What is the future of data science?",
        "Data science should abandon significance and apply machine lerning.",
    ),
    ("Where do I work?", "My name is Sylvain and I work at Hugging Face in Brooklyn"),
    (
        "When did the bridge open?",
        "The iron bridge across the Severn opened on New Year's Day 1781. It was designed by "
        "Thomas Pritchard, who died before the work began, and cast by Abraham Darby III. Tolls "
        "were paid by all who crossed it, the royal family included, until 1950.",
    ),
    (
        "Who paid no toll?",
        "The iron bridge across the Severn opened on New Year's Day 1781. Tolls were paid by all "
        "who crossed it, the royal family included, until 1950.",
    ),
    ("Wo wohnt Anna?", "Anna wohnt in Köln – im Café “Zum Dom”, 3. Stock. 😀 Ihr Hund auch."),
    ("安娜住在哪里？", "安娜住在北京。她的弟弟住在上海，爱吃面条。"),
    ("What does Tom eat?", "Tom eats fish. Tom sleeps.\r\nAnna eats fish, too; fish is cheap."),
]
LONG = [
    (
        "Who found the key?",
        "Nothing happened in the house that day, and nobody came to see whether anything would. "
        * 40
        + "In the evening Martha found the key under a stone. "
        + "The rain fell on the roof, and the wind was in the trees, and nobody came. " * 40,
    ),
]


def folders(made: Path) -> dict[str, Path]:
    """Every model by name."""
    return {family: made / family for family in FAMILIES} | {"starter": STARTER}


def make(made: Path) -> None:
    """Write the tiny models."""
    sys.path.insert(0, str(ROOT / "tests/support"))
    from tiny_models import make_answerer

    for family in FAMILIES:
        make_answerer(made / family, family)


def record(made: Path) -> None:
    """Print the pipeline's answers as JSON."""
    import transformers

    transformers.logging.set_verbosity_error()
    logging.captureWarnings(True)
    cases = []
    for name, folder in folders(made).items():
        pipeline = transformers.pipeline("question-answering", model=str(folder), device="cpu")
        asked = [*REAL, *LONG] if name == "starter" else TINY
        for question, context in asked:
            for settings in SETTINGS:
                given = pipeline(question=question, context=context, **settings)
                answers = given if isinstance(given, list) else [given]
                long = (question, context) in LONG
                cases.append(
                    {
                        "model": name,
                        "question": question,
                        "context": context,
                        "long": long,
                        "settings": settings,
                        "answers": answers,
                    }
                )
    hashes = {
        name: hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
        for name, folder in folders(made).items()
    }
    report = {"transformers": transformers.__version__, "sha256": hashes, "cases": cases}
    print(json.dumps(report, ensure_ascii=False, indent=1))


def squad(path: Path, count: int) -> None:
    """Print, as JSON, the pipeline's answers to questions whose context is one window."""
    import transformers

    transformers.logging.set_verbosity_error()
    pipeline = transformers.pipeline("question-answering", model=str(STARTER), device="cpu")
    asked = [
        {"question": entry["question"], "context": paragraph["context"]}
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for entry in paragraph["qas"]
    ]
    for one in [a for a in asked if len(pipeline.tokenizer(*a.values())["input_ids"]) <= 384][
        :count
    ]:
        for settings in ({"align_to_words": False}, {"align_to_words": True, "top_k": 3}):
            given = pipeline(**one, **settings)
            answers = given if isinstance(given, list) else [given]
            print(json.dumps({**one, "settings": settings, "answers": answers}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder]:
            make(Path(folder))
        case ["record", folder]:
            record(Path(folder))
        case ["squad", file, number]:
            squad(Path(file), int(number))
        case _:
            sys.exit(__doc__)
