"""Sentences on screen agree with their numbers."""

import pytest
from labelscape.ml_backend.wording import agree, count, listing, noun, percent, plural, rough_duration


@pytest.mark.parametrize(
    ("singular", "expected"),
    [
        ("label", "labels"),
        ("patch", "patches"),
        ("class", "classes"),
        ("entry", "entries"),
        ("key", "keys"),
        ("pending change", "pending changes"),
        ("box", "boxes"),
    ],
)
def test_plurals_are_english(singular, expected):
    assert plural(singular) == expected


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 labels"), (1, "1 label"), (2, "2 labels"), (1024, "1,024 labels")]
)
def test_a_noun_agrees_with_its_number(number, expected):
    assert count(number, "label") == expected
    assert expected.endswith(noun(number, "label"))


def test_a_verb_agrees_with_its_number():
    assert [f"{count(n, 'task')} {agree(n, 'is')} annotated" for n in (1, 2)] == [
        "1 task is annotated",
        "2 tasks are annotated",
    ]


def test_a_word_that_is_not_known_is_refused_rather_than_guessed():
    with pytest.raises(KeyError):
        agree(1, "jumps")
    with pytest.raises(KeyError):
        agree(2, "jumps")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [([], ""), (["a"], "a"), (["a", "", "b"], "a and b"), (["a", "b", "c"], "a, b, and c")],
)
def test_a_list_reads_like_a_sentence(parts, expected):
    assert listing(parts) == expected


def test_a_percentage_is_100_or_0_only_where_it_is_exactly_that():
    assert [percent(x) for x in (0, 0.001, 0.5, 0.999, 1)] == ["0%", "1%", "50%", "99%", "100%"]
    assert percent(0.9996, 1) == "99.9%"


def test_a_duration_is_rough():
    assert [rough_duration(seconds) for seconds in (0, 59, 60, 200, 72_000)] == [
        "less than a minute",
        "less than a minute",
        "about 1 min",
        "about 3 min",
        "about 1,200 min",
    ]
