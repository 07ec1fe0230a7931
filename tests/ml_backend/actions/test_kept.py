"""What was left alone is told in numbers, with examples, and with who changed it where that is known."""

import pytest
from labelscape.ml_backend.actions.kept import conflict_note, kept_notes
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
        "1 item kept its existing label (“cat” instead of “dog”), changed in the meantime by ann; to replace what "
        "somebody set in the meantime, set the label again, and save.",
        "2 labels were not cleared, because they were changed in the meantime by ann and ben (now “cat” and “owl”).",
        "1 item was not deleted, because it was changed in the meantime: look at it, then delete it again.",
    ]
    assert kept_notes([]) == []
