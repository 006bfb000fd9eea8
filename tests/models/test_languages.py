"""Languages: from what a person types to the codes of NLLB, mBART, M2M100 and Marian."""

import pytest

from tfcli.errors import UsageError
from tfcli.models.languages import are_same, chosen, english_name, is_known, iso, tag

NLLB = [
    *("eng_Latn", "deu_Latn", "zho_Hans", "zho_Hant", "arb_Arab", "pes_Arab", "nob_Latn"),
    *("nno_Latn", "srp_Cyrl", "swh_Latn", "ace_Arab", "ace_Latn", "kas_Arab", "kas_Deva"),
]
MBART = ["en_XX", "de_DE", "zh_CN", "pt_XX", "he_IL", "ar_AR", "fa_IR"]
M2M = ["en", "de", "zh", "no", "ar", "he", "ceb"]
CHINESE = ["cmn", "cmn_Hans", "cmn_Hant", "lzh", "yue", "yue_Hant", "zho", "zho_Hans"]
ROMANCE = ["es", "es_AR", "es_MX", "fr", "fr_CA", "pt", "pt_BR", "pt_br"]


@pytest.mark.parametrize(
    ("codes", "typed", "meant"),
    [
        (NLLB, "en", "eng_Latn"),
        (NLLB, "EN", "eng_Latn"),
        (NLLB, "ger", "deu_Latn"),
        (NLLB, "German", "deu_Latn"),
        (NLLB, "zh", "zho_Hans"),
        (NLLB, "zh-Hant", "zho_Hant"),
        (NLLB, "zh_TW", "zho_Hant"),
        (NLLB, "zh-HK", "zho_Hant"),
        (NLLB, "cmn", "zho_Hans"),
        (NLLB, "ar", "arb_Arab"),
        (NLLB, "fa", "pes_Arab"),
        (NLLB, "no", "nob_Latn"),
        (NLLB, "nn", "nno_Latn"),
        (NLLB, "sw", "swh_Latn"),
        (NLLB, "ks", "kas_Arab"),
        (NLLB, "kas_deva", "kas_Deva"),
        (MBART, "en", "en_XX"),
        (MBART, "zh", "zh_CN"),
        (MBART, "zh-Hans", "zh_CN"),
        (MBART, "pt-BR", "pt_XX"),
        (MBART, "iw", "he_IL"),
        (M2M, "zh-Hant", "zh"),
        (M2M, "nb", "no"),
        (M2M, "ceb", "ceb"),
        (CHINESE, "zh", "cmn_Hans"),
        (CHINESE, "zh-TW", "cmn_Hant"),
        (CHINESE, "zho", "zho"),
        (CHINESE, "yue", "yue"),
        (ROMANCE, "es", "es"),
        (ROMANCE, "es-MX", "es_MX"),
        (ROMANCE, "pt-BR", "pt_BR"),
        (ROMANCE, "fr-BE", "fr"),
    ],
)
def test_what_is_typed_is_found(codes, typed, meant):
    assert chosen(typed, codes, "--to") == meant


@pytest.mark.parametrize(
    ("codes", "typed", "message", "hint"),
    [
        (NLLB, "ace", "--to ace: the model has several.", "Take one of ace_Arab, ace_Latn."),
        (M2M, "fr", "--to fr: the model has no such language.", "ar, ceb, de, en, he, no, zh."),
        (MBART, "zh-TW", "no such language", "zh_CN"),
        (NLLB, "zht", "no such language", "zho_Hans"),
        (NLLB, "", "no such language", "of its 14 languages"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is_near(codes, typed, message, hint):
    with pytest.raises(UsageError) as refused:
        chosen(typed, codes, "--to")
    assert message in str(refused.value)
    assert hint in refused.value.hint


def test_a_tag_is_read_in_any_spelling():
    assert tag("zh-hant-tw") == ("zh", "Hant", "TW")
    assert tag("zh_cn") == ("zh", "Hans", "CN")
    assert tag("en_XX") == ("en", None, None)


def test_names_and_groups():
    assert [english_name(code) for code in ("de", "deu_Latn", "zho_Hans", "xx")] == [
        *("German", "German", "Chinese", None)
    ]
    assert [code for code in ("en", "deu", "mul", "ROMANCE", "zle") if is_known(code)] == [
        *("en", "deu")
    ]
    assert are_same("en", "eng_Latn")
    assert are_same("zho", "zh-Hant")
    assert not are_same("en", "de")
    assert (iso("deu"), iso("zh-Hant"), iso("ceb")) == ("de", "zh", "ceb")
