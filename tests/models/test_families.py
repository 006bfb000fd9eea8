"""The families: each is found however it is spelt, and what is said of it is so."""

import importlib.util
import json
import re
import tomllib
import unicodedata
from importlib.metadata import version
from pathlib import Path

import pytest

from tfcli.errors import UsageError
from tfcli.models import families as module
from tfcli.models.families import (
    ARCHITECTURES,
    STATUSES,
    auto_classes_of,
    described,
    families,
    family_named,
    near_families,
    of_type,
    require_one_of,
    same,
)

NAMES = (
    *("BERT", "GPT", "GPT-2", "Transformer-XL", "XLNet", "XLM", "RoBERTa", "DistilBERT", "CTRL"),
    *("CamemBERT", "ALBERT", "T5", "XLM-RoBERTa", "MMBT", "FlauBERT", "BART", "ELECTRA"),
    *("DialoGPT", "Reformer", "MarianMT", "Longformer", "DPR", "Pegasus", "MBart", "LXMERT"),
    *("Funnel", "LayoutLM"),
)
MODEL_TYPES = {
    "GPT": "openai-gpt",
    "GPT-2": "gpt2",
    "Transformer-XL": "transfo-xl",
    "DialoGPT": "gpt2",
    "MarianMT": "marian",
}
"""transformers' model types that are not the name in small letters."""
REMOVED, ALIASES = {"Transformer-XL", "MMBT"}, {"DialoGPT"}
TABLE = Path(module.__file__).with_name("families.toml")
TABLES = tomllib.loads(TABLE.read_text(encoding="utf-8"))
HEAD = TABLE.read_text(encoding="utf-8").partition("\n# 20")[0].replace("\n#                 ", " ")
RELEASE = json.loads(TABLE.with_name("families.json").read_text(encoding="utf-8"))["transformers"]
TOOL = Path(__file__).parents[2] / "tools" / "families.py"

of_the_named_release = pytest.mark.skipif(
    version("transformers") != RELEASE,
    reason=f"families.json is of transformers {RELEASE}; {version('transformers')} is installed",
)
each_family = pytest.mark.parametrize("family", described(), ids=lambda family: family.slug)


class TestTheNames:
    def test_there_are_27(self):
        assert len(set(NAMES)) == 27
        assert len({family_named(name).slug for name in NAMES}) == 27

    @pytest.mark.parametrize("name", NAMES)
    def test_each_is_found_however_it_is_spelt(self, name):
        family = family_named(name)
        hyphens = {name.replace("-", other) for other in ("_", " ", "", "‑", "/")}
        for spelt in (name, name.lower(), name.upper(), name.title(), f" {name}\n", *hyphens):
            assert family_named(spelt) is family
        assert family_named(family.slug) is family
        assert family.model_type == MODEL_TYPES.get(name, name.lower())

    @pytest.mark.parametrize("name", NAMES)
    def test_of_each_the_facts_are_known(self, name):
        family = family_named(name)
        assert family.creator
        assert 2018 <= family.year <= 2020
        assert family.paper.startswith("https://")
        assert family.title
        assert family.objectives
        assert family.architecture in ARCHITECTURES
        expected = "removed" if name in REMOVED else "alias" if name in ALIASES else "supported"
        assert family.status == expected
        assert family.checkpoint or name == "MMBT"  # of which there never was one

    @pytest.mark.parametrize("name", ["", "-", "nope", "BERTT", "org/name", "./model", "🤖", "é"])
    def test_what_is_none_is_not_found(self, name):
        assert family_named(name) is None

    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    def test_an_accent_may_be_written_in_either_way(self, form):
        assert family_named(unicodedata.normalize(form, "Nyströmformer")).slug == "nystromformer"

    def test_a_slip_of_the_finger_gets_the_near_names(self):
        assert near_families("disitlbert")[0] == "distilbert"
        assert near_families("XLM_Robertta")[0] == "xlm-roberta"
        assert near_families("quite another thing") == []
        assert len(near_families("bert", count=2)) == 2


@each_family
class TestEachFact:
    def test_is_one_of_those_that_the_head_of_the_file_lists(self, family):
        assert family.architecture in ARCHITECTURES
        assert set(family.objectives) <= {word for word, _ in listed("The words for objectives:")}
        assert family.objectives
        assert len(set(family.objectives)) == len(family.objectives)
        assert family.status in STATUSES
        assert 2018 <= family.year <= 2026
        assert re.fullmatch(r"https://[\w./@()-]+", family.paper)
        assert family.checkpoint is None or re.fullmatch(r"[\w.-]+/[\w.-]+", family.checkpoint)
        assert family.removed_in is None or re.fullmatch(r"\d+\.\d+\.\d+", family.removed_in)

    def test_stands_where_the_head_says(self, family):
        assert [key for key in known_keys() if key in TABLES[family.slug]] == [*TABLES[family.slug]]

    def test_is_plain_text_of_a_line(self, family):
        texts = [family.name, family.creator, family.title, family.purpose, family.reads]
        assert all(text and text.isprintable() and text == text.strip() for text in texts)
        assert len(family.purpose) <= 90
        assert family.purpose.endswith(".")

    def test_is_not_younger_than_its_paper(self, family):
        """Of two years the head wants the first."""
        if number := re.fullmatch(
            r"https://arxiv\.org/abs/(\d\d)(0\d|1[0-2])\.\d{5}", family.paper
        ):
            after = 2000 + int(number[1]) - family.year
            assert after in (0, 1) or family.slug == "glm4"  # a release after its report

    def test_that_takes_another_family_takes_one_that_there_is(self, family):
        assert (family.instead is None) == (family.removed_in is None)
        if family.alias_of:
            assert families()[family.alias_of].model_type == family.model_type
            assert families()[family.alias_of].status == "supported"
        if family.instead in families():
            assert families()[family.instead].status != "removed"

    def test_of_how_it_is_spelt_is_its_own(self, family):
        for spelt in family.spellings:
            assert family_named(spelt) is family

    @of_the_named_release
    def test_agrees_with_transformers(self, family):
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

        folder = f"transformers.models.{family.model_type.replace('-', '_')}"
        if family.status == "removed":
            assert family.model_type not in CONFIG_MAPPING_NAMES
            assert importlib.util.find_spec(folder) is None
            assert not family.classes
            assert not family.auto_classes
        else:
            assert family.model_type in CONFIG_MAPPING_NAMES
            assert "AutoModel" in family.classes

    @of_the_named_release
    def test_of_its_architecture_agrees_with_its_config(self, family):
        import transformers

        if family.classes:
            config = transformers.AutoConfig.for_model(family.model_type)
            both = family.architecture == "encoder-decoder"
            assert config.is_encoder_decoder == both


def listed(title):
    """The words of a list in the head of families.toml, and what is said of each."""
    part = HEAD.partition(f"# {title}\n#\n")[2].partition("\n#\n")[0]
    return re.findall(r"^#   (\S.*?)  +(\S.*)$", part, re.MULTILINE)


def known_keys():
    part = HEAD.partition("keys stand in the order of this list:\n#\n")[2].partition("\n#\n")[0]
    return [
        key
        for keys in re.findall(r"^#   ([a-z_, ]+?)  +\S", part, re.M)
        for key in keys.split(", ")
    ]


class TestTheFile:
    def test_its_tables_stand_by_year_then_slug(self):
        places = [(table["year"], slug) for slug, table in TABLES.items()]
        assert places == sorted(places)

    def test_its_head_lists_every_key_and_no_other(self):
        used = {key for table in TABLES.values() for key in table}
        assert set(known_keys()) == used
        assert len(listed("The words for objectives:")) >= 15

    def test_each_table_has_what_is_not_optional(self):
        for table in TABLES.values():
            assert {
                "name",
                "model_type",
                "creator",
                "year",
                "objectives",
                "purpose",
            } <= table.keys()

    def test_other_spellings_are_unlike_all_names(self):
        others = [module._plain(word) for family in described() for word in family.aka]
        names = {module._plain(w) for family in described() for w in (family.slug, family.name)}
        assert len(set(others)) == len(others)
        assert not names & set(others)

    def test_a_key_that_is_none_is_said(self):
        with pytest.raises(ValueError, match=r"families\.toml, \[x\]: jear"):
            module._described("x", {"model_type": "bert", "jear": 2018}, {})


class TestOfTypesThatNobodyHasDescribed:
    def test_the_classes_are_known_and_no_more(self):
        family = families()["bert-generation"]
        assert (family.slug, family.model_type) == ("bert-generation", "bert-generation")
        assert "AutoModelForCausalLM" in family.classes
        assert (family.creator, family.year, family.objectives) == (None, None, ())
        assert family not in described()
        assert family_named("BERT generation") is family

    def test_none_hides_a_described_one(self):
        types = [family.model_type for family in families().values() if not family.creator]
        assert not {family.model_type for family in described()} & set(types)
        assert len(families()) > len(described()) > 27


class TestAutoClasses:
    def test_a_family_serves_what_its_classes_do(self):
        assert {"AutoModelForQuestionAnswering", "AutoModel"} <= family_named("BERT").auto_classes
        assert "AutoModelForSeq2SeqLM" in family_named("T5").auto_classes

    def test_what_fills_blanks_does_not_write_on(self):
        assert "AutoModelForCausalLM" in family_named("BERT").classes
        assert "AutoModelForCausalLM" not in family_named("BERT").auto_classes
        assert "AutoModelForCausalLM" in family_named("GPT-2").auto_classes

    def test_what_needs_images_is_of_no_use_here(self):
        assert family_named("LXMERT").classes
        assert family_named("LXMERT").auto_classes == set()

    def test_an_alias_has_those_of_the_family_that_it_is(self):
        assert family_named("DialoGPT").auto_classes == family_named("GPT-2").auto_classes

    def test_of_a_checkpoint_are_those_that_have_its_class(self):
        assert auto_classes_of("bert", ["BertForMaskedLM"]) == ["AutoModelForMaskedLM"]
        assert set(auto_classes_of("gpt2", ["GPT2LMHeadModel", "X"])) >= {"AutoModelForCausalLM"}
        assert auto_classes_of("bert", ["GPT2LMHeadModel"]) == []
        assert auto_classes_of("bert", []) == auto_classes_of("nope", ["BertModel"]) == []


class TestOfAType:
    @pytest.mark.parametrize(("kind", "slug"), [("bert", "bert"), ("gpt2", "gpt2"), ("t5", "t5")])
    def test_it_is_the_one_that_the_type_is_named_for(self, kind, slug):
        """And not one of those that load as it."""
        assert of_type(kind).slug == slug

    def test_a_removed_one_too(self):
        assert of_type("transfo-xl").status == "removed"

    def test_what_is_none_is_nothing(self):
        assert of_type("nope") is None


class TestRequireOneOf:
    def test_a_word_that_there_is_may_be_spelt_in_any_way(self):
        require_one_of("--creator", "hugging-face", ["Google", "Hugging Face", None])

    def test_another_gets_the_nearest(self):
        with pytest.raises(UsageError, match="--creator: no family has 'Gogle'") as caught:
            require_one_of("--creator", "Gogle", ["Meta", "Google", "Google", None])
        assert caught.value.hint == "Did you mean Google?"

    def test_or_all_that_there_are(self):
        with pytest.raises(UsageError) as caught:
            require_one_of("--objective", "zzz", ["MLM", "CLM", "denoising"])
        assert caught.value.hint == "There are: CLM, denoising, MLM"


def test_words_are_the_same_but_for_capitals_and_hyphens():
    assert same("span corruption", "Span-Corruption")
    assert not same("MLM", "CLM")
    assert not same(None, "")


class TestTheTool:
    @pytest.fixture
    def tool(self, tmp_path, monkeypatch):
        """tools/families.py with a file of its own, and a child that says two types."""
        spec = importlib.util.spec_from_file_location("families_tool", TOOL)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        monkeypatch.setattr(loaded, "FILE", tmp_path / "families.json")
        monkeypatch.setattr("sys.argv", ["tools/families.py"])
        return loaded

    @of_the_named_release
    def test_writes_the_file_that_is_there(self, tool):
        written = TABLE.with_name("families.json").read_text(encoding="utf-8")
        assert tool.generated(RELEASE) == written

    def test_writes_then_checks(self, tool, monkeypatch, capsys):
        """Of a child that knows two types: the real one takes seconds, above."""
        known = {"b": {"AutoModel": "B"}, "a": {}}
        monkeypatch.setattr(tool, "READ", f"print({json.dumps(known)!r})")
        assert tool.main() == 0
        text = tool.FILE.read_text()
        assert text.splitlines()[1] == f'  "transformers": "{version("transformers")}",'
        monkeypatch.setattr("sys.argv", ["tools/families.py", "--check"])
        assert tool.main() == 0
        assert tool.FILE.read_text() == text
        tool.FILE.write_text(text.replace('"B"', '"C"'))
        assert tool.main() == 1
        assert "is not what its version of transformers says" in capsys.readouterr().out

    def test_takes_the_named_release_from_pypi_where_another_is_installed(self, tool, monkeypatch):
        asked = []
        tool.FILE.write_text('{"transformers": "5.0.0"}')
        run = tool.subprocess.run

        def child(command, **how):
            if "pip" in command:
                asked.append(command)
                Path(command[command.index("--target") + 1], "probe.py").write_text("text = '{}'")
                return None
            return run(command, **how)

        monkeypatch.setattr(tool.subprocess, "run", child)
        monkeypatch.setattr(tool, "READ", "import probe; print(probe.text)")
        assert '"transformers": "5.0.0"' in tool.named()
        assert asked[0][-1] == "transformers==5.0.0"
