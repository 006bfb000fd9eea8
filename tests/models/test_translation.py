"""From which language to which: what each family is told, and the wrong way refused."""

import pytest
import transformers

from tfcli.core.task import Loaded
from tfcli.errors import UnfitModelError, UsageError
from tfcli.models.translation import Direction, direction, opus, require_translator

pytestmark = pytest.mark.filterwarnings("ignore:Recommended")


@pytest.fixture
def told(seq2seq):
    """What a model is told, its config changed or not."""

    def ask(family, source=None, target=None, **own):
        folder = seq2seq(family)
        config = transformers.AutoConfig.from_pretrained(folder)
        for name, value in own.items():
            setattr(config, name, value)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        return direction(Loaded(None, tokenizer, config), source, target)

    return ask


class TestMarian:
    @pytest.mark.parametrize(
        ("source", "target"), [(None, None), ("en", "de"), ("eng", None), (None, "ger")]
    )
    def test_one_pair_need_not_be_said(self, told, source, target):
        assert told("marian", source, target) == Direction()

    @pytest.mark.parametrize(
        ("source", "target"), [("de", "en"), ("fr", None), (None, "zh"), ("en", "nl")]
    )
    def test_another_way_is_refused_with_the_name_of_the_right_model(self, told, source, target):
        with pytest.raises(UnfitModelError, match="translates en to de, not ") as refused:
            told("marian", source, target)
        assert opus(source or "en", target or "de") in refused.value.hint

    def test_the_name_of_the_folder_says_it_where_the_tokenizer_does_not(self, seq2seq):
        tokenizer = transformers.AutoTokenizer.from_pretrained(seq2seq("marian"))
        tokenizer.init_kwargs.update(source_lang=None, target_lang=None)
        config = transformers.MarianConfig(name_or_path="/m/Helsinki-NLP/opus-mt-tc-big-fi-en")
        with pytest.raises(UnfitModelError, match="translates fi to en, not en to en"):
            direction(Loaded(None, tokenizer, config), "en", "en")
        assert direction(Loaded(None, tokenizer, config), "fi", "en") == Direction()

    @pytest.mark.parametrize(
        ("target", "before"),
        [("de", ">>deu<< "), ("zh", ">>cmn_Hans<< "), ("zh-TW", ">>cmn_Hant<< ")],
    )
    def test_of_several_targets_one_is_named_before_the_text(self, told, target, before):
        assert told("marian-many", "en", target).before == before

    def test_of_several_targets_one_must_be_said(self, told):
        with pytest.raises(UsageError, match="Give --to: the model knows 4 languages") as refused:
            told("marian-many")
        assert "cmn_Hans, cmn_Hant, deu, fra" in refused.value.hint
        with pytest.raises(UsageError, match="--to en: the model has no such language"):
            told("marian-many", None, "en")

    def test_a_target_that_is_a_language_need_not_be_said(self, seq2seq):
        """opus-mt-en-zh: one language, in several scripts."""
        folder = seq2seq("marian-many")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, target_lang="zh")
        config = transformers.AutoConfig.from_pretrained(folder)
        assert direction(Loaded(None, tokenizer, config), None, None).before == ">>cmn_Hans<< "

    def test_a_text_is_not_taken_for_a_language(self):
        assert Direction().told(">> quoted <<") == " >> quoted <<"
        assert Direction(">>deu<< ").told("a") == ">>deu<< a"


class TestLanguageTokens:
    @pytest.mark.parametrize(
        ("family", "source", "token"),
        [("mbart50", "en_XX", "zh_CN"), ("m2m_100", "en", "__zh__"), ("nllb", "eng_Latn", None)],
    )
    def test_the_first_that_is_written_is_the_target(self, told, seq2seq, family, source, token):
        found = told(family, "en", "zh")
        tokenizer = transformers.AutoTokenizer.from_pretrained(seq2seq(family))
        first = tokenizer.convert_tokens_to_ids(token or "zho_Hans")
        assert found == Direction("", {"forced_bos_token_id": first}, source)

    def test_the_first_mbart_begins_with_it(self, told, seq2seq):
        tokenizer = transformers.AutoTokenizer.from_pretrained(seq2seq("mbart"))
        german = tokenizer.convert_tokens_to_ids("de_DE")
        expected = Direction("", {"decoder_start_token_id": german}, "en_XX")
        assert told("mbart", "en", "de") == expected

    @pytest.mark.parametrize(
        ("source", "target", "missing"),
        [(None, None, "--from and --to"), ("en", None, "--to"), (None, "de", "--from")],
    )
    def test_both_must_be_said(self, told, source, target, missing):
        with pytest.raises(UsageError, match=f"Give {missing}: the model knows 52 languages"):
            told("mbart50", source, target)

    def test_two_languages_are_two(self, told):
        with pytest.raises(UsageError, match="that is one language"):
            told("m2m_100", "eng", "en")

    def test_a_checkpoint_of_one_pair_says_so(self, told):
        """mbart-large-en-ro."""
        own = {"task_specific_params": {"translation_en_to_ro": {"num_beams": 5}}}
        found = told("mbart", **own)
        assert (found.source, found.settings["num_beams"]) == ("en_XX", 5)
        with pytest.raises(UnfitModelError, match="translates en to ro, not ro to en"):
            told("mbart", "ro", "en", **own)


class TestT5:
    def test_the_prefix_and_the_settings_are_the_checkpoints(self, told):
        found = told("t5", "eng", "ger")
        assert found.before == "translate English to German: "
        assert found.settings["max_length"] == 18

    def test_a_prefix_is_made_of_names(self, told):
        assert told("t5", "de", "pt").before == "translate German to Portuguese: "
        with pytest.raises(UsageError, match="--to xx: there is no such language"):
            told("t5", "en", "xx")

    def test_of_several_pairs_one_must_be_said(self, told):
        with pytest.raises(UsageError, match="Give --from and --to") as refused:
            told("t5")
        assert refused.value.hint == "It has learnt en to de, en to fr."

    def test_one_pair_need_not_be_said(self, told):
        own = {"task_specific_params": {"translation_xx_to_yy": {"prefix": "go: "}}}
        assert told("t5", **own).before == "go: "
        assert told("t5", task_specific_params=None, prefix="on: ").before == "on: "

    def test_madlad_has_a_token_for_the_target(self, seq2seq):
        folder = seq2seq("t5")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        tokenizer.add_tokens(["<2de>", "<2zh>", "<2zh_Latn>"])
        config = transformers.AutoConfig.from_pretrained(folder)
        loaded = Loaded(None, tokenizer, config)
        assert direction(loaded, None, "zh").before == "<2zh> "
        with pytest.raises(UsageError, match="Give --to"):
            direction(loaded, "en", None)


@pytest.mark.parametrize("family", ["bart", "pegasus", "led"])
def test_what_does_not_translate_is_refused(family):
    with pytest.raises(UnfitModelError, match=f"A {family} model does not translate") as refused:
        require_translator(transformers.AutoConfig.for_model(family))
    assert "tfcli generate" in refused.value.hint


def test_a_tokenizer_without_languages_is_refused(seq2seq):
    tokenizer = transformers.AutoTokenizer.from_pretrained(seq2seq("t5"))
    with pytest.raises(UnfitModelError, match="knows no languages"):
        direction(Loaded(None, tokenizer, transformers.MBartConfig()), "en", "de")


@pytest.mark.parametrize(
    ("source", "target", "name"),
    [
        ("en", "zh", "en-zh"),
        ("zh-Hans", "eng", "zh-en"),
        ("German", None, "de-en"),
        (None, "fr", "en-fr"),
        (None, "en", "mul-en"),
        (None, None, "en-de"),
    ],
)
def test_the_name_of_a_pairs_model(source, target, name):
    assert opus(source, target) == f"Helsinki-NLP/opus-mt-{name}"
