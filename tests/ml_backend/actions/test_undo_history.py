"""Saves, discards, and clearings are undone one by one, newest first, and leave later changes alone."""

import fiftyone as fo
import pytest
from fiftyone.core.odm.database import get_db_conn
from labelscape.ml_backend.actions.queue import (
    clear_labels,
    delete_items,
    set_label,
)
from labelscape.ml_backend.actions.save import discard_changes, save_changes, undo_save
from labelscape.ml_backend.actions.undo import list_undo_steps, undo_last, undo_through
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store import save_records, saves
from labelscape.ml_backend.store.pending_changes import pending_changes

from .boxed_digits import names, state


@pytest.fixture
def dataset(boxed_digits):
    return boxed_digits


def test_undo_says_what_was_changed_since_and_stays(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:6], "new")
    save_changes(dataset)
    sample = dataset[ids[4]]
    sample.ground_truth.label = "mine"
    sample.save()
    assert undo_last(dataset) == "Undid: save of 2 changes (1 of 2 changes; 1 changed or deleted since)."
    assert (names(dataset)[ids[4]], names(dataset)[ids[5]]) == ("mine", None)


def test_saves_are_undone_level_by_level_newest_first(dataset):
    ids = dataset.values("id")
    states = []
    for label in "xyz":
        states.append(state(dataset))
        set_label(dataset, ids[:5], label, replace=True)
        save_changes(dataset)
    for earlier in reversed(states):
        undo_last(dataset)
        assert state(dataset) == earlier
    with pytest.raises(Refusal, match="nothing to undo"):
        undo_last(dataset)


def test_undo_through_an_action_undoes_everything_after_it_by_name(dataset):
    ids = dataset.values("id")
    before = state(dataset)
    set_label(dataset, ids[4:5], "x")
    save_changes(dataset)
    delete_items(dataset, ids[5:7])
    discard_changes(dataset)
    steps = list_undo_steps(dataset)
    titles = ["discard of 2 changes", "delete 2 samples", "save of 1 change"]
    assert [step.title for step in steps] == titles
    assert undo_through(dataset, steps[-1].key) == f"Undid: {'; '.join(titles)}."
    assert state(dataset) == before
    assert list_undo_steps(dataset) == []


def test_a_discard_is_undone(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:7], "x")
    assert discard_changes(dataset, ids[4:5]) == 1
    assert discard_changes(dataset) == 2
    assert len(pending_changes(dataset)) == 0
    with pytest.raises(Refusal, match="Nothing is pending"):
        save_changes(dataset)
    assert undo_last(dataset) == "Undid: discard of 2 changes."
    assert len(pending_changes(dataset)) == 2
    assert undo_last(dataset) == "Undid: discard of 1 change."
    assert save_changes(dataset).labels == 3


def test_the_history_is_bounded_by_number_and_by_size(dataset, monkeypatch):
    ids = dataset.values("id")
    monkeypatch.setattr(saves, "HISTORY_SAVES", 2)
    for label in "xyz":
        set_label(dataset, ids[:2], label, replace=True)
        save_changes(dataset)
    assert len(saves.list_saves(dataset)) == 2
    assert len(get_db_conn()[save_records.RECORDS].distinct("save", {"dataset": dataset._doc.id})) == 2
    monkeypatch.setattr(saves, "HISTORY_BYTES", 1)
    set_label(dataset, ids[:2], "w", replace=True)
    save_changes(dataset)
    assert len(saves.list_saves(dataset)) == 1
    undo_save(dataset)
    assert names(dataset)[ids[0]] == "z"


def test_all_labels_of_a_class_that_a_list_has_twice_come_back_with_an_undo(dataset):
    many = [fo.Classification(label=name, annotator=by) for name, by in (("c", "ann"), ("d", "ann"), ("c", "bob"))]
    first, second = dataset.values("id")[:2]
    for one in (first, second):
        sample = dataset[one]
        sample["many"] = fo.Classifications(classifications=[label.copy() for label in many])
        sample.save()
    clear_labels(dataset, field="many", which="all")
    save_changes(dataset)
    again = dataset[second]
    again["many"] = fo.Classifications(classifications=[fo.Classification(label="c", annotator="eve")])
    again.save()

    undo_last(dataset)

    dataset.reload()
    restored = {
        sample.id: [(label.label, label.annotator) for label in sample.many.classifications]
        for sample in dataset.select([first, second])
    }
    assert restored[first] == [("c", "ann"), ("d", "ann"), ("c", "bob")]
    assert sorted(restored[second]) == [("c", "eve"), ("d", "ann")]


def test_a_label_from_neighbors_comes_back_beside_a_persons_label_of_its_class(dataset):
    many = [("c", "neighbors"), ("c", "human"), ("e", None), ("c", "neighbors")]
    first = dataset.first()
    first["many"] = fo.Classifications(
        classifications=[fo.Classification(label=name, labelscape=origin) for name, origin in many]
    )
    first.save()
    dataset.add_dynamic_sample_fields()
    clear_labels(dataset, field="many", which="neighbors")
    save_changes(dataset)
    dataset.reload()
    assert [label.labelscape for label in dataset.first().many.classifications] == ["human", None]

    assert undo_last(dataset) == "Undid: save of 1 change."

    dataset.reload()
    assert [(label.label, label.labelscape) for label in dataset.first().many.classifications] == many
