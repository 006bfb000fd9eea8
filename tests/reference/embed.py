"""Record what sentence-transformers says: `embed.json`.

Make the tiny models with this project's environment, then record with one that has
`sentence-transformers==6.2.0`:

    python tests/reference/embed.py make models
    OTHER/python tests/reference/embed.py record models > tests/reference/embed.json
"""

import hashlib
import json
import sys
from pathlib import Path

TEXTS = [
    "the film is great",
    "I hate it, very bad plot! é",
    "good",
    "of 42 films, the plot was not very good",
]
PROMPTS = {
    "config_sentence_transformers": {
        "prompts": {"query": "is it: ", "passage": ""},
        "default_prompt_name": "query",
    }
}
LOWER = {"sentence_bert_config": {"max_seq_length": 32, "do_lower_case": True}}
NEW = {"1_Pooling/config": {"embedding_dimension": 32, "pooling_mode": "cls"}}

MODELS = {
    "bert": {"family": "bert"},
    "bert-max": {"family": "bert", "pooling": "max", "normalize": False},
    "bert-prompts": {"family": "bert", "normalize": False, **PROMPTS},
    "bert-new": {"family": "bert", **NEW},
    "roberta-cls": {"family": "roberta", "pooling": "cls"},
    "roberta-lower": {"family": "roberta", "normalize": False, **LOWER},
    "xlm-roberta": {"family": "xlm-roberta"},
    "distilbert-max": {"family": "distilbert", "pooling": "max"},
    "mpnet": {"family": "mpnet"},
    "albert-cls": {"family": "albert", "pooling": "cls", "normalize": False},
    "gpt2-last": {"family": "gpt2", "pooling": "lasttoken", "normalize": False},
    "llama-last": {"family": "llama", "pooling": "lasttoken"},
    "t5": {"family": "t5", "normalize": False},
}
"""What `make_encoder` is told."""


def make(made: Path) -> None:
    """Write the tiny models."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
    from tiny_models import make_encoder

    for name, told in MODELS.items():
        make_encoder(made / name, **told)


def record(made: Path) -> None:
    """Print the vectors as JSON."""
    import sentence_transformers

    cases = []
    for name in MODELS:
        folder = made / name
        model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
        if model.tokenizer.pad_token is None:
            model.tokenizer.pad_token = model.tokenizer.eos_token
        vectors = [model.encode(text).tolist() for text in TEXTS]
        weights = (folder / "model.safetensors").read_bytes()
        cases.append(
            {
                "name": name,
                "model": MODELS[name],
                "sha256": hashlib.sha256(weights).hexdigest(),
                "vectors": [[round(number, 7) for number in vector] for vector in vectors],
            }
        )
    version = sentence_transformers.__version__
    print(json.dumps({"sentence-transformers": version, "texts": TEXTS, "cases": cases}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder]:
            make(Path(folder))
        case ["record", folder]:
            record(Path(folder))
        case _:
            sys.exit(__doc__)
