"""Record what the translation pipeline of transformers 4.57 says: `translate.json`.

transformers 5 has no such pipeline. Make the tiny models with this project's environment, then
record with an environment that has `transformers==4.57.6` and `sentencepiece`:

    python tests/reference/translate.py make models
    OTHER/python tests/reference/translate.py record models > tests/reference/translate.json
"""

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

TEXTS = ["the film is great", "i love it, and the plot is not very bad", "good", "42 films of 你好"]
SETTINGS = [{}, {"num_beams": 1, "max_new_tokens": 9}, {"num_beams": 3, "max_new_tokens": 14}]
WAYS = {
    "marian": [("en", "de", "translation", {})],
    "marian-many": [("en", "fr", "translation", {}), ("en", "zh-Hant", "translation", {})],
    "mbart50": [("en", "de", "translation", {"src_lang": "en_XX", "tgt_lang": "de_DE"})],
    "m2m_100": [
        ("en", "de", "translation", {"src_lang": "en", "tgt_lang": "de"}),
        ("zh", "en", "translation", {"src_lang": "zh", "tgt_lang": "en"}),
    ],
    "nllb": [
        ("en", "de", "translation", {"src_lang": "eng_Latn", "tgt_lang": "deu_Latn"}),
        ("de", "zh", "translation", {"src_lang": "deu_Latn", "tgt_lang": "zho_Hans"}),
    ],
    "t5": [("en", "de", "translation_en_to_de", {}), ("en", "fr", "translation_en_to_fr", {})],
}
"""For each model: from, to, and how the pipeline is told."""
BEFORE = {"fr": ">>fra<< ", "zh-Hant": ">>cmn_Hant<< "}
"""What its users write themselves before a text, for Marian models of several targets."""


def make(folder: Path) -> None:
    """Write the tiny models."""
    sys.path.insert(0, str(ROOT / "tests/support"))
    from tiny_seq2seq import make_seq2seq

    for family in WAYS:
        make_seq2seq(folder / family, family)


def record(folder: Path) -> None:
    """Print the pipeline's translations as JSON."""
    import transformers

    transformers.logging.set_verbosity_error()
    cases = []
    for family, ways in WAYS.items():
        for source, target, task, told in ways:
            pipeline = transformers.pipeline(task, model=str(folder / family), device="cpu")
            before = BEFORE[target] if family == "marian-many" else ""
            for text in TEXTS:
                for settings in SETTINGS:
                    (found,) = pipeline(before + text, **told, **settings)
                    said = {"model": family, "from": source, "to": target, "text": text}
                    cases.append(
                        {**said, "settings": settings, "translation": found["translation_text"]}
                    )
    hashes = {
        family: hashlib.sha256((folder / family / "model.safetensors").read_bytes()).hexdigest()
        for family in WAYS
    }
    report = {"transformers": transformers.__version__, "sha256": hashes, "cases": cases}
    print(json.dumps(report, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder]:
            make(Path(folder))
        case ["record", folder]:
            record(Path(folder))
        case _:
            sys.exit(__doc__)
