"""Figures: what is drawn, in which colours and sizes, the same bytes each time."""

import hashlib
import importlib
import io
import re
import subprocess
import sys
import warnings
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from tfcli.errors import TfcliError, UsageError
from tfcli.views.attn import fonts
from tfcli.views.attn.figures import DPI, THEMES, draw_all

TOKENS = ["[CLS]", "the", "dog", "ran", "[SEP]"]
FORMATS = ["png", "svg", "pdf"]
ERROR = {"type": "empty", "message": "the text is empty", "file": "in.txt", "line": 2}


def weights(layers, heads, queries, keys, causal=False):
    """Rows that sum to 1; no two maps are alike."""
    scores = np.random.default_rng(0).normal(size=(layers, heads, queries, keys)) * 2
    raised = np.exp(scores) * (np.tri(queries, keys) if causal else 1)
    return (raised / raised.sum(-1, keepdims=True)).astype(np.float32)


def record(queries=TOKENS, keys=None, **more):
    keys = queries if keys is None else keys
    one = {"index": 0, "text": "", "kind": "self", "queries": queries, "keys": keys}
    one |= {"segments": {"queries": [], "keys": []}, "layers": [4], "heads": [3], **more}
    if not one.keys() & {"links", "entropy", "distance", "patterns", "product", "error"}:
        one.setdefault("attention", weights(1, 1, len(queries), len(keys)))
    return one


def grid(rows, columns, queries=TOKENS, keys=None, causal=False, **more):
    keys = queries if keys is None else keys
    maps = weights(rows, columns, len(queries), len(keys), causal)
    named = {"layers": list(range(rows)), "heads": list(range(columns)), **more}
    return record(queries, keys, attention=maps, **named)


def neurons(count=4, dimensions=6, **more):
    generator = np.random.default_rng(1)
    query, key = generator.normal(size=dimensions), generator.normal(size=(count, dimensions))
    score = (query * key).sum(-1)
    score[-1] = np.nan  # masked
    raised = np.nan_to_num(np.exp(score))
    arrays = {"query": query, "key": key, "product": query * key, "score": score}
    arrays["attention"] = (raised / raised.sum())[None]
    arrays = {name: array[None, None].astype(np.float32) for name, array in arrays.items()}
    keys = [f"k{nth}" for nth in range(count)]
    return record(["dog"], keys, token=2, **arrays | more)


def drawn(*records, format="svg", theme="light"):
    out = io.BytesIO()
    draw_all(records, out, format, theme)
    return out.getvalue()


def pixels(*records, theme="light"):
    """Red, green and blue from 0 to 1: (row, column, channel)."""
    return imread(io.BytesIO(drawn(*records, format="png", theme=theme)))[..., :3]


def looked_at(one):
    """Height and width of a figure in inches, and all its texts.

    In a svg each text stands as a comment beside its outlines.
    """
    svg = drawn(one)
    root = ElementTree.fromstring(svg)
    height, width = (float(root.get(side).removesuffix("pt")) / 72 for side in ("height", "width"))
    return height, width, list(map(unescape, re.findall(r"<!-- (.*?) -->", svg.decode())))


def texts(one):
    return looked_at(one)[-1]


def has(image, color):
    return bool((abs(image - np.array(to_rgb(color))).max(-1) < 0.01).any())


def test_a_head_is_a_map_with_its_tokens_numbers_and_scale():
    shares = np.array([[0.42, 0.58], [0.004, 0.996]], np.float32)
    found = texts(record(["a", "b"], ["c", " d"], attention=shares[None, None]))
    for text in ("a", "b", "c", "␣d", "query", "key", "layer 4, head 3", "attention weight"):
        assert text in found
    assert [text for text in found if re.fullmatch(r"\d?\.\d\d", text)] == [".42", ".58", "1.00"]


@pytest.mark.parametrize(
    ("more", "title"),
    [
        ({"layers": "mean"}, "mean of layers, head 3"),
        ({"heads": "max"}, "layer 4, max of heads"),
        ({"layers": "rollout", "heads": "rollout"}, "attention rollout"),
        ({"kind": "decoder"}, "decoder, layer 4, head 3"),
        ({"kind": "cross"}, "cross-attention, layer 4, head 3"),
    ],
)
def test_the_title_says_what_a_map_is_of(more, title):
    assert title in texts(record(**more))


def cells(svg):
    """The cells of a map that are drawn."""
    groups = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g")
    mesh = next(group for group in groups if group.get("id") == "QuadMesh_1")
    fills = [path.get("style", "") for path in mesh.iter("{http://www.w3.org/2000/svg}path")]
    return [style for style in fills if "fill: #" in style or "fill: none" not in style]


@pytest.mark.parametrize(("causal", "count"), [(False, 25), (True, 15)])
def test_what_a_mask_forbids_is_paper(causal, count):
    assert len(cells(drawn(grid(1, 1, causal=causal)))) == count


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_has_its_paper_ink_and_colours(theme):
    paper, ink, scale, _ = THEMES[theme]
    image = pixels(record(attention=np.eye(5, dtype=np.float32)[None, None] + 1e-9), theme=theme)
    assert np.allclose(image[0, 0], to_rgb(paper), atol=0.01)
    for color in (ink, scale(0.0), scale(1.0)):
        assert has(image, color[:3] if color is not ink else ink)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 200  # smooth text, a smooth scale


def test_the_papers_are_white_and_nearly_black_and_weight_0_is_not_paper():
    assert THEMES["light"].paper == "#ffffff"
    assert max(to_rgb(THEMES["dark"].paper)) < 0.1
    for theme in THEMES.values():
        difference = np.subtract(theme.weights(0.0)[:3], to_rgb(theme.paper))
        assert abs(difference).max() > 0.04


def test_a_map_grows_with_its_tokens_cell_by_cell():
    few, many = (pixels(record(["a"] * count)).shape for count in (6, 16))
    assert many[0] - few[0] == many[1] - few[1] == 10 * 0.3 * DPI


@pytest.mark.parametrize("count", [1, 512])
def test_a_map_of_any_size_fits_a_page_and_can_be_read(count):
    tokens = [f"t{nth}" for nth in range(count)]
    height, width, found = looked_at(grid(1, 1, tokens, causal=True))
    assert max(height, width) < 9
    shown = [text for text in found if text in tokens]
    assert 2 * min(count, 100) <= len(shown) <= 2 * min(count, 110)


def test_numbers_stand_where_there_is_room():
    assert ".20" in texts(record(attention=np.full((1, 1, 5, 5), 0.2, np.float32)))
    many = record(["a"] * 25, attention=np.full((1, 1, 25, 25), 0.04, np.float32))
    assert ".04" not in texts(many)


def test_a_long_narrow_map_is_no_mere_line():
    (few, width, _), (more, _, _) = (
        looked_at(grid(1, 1, ["a"] * rows, ["k"] * 200, kind="cross")) for rows in (5, 8)
    )
    assert width > 7
    assert more - few == pytest.approx(3 * 0.3, abs=0.01)


def test_labels_are_data():
    hostile = [
        "$x_1$",
        "$\\frac{$",
        "<b>&",
        "-->",
        "\ufffe",
        "a\x1b[31m",
        "\u202eb",
        "\ud800",
        "",
        "🙂",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = texts(record(hostile))
        assert drawn(record(hostile), format="png")
        assert drawn(record(hostile), format="pdf")
    for text in ("$x_1$", "$\\frac{$", "<b>&", "- ->", "<U+FFFE>", "a<U+001B>[31m", "<U+202E>b"):
        assert found.count(text) == 2


def test_heads_are_a_grid_with_layers_and_heads_at_its_edges():
    several = grid(2, 3, layers=[0, 11], heads=[7, 8, 9])
    found = texts(several)
    for text in ("layer", "head", "0", "11", "7", "8", "9"):
        assert found.count(text) == 1
    assert "Each map is scaled to its own maximum." in found
    assert "[CLS]" not in found
    assert drawn(several).count(b"<image") == 1


def test_a_grid_of_another_kind_or_of_means_says_so():
    found = texts(grid(2, 1, kind="cross", heads="mean"))
    assert {"cross-attention", "mean", "0", "1"} <= set(found)


def test_twelve_times_twelve_heads_fit_a_page():
    height, width, _ = looked_at(grid(12, 12))
    assert 7 < width < 8
    assert height < 9


def test_each_map_of_a_grid_is_scaled_to_its_own_maximum():
    maps = grid(1, 2)
    faint = maps["attention"] * np.array([1, 2**-7], np.float32)[:, None, None]
    assert drawn(maps | {"attention": faint}) == drawn(maps)
    assert drawn(maps | {"attention": maps["attention"][:, ::-1]}) != drawn(maps)


def test_a_map_of_zeros_in_a_grid_is_paper():
    maps = grid(1, 2)
    image = pixels(maps | {"attention": np.zeros_like(maps["attention"])})
    assert not has(image, THEMES["light"].weights(1.0)[:3])


def test_lines_in_maps_of_more_tokens_than_pixels_are_seen():
    maps = np.full((1, 12, 512, 512), 1e-6, np.float32)
    maps[..., [0, 203]] = 1
    image = pixels(record(attention=maps, heads=list(range(12))))
    pixel_columns = (abs(image - THEMES["light"].weights(1.0)[:3]).max(-1) < 0.01).sum(0) > 90
    assert pixel_columns.sum() >= 2 * 12


def test_maps_of_a_causal_grid_are_triangles():
    def share(causal):
        image = pixels(grid(1, 2, causal=causal))
        return (image.min(-1) > 0.99).mean()

    assert share(causal=True) > share(causal=False) + 0.15


def test_measures_are_panels_with_numbers_and_units():
    values = np.array([[0.04, 1.25], [2.5, 12.4]], np.float32)
    measured = record(
        layers=[0, 1],
        heads=[5, 6],
        entropy=values,
        distance=values * 10,
        patterns={"previous": values / 20, "separator": values / 25},
    )
    found = texts(measured)
    titles = [text for text in found if "(" in text]
    assert titles == [
        *("entropy (nats)", "distance (tokens)"),
        *("previous token (mean weight)", "separator (mean weight)"),
    ]
    for text in ("0.0", "1.2", "2.5", "12", "124", ".06", ".12", ".62", ".05", ".10", ".50"):
        assert text in found
    assert drawn(measured).count(b'id="QuadMesh_') == 4


def test_one_measure_is_one_panel():
    found = texts(record(layers=[0, 1], heads=[0], entropy=np.ones((2, 1), np.float32)))
    assert [text for text in found if "(" in text] == ["entropy (nats)"]


def test_measures_of_a_large_model_have_no_numbers():
    many = {"layers": list(range(32)), "heads": list(range(32))}
    found = texts(record(**many, distance=np.full((32, 32), 7.7, np.float32)))
    assert "7.7" not in found
    assert "distance (tokens)" in found


def test_neurons_are_shown_from_query_to_softmax():
    one = neurons()
    found = texts(one)
    titles = ["layer 4, head 3", "query (6 dimensions)", "key", "query × key", "score", "softmax"]
    assert [text for text in found if text in titles] == sorted(titles, key=found.index)
    assert set(titles) <= set(found)
    assert {"dog", "k0", "k1", "k2", "k3"} <= set(found)
    for score, share in zip(one["score"][0, 0][:3], one["attention"][0, 0, 0], strict=False):
        assert f"{score:.1f}".replace("-", "−") in found
        assert f"{share:.2f}".lstrip("0") in found
    assert not {"nan", "-nan"} & set(found)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_positive_is_blue_and_negative_orange(theme):
    image = pixels(neurons(query=np.array([[[3, -3, 0, 0, 0, 0]]], np.float32)), theme=theme)
    signed = THEMES[theme].signed
    (red, _, blue), (more_red, _, less_blue) = signed(0.75)[:3], signed(0.25)[:3]
    assert blue > red
    assert more_red > less_blue
    assert has(image, signed(1.0)[:3])
    assert has(image, signed(0.0)[:3])


def test_neurons_of_512_keys_fit_a_page():
    height, width, _ = looked_at(neurons(512, 64))
    assert height < 11
    assert width < 9


def test_neurons_of_several_heads_are_refused():
    one = neurons()
    with pytest.raises(UsageError, match="one head") as raised:
        drawn(one | {"product": one["product"].repeat(2, axis=1)})
    assert raised.value.hint == "Add --layer 4 --head 3."


def test_links_are_refused():
    with pytest.raises(TfcliError, match="leave --top-k out"):
        drawn(record(links=[]))


def test_a_failed_record_is_told():
    failed = record(error=ERROR) | {"queries": None, "keys": None, "kind": None}
    with pytest.raises(TfcliError, match=r"^in\.txt:2: the text is empty$"):
        drawn(failed)
    with pytest.raises(TfcliError, match="the text is empty"):
        drawn(record(), failed, format="pdf")


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_to_draw(format):
    with pytest.raises(TfcliError, match="There is nothing to draw"):
        drawn(format=format)


@pytest.mark.parametrize("format", ["png", "svg"])
def test_a_picture_shows_one_text(format):
    with pytest.raises(TfcliError, match=f"A .{format} file shows one text") as raised:
        drawn(record(), record(), format=format)
    assert "--limit 1" in raised.value.hint


def test_a_pdf_has_a_page_for_each_text():
    document = drawn(record(), grid(2, 2), neurons(), format="pdf")
    assert document.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", document)) == 3
    assert b"/Type3" not in document


def test_a_label_without_a_font_is_an_error_only_where_it_is_shown(monkeypatch):
    monkeypatch.setattr(fonts, "_installed", lambda: ("DejaVu Sans",))
    with pytest.raises(TfcliError, match=r"深 \(U\+6DF1\)"):
        drawn(record(["深", "度"]))
    assert drawn(grid(1, 2, ["深", "度"]))


def digests():
    several = [record(["a", "b"]), neurons(2, 2)]
    files = [drawn(one, format=format) for one in several for format in FORMATS]
    return [hashlib.sha256(file).hexdigest() for file in files]


def test_the_same_record_gives_the_same_bytes_in_another_process_without_pyplot():
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('figures_again', {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(*module.digests(), 'matplotlib.pyplot' in sys.modules)\n"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.split() == [*digests(), "False"]


def test_settings_of_the_user_neither_matter_nor_change():
    plain = drawn(record(), format="svg")
    with matplotlib.rc_context({"text.usetex": True, "font.size": 30, "axes.grid": True}):
        before = dict(matplotlib.rcParams)
        assert drawn(record(), format="svg") == plain
        assert dict(matplotlib.rcParams) == before


def test_without_matplotlib_the_hint_is_to_install_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "tfcli.views.attn.figures")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="Figures need matplotlib") as raised:
        importlib.import_module("tfcli.views.attn.figures")
    assert raised.value.hint == 'pip install "tfcli[plot]"'
