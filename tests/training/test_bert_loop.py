from pathlib import Path

import pytest
import torch
from bert_starter.export import export
from bert_starter.loop import train
from bert_starter.model import TwoHeads, sentiment_loss, span_loss, starter_config
from bert_starter.optimizer import Masters, Rates, rate_scale
from bert_starter.rows import CLS, SEP, SentimentRow, SpanRow
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from transformers import AutoModelForQuestionAnswering, AutoModelForSequenceClassification

SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 200,
}


@pytest.fixture
def model() -> TwoHeads:
    torch.manual_seed(1)
    return TwoHeads(starter_config(**SHAPE)).eval()


@pytest.fixture
def steps() -> list[tuple[list[SpanRow], list[SentimentRow]]]:
    spans = [SpanRow([CLS, 5, SEP, 10 + i, 11, 12, SEP], 3, 4, 5) for i in range(4)]
    feelings = [
        SentimentRow([CLS, 20 + i, SEP], positivity=float(i % 2), weight=1.0) for i in range(6)
    ]
    return [(spans, feelings)] * 12


def test_interrupted_run_ends_with_the_same_weights(
    steps: list[tuple[list[SpanRow], list[SentimentRow]]], tmp_path: Path
) -> None:
    def run(work: Path, until: int | None = None) -> Masters:
        torch.manual_seed(1)
        work.mkdir(exist_ok=True)
        fresh = TwoHeads(starter_config(**SHAPE))
        return train(fresh, steps, work, Rates(), dropout=True, until=until, log=lambda _: None)

    whole = run(tmp_path / "whole")
    run(tmp_path / "parts", until=5)
    resumed = run(tmp_path / "parts")
    for name, weight in whole.weights.items():
        assert torch.equal(weight, resumed.weights[name]), name
        assert torch.equal(whole.average[name], resumed.average[name]), name


def test_checkpoint_of_another_plan_is_refused(
    model: TwoHeads, steps: list[tuple[list[SpanRow], list[SentimentRow]]], tmp_path: Path
) -> None:
    train(model, steps, tmp_path, Rates(), until=1, identity="a", log=lambda _: None)
    with pytest.raises(ValueError, match="another plan"):
        train(model, steps, tmp_path, Rates(), identity="b", log=lambda _: None)


def test_shorter_plan_goes_on_from_the_same_share_of_the_way(
    steps: list[tuple[list[SpanRow], list[SentimentRow]]], tmp_path: Path
) -> None:
    lines: list[str] = []
    for plan, until in ((steps, 6), (steps[:8], None)):
        model = TwoHeads(starter_config(**SHAPE))
        train(model, plan, tmp_path, Rates(), until=until, log=lines.append)
    assert lines == ["going on from step 4"]


def test_both_losses_fall(
    model: TwoHeads, steps: list[tuple[list[SpanRow], list[SentimentRow]]], tmp_path: Path
) -> None:
    spans, feelings = steps[0]
    before = span_loss(model, spans).item(), sentiment_loss(model, feelings).item()
    train(model, steps, tmp_path, Rates(encoder=1e-3, heads=1e-2), log=lambda _: None)
    model.eval()
    after = span_loss(model, spans).item(), sentiment_loss(model, feelings).item()
    assert after[0] < before[0]
    assert after[1] < before[1]


def test_rate_rises_then_falls_to_nothing() -> None:
    scales = [rate_scale(step, 100) for step in range(100)]
    assert scales[4] == max(scales) == 1.0
    assert scales[0] == pytest.approx(0.2)
    assert scales[-1] == pytest.approx(0.0)


def test_padding_changes_nothing(model: TwoHeads) -> None:
    short = torch.tensor([[CLS, 5, 6, SEP]])
    padded = torch.tensor([[CLS, 5, 6, SEP, 0, 0]])
    alone = model.sentiment(short, (short != 0).long())
    torch.testing.assert_close(model.sentiment(padded, (padded != 0).long()), alone)


@pytest.mark.parametrize(
    "auto_class", [AutoModelForSequenceClassification, AutoModelForQuestionAnswering]
)
def test_export_loads_with_nothing_missing(
    model: TwoHeads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auto_class: type
) -> None:
    small = {**SHAPE, "model_type": "bert", "dtype": "float32"}
    monkeypatch.setattr("bert_starter.export.CONFIG", small)
    tokenizer = Tokenizer(WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    folder = export(dict(model.named_parameters()), tokenizer, tmp_path)
    assert {w.dtype for w in load_file(folder / "model.safetensors").values()} == {torch.float16}

    loaded, info = auto_class.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert loaded.dtype == torch.float32
    ids = torch.tensor([[CLS, 5, SEP, 9, 11, SEP]])
    segments = torch.tensor([[0, 0, 0, 1, 1, 1]])
    mask = torch.ones_like(ids)
    with torch.inference_mode():
        outputs = loaded.eval()(input_ids=ids, attention_mask=mask, token_type_ids=segments)
        spans = model.spans(ids, mask, segments)
        if "start_logits" in outputs:
            torch.testing.assert_close(outputs.start_logits, spans[..., 0], atol=1e-3, rtol=1e-2)
        else:
            first = model.hidden(ids, mask, segments)[:, 0]
            pooled = torch.tanh(model.bert.pooler.dense(first))
            expected = model.classifier(pooled)
            torch.testing.assert_close(outputs.logits, expected, atol=1e-3, rtol=1e-2)
