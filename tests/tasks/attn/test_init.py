"""``tfcli attn`` by hand: on the starter, and on tiny models of every kind."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from tfcli import run
from tfcli.errors import UsageError
from tfcli.tasks.attn import TASK
from tfcli.tasks.attn.options import AttnOptions

STREET = "The animal did not cross the street because it was too hot"


def attn(text=STREET, **options):
    return next(run("attn", text, **options))


def records(text):
    return [json.loads(line) for line in text.splitlines()]


# What a record is.


def test_one_head_of_the_starter():
    record = attn(layer="4", head="3")
    assert list(record) == [
        *("index", "text", "kind", "queries", "keys", "segments", "layers", "heads", "attention"),
    ]
    assert record["queries"] == ["[CLS]", *STREET.lower().split(), "[SEP]"]
    assert (record["kind"], record["layers"], record["heads"]) == ("self", [4], [3])
    assert record["attention"].shape == (1, 1, 14, 14)
    assert record["attention"].sum(-1) == pytest.approx(1, abs=1e-5)


def test_the_weights_are_those_of_transformers():
    import torch
    import transformers

    from tfcli.models.registry import starters

    folder = starters()["bert-starter"].folder
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32
    )
    with torch.inference_mode():
        output = model.eval()(**tokenizer(STREET, return_tensors="pt"), output_attentions=True)
    expected = torch.stack(output.attentions)[:, 0].numpy()
    assert np.abs(attn()["attention"] - expected).max() < 1e-5


def test_a_layer_may_be_a_number_in_python():
    assert attn("a dog", layer=4, head=-1)["heads"] == [11]


def test_all_heads_without_layer_and_head():
    record = attn("a dog")
    assert (record["layers"], record["heads"]) == (list(range(6)), list(range(12)))
    assert record["attention"].shape == (6, 12, 4, 4)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_many_texts_give_what_each_gives_alone(reader, dtype):
    texts = ["the film", "i hate it and it is not great at all", "bad"]
    options = {"model": reader("bert"), "layer": "1", "head": "0", "dtype": dtype}
    for record, text in zip(run("attn", texts, **options), texts, strict=True):
        alone = attn(text, **options)
        tolerance = 1e-5 if dtype == "float32" else 0.05
        assert np.abs(record["attention"] - alone["attention"]).max() < tolerance
        assert record["queries"] == alone["queries"]


def test_half_as_large():
    assert attn("a dog", half=True)["attention"].dtype == np.float16
    assert attn("a dog", half=True, entropy=True)["entropy"].dtype == np.float16


# Pairs.


def test_a_pair_from_a_chinese_tutorial(tmp_path):
    """45 tokens, of which the second text has those from 18 on, as with bert-base-chinese."""
    import transformers

    first = "好不好燕子你要开心你要幸福好不好"
    second = "开心啊幸福。你的世界以后没有我了没关系你要自己幸福。"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *first, *second]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = transformers.BertTokenizer(vocab=vocab, model_max_length=64)
    config = transformers.BertConfig(
        vocab_size=len(vocab),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=12,
        intermediate_size=48,
        max_position_embeddings=64,
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    record = attn({"text": first, "pair": second}, model=str(tmp_path), layer="1", head="3")
    assert len(record["queries"]) == 45
    assert record["segments"]["queries"].index(1) == 18
    assert "".join(record["queries"][18:-1]) == second
    across = attn(
        {"text": first, "pair": second}, model=str(tmp_path), between="ab", no_special=True
    )
    assert "".join(across["queries"]) == first
    assert "".join(across["keys"]) == second
    assert across["attention"].shape == (2, 12, 16, 26)


def test_between_needs_a_second_text():
    error = attn("a dog", between="ab")["error"]
    assert error["message"] == "--between needs a second text: --pair TEXT"


# Two stacks.


def test_kinds_of_a_model_of_two_stacks(reader):
    model = reader("t5")
    both = {"text": "the film is bad", "target": "not bad"}
    encoder = attn("the film is bad", model=model)
    assert (encoder["kind"], len(encoder["keys"])) == ("encoder", 5)
    cross = attn(both, model=model)
    assert (cross["kind"], cross["queries"]) == ("cross", ["</s>", "▁not", "▁bad"])
    assert cross["keys"] == encoder["keys"]
    decoder = attn(both, model=model, kind="decoder")
    assert decoder["queries"] == decoder["keys"] == cross["queries"]
    assert (np.triu(decoder["attention"][0, 0], 1) == 0).all()


def test_a_target_that_the_model_writes(reader):
    model = reader("t5")
    options = {"model": model, "greedy": True, "max_new_tokens": 63}
    written = next(run("generate", "the film is bad", **options))["text"]
    own = attn({"text": "the film is bad", "target": "generate"}, model=model)
    given = attn({"text": "the film is bad", "target": written}, model=model)
    assert own["queries"] == given["queries"]
    assert np.abs(own["attention"] - given["attention"]).max() < 1e-5


def test_a_target_for_each_text(reader):
    pairs = [("the film", "bad"), ("it is great", "not very bad"), ("a plot", "generate")]
    made = list(
        run("attn", [{"text": a, "target": b} for a, b in pairs], model=reader("bart"), agg="mean")
    )
    assert [one["kind"] for one in made] == ["cross"] * 3
    alone = attn(
        {"text": "it is great", "target": "not very bad"}, model=reader("bart"), agg="mean"
    )
    assert np.abs(made[1]["attention"] - alone["attention"]).max() < 1e-5


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("bert", {"kind": "cross"}, "The model has no cross attention"),
        ("bart", {"kind": "self"}, "The model has no self attention"),
        ("bert", {"layer": "2"}, "There is no layer 2"),
        ("bert", {"head": "-5"}, "There is no head -5"),
        ("bart", {"kind": "cross", "target": "the", "distance": True}, "Distance: queries and"),
        ("bart", {"kind": "cross", "target": "the", "between": "ab"}, "--between parts the two"),
        ("xlnet", {"neurons": True, "token": 1}, "no --neurons"),
    ],
)
def test_what_a_model_does_not_have(reader, family, options, message):
    with pytest.raises(UsageError, match=message):
        attn("the film", model=reader(family), **options)


def test_an_encoder_without_its_decoder(tmp_path, reader):
    import transformers

    whole = transformers.AutoModelForSeq2SeqLM.from_pretrained(reader("t5"))
    alone = transformers.T5EncoderModel.from_pretrained(reader("t5"))
    alone.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(reader("t5")).save_pretrained(tmp_path)
    assert whole.config.is_encoder_decoder
    record = attn("the film", model=str(tmp_path))
    assert record["kind"] == "self"
    expected = attn("the film", model=reader("t5"), kind="encoder")["attention"]
    assert np.abs(record["attention"] - expected).max() < 1e-6


def test_a_target_that_is_none_is_not_given(reader):
    assert attn("the film", model=reader("bart"), target=None)["kind"] == "encoder"


@pytest.mark.parametrize("kind", ["cross", "decoder"])
def test_without_a_target_a_decoder_writes_its_own(reader, kind):
    own = attn("the film", model=reader("bart"), kind=kind)
    given = attn({"text": "the film", "target": "generate"}, model=reader("bart"), kind=kind)
    assert own["queries"] == given["queries"]
    assert (own["attention"] == given["attention"]).all()


# What is made of maps.


def test_words():
    record = attn("antidisestablishment weather", merge="words", layer="0", head="0")
    assert record["keys"] == ["[CLS]", "antidisestablishment", "weather", "[SEP]"]
    tokens = attn("antidisestablishment weather", layer="0", head="0")["attention"][0, 0]
    pieces = slice(1, len(tokens) - 2)
    assert len(tokens) > 4
    merged = record["attention"][0, 0]
    assert merged[0, 1] == pytest.approx(tokens[0, pieces].sum(), abs=1e-6)
    assert merged[1, 0] == pytest.approx(tokens[pieces, 0].mean(), abs=1e-6)
    assert merged.sum(-1) == pytest.approx(1, abs=1e-5)


def test_characters_of_a_vocabulary_of_bytes(reader):
    record = attn("深度学习", merge="chars", model=reader("gpt2"), layer="1", head="2")
    assert record["queries"] == list("深度学习")
    assert record["attention"].sum(-1) == pytest.approx(1, abs=1e-5)


def test_links():
    links = attn(layer="4", head="3", top_k=2)["links"]
    weights = attn(layer="4", head="3")["attention"][0, 0]
    assert len(links) == 2 * 14
    for link in links[::2]:
        assert link["weight"] == pytest.approx(weights[link["query"]].max())


def test_mean_over_heads():
    record = attn("a dog", layer="2", agg="mean")
    assert (record["layers"], record["heads"]) == ([2], "mean")
    expected = attn("a dog", layer="2")["attention"].mean(axis=1, keepdims=True)
    assert np.abs(record["attention"] - expected).max() < 1e-6


def test_rollout_ends_at_the_last_layer_asked_for():
    maps = attn("a dog")["attention"].mean(axis=1)
    half = np.eye(4) / 2
    two = (maps[1] / 2 + half) @ (maps[0] / 2 + half)
    found = attn("a dog", rollout=True, layer="1")
    assert np.abs(found["attention"][0, 0] - two).max() < 1e-5
    assert (found["layers"], found["heads"]) == ("rollout", "rollout")
    assert attn("a dog", rollout=True)["attention"].sum(-1) == pytest.approx(1, abs=1e-5)


def test_numbers_of_heads():
    record = attn("a dog", entropy=True, distance=True, patterns=True)
    maps = attn("a dog")["attention"]
    logs = np.log(np.where(maps > 0, maps, 1))
    assert np.abs(record["entropy"] + (maps * logs).sum(-1).mean(-1)).max() < 1e-5
    assert record["distance"].shape == (6, 12)
    assert np.abs(record["patterns"]["first"] - maps[..., 0].mean(-1)).max() < 1e-6
    assert np.abs(record["patterns"]["separator"] - maps[..., 3].mean(-1)).max() < 1e-6
    assert "attention" not in record


def test_neurons():
    record = attn(layer="4", head="3", neurons=True, token=9)
    assert (record["token"], record["queries"]) == (9, ["it"])
    assert record["query"].shape == (1, 1, 32)
    assert record["key"].shape == record["product"].shape == (1, 1, 14, 32)
    score = record["product"].sum(-1) / math.sqrt(32)
    assert np.abs(score - record["score"]).max() < 1e-4
    exps = np.exp(record["score"])
    assert np.abs(exps / exps.sum(-1, keepdims=True) - record["attention"][:, :, 0]).max() < 1e-5
    whole = attn(layer="4", head="3")["attention"]
    assert np.abs(record["attention"][:, :, 0] - whole[:, :, 9]).max() < 1e-6


def test_neurons_of_a_token_that_is_not_there():
    error = attn("a dog", neurons=True, token=4)["error"]
    assert error["message"] == "there is no token 4: the text has 4, from 0 on"


# Sizes.


def test_maps_that_are_too_large():
    record = attn("a dog", max_bytes=4600)
    assert record["attention"] is None
    assert record["error"] == {
        "type": "too_large",
        "message": "72 maps of 4 × 4 tokens take 4,608 bytes, and --max-bytes allows 4,600; "
        "ask for fewer with --layer and --head",
        "file": None,
        "line": None,
    }
    assert attn("a dog", max_bytes=4608)["attention"].nbytes == 4608


def test_numbers_need_the_maps_of_one_layer_at_a_time(reader):
    for how in ({"entropy": True}, {"agg": "mean"}, {"rollout": True}):
        assert "error" not in attn("a dog", max_bytes=12 * 64, **how)
    assert "error" in attn("a dog", max_bytes=12 * 64 - 1, entropy=True)
    by_the_model = attn("the film", model=reader("xlnet"), entropy=True, layer="0", max_bytes=300)
    assert by_the_model["error"]["message"].startswith("8 maps of ")


def test_a_target_that_is_too_long(reader):
    record = attn({"text": "the", "target": "the " * 70}, model=reader("bart"))
    assert record["error"]["type"] == "too_long"
    assert record["error"]["message"].startswith("the target has ")


def test_what_a_model_will_write_counts(reader):
    both = {"text": "the", "target": "generate"}
    options = {"model": reader("t5"), "kind": "decoder", "layer": "0", "head": "0"}
    assert attn(both, max_bytes=200_000, **options)["error"]["type"] == "too_large"
    assert attn(both, max_bytes=300_000, **options)["attention"] is not None


def test_a_text_that_is_too_long(reader):
    model = reader("bert")
    record = attn("the " * 70, model=model)
    assert record["error"]["type"] == "too_long"
    cut = attn("the " * 70, model=model, truncate="right", layer="0", head="0")
    assert (cut["truncated"], len(cut["keys"])) == (True, 64)
    assert attn("the", model=model, truncate="right")["truncated"] is False


def test_few_texts_wait_for_each_other_where_each_has_many_maps():
    def window(**options):
        return TASK.window(AttnOptions(**options))

    assert window() == window(layer="4") == window(layer="4", head="0-3") == 1
    assert window(top_k=3) == window(neurons=True, token=1) == 1
    assert window(layer="4", head="3") == window(entropy=True) == 64


# The command.


def test_json_of_a_pipe(tfcli):
    ended = tfcli("attn", "a dog", "--layer", "4", "--head", "-1")
    (record,) = records(ended.out)
    assert record["heads"] == [11]
    assert np.asarray(record["attention"]).shape == (1, 1, 4, 4)


def test_what_a_query_may_not_see_is_null(tfcli, reader):
    options = ("--layer", "0", "--head", "0", "--neurons", "--token", "0")
    (record,) = records(tfcli("attn", "abc", "-m", reader("gpt2"), *options).out)
    assert record["score"][0][0][1:] == [None, None]
    assert record["attention"] == [[[[1.0, 0.0, 0.0]]]]


def test_plain_is_for_sort_and_awk(tfcli):
    ended = tfcli("attn", "a dog", "--layer", "4", "--head", "3", "-f", "plain")
    lines = [line.split("\t") for line in ended.out.splitlines()]
    weights = attn("a dog", layer="4", head="3")["attention"][0, 0]
    assert [line[:6] for line in lines] == [
        ["4", "3", str(q), str(k), query, key]
        for q, query in enumerate(["[CLS]", "a", "dog", "[SEP]"])
        for k, key in enumerate(["[CLS]", "a", "dog", "[SEP]"])
    ]
    assert [float(line[6]) for line in lines] == pytest.approx(weights.ravel().tolist())


def test_a_table_has_a_line_for_each_weight_and_one_for_a_failure(tfcli):
    text = b'id,text\n7,"a\tdog"\n8,\n'
    ended = tfcli(
        *("attn", "--layer", "4", "--head", "3", "-f", "csv"),
        *("-i", "-", "--input-format", "csv", "--keep", "id"),
        stdin=text,
    )
    lines = ended.out.splitlines()
    assert lines[0] == "index,id,layer,head,query_index,key_index,query,key,weight,error"
    assert lines[1].startswith("0,7,4,3,0,0,[CLS],[CLS],0.")
    assert len(lines) == 1 + 16 + 1
    assert lines[-1].startswith('1,8,,,,,,,,"{""type"": ""empty""')
    assert ended.status == 3


def test_a_table_says_which_texts_were_cut(tfcli, reader):
    given = ("--model", reader("bert"), "--layer", "0", "--head", "0", "--truncate", "right")
    ended = tfcli("attn", "the " * 70, *given, "-f", "csv")
    header, first, *_ = ended.out.splitlines()
    assert header == "index,layer,head,query_index,key_index,query,key,weight,truncated,error"
    assert first.split(",")[-2] == "true"


def test_arrays_in_a_file(tfcli, tmp_path):
    assert tfcli("attn", "a dog", "-o", "heads.npz").status == 0
    with np.load(tmp_path / "heads.npz") as stored:
        assert (stored["attention"] == attn("a dog")["attention"]).all()
        assert stored["queries"].tolist() == ["[CLS]", "a", "dog", "[SEP]"]
        assert str(stored["text"]) == "a dog"


def test_the_help_explains_every_option(tfcli):
    screen = tfcli("attn", "--help", COLUMNS="200").out
    for switch in ("--layer", "--rollout", "--max-bytes", "--pair", "--target"):
        assert switch in screen


def test_the_sort_of_the_help_runs(tfcli):
    *_, example = TASK.examples
    ended = subprocess.run(
        ["bash", "-c", example.replace("tfcli", f"{sys.executable} -m tfcli", 1)],
        capture_output=True,
        check=True,
        text=True,
    )
    weights = [float(line.split("\t")[6]) for line in ended.stdout.splitlines()]
    assert len(weights) == 10
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize("prompt", range(5))
def test_the_maps_of_the_real_gpt2(standard_checkpoint, prompt):
    """Published by transformer-explainer; checked where GPT-2 is in the cache."""
    from pathlib import Path

    folder = standard_checkpoint("openai-community/gpt2@607a30d")
    reference = Path(__file__).parents[1] / "reference" / "gpt2_attention.json"
    stored = json.loads(reference.read_text(encoding="utf-8"))
    published = stored["prompts"][prompt]
    heads = ",".join(map(str, stored["heads"]))
    record = attn(published["prompt"], model=folder, head=heads)
    assert record["queries"] == published["tokens"]
    assert np.abs(record["attention"] - np.asarray(published["attention"])).max() < 1e-3


def test_a_kept_column_with_the_name_of_a_long_one_is_kept(tfcli):
    options = ("-f", "csv", "-i", "-", "--input-format", "csv", "--keep", "query", "--layer", "4")
    ended = tfcli("attn", *options, "--head", "3", stdin=b"query,text\nmine,a dog\n")
    header, first, *_ = ended.out.splitlines()
    assert header.startswith("index,input_query,layer,head,")
    assert first.startswith("0,mine,4,3,0,0,[CLS],[CLS],")


def test_links_go_only_where_there_is_weight(reader):
    links = attn("abc", model=reader("gpt2"), layer="0", head="0", top_k=3)["links"]
    assert [(link["query"], link["key"] <= link["query"]) for link in links] == [
        *((0, True), (1, True), (1, True)),
        *((2, True), (2, True), (2, True)),
    ]


def test_half_of_patterns():
    assert attn("a dog", half=True, patterns=True)["patterns"]["next"].dtype == np.float16


def test_what_changed_in_maps_is_said(tfcli, reader):
    options = ("-m", reader("bert"), "--layer", "1", "--head", "0", "-v", "--ablate", "0")
    err = tfcli("attn", "the film", *options).err
    assert "record 0: attention by up to 0." in err
