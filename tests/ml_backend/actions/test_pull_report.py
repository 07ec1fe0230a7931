"""The closing message of a pull counts labels by what happened to them, in sentences that agree with the numbers."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from labelscape.ml_backend.actions.pull_report import LeftAlone, PullReport, count_effects
from labelscape.ml_backend.store.edits import Edit
from labelscape.ml_backend.store.label_documents import Conflict

NOTHING = PullReport(
    "Digits", "ground_truth", 0, 0, 0, 0, {}, None, [], annotated=1, skipped=0, waiting=2, withdrawn=0, gone=0, turned=0
)
PULLED = replace(NOTHING, given=2, confirmed=1, by={"ann": 2, "bob": 1})


def edit(before, after, kind="value"):
    return Edit(kind, "0" * 24, "ground_truth", before, after)


@pytest.mark.parametrize(
    ("before", "after", "kind", "effect"),
    [
        (None, {"label": "cat"}, "value", "given"),
        ({"label": "dog"}, {"label": "cat"}, "value", "given"),
        ({"label": "cat"}, {"label": "cat"}, "value", "confirmed"),
        ({"label": "cat"}, None, "value", "removed"),
        ({"label": "cat"}, {"label": None}, "value", "removed"),
        (None, {"labelscape": "human"}, "value", "empty"),
        ({"label": "cat"}, {"label": "cat", "bounding_box": [0, 0, 1, 1]}, "attributes", "given"),
        (None, {"bounding_box": [0, 0, 1, 1]}, "element", "given"),
    ],
)
def test_an_edit_counts_by_what_it_does_to_the_label(before, after, kind, effect):
    assert count_effects([edit(before, after, kind)]) == {effect: 1}


@pytest.mark.parametrize(
    ("report", "part"),
    [
        (NOTHING, "Nothing new in “Digits”: 1 of 3 tasks is annotated."),
        (
            PULLED,
            "Pulled 3 labels into 'ground_truth' from “Digits”: 2 given and 1 confirmed, by ann (2) and bob (1). "
            "“Undo save” reverts this.",
        ),
        (replace(PULLED, latest=datetime(2026, 5, 4, 3, 2, tzinfo=timezone.utc)), "last on 2026-05-04 03:02 UTC"),
        (replace(NOTHING, skipped=1), "1 was skipped."),
        (replace(NOTHING, withdrawn=2), "2 annotations were deleted there; labels stay here."),
        (replace(NOTHING, turned=1), "1 region was rotated there; here it has the upright frame around it."),
        (replace(NOTHING, turned=2), "2 regions were rotated there; here they have the upright frame around them."),
        (replace(NOTHING, masks=1), "Dropped 1 instance mask because its box was moved or resized."),
        (replace(NOTHING, masks=2), "Dropped 2 instance masks because their boxes were moved or resized."),
        (replace(NOTHING, deleted=2), "2 labels were dropped, because their items were deleted here during the pull."),
        (replace(NOTHING, conflicts=[Conflict("0" * 24, "cat", "dog")]), "dog"),
    ],
)
def test_the_message_says_what_happened_in_numbers(report, part):
    assert part in report.sentence()


@pytest.mark.parametrize(
    ("left", "part"),
    [
        (LeftAlone({"cow": 1}), "Left out 1 label of the class “cow”, which the project does not have"),
        (LeftAlone({"cow": 1, "emu": 2}), "Left out 3 labels of the classes “cow” and “emu”"),
        (LeftAlone(silent=1), "1 annotation was made for a control that the project no longer has"),
        (LeftAlone(unreadable=(7, 8, 9, 10)), "4 tasks that cannot be read (7, 8, 9, and more)."),
        (LeftAlone(unplaced=2), "Left out 2 boxes without an area"),
    ],
)
def test_what_could_not_become_a_label_is_named_with_the_fix(left, part):
    [sentence] = left.sentences()
    assert part in sentence
