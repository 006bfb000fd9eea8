"""What happens after every token: drawing, rows that are no numbers, stop texts."""

import numpy as np
import pytest
import torch
from chi_square import assert_drawn_from
from tiny_models import tokenizer_of

from tfcli.models.continuation import Prompt
from tfcli.models.steps import Draw, Sound, Stops, Unfinished


class TestDraw:
    SCORES = torch.tensor([[1.0, 0.0, -torch.inf, 2.0, 0.5]])

    def drawn(self, seeds, scores, steps=1):
        draw = Draw(seeds, steps)
        chosen = [draw(None, scores) for _ in range(steps)]
        assert all((one > -torch.inf).sum(-1).eq(1).all() for one in chosen)
        return torch.stack([one.argmax(-1) for one in chosen], 1)  # (row, step)

    def test_steps_of_a_row_are_drawn_independently(self):
        (row,) = self.drawn([5], self.SCORES, steps=4000)
        probabilities = self.SCORES.softmax(-1)[0].double()
        assert_drawn_from(np.bincount(row, minlength=5), probabilities.numpy())
        pairs = np.bincount(row[:-1] * 5 + row[1:], minlength=25)
        assert_drawn_from(pairs, torch.outer(probabilities, probabilities).flatten().numpy())

    def test_a_row_does_not_depend_on_the_others(self):
        together = self.drawn([3, 4, 5], self.SCORES.repeat(3, 1), steps=50)
        alone = self.drawn([4], self.SCORES, steps=50)
        assert torch.equal(together[1:2], alone)
        assert not torch.equal(together[0], together[1])

    def test_more_steps_begin_with_the_same_tokens(self):
        few, many = (self.drawn([9], self.SCORES, steps) for steps in (10, 50))
        assert torch.equal(few, many[:, :10])

    def test_what_has_no_probability_is_never_drawn(self):
        scores = torch.full((1, 6), -torch.inf)
        scores[0, 3] = 7.0
        assert set(self.drawn(range(200), scores.repeat(200, 1)).flatten().tolist()) == {3}

    @pytest.mark.parametrize(("number", "token"), [(0.0, 1), (0.4999, 1), (0.5, 3), (1.0, 3)])
    def test_nor_at_the_edges(self, number, token):
        draw = Draw([0], 1)
        draw.uniform[:] = number  # as it may be rounded to in single precision
        scores = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf]])
        assert draw(None, scores).argmax(-1).tolist() == [token]

    def test_scores_in_half_precision_are_drawn_as_they_are(self):
        scores = self.SCORES.bfloat16().repeat(3000, 1)
        drawn = self.drawn(range(3000), scores).flatten()
        assert_drawn_from(np.bincount(drawn, minlength=5), scores[0].double().softmax(-1).numpy())


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_rows_whose_scores_are_no_numbers_are_remembered(wrong):
    sound = Sound()
    scores = torch.tensor([[0.0, 1.0], [0.0, wrong], [-torch.inf, -torch.inf], [2.0, -torch.inf]])
    found = sound(None, scores)
    assert sound.bad.tolist() == [False, True, True, False]
    assert found.isfinite()[1:3].all()
    assert torch.equal(found[[0, 3]], scores[[0, 3]])
    sound(None, torch.zeros(4, 2))
    assert sound.bad.tolist() == [False, True, True, False]


def test_a_row_that_is_too_short_cannot_end():
    unfinished = Unfinished(torch.tensor([1, 0]), ends=[2])
    first, second = (unfinished(None, torch.zeros(2, 4)) for _ in range(2))
    assert first[:, 2].tolist() == [-torch.inf, 0.0]
    assert second[:, 2].tolist() == [0.0, 0.0]


def test_a_stop_text_is_found_in_what_is_new_alone():
    tokenizer = tokenizer_of("gpt2")
    ids = tokenizer("the end. The")["input_ids"]
    new = tokenizer(" film. And")["input_ids"]
    stops = Stops(tokenizer, [Prompt("", ids)], ["."])
    done = [bool(stops(torch.tensor([[*ids, *new[: i + 1]]]), None)) for i in range(len(new))]
    assert done.index(True) == new.index(tokenizer(".")["input_ids"][0])
