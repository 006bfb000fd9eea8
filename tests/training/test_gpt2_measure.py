import math
from pathlib import Path

import pytest
import torch
from gpt2_starter.card import quote, write_card
from gpt2_starter.data import HeldOut
from gpt2_starter.export import export
from gpt2_starter.measure import PROMPTS, SAMPLING, Stored, windows
from gpt2_starter.model import Shape, initial_weights
from gpt2_starter.pieces import learn_pieces
from gpt2_starter.watch import bits_per_byte
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import log_softmax
from transformers import AutoModelForCausalLM, GPT2LMHeadModel

SHAPE = Shape(width=16, layers=2, heads=2, positions=12, pieces=300)
TEXT = "The old king saw seven wolves, and “no” 你好.\nHe went home; he was never seen again!"


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {n: w + 0.1 * torch.randn_like(w) for n, w in initial_weights(SHAPE, 1).items()}


@pytest.fixture(scope="module")
def folder(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    kinds = ("stories", "everyday", "plain", "ornate", "wiki")
    # Too little text for all the pieces asked for would give a smaller vocabulary.
    tokenizer = learn_pieces({kind: [TEXT, PROMPTS[0]] for kind in kinds}, SHAPE.pieces)
    assert tokenizer.get_vocab_size() == SHAPE.pieces
    return export(weights, SHAPE, tokenizer, tmp_path_factory.mktemp("stored"))


def test_export_loads_with_nothing_missing(weights: dict[str, Tensor], folder: Path) -> None:
    stored = load_file(folder / "model.safetensors")
    assert {weight.dtype for weight in stored.values()} == {torch.float16}
    assert "lm_head.weight" not in stored
    model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert isinstance(model, GPT2LMHeadModel)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert model.dtype == torch.float32
    assert model.lm_head.weight is model.transformer.wte.weight
    for name, weight in model.named_parameters():
        assert torch.equal(weight, weights[name].half().float()), name


def test_weight_too_large_for_float16_is_refused(
    weights: dict[str, Tensor], folder: Path, tmp_path: Path
) -> None:
    tokenizer = Stored(folder).tokenizer.backend_tokenizer
    name = "transformer.wpe.weight"
    with pytest.raises(ValueError, match=name):
        export(weights | {name: weights[name] + 1e6}, SHAPE, tokenizer, tmp_path)


@pytest.mark.parametrize("length", [2, 12, 13, 14, 19, 20, 60, 200])
def test_windows_count_every_id_once_with_half_a_window_before(length: int) -> None:
    counted = []
    for batch, known in windows(torch.arange(length), 12):
        for window in batch:
            assert len(window) <= 13
            counted += window[known + 1 :].tolist()
            assert window[0] == 0 or known == 6
    assert counted == list(range(1, length))


@pytest.mark.parametrize("text", ["A", TEXT, TEXT * 9])
def test_bits_per_byte_are_those_of_a_plain_computation(folder: Path, text: str) -> None:
    stored = Stored(folder)
    ids = [stored.tokenizer.eos_token_id, *stored.tokenizer(text).input_ids]
    bits = 0.0
    for place in range(1, len(ids)):
        start = max(0, (place - 1 - 6) // 6 * 6)  # the window in whose second half it is
        with torch.inference_mode():
            logits = stored.model(torch.tensor([ids[start:place]])).logits[0, -1]
        bits -= log_softmax(logits, dim=-1)[ids[place]].item() / math.log(2)
    score = stored.score([HeldOut("", text)] * 2)
    assert score.bits_per_byte == pytest.approx(bits / len(text.encode()), rel=1e-4)
    assert score.tokens == 2 * (len(ids) - 1)
    assert score.bytes == 2 * len(text.encode())


def test_watched_bits_per_byte_are_the_measured_ones(folder: Path) -> None:
    stored = Stored(folder)
    weights = dict(stored.model.named_parameters())
    text = "The old king"
    ids = [stored.tokenizer.eos_token_id, *stored.tokenizer(text).input_ids]
    assert len(ids) <= 13
    widths = [len(piece) for piece in stored.tokenizer.convert_ids_to_tokens(range(SHAPE.pieces))]
    watched = bits_per_byte(weights, [ids], widths, SHAPE.heads)
    assert watched == pytest.approx(stored.score([HeldOut("", text)]).bits_per_byte, rel=1e-4)


def test_samples_are_the_same_each_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SAMPLING, "max_new_tokens", 2)
    monkeypatch.setattr("gpt2_starter.measure.PROMPTS", ("The king", "He went"))
    samples = Stored(folder).samples()
    assert samples == Stored(folder).samples()
    assert samples[0].startswith("The king")


def test_card_says_what_was_measured(folder: Path, tmp_path: Path) -> None:
    score = Stored(folder).score([HeldOut("A/Book", TEXT)])
    samples = [f"{prompt} he said.\nShe *smiled*." for prompt in PROMPTS]
    write_card(tmp_path, SHAPE, 5_000_000, (score, score), [HeldOut("A/Book", TEXT)], samples)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert card.count(f"{score.bits_per_byte:.3f}") == 4
    assert "*Book*" in card
    assert all(f"> **{prompt}** he said." in card for prompt in PROMPTS)
    assert "{" not in card.split("---")[2]


def test_quoted_marks_stay_marks() -> None:
    assert quote("A", " *b*\n<c>") == "> **A** \\*b\\*\\\n> \\<c>"
