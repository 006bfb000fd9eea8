"""Write tfcli/models/families.json: the classes of each model type that reads text.

    python tools/families.py                     from the version of transformers that is installed
    python tools/families.py --check             compare, with the version that the file names

Where another version is installed, ``--check`` takes the named one from PyPI, for itself alone.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

FILE = Path(__file__).parents[1] / "tfcli" / "models" / "families.json"

READ = """
import json
from transformers.models.auto import configuration_auto, modeling_auto, tokenization_auto

families = {name: {} for name in configuration_auto.CONFIG_MAPPING_NAMES}
for name, one in sorted(vars(modeling_auto).items()):
    mapping = getattr(one, "_model_mapping", None)
    if name.startswith("AutoModel") and mapping is not None:
        for family, classes in mapping._model_mapping.items():
            families.setdefault(family, {})[name] = classes
# Llama and many others have no tokenizer class: their checkpoints bring what is needed.
own = {name for name, tokenizer in tokenization_auto.TOKENIZER_MAPPING_NAMES.items() if tokenizer}
models = {f"AutoModelFor{kind}" for kind in ("CausalLM", "MaskedLM", "Seq2SeqLM")}
reads = {
    name: classes
    for name, classes in sorted(families.items())
    if name in own or (models & classes.keys() and "AutoModelForSpeechSeq2Seq" not in classes)
}
print(json.dumps(reads))
"""


def generated(release: str, packages: Path | None = None) -> str:
    """The text of the file; ``packages`` is a folder that holds the release."""
    code = f"import sys; sys.path.insert(0, {str(packages)!r})\n{READ}" if packages else READ
    child = [sys.executable, "-W", "ignore", "-c", code]
    families = json.loads(subprocess.run(child, check=True, stdout=subprocess.PIPE).stdout)
    lines = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in families.items())
    return f'{{\n  "transformers": "{release}",\n  "families": {{\n{lines}\n  }}\n}}\n'


def named() -> str:
    """The file as the release that it names makes it."""
    release = json.loads(FILE.read_text(encoding="utf-8"))["transformers"]
    if release == version("transformers"):
        return generated(release)
    with tempfile.TemporaryDirectory() as folder:
        wanted = ["--no-deps", "--target", folder, f"transformers=={release}"]
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", *wanted], check=True)
        return generated(release, Path(folder))


def main() -> int:
    """Write or compare; the exit status is 1 where the file is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    if not parser.parse_args().check:
        FILE.write_text(generated(version("transformers")), encoding="utf-8")
        return 0
    if named() == FILE.read_text(encoding="utf-8"):
        return 0
    print(f"{FILE} is not what its version of transformers says: python {sys.argv[0]}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
