"""The attention page in a browser: what it shows is what the model computed."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from tfcli import run
from tfcli.core.job import Job, ModelRef
from tfcli.core.options import build
from tfcli.core.record import Columns, only_records
from tfcli.core.task import Example
from tfcli.tasks.attn import TASK
from tfcli.tasks.attn.options import AttnOptions
from tfcli.views.attn.page import page as page_of
from tfcli.worker import Worker

STREET = "The animal did not cross the street because it was too hot"
VIEWS = ("head", "model", "matrix", "neurons")
NEAR = 1 / 510 + 1e-3  # what is stored, and told with three decimals
FEWEST = 0.5 / 255  # what is drawn
SVG = "{http://www.w3.org/2000/svg}"


def records_of(*texts, model="bert-starter", **options):
    """What a page is made of."""
    job = Job("attn", ModelRef(model), TASK.for_page(build(AttnOptions, options)), provenance=True)
    examples = [
        Example(i, one if isinstance(one, dict) else {"text": one}) for i, one in enumerate(texts)
    ]
    return only_records(Worker(job)(examples))


def write(path, *texts, **options):
    """A page of some texts on the starter, or on ``model``."""
    records = records_of(*texts, **options)
    path.write_text("".join(page_of(records, Columns((), ()))), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """One sentence."""
    return write(tmp_path_factory.mktemp("page") / "street.html", STREET)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """A sentence, a pair, and a text that fails."""
    pair = {"text": "The dog is tired.", "pair": "It sleeps."}
    return write(tmp_path_factory.mktemp("page") / "several.html", STREET, pair, "dog " * 600)


@pytest.fixture(scope="module")
def weights():
    """What the model computed for the sentence, (layer, head, query, key)."""
    return next(run("attn", STREET))["attention"]


def stored(weights):
    """The same as the page has it."""
    tops = weights.max(-1, keepdims=True)
    return np.rint(weights / tops * 255) * (tops / 255)


def svg_of(page):
    """What the page gives as SVG."""
    with page.expect_download() as download:
        page.click("#svg")
    return ET.fromstring(Path(download.value.path()).read_text("utf-8"))


def count(svg, name):
    return len(list(svg.iter(SVG + name)))


def said(page):
    return page.text_content("#said")


def plain(page):
    """What is said, without the marks that hold directions of writing apart."""
    return re.sub("[\u2068\u2069]", "", said(page))


def at(page, x, y):
    """Move the pointer to a place of the picture."""
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)


# What is drawn.


def test_each_weight_of_a_head_is_a_line(opened, street, weights):
    page = opened(street, "#view=head&layer=4&heads=3&lang=en")
    expected = (stored(weights)[4, 3] >= FEWEST).sum()
    assert count(svg_of(page), "line") == expected
    page.click('#heads button[data-place="7"]')
    both = expected + (stored(weights)[4, 7] >= FEWEST).sum()
    assert count(svg_of(page), "line") == both


def test_lines_are_as_strong_as_weights(opened, street, weights):
    svg = svg_of(opened(street, "#view=head&layer=4&heads=3"))
    strengths = [
        float(group.get("stroke-opacity", 1))
        for group in svg.iter(SVG + "g")
        for _ in group.findall(SVG + "line")
    ]
    drawn = stored(weights)[4, 3] / weights[4, 3].max()
    expected = np.sort(drawn[stored(weights)[4, 3] >= FEWEST])  # in 24 steps, rounded up
    assert np.abs(np.sort(strengths) - expected - 1 / 48).max() <= 1 / 48 + 1e-3


def test_tokens_stand_on_both_sides(opened, street):
    svg = svg_of(opened(street, "#view=head&lang=en"))
    texts = [text.text for text in svg.iter(SVG + "text")]
    tokens = ["[CLS]", *STREET.lower().split(), "[SEP]"]
    assert texts == ["queries", "keys", *tokens, *tokens]


def test_each_head_is_a_picture(opened, street):
    assert count(svg_of(opened(street, "#view=model")), "image") == 6 * 12


def test_each_weight_is_a_cell_of_the_matrix(opened, street):
    svg = svg_of(opened(street, "#view=matrix&layer=4&head=3"))
    assert count(svg, "rect") == 1 + 14 * 14  # the paper, too


def test_neurons_of_a_token(opened, street):
    svg = svg_of(opened(street, "#view=neurons&layer=4&head=3&token=9"))
    assert count(svg, "image") == 1 + 2 * 14  # the query; of each key itself and the product
    assert count(svg, "rect") == 1 + 2 * 14


# What it tells is true.


def test_the_table_has_the_weights(opened, street, weights):
    page = opened(street, "#view=head&layer=4&heads=3")
    page.click("summary")
    page.wait_for_selector("tbody tr")
    rows = [
        [cell.text_content() for cell in row.query_selector_all("td")]
        for row in page.query_selector_all("tbody tr")
    ]
    assert len(rows) == 14 * 5
    best = -np.sort(-weights[4, 3], axis=-1)[:, :5].ravel()
    assert [float(row[2]) for row in rows] == pytest.approx(best.tolist(), abs=NEAR)
    record = next(run("attn", STREET, layer="4", head="3"))
    assert [row[0] for row in rows[::5]] == record["queries"]


def test_all_stored_weights_are_within_the_stated_error(opened, street, weights):
    page = opened(street)
    found = page.evaluate(
        "headsOf(window.page.text).flatMap(([layer, head]) => "
        "Array.from(weightsOf(window.page.text, layer, head)))"
    )
    near = np.abs(np.array(found).reshape(weights.shape) - weights)
    assert (near <= weights.max(-1, keepdims=True) / 510 + 1e-6).all()


def test_a_cell_under_the_pointer_is_told(opened, street, weights):
    page = opened(street, "#view=matrix&layer=4&head=3&lang=en")
    label, cell = page.evaluate(
        "[page.layout.label, page.layout.cell]".replace("page", "window.page")
    )
    at(page, label + 2.5 * cell, label + 9.5 * cell)
    query, key, weight = re.fullmatch(r"(\S+) → (\S+): ([\d.]+)", plain(page)).groups()
    assert (query, key) == ("it", "animal")
    assert float(weight) == pytest.approx(weights[4, 3, 9, 2], abs=NEAR)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("layer", {"layer": "4", "agg": "mean"}),
        ("all", {"agg": "mean"}),
        ("rollout", {"layer": "4", "rollout": True}),
    ],
)
def test_means_and_rollout_are_those_of_the_command(opened, street, source, options):
    page = opened(street, f"#view=matrix&layer=4&map={source}")
    found = page.evaluate("Array.from(window.page.layout.map.values)")
    expected = next(run("attn", STREET, **options))["attention"]
    assert np.abs(np.array(found) - expected.ravel()).max() < (
        0.02 if source == "rollout" else NEAR
    )


def test_words_are_merged_as_by_the_command(opened, tmp_path):
    text = "Unbelievably, photosynthesis happened."
    page = opened(write(tmp_path / "words.html", text), "#view=matrix&layer=4&head=3&words=1")
    expected = next(run("attn", text, layer="4", head="3", merge="words"))
    labels = page.evaluate("window.page.layout.map.rows.map((unit) => unit.label)")
    assert labels == expected["queries"]
    assert len(labels) < len(next(run("attn", text, layer="4", head="3"))["queries"])
    found = np.array(page.evaluate("Array.from(window.page.layout.map.values)"))
    pieces = max(np.diff([*page.evaluate("window.page.text.queries.words.starts"), 99])[:-1])
    assert np.abs(found - expected["attention"].ravel()).max() < pieces * NEAR


def test_scores_are_those_of_queries_and_keys(opened, street):
    page = opened(street, "#view=neurons&layer=4&head=3&token=9")
    expected = next(run("attn", STREET, layer="4", head="3", neurons=True, token=9))
    found = page.evaluate("window.page.layout.rows.map((row) => row.score)")
    assert found == pytest.approx(expected["score"][0, 0].tolist(), abs=0.05)
    query = page.evaluate("Array.from(window.page.layout.query)")
    assert query == pytest.approx(expected["query"][0, 0].tolist(), abs=0.05)


# What a reader does.


def test_a_token_is_isolated_by_pointer_and_by_key(opened, street, weights):
    page = opened(street, "#view=head&layer=4&heads=3&lang=en")
    row = page.evaluate("HEAD_VIEW.y(window.page.layout, 9)")
    at(page, 20, row)
    assert plain(page).startswith("it → [CLS] ")
    page.mouse.move(0, 0)
    assert said(page) == ""
    page.focus("canvas")
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert plain(page) == "Only it. Escape shows all."
    page.evaluate("document.activeElement.blur()")
    assert count(svg_of(page), "line") == (stored(weights)[4, 3, 9] >= FEWEST).sum()
    page.keyboard.press("Escape")
    assert count(svg_of(page), "line") == (stored(weights)[4, 3] >= FEWEST).sum()


def test_keys_change_view_layer_head_words_and_theme(opened, street):
    page = opened(street, "#lang=en")
    page.focus("canvas")

    def shown(*names):
        return [page.evaluate(f"window.page.shown.{name}") for name in names]

    for key, view in zip("2341", ("model", "matrix", "neurons", "head"), strict=True):
        page.keyboard.press(key)
        assert shown("view") == [view]
    page.keyboard.press("]")
    page.keyboard.press("]")
    page.keyboard.press("[")
    page.keyboard.press(".")
    assert shown("layer", "head", "heads") == [1, 1, [1]]
    page.keyboard.press("w")
    assert shown("words") == [True]
    dark = page.evaluate("window.page.dark")
    page.keyboard.press("t")
    assert page.evaluate("window.page.dark") != dark


def test_the_model_view_is_walked_and_opened(opened, street):
    page = opened(street, "#view=model")
    page.focus("canvas")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert page.evaluate("[window.page.shown.view, window.page.shown.layer]") == ["head", 1]
    assert page.evaluate("window.page.shown.heads") == [2]


def test_heads_go_on_and_off(opened, street):
    page = opened(street, "#layer=4")
    pressed = '#heads button[aria-pressed="true"]'
    assert page.locator(pressed).count() == 13
    page.click('#heads button[data-place="all"]')
    assert page.locator(pressed).count() == 0
    assert count(svg_of(page), "line") == 0
    page.dblclick('#heads button[data-place="5"]')
    assert page.evaluate("window.page.shown.heads") == [5]


def test_a_row_or_a_column_sorts_the_other_side(opened, street, weights):
    page = opened(street, "#view=matrix&layer=4&head=3")
    label, cell = page.evaluate("[window.page.layout.label, window.page.layout.cell]")
    box = page.locator("canvas").bounding_box()
    page.mouse.click(box["x"] + 10, box["y"] + label + 9.5 * cell)
    order = page.evaluate("window.page.layout.columns")
    row = stored(weights)[4, 3, 9]
    assert [row[k] for k in order] == sorted(row, reverse=True)
    page.click("#unsort")
    assert page.evaluate("window.page.layout.columns") == list(range(14))


def test_from_one_text_of_a_pair_to_the_other(opened, several):
    page = opened(several, "#text=1&view=matrix&lang=en")
    page.select_option("#pair", "ab")
    expected = next(run("attn", {"text": "The dog is tired.", "pair": "It sleeps."}, between="ab"))
    rows, columns = page.evaluate(
        "['rows', 'columns'].map((side) => window.page.layout.map[side].map((unit) => unit.label))"
    )
    assert (rows, columns) == (expected["queries"], expected["keys"])


def test_the_address_remembers_what_is_shown(opened, several):
    page = opened(several, "#lang=en")
    page.select_option("#text", "1")
    page.click("#tab-matrix")
    page.click('#layers button[data-place="4"]')
    page.click('#heads button[data-place="3"]')
    page.check("#words")
    page.uncheck("#special")
    shown = page.evaluate("JSON.stringify(window.page.shown)")
    again = opened(several, page.evaluate("location.hash"))
    assert again.evaluate("JSON.stringify(window.page.shown)") == shown
    assert json.loads(shown)["layer"] == 4


@pytest.mark.parametrize(
    "fragment",
    ["#layer=99&head=-1&heads=x.44&token=1e9&view=%3Cscript%3E&text=7&sort=row.900&cell=0&lang=xx"],
)
def test_an_address_of_nonsense_shows_the_beginning(opened, street, fragment):
    page = opened(street, fragment)
    for view in VIEWS:
        page.click(f"#tab-{view}")
        svg_of(page)


@pytest.mark.parametrize(
    ("options", "there"),
    [
        ({}, True),
        ({"layer": "0-2"}, True),
        ({"layer": "3"}, False),
        ({"head": "3"}, False),
        ({"no_special": True}, False),
        ({"agg": "max"}, False),
        ({"merge": "words"}, False),
    ],
)
def test_rollout_is_offered_where_it_can_be_right(opened, tmp_path, options, there):
    path = write(tmp_path / "some.html", "Unbelievably hot.", **options)
    page = opened(path, "#view=matrix&map=rollout")
    offered = page.evaluate("[...document.querySelectorAll('#source option')].map((o) => o.value)")
    assert ("rollout" in offered) is there
    sums = page.evaluate("window.page.layout.map.values.reduce((a, b) => a + b, 0)")
    assert sums > 0


def test_long_texts_keep_their_small_weights(opened, tmp_path):
    record = made(300, 2, 2)
    path = tmp_path / "long.html"
    path.write_text("".join(page_of([record], Columns((), ()))), encoding="utf-8")
    page = opened(path)
    found = np.array(page.evaluate("Array.from(weightsOf(window.page.text, 1, 1))"))
    assert np.abs(found.reshape(300, 300).sum(-1) - 1).max() < 0.06
    rollout = np.array(page.evaluate("Array.from(rolloutOf(window.page.text, 1))"))
    assert rollout.reshape(300, 300).sum(-1) == pytest.approx(1, abs=1e-5)


def test_a_place_is_forgotten_where_units_change(opened, street):
    page = opened(street, "#view=head&lang=en")
    page.focus("canvas")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.check("#words")
    assert page.evaluate("[window.page.pinned, window.page.spot]") == [None, None]
    assert said(page) == ""


def test_no_heads_are_remembered_too(opened, street):
    page = opened(street)
    page.click('#heads button[data-place="all"]')
    again = opened(street, page.evaluate("location.hash"))
    assert again.evaluate("window.page.shown.heads") == []


def test_paper_is_light(opened, street):
    page = opened(street, "#theme=dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("window.page.colours.paper") == "#ffffff"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("window.page.dark") is True


def test_a_failed_text_has_nothing_to_walk_through(opened, several):
    page = opened(several, "#text=2&lang=en")
    for key in ("]", ".", "w", "2"):
        page.keyboard.press(key)
    page.select_option("#text", "1")
    assert said(page) == ""
    assert len(page.evaluate("window.page.shown.heads")) == 12


def test_the_window_follows_the_keyboard(opened, tmp_path):
    path = tmp_path / "long.html"
    path.write_text("".join(page_of([made(200, 1, 1)], Columns((), ()))), encoding="utf-8")
    page = opened(path, "#view=head")
    page.focus("canvas")
    for _ in range(90):
        page.keyboard.press("ArrowDown")
    assert page.evaluate("window.scrollY") > 500


def test_a_text_that_failed_says_why(opened, several):
    page = opened(several, "#text=2&lang=en")
    assert said(page).startswith("This text has no attention: 602 tokens")
    assert page.is_disabled("#svg")
    page.select_option("#text", "0")
    assert page.is_visible("canvas")


def test_views_are_saved_as_png(opened, street):
    for view in VIEWS:
        page = opened(street, f"#view={view}")
        with page.expect_download() as download:
            page.click("#png")
        data = Path(download.value.path()).read_bytes()
        assert data.startswith(b"\x89PNG")
        width = int.from_bytes(data[16:20], "big")
        assert width >= page.evaluate("window.page.layout.width") + 32
        assert download.value.suggested_filename == f"attention-{view}.png"


# Languages, themes, sizes, and who cannot see.


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_word_is_there_in_both_languages(opened, street, lang, view):
    page = opened(street, f"#view={view}&lang={lang}")
    assert page.evaluate("document.documentElement.lang") == lang
    text = page.inner_text("body")
    assert "undefined" not in text
    assert ("词元" in text or "注意力" in text) == (lang == "zh")
    keys = page.evaluate("[Object.keys(WORDS.en), Object.keys(WORDS.zh)]")
    assert keys[0] == keys[1]


def test_the_language_is_that_of_the_reader(opened, street):
    assert opened(street, locale="zh-CN").evaluate("document.documentElement.lang") == "zh"
    assert opened(street, locale="de-DE").evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_in_the_way_of_anybody(opened, street, view, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(street, f"#view={view}&theme={theme}", bypass_csp=True)
    page.click("summary")
    page.click("#help")
    found = Axe().run(page).response["violations"]
    serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_needs_no_scrolling_to_the_side(opened, street, view):
    page = opened(street, f"#view={view}", width=390, height=844)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390


def test_on_paper_there_is_only_the_picture(opened, street):
    page = opened(street)
    page.emulate_media(media="print")
    assert page.is_hidden("#tools")
    assert page.is_visible("canvas")


# Other models and texts.


def test_cross_attention_has_two_lists_of_tokens(opened, tmp_path, reader):
    example = {"text": "the film is great", "target": "not bad"}
    path = write(tmp_path / "cross.html", example, model=reader("bart"))
    page = opened(path, "#view=matrix&lang=en")
    expected = next(run("attn", example, model=reader("bart")))
    rows, columns = page.evaluate(
        "['rows', 'columns'].map((side) => window.page.layout.map[side].map((unit) => unit.label))"
    )
    assert (len(rows), len(columns)) == expected["attention"].shape[2:]
    assert "attention from decoder to encoder" in page.text_content("#about")
    assert page.evaluate("hasRollout(window.page.text)") is False


def test_a_causal_model_looks_back_only(opened, tmp_path, reader):
    page = opened(write(tmp_path / "causal.html", "the film is great", model=reader("gpt2")))
    values = page.evaluate("Array.from(weightsOf(window.page.text, 0, 0))")
    size = int(len(values) ** 0.5)
    assert (np.triu(np.array(values).reshape(size, size), 1) == 0).all()
    page.evaluate("window.page.change({view: 'neurons', token: 1})")
    assert count(svg_of(page), "image") == 1 + 2 * 2  # the keys up to the token


def test_a_model_without_neurons_says_so(opened, tmp_path, reader):
    page = opened(
        write(tmp_path / "xlnet.html", "the film", model=reader("xlnet")), "#view=neurons&lang=en"
    )
    assert said(page).startswith("No queries and keys here")


@pytest.mark.parametrize(
    "text",
    [
        "</script><script>document.title='bad'</script>",
        "\"><img src=x onerror=alert(1)> ' & </title>",
        "\u202egnp.exe \u2066 \x1b[31m \x00 \x07",
        "a" * 10_000,
        "好不好燕子你要开心 👩‍👩‍👧 é",
        "${alert(1)} {{style}} {{data}} {{script}}",
    ],
)
def test_hostile_text_is_shown_as_text(opened, tmp_path, text):
    page = opened(write(tmp_path / "hostile.html", text, truncate="right"), "#lang=en")
    for view in VIEWS:
        page.click(f"#tab-{view}")
        svg_of(page)
    assert page.title() == page.text_content("#title")
    assert page.evaluate("document.images.length") == 0
    assert page.evaluate("document.scripts.length") == 2
    assert not set("\u202e\u2066\x1b\x07") & set(page.inner_text("body"))


def test_a_hostile_name_of_a_model_is_shown_as_text(opened, tmp_path):
    record = next(records_of(STREET)) | {"model": "<img src=x onerror=alert(1)>\u202e"}
    path = tmp_path / "model.html"
    path.write_text("".join(page_of([record], Columns((), ()))), encoding="utf-8")
    page = opened(path)
    assert page.text_content("#about").startswith("<img src=x onerror=alert(1)><U+202E> · ")


# Size and speed.


def made(tokens, layers=12, heads=12, dim=64):
    """A record of BERT-base's shape, with weights as uneven as those of a real one."""
    random = np.random.default_rng(7)
    scores = random.normal(scale=2.5, size=(layers, heads, tokens, tokens)).astype(np.float32)
    exps = np.exp(scores)
    side = {"special": [False] * tokens, "words": None}
    vectors = random.normal(size=(2, layers, heads, tokens, dim)).astype(np.float32)
    labels = [f"token{i}" for i in range(tokens)]
    return {
        "text": "made",
        "kind": "self",
        "queries": labels,
        "keys": labels,
        "segments": {"queries": [0] * tokens, "keys": [0] * tokens},
        "layers": list(range(layers)),
        "heads": list(range(heads)),
        "attention": exps / exps.sum(-1, keepdims=True),
        "units": {"queries": side, "keys": side, "whole": True},
        "vectors": {
            "query": vectors[0],
            "key": vectors[1],
            "scaling": [dim**-0.5] * layers,
            "bias": False,
        },
    }


def test_a_page_of_256_tokens_is_small_and_quick(opened, tmp_path):
    path = tmp_path / "large.html"
    path.write_text("".join(page_of([made(256)], Columns((), ()))), encoding="utf-8")
    assert path.stat().st_size < 12e6
    page = opened(path)
    first = page.evaluate(
        "performance.getEntriesByName('shown')[0].startTime"
    )  # since it was asked
    taken = {
        view: page.evaluate(
            f"(() => {{ const t = performance.now(); window.page.change({{view: '{view}'}}); "
            "return performance.now() - t; })()"
        )
        for view in VIEWS
    }
    assert first < 2000
    assert max(taken.values()) < 1000


def test_400_tokens_can_be_read(opened, tmp_path):
    path = tmp_path / "long.html"
    path.write_text("".join(page_of([made(400, 2, 4)], Columns((), ()))), encoding="utf-8")
    page = opened(path, "#view=head&layer=1&heads=2")
    assert page.evaluate("window.page.layout.line") >= 16
    drawn = page.evaluate("window.page.layout.least")
    assert 0 < drawn < 0.5
    assert page.evaluate("window.page.canvas.height") >= 400 * 16
