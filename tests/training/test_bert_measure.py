import pytest
import torch
from bert_starter.measure import LONGEST_ANSWER, best_span, by_length, exact, f1, normalise


def test_normalise_is_squads() -> None:
    assert normalise("The  U.S. Army, a force") == ["us", "army", "force"]


@pytest.mark.parametrize(
    ("answer", "truth", "score"),
    [
        ("the Broncos", "Broncos!", 1.0),
        ("Denver Broncos", "Broncos", 2 / 3),
        ("b b", "b", 2 / 3),
        ("cat", "dog", 0.0),
        ("", "dog", 0.0),
    ],
)
def test_f1_counts_shared_words(answer: str, truth: str, score: float) -> None:
    assert f1(answer, truth) == pytest.approx(score)
    assert exact(answer, truth) == (score == 1.0)


def test_best_span_is_inside_and_in_order() -> None:
    starts = torch.tensor([9.0, 1.0, 5.0, 0.0, 9.0])
    ends = torch.tensor([9.0, 4.0, 0.0, 2.0, 9.0])
    inside = torch.tensor([False, True, True, True, False])
    assert best_span(starts, ends, inside) == (7.0, 2, 3)


def test_best_span_is_not_too_long() -> None:
    starts, ends = torch.zeros(60), torch.zeros(60)
    starts[0] = ends[59] = 5.0
    score, first, last = best_span(starts, ends, torch.ones(60, dtype=torch.bool))
    assert score == 5.0
    assert last - first < LONGEST_ANSWER


def test_batches_by_length_cover_everything() -> None:
    made = list(by_length([5, 400, 7, 3000, 6]))
    assert sorted(i for batch in made for i in batch) == list(range(5))
    assert made[0][0] == 0
