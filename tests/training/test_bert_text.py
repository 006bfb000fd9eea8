import pytest
from bert_starter.text import Node, join_tokens, letters_only, parse_tree, rewrite_span, sst2_form


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("It 's a film you ca n't miss .", "It's a film you can't miss."),
        ("great -LRB- and fun -RRB- , too !", "great (and fun), too!"),
        ("he said `` no '' twice", 'he said "no" twice'),
        ('he said " no " twice', 'he said "no" twice'),
        ("writer\\/director of a \\*\\*\\* film", "writer/director of a *** film"),
        ("the dogs ' tails", "the dogs' tails"),
        ("it cost $ 5 million ; wow", "it cost $5 million; wow"),
    ],
)
def test_treebank_tokens_become_ordinary_text(tokens: str, text: str) -> None:
    words = tokens.split()
    joined, starts = join_tokens(words)
    assert joined == text
    assert starts == sorted(starts)
    assert len(starts) == len(words)


def test_answer_moves_with_its_tokens() -> None:
    context = "The Commission -LRB- TRC -RRB- did n't `` sit '' ."
    for answer in ("TRC", "The Commission", "did n't", "sit"):
        start = context.index(answer)
        text, place, moved = rewrite_span(context, start, answer)
        assert text == 'The Commission (TRC) didn\'t "sit".'
        assert text[place : place + len(moved)] == moved
        assert moved == join_tokens(answer.split())[0]


def test_answer_inside_a_token_leaves_the_context_alone() -> None:
    context = "a state-owned bank , sold"
    assert rewrite_span(context, 2, "state") == (context, 2, "state")


def test_sst2_form_is_that_of_the_sentence_files() -> None:
    tokens = [
        "It",
        "'s",
        "a",
        "well-made",
        ",",
        "K-19",
        "--",
        "like",
        "film",
        ";",
        "is",
        "n't",
        "it",
        "?",
        "-LRB-",
        "yes",
        "-RRB-",
        ".",
    ]
    assert sst2_form(tokens) == "it 's a well made , k 19 like film is n't it ? yes"


def test_tree_gives_every_phrase_and_the_sentence_first() -> None:
    assert parse_tree("(3 (2 It) (4 (2 's) (4 lovely)))") == [
        Node(3, 0, ["It", "'s", "lovely"]),
        Node(2, 0, ["It"]),
        Node(4, 1, ["'s", "lovely"]),
        Node(2, 1, ["'s"]),
        Node(4, 2, ["lovely"]),
    ]


def test_letters_only_forgets_spelling() -> None:
    assert letters_only("Ca n't, wo-n't!") == letters_only("can't won't")
