"""Whatever was done can be undone, the last act first, and every act has a title."""

import pytest
from labelscape.ml_backend.actions.queue import clear_labels, delete_items, set_label
from labelscape.ml_backend.actions.save import save_changes
from labelscape.ml_backend.actions.undo import describe_undo, list_undo_steps, undo_last, undo_through
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.pending import one_act
from labelscape.ml_backend.store.pending_changes import pending_changes


@pytest.fixture
def dataset(make_digits_dataset):
    """Six digits, the first three labeled."""
    return make_digits_dataset(6, labeled=3)


def label(*names):
    def act(dataset):
        with one_act():
            for sample, name in zip(dataset.values("id")[3:] * 2, names, strict=False):
                set_label(dataset, [sample], name)

    return act


@pytest.mark.parametrize(
    ("act", "title"),
    [
        (label("cat"), "label 1 sample “cat”"),
        (label("cat", "dog", "cat"), "label 3 samples “cat” and “dog”"),
        (label("a", "b", "c", "d", "e"), "label 5 samples “a”, “b”, “c”, and 2 more"),
        (lambda dataset: delete_items(dataset, dataset.values("id")[:2]), "delete 2 samples"),
        (lambda dataset: clear_labels(dataset.limit(1), which="all"), "clear the label of 1 sample"),
        (lambda dataset: clear_labels(dataset, which="all"), "clear the labels of 3 samples"),
    ],
)
def test_a_pending_act_has_a_title_and_its_undo_leaves_nothing_pending(dataset, act, title):
    act(dataset)

    assert describe_undo(dataset) == title
    assert undo_last(dataset) == f"Undid: {title}."
    assert len(pending_changes(dataset)) == 0
    assert describe_undo(dataset) is None


def test_acts_are_undone_newest_first_down_to_the_chosen_one(dataset):
    for name in ("a", "b", "c"):
        label(name)(dataset)
    steps = list_undo_steps(dataset)

    assert [step.title for step in steps] == [f"label 1 sample “{name}”" for name in "cba"]
    assert [step.at for step in steps] == sorted((step.at for step in steps), reverse=True)
    assert undo_through(dataset, steps[1].key) == "Undid: label 1 sample “c”; label 1 sample “b”."
    assert [one.label for one in pending_changes(dataset).labels] == ["a"]
    with pytest.raises(Refusal, match="undone already, or more than seven days old"):
        undo_through(dataset, steps[1].key)


def test_a_save_is_undone_and_what_is_pending_can_stay(dataset):
    label("saved")(dataset)
    save_changes(dataset)
    set_label(dataset, dataset.values("id")[5:], "pending")

    assert describe_undo(dataset) == "label 1 sample “pending”"
    assert describe_undo(dataset, pending=False) == "save of 1 change"
    assert undo_last(dataset, pending=False) == "Undid: save of 1 change."
    dataset.reload()
    assert dataset.values("ground_truth.label")[3] is None
    assert [one.label for one in pending_changes(dataset).labels] == ["pending"]


def test_a_save_that_was_changed_since_says_what_stayed(dataset):
    label("one", "two")(dataset)
    save_changes(dataset)
    dataset.set_values("ground_truth.label", {dataset.values("id")[3]: "theirs"}, key_field="id")

    assert undo_last(dataset) == "Undid: save of 2 changes (1 of 2 changes; 1 changed since)."
    dataset.reload()
    assert dataset.values("ground_truth.label")[3:5] == ["theirs", None]


def test_nothing_to_undo_is_said(dataset):
    assert list_undo_steps(dataset) == []
    with pytest.raises(Refusal, match="There is nothing to undo"):
        undo_last(dataset)
