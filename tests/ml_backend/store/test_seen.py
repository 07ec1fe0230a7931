"""What was seen is a number: the same for the same label, another one for what a person would call another label."""

import pytest
from labelscape.ml_backend.store.pending import NOTHING_SEEN, UNKNOWN
from labelscape.ml_backend.store.records import as_oids
from labelscape.ml_backend.store.seen import LabelsThere, list_was_changed, seen_label, seen_list, was_changed

ITEMS = as_oids([f"{number:022x}00" for number in range(4)])  # NumPy strips such zeros


def test_a_class_its_confirmation_a_check_and_nothing_are_told_apart():
    labels = [("cat", None), ("cat", "neighbors"), ("dog", None), (None, "human"), (None, None)]
    assert len({seen_label(*one) for one in labels}) == len(labels)
    assert seen_label("cat", "human") == seen_label("cat", None)
    assert seen_label("", None) == NOTHING_SEEN
    assert all(seen_label(*one) > UNKNOWN for one in labels[:-1])


def test_only_what_is_there_and_was_not_seen_counts_as_changed():
    cat = seen_label("cat", None)
    assert was_changed(NOTHING_SEEN, "cat", None)
    assert was_changed(cat, "dog", None)
    assert not was_changed(cat, "cat", "human")
    assert not was_changed(cat, None, None)
    assert not was_changed(UNKNOWN, "dog", None)


def test_items_without_a_label_there_have_nothing():
    there = LabelsThere(ITEMS[[2, 0]], ["dog", "cat"], [None, "neighbors"])
    assert there.seen_by(ITEMS).tolist() == [
        seen_label("cat", "neighbors"),
        NOTHING_SEEN,
        seen_label("dog", None),
        NOTHING_SEEN,
    ]
    assert LabelsThere(ITEMS[:0], [], []).seen_by(ITEMS).tolist() == [NOTHING_SEEN] * 4


def test_a_list_is_told_by_the_labels_that_are_meant_in_any_order():
    assert seen_list([("c", "human"), ("a", None)], "all") == seen_list([("a", None), ("c", None)], "all")
    assert seen_list([("a", None), ("b", "human")], "ours") == seen_list([("b", None)], "all")


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("ab", "ba", False),
        ("ab", "a", False),
        ("abc", "bc", False),
        ("aab", "aa", False),
        ("ab", "", False),
        ("", "a", True),
        ("a", "aa", True),
        ("ab", "ac", True),
        ("ab", "abc", True),
        ("abc", "abcd", True),
        ("abcd", "dcba", False),
        ("abcd", "abce", True),
    ],
)
def test_a_list_was_changed_if_a_label_was_added(before, after, changed):
    seen = seen_list([(name, None) for name in before], "all")
    assert list_was_changed(seen, [(name, "human") for name in after], "all") == changed
    assert not list_was_changed(UNKNOWN, [(name, None) for name in after], "all")
    assert seen != UNKNOWN
    assert (seen == NOTHING_SEEN) == (before == "")
