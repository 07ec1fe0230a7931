"""The closing message of a sending counts what was sent and names what was left out."""

from dataclasses import replace

import pytest
from labelscape.ml_backend.actions.send_report import SendReport, named

NOTHING = SendReport("http://studio.test", "Digits", "labelscape-1", "labelscape-1")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({}, "Nothing new to send to “Digits” (http://studio.test)."),
        ({"sent": 1}, "Sent 1 sample to “Digits” (http://studio.test), none with a pre-annotation."),
        (
            {"sent": 3, "labeled": 2, "suggested": 1},
            "Sent 3 samples to “Digits” (http://studio.test), 2 with the existing label and 1 with a suggestion as "
            "pre-annotation.",
        ),
        ({"already_sent": 1}, "1 sample was sent before."),
        ({"already_sent": 2}, "2 samples were sent before."),
        ({"sent": 1, "again": 1}, "1 of the new tasks replaces one that was deleted there."),
        ({"sent": 2, "again": 2}, "2 of the new tasks replace ones that were deleted there."),
        ({"left_out": ("a.png",)}, "Left out 1 file that cannot be found"),
        ({"unknown": {"cat": 2, "dog": 1}}, "Left out 3 labels of classes that the project does not have: “cat” and"),
        ({"sent": 1, "shown_version": "yolo"}, "The project shows the predictions of “yolo”: to see these, choose"),
    ],
)
def test_the_message_says_what_happened_in_numbers(changes, part):
    assert part in replace(NOTHING, **changes).sentence()


def test_a_sending_of_nothing_does_not_offer_to_pull():
    assert "Pull" not in NOTHING.sentence()
    assert replace(NOTHING, sent=1).sentence().endswith("“Pull from Label Studio” imports the annotations.")


def test_three_names_are_listed_and_the_others_counted():
    assert named(["a", "b", "c"]) == "“a”, “b”, and “c”"
    assert named(["a", "b", "c", "d", "e"]) == "“a”, “b”, “c”, and 2 more"
