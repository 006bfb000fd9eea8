"""Texts written anew: whose settings hold, how much room there is."""

import pytest

from tfcli.core.job import ModelRef
from tfcli.errors import UsageError
from tfcli.models.load import load
from tfcli.models.seq2seq import UNSAID, plan_of, room, row_of, task_settings

pytestmark = pytest.mark.filterwarnings("ignore:Recommended")


@pytest.fixture
def loaded(seq2seq):
    return lambda family="bart", **config: load(
        ModelRef(seq2seq(family, **config), device="cpu"), lambda config: "AutoModelForSeq2SeqLM"
    )


def plan(loaded, beams=None, most=None, least=None, **settings):
    config = plan_of(loaded, settings, beams, most, least).config
    return config.num_beams, config.max_new_tokens, config.min_length, config.min_new_tokens


class TestWhoseSettingsHold:
    def test_an_option_beats_the_task_which_beats_the_checkpoint(self, loaded):
        model = loaded()
        assert plan(model)[:2] == (4, 23)
        assert plan(model, num_beams=2, max_length=9)[:2] == (2, 8)
        assert plan(model, num_beams=2, max_new_tokens=9)[:2] == (2, 9)
        assert plan(model, 3, 5, num_beams=2, max_length=9)[:2] == (3, 5)

    def test_where_nobody_says_anything_the_old_pipelines_do(self, loaded):
        generation = {"num_beams": None, "max_length": None}
        assert plan(loaded("t5", generation=generation))[:2] == (4, 256)
        assert plan(loaded("bart", generation=generation))[:2] == (4, 64)  # it has no more places

    def test_a_least_length_that_is_asked_for_replaces_the_checkpoints(self, loaded):
        model = loaded("t5")
        assert plan(model, min_length=9)[2:] == (9, None)
        assert plan(model, least=3, min_length=9)[2:] == (0, 3)

    def test_it_yields_to_a_shorter_most_one(self, loaded):
        model = loaded("t5")
        assert plan(model, most=9, min_length=9, min_new_tokens=12)[2:] == (None, None)
        assert plan(model, most=10, min_length=9)[2:] == (9, None)

    def test_what_cannot_be_is_refused(self, loaded):
        with pytest.raises(UsageError, match="writes 64 tokens at most, not 65"):
            plan(loaded(), most=65)
        with pytest.raises(UsageError, match="--min-new-tokens 30: 23 are written at most"):
            plan(loaded(), least=30)

    def test_the_settings_of_a_task(self, loaded):
        assert task_settings(loaded("t5").config, "summarization")["prefix"] == "summarize: "
        assert task_settings(loaded("t5").config, "else") == {}
        assert task_settings(loaded().config, "summarization") == {}


class TestRoom:
    def test_is_what_tokenizer_and_positions_allow(self, loaded):
        assert room(loaded(), "") == 64

    def test_is_what_a_t5_was_trained_with(self, loaded):
        """Its positions are relative; only ``n_positions`` says how many it knows."""
        model = loaded("t5", n_positions=48)
        assert room(model, "") == 48

    def test_is_bounded_where_nobody_says_anything(self, loaded):
        import dataclasses

        assert room(dataclasses.replace(loaded("t5"), max_length=1 << 20), "") == UNSAID

    def test_a_prefix_must_leave_some(self, loaded):
        with pytest.raises(UsageError, match="reads 64 tokens, of which 62 are not the text"):
            room(loaded(), "a" * 60)


def test_a_row_costs_what_its_beams_do(loaded):
    config = plan_of(loaded(), {}, 3, 10)
    row = row_of([1] * 5, "note", config, 7)
    assert (row.inputs, row.note, row.length) == ({"input_ids": [1] * 5}, "note", 3 * 12)
    assert row_of([1] * 5, "note", config, 99).length == 3 * 15
