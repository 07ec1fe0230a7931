"""Nobody replaces, deletes, or accepts in the panel what changed after that screen showed it."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions.queue import set_label

UNLABELED, PENDING_LABEL, PENDING_DELETE, CHECKED = 0, 3, 4, 7


def label(dataset, row, name):
    """What somebody else does in the App, or a script."""
    sample = dataset[dataset.values("id")[row]]
    sample["ground_truth"] = fo.Classification(label=name)
    sample.save()


def suggest(dataset, names):
    ids = dataset.values("id")
    suggestions = {ids[row]: fo.Classification(label=name, confidence=0.9, sure=True) for row, name in names.items()}
    dataset.set_values("suggested_label", suggestions, key_field="id", dynamic=True)


def saved(dataset, *rows):
    names = fo.load_dataset(dataset.name).values("ground_truth.label")
    return [names[row] for row in rows]


@pytest.fixture
def late(explorer, make_explorer, mapped_digits):
    """Another panel on the same map, which has not polled since."""
    panel = make_explorer(mapped_digits, "panel-2")
    panel.load("flat")
    return panel


def test_a_label_that_the_screen_did_not_show_is_kept_named_and_counted(explorer, mapped_digits):
    chosen = explorer.rows(3, 4, 50, 51)
    label(mapped_digits, 3, "theirs")
    label(mapped_digits, 50, "theirs")

    reply = explorer.do("set_label", **chosen, label="mine")

    assert reply["count"] == 2
    assert reply["kept"] == (
        "2 samples were left alone, because their labels were changed after this screen showed them: now “theirs” "
        "(2). Check, then try again."
    )
    explorer.do("save")
    assert saved(mapped_digits, 3, 4, 50, 51) == ["theirs", "mine", "theirs", "mine"]

    assert explorer.do("set_label", **explorer.rows(3), label="mine")["kept"] == ""
    explorer.do("save")
    assert saved(mapped_digits, 3) == ["mine"]


def test_a_pending_label_of_another_tab_is_kept_too(explorer, late, mapped_digits):
    explorer.do("set_label", **explorer.rows(3), label="first")
    explorer.do("delete", **explorer.rows(4))

    reply = late.do("set_label", **late.rows(3, 4), label="second")

    assert reply["count"] == 0
    assert "now “first” (1) and marked for deletion (1)" in reply["kept"]
    assert late.states()[3:5] == [PENDING_LABEL, PENDING_DELETE]
    assert late.field("ground_truth.label")[3] == "first"


def test_what_the_screen_itself_changed_is_seen(explorer):
    explorer.do("set_label", **explorer.rows(3), label="first")
    assert explorer.do("set_label", **explorer.rows(3), label="second")["kept"] == ""
    explorer.do("undo")
    assert explorer.do("set_label", **explorer.rows(3), label="third")["kept"] == ""


def test_a_sample_is_not_deleted_for_a_label_that_the_screen_no_longer_shows(explorer, mapped_digits):
    chosen = explorer.rows(3, 4)
    label(mapped_digits, 3, "theirs")

    reply = explorer.do("delete", **chosen)

    assert reply["count"] == 1
    assert "1 sample was left alone, because its label was changed" in reply["kept"]


def test_only_the_suggestion_that_the_screen_showed_is_accepted_or_rejected(explorer, mapped_digits):
    suggest(mapped_digits, {60: "a", 61: "a", 62: "a"})
    explorer.do("sync", revision=-1)
    chosen, one = explorer.rows(60, 61), explorer.rows(62)
    suggest(mapped_digits, {60: "b", 62: "b"})

    reply = explorer.do("accept", **chosen, which="confident")
    assert (reply["count"], reply["skipped"]) == (1, 1)
    assert "its suggestion was changed after this screen showed it: now “b” (1)" in reply["kept"]
    assert explorer.field("ground_truth.label")[60:62] == [None, "a"]
    assert explorer.do("reject", **one)["count"] == 0
    assert explorer.do("accept", **explorer.rows(60), which="confident")["count"] == 1


def test_a_screen_from_before_a_restart_replaces_no_label_but_fills_what_is_empty(explorer):
    chosen = {**explorer.rows(3, 50), "shown": "of another server"}
    reply = explorer.do("set_label", **chosen, label="mine")
    assert reply["count"] == 1
    assert "1 sample was left alone" in reply["kept"]
    assert explorer.field("ground_truth.label")[50] == "mine"


def test_decisions_of_a_review_go_by_what_their_screen_showed(explorer, mapped_digits):
    ids = mapped_digits.values("id")

    def decision(name, row, kind, value=""):
        shared = {"map": "flat", "field": "ground_truth", "shown": explorer.shown}
        return {"id": name, "item": ids[row], "kind": kind, "value": value, **shared}

    decisions = [
        decision("d1", 3, "label", "mine"),
        decision("d2", 4, "label", "mine"),
        decision("d3", 4, "label", "again"),
    ]
    label(mapped_digits, 3, "theirs")

    answer = explorer.do("decide", dataset=mapped_digits.name, decisions=decisions)

    assert [failed["id"] for failed in answer["failed"]] == ["d1"]
    assert "now “theirs” (1)" in answer["failed"][0]["reason"]
    assert explorer.field("ground_truth.label")[3:5] == ["theirs", "again"]


def test_checked_with_nothing_there_is_a_state_of_its_own_that_a_later_label_does_not_replace_unseen(
    explorer, mapped_digits
):
    chosen = explorer.rows(60, 61)
    ids = mapped_digits.values("id")
    empty = {ids[60]: fo.Classification(labelscape="human"), ids[62]: fo.Classification()}
    mapped_digits.set_values("ground_truth", empty, key_field="id", dynamic=True)

    reply = explorer.do("set_label", **chosen, label="mine")

    assert reply["count"] == 1
    assert "now nothing there (1)" in reply["kept"]
    assert [explorer.states()[row] for row in (60, 61, 62)] == [CHECKED, PENDING_LABEL, UNLABELED]
    assert explorer.do("set_label", **explorer.rows(60), label="mine")["count"] == 1
    explorer.do("save")
    assert saved(mapped_digits, 60, 61) == ["mine", "mine"]


def test_what_somebody_sets_between_the_label_and_the_save_is_kept_also_below_a_pending_one(explorer, mapped_digits):
    explorer.do("set_label", **explorer.rows(3, 4, 50, 51), label="first")
    label(mapped_digits, 3, "theirs")
    label(mapped_digits, 50, "theirs")
    explorer.do("set_label", **explorer.rows(3, 4, 50, 51), label="second")  # the screen shows “first” everywhere

    reply = explorer.do("save")

    assert reply["labels"] == 2
    assert saved(mapped_digits, 3, 4, 50, 51) == ["theirs", "second", "theirs", "second"]
    explorer.do("set_label", **explorer.rows(3), label="second")  # now it shows “theirs”
    explorer.do("save")
    assert saved(mapped_digits, 3) == ["second"]


def test_a_label_set_again_in_the_grid_is_seen_where_the_panel_changes_it(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    label(mapped_digits, 3, "cat")
    label(mapped_digits, 4, "cat")
    set_label(mapped_digits, ids[3:5], "cat", replace=True)
    label(mapped_digits, 4, "theirs")
    explorer.do("sync", revision=-1)

    explorer.do("set_label", **explorer.rows(3, 4), label="dog")
    reply = explorer.do("save")

    assert saved(mapped_digits, 3, 4) == ["dog", "theirs"]
    assert reply["labels"] == 1
