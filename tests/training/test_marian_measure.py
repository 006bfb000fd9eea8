import math
from pathlib import Path

import pytest
import torch
from marian_starter.card import cell, figures, write_card
from marian_starter.data import HeldOut
from marian_starter.export import export
from marian_starter.measure import SAMPLES, Stored, score
from marian_starter.model import Shape, initial_weights
from marian_starter.pieces import learn_pieces
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, MarianMTModel

from tfcli import run

TEXTS = ["The old king saw seven wolves.", "Der alte König sah sieben Wölfe.", *SAMPLES]


@pytest.fixture(scope="module")
def shape() -> Shape:
    return Shape(
        width=16, encoder_layers=2, decoder_layers=1, heads=2, inner=32, positions=64, pieces=360
    )


@pytest.fixture(scope="module")
def weights(shape: Shape) -> dict[str, Tensor]:
    torch.manual_seed(1)
    weights = initial_weights(shape, 1).items()
    return {n: w + (0.5 if w.dim() > 1 else 0.1) * torch.randn_like(w) for n, w in weights}


@pytest.fixture(scope="module")
def folder(
    weights: dict[str, Tensor], shape: Shape, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    # Too little text for all the pieces asked for would give a smaller vocabulary.
    tokenizer = learn_pieces(TEXTS * 3, shape.pieces)
    assert tokenizer.get_vocab_size() == shape.pieces
    return export(weights, shape, tokenizer, tmp_path_factory.mktemp("stored"))


def test_export_loads_with_nothing_missing(weights: dict[str, Tensor], folder: Path) -> None:
    stored = load_file(folder / "model.safetensors")
    assert {weight.dtype for weight in stored.values()} == {torch.float16}
    assert set(stored) == set(weights)
    model, info = AutoModelForSeq2SeqLM.from_pretrained(folder, output_loading_info=True)
    assert isinstance(model, MarianMTModel)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert model.dtype == torch.float32
    table = weights["model.shared.weight"].half().float()
    for tied in (model.lm_head, model.model.encoder.embed_tokens, model.model.decoder.embed_tokens):
        assert torch.equal(tied.weight, table)
    known = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, weight in weights.items():
        assert torch.equal(known[name], weight.half().float()), name


def test_settings_of_decoding_are_heard(folder: Path, shape: Shape) -> None:
    config = AutoModelForSeq2SeqLM.from_pretrained(folder).generation_config
    assert (config.num_beams, config.max_length) == (4, shape.positions)
    assert config.decoder_start_token_id == config.pad_token_id == shape.pieces - 1
    assert config.bad_words_ids == [[shape.pieces - 1]]


def test_weight_too_large_for_float16_is_refused(
    weights: dict[str, Tensor], folder: Path, shape: Shape, tmp_path: Path
) -> None:
    tokenizer = Stored(folder).tokenizer.backend_tokenizer
    name = "model.encoder.layers.1.fc1.weight"
    with pytest.raises(ValueError, match=name):
        export(weights | {name: weights[name] + 1e6}, shape, tokenizer, tmp_path)


@pytest.mark.parametrize("beams", [1, 4])
def test_tfcli_translates_as_it_was_measured(folder: Path, beams: int) -> None:
    records = run("translate", SAMPLES, model=str(folder), num_beams=beams)
    measured = Stored(folder).translate(SAMPLES, beams)
    assert [record["translation"] for record in records] == measured
    assert len(set(measured)) > 1


def test_batched_translations_are_the_single_ones(folder: Path) -> None:
    stored = Stored(folder)
    single = [stored.translate([text], 4)[0] for text in SAMPLES]
    assert stored.translate(SAMPLES, 4) == single


def test_tfcli_shows_cross_attention(folder: Path, shape: Shape) -> None:
    (record,) = run(
        "attn", ["machine learning"], model=str(folder), kind="cross", target="maschinelles Lernen"
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = MarianMTModel.from_pretrained(folder, attn_implementation="eager")
    batch = tokenizer(
        ["machine learning"], text_target=["maschinelles Lernen"], return_tensors="pt"
    )
    with torch.inference_mode():
        found = model(**batch, output_attentions=True).cross_attentions
    expected = torch.stack(found)[:, 0]  # (layer, head, query, key)
    assert expected.shape[:2] == (shape.decoder_layers, shape.heads)
    torch.testing.assert_close(torch.tensor(record["attention"]), expected, atol=1e-5, rtol=1e-4)


def test_score_counts_one_reference_or_all() -> None:
    held = [
        HeldOut("a", ("Er geht heute nach Hause.", "Er geht heute heim."), near=True),
        HeldOut("b", ("Sie schläft noch immer nicht.",), near=False),
    ]
    perfect = score(held, [one.targets[0] for one in held])
    assert (perfect.sentences, perfect.chrf, perfect.bleu) == (2, 100, pytest.approx(100))
    other = score(held, [one.targets[-1] for one in held])
    assert other.bleu < 90
    assert other.bleu_all == pytest.approx(100)
    assert math.isnan(score([], []).bleu)


def test_card_says_what_was_measured(folder: Path, shape: Shape, tmp_path: Path) -> None:
    held = [
        HeldOut(text, (TEXTS[1],), near)
        for text, near in zip(TEXTS, [True, False] * 6, strict=True)
    ]
    found = figures(Stored(folder), held)
    assert (found.beam.sentences, found.near.sentences, found.far.sentences) == (12, 6, 6)
    write_card(tmp_path, shape, 165_000, 12.0, found)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    for part in (found.greedy, found.beam, found.near, found.far):
        assert f"{part.chrf:.1f}" in card
        assert f"{part.bleu_all:.1f} |" in card
    assert all(f"| {source} | " in card for source in SAMPLES)
    assert "{" not in card.split("---")[2]


def test_marks_in_a_cell_stay_marks() -> None:
    assert cell("a|b *c*\n<d>") == "a\\|b \\*c\\* \\<d>"
