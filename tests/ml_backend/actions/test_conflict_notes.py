"""What was left alone is reported in numbers, with examples, and with who changed it if that is known."""

import pytest
from labelscape.ml_backend.actions.conflict_notes import conflict_note, kept_notes
from labelscape.ml_backend.store.label_documents import Conflict


@pytest.mark.parametrize(
    ("number", "note"),
    [
        (0, ""),
        (1, "1 item kept its existing label (“a0” instead of “b”); “replace” overwrites. "),
        (
            5,
            "5 items kept their existing labels (“a0” instead of “b”, “a1” instead of “b”, and “a2” instead of “b”); "
            "“replace” overwrites. ",
        ),
    ],
)
def test_conflicts_are_counted_and_the_first_three_named(number, note):
    assert conflict_note([Conflict("0" * 24, "b", f"a{place}") for place in range(number)]) == note


def test_labels_clearings_and_deletions_are_told_apart_and_who_changed_them_is_named():
    conflicts = [
        Conflict("0" * 24, "dog", "cat", by="ann"),
        Conflict("1" * 24, "", "cat", "clear", by="ann"),
        Conflict("2" * 24, "", "owl", "clear", by="ben"),
        Conflict("3" * 24, "", "", "delete"),
    ]

    assert kept_notes(conflicts) == [
        "1 item kept its existing label (“cat” instead of “dog”), last annotated by ann; to replace what "
        "somebody set in the meantime, set the label again, and save.",
        "2 items were not cleared, because their labels were changed in the meantime (now “cat” and “owl”; last "
        "annotated by ann and ben).",
        "1 item was not deleted, because it was changed in the meantime: look at it, then delete it again.",
    ]
    assert kept_notes([]) == []


def test_clearings_are_counted_by_item_and_more_than_three_labels_are_counted():
    conflicts = [
        Conflict("1" * 24, "", "cat", "clear", further=("dog", "cat, striped")),
        Conflict("2" * 24, "", "owl", "clear", further=("cat", "fox")),
    ]

    assert kept_notes(conflicts[:1]) == [
        "1 item was not cleared, because its labels were changed in the meantime (now “cat”, “dog”, and “cat, "
        "striped”)."
    ]
    assert kept_notes(conflicts) == [
        "2 items were not cleared, because their labels were changed in the meantime (now “cat”, “dog”, “cat, "
        "striped”, and 2 more)."
    ]
