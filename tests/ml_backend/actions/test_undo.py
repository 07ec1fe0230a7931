"""Whatever was done can be undone, the last action first, and every action has a title."""

import numpy as np
import pytest
from labelscape.ml_backend.actions.queue import clear_labels, delete_items, set_label
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.actions.suggest import reject_suggestions
from labelscape.ml_backend.actions.undo import list_undo_steps, undo_last, undo_named, undo_through
from labelscape.ml_backend.errors import Cancelled, Refusal
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.pending import one_act
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.saves import last_save
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions


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
def test_a_pending_action_has_a_title_and_its_undo_leaves_nothing_pending(dataset, act, title):
    act(dataset)

    assert list_undo_steps(dataset)[0].title == title
    assert undo_last(dataset) == f"Undid: {title}."
    assert len(pending_changes(dataset)) == 0
    assert list_undo_steps(dataset) == []


def test_a_save_made_after_the_one_to_be_undone_is_never_undone_in_its_place(dataset):
    first, second = dataset.values("id")[3:5]
    set_label(dataset, [first], "cat")
    save_changes(dataset)
    meant = last_save(dataset)
    set_label(dataset, [second], "dog")
    save_changes(dataset)

    with pytest.raises(Refusal, match="save of 1 change came after the save to be undone"):
        undo_save(dataset, meant.id)

    dataset.reload()
    assert dataset.values("ground_truth.label")[3:5] == ["cat", "dog"]


def test_a_named_action_is_undone_while_it_is_pending_and_what_others_queued_since_stays(dataset):
    first, second = dataset.values("id")[3:5]
    with one_act("a decision"):
        set_label(dataset, [first], "cat")
    set_label(dataset, [second], "dog")

    assert undo_named(dataset, "a decision") == "Undid: label 1 sample “cat”."
    assert [(one.item, one.label) for one in pending_changes(dataset).labels] == [(second, "dog")]
    with pytest.raises(Refusal, match="“label 1 sample “dog”” came after it"):
        undo_named(dataset, "a decision")


def test_a_named_action_that_was_saved_is_undone_with_its_save(dataset):
    with one_act("a decision"):
        set_label(dataset, dataset.values("id")[3:4], "cat")
    save_changes(dataset)

    assert undo_named(dataset, "a decision") == "Undid: save of 1 change."


def test_a_save_that_another_tab_made_is_not_undone_with_a_named_action(dataset):
    with one_act("a decision"):
        set_label(dataset, dataset.values("id")[3:4], "cat")
    save_changes(dataset)
    set_label(dataset, dataset.values("id")[4:6], "dog")
    save_changes(dataset)

    with pytest.raises(Refusal, match="“save of 2 changes” came after it"):
        undo_named(dataset, "a decision")

    dataset.reload()
    assert dataset.values("ground_truth.label")[3:] == ["cat", "dog", "dog"]


def test_a_named_rejection_is_undone_and_those_of_others_stay(dataset):
    ids = dataset.values("id")[3:]
    write_suggestions(dataset, list_items(dataset).take(np.arange(3, 6)), [Suggestion("cat", 0.9, True, [])] * 3)
    with one_act("a decision"):
        reject_suggestions(dataset, ids[:1])
    reject_suggestions(dataset, ids[1:])

    assert undo_named(dataset, "a decision") == "Undid: rejection of 1 suggestion."
    with pytest.raises(Refusal, match="“rejection of 2 suggestions” came after it"):
        undo_named(dataset, "a decision")

    dataset.reload()
    assert dataset.values("suggested_label.label")[3:] == ["cat", None, None]


def test_actions_are_undone_newest_first_down_to_the_chosen_one(dataset):
    for name in ("a", "b", "c"):
        label(name)(dataset)
    steps = list_undo_steps(dataset)

    assert [step.title for step in steps] == [f"label 1 sample “{name}”" for name in "cba"]
    assert [step.at for step in steps] == sorted((step.at for step in steps), reverse=True)
    assert undo_through(dataset, steps[1].key) == "Undid: label 1 sample “c”; label 1 sample “b”."
    assert [one.label for one in pending_changes(dataset).labels] == ["a"]
    with pytest.raises(Refusal, match="already been undone, or is more than seven days old"):
        undo_through(dataset, steps[1].key)


def test_a_save_is_undone_and_what_is_pending_can_stay(dataset):
    label("saved")(dataset)
    save_changes(dataset)
    set_label(dataset, dataset.values("id")[5:], "pending")

    assert list_undo_steps(dataset)[0].title == "label 1 sample “pending”"
    assert list_undo_steps(dataset, pending=False)[0].title == "save of 1 change"
    assert undo_last(dataset, pending=False) == "Undid: save of 1 change."
    dataset.reload()
    assert dataset.values("ground_truth.label")[3] is None
    assert [one.label for one in pending_changes(dataset).labels] == ["pending"]


def test_a_save_that_was_changed_since_says_what_stayed(dataset):
    label("one", "two")(dataset)
    save_changes(dataset)
    dataset.set_values("ground_truth.label", {dataset.values("id")[3]: "theirs"}, key_field="id")

    assert undo_last(dataset) == "Undid: save of 2 changes (1 of 2 changes; 1 changed or deleted since)."
    dataset.reload()
    assert dataset.values("ground_truth.label")[3:5] == ["theirs", None]


def test_nothing_to_undo_is_reported(dataset):
    assert list_undo_steps(dataset) == []
    with pytest.raises(Refusal, match="There is nothing to undo"):
        undo_last(dataset)


def stop_at(call):
    """Progress that stops the work at this call, counted from 1."""
    calls = iter(range(1, 1_000))

    def progress(fraction, message):
        if next(calls) == call:
            raise Cancelled

    return progress


def saved_labels(dataset):
    for sample, name in zip(dataset.values("id")[3:], ("cat", "dog"), strict=False):
        set_label(dataset, [sample], name)
        save_changes(dataset)
    return dataset.values("ground_truth.label")


def test_an_undo_that_is_stopped_before_it_begins_changes_nothing(dataset):
    labels = saved_labels(dataset)
    with pytest.raises(Cancelled):
        undo_last(dataset, progress=stop_at(1))
    assert dataset.values("ground_truth.label") == labels
    assert undo_last(dataset) == "Undid: save of 1 change."


def test_several_undos_that_are_stopped_in_between_keep_what_was_undone_and_say_so(dataset):
    saved_labels(dataset)
    oldest = list_undo_steps(dataset)[-1].key
    calls = []
    undo_last(dataset, progress=lambda fraction, message: calls.append(message))
    saves = len(list_undo_steps(dataset))
    set_label(dataset, dataset.values("id")[4:5], "dog")
    save_changes(dataset)
    assert len(list_undo_steps(dataset)) == saves + 1

    # One undo reports what comes, and then as a single one does.
    done = undo_through(dataset, oldest, progress=stop_at(len(calls) + 2))
    assert done == "Undid: save of 1 change. Stopped before the rest."
    assert dataset.values("ground_truth.label")[3:5] == ["cat", None]
    assert undo_through(dataset, oldest) == "Undid: save of 1 change."
