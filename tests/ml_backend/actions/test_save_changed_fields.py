"""Fields that are renamed, deleted, or locked between an action, its save, and its undo."""

import fiftyone as fo
import pytest
from labelscape.ml_backend.actions.queue import (
    clear_labels,
    delete_items,
    set_label,
)
from labelscape.ml_backend.actions.save import discard_changes, save_changes, undo_save
from labelscape.ml_backend.actions.undo import list_undo_steps, undo_last, undo_through
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.pending_changes import pending_changes

from .boxed_digits import names, state


@pytest.fixture
def dataset(boxed_digits):
    return boxed_digits


def lock(dataset, field="ground_truth"):
    locked = dataset.get_field(field)
    locked.read_only = True
    locked.save()


def test_pending_labels_follow_a_renamed_field(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:6], "new")
    dataset.rename_sample_field("ground_truth", "truth")
    assert save_changes(dataset).labels == 2
    assert names(dataset, "truth")[ids[4]] == "new"
    assert not dataset.has_sample_field("ground_truth")


def test_pending_labels_of_a_deleted_field_stay_pending_and_the_message_names_it(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:6], "new")
    dataset.delete_sample_field("ground_truth")
    report = save_changes(dataset)
    assert "2 changes still pending: The field 'ground_truth'" in report.sentence()
    assert len(pending_changes(dataset)) == 2
    assert not dataset.has_sample_field("ground_truth")


def test_labels_in_a_field_that_was_locked_stay_pending_while_all_else_is_saved(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:6], "new")
    delete_items(dataset, [ids[7]])
    lock(dataset)
    report = save_changes(dataset)
    assert (report.labels, report.deletions) == (0, 1)
    assert "2 changes still pending: The field 'ground_truth' is read-only" in report.sentence()
    changes = pending_changes(dataset)
    assert {label.item: label.label for label in changes.labels} == dict.fromkeys(ids[4:6], "new")
    assert changes.n_deletions == 0
    unlocked = dataset.get_field("ground_truth")
    unlocked.read_only = False
    unlocked.save()
    assert save_changes(dataset).labels == 2


def test_deletions_in_a_field_that_was_locked_stay_pending_while_all_else_is_saved(dataset):
    delete_items(dataset, dataset.values("parts.detections.id", unwind=True)[:2], patches_field="parts")
    set_label(dataset, dataset.values("id")[4:5], "new")
    lock(dataset, "parts")
    report = save_changes(dataset)
    assert (report.labels, report.deletions) == (1, 0)
    assert "'parts' is read-only" in report.sentence()
    assert pending_changes(dataset).n_deletions == 2
    assert dataset.count("parts.detections") == 16


@pytest.mark.parametrize("act", ["delete", "label"])
def test_actions_on_objects_follow_a_renamed_field(dataset, act):
    chosen = dataset.values("parts.detections.id", unwind=True)[:2]
    if act == "delete":
        delete_items(dataset, chosen, patches_field="parts")
    else:
        set_label(dataset, chosen, "new", field="parts", patches_field="parts", replace=True)
    dataset.rename_sample_field("parts", "boxes")
    save_changes(dataset)
    assert len(pending_changes(dataset)) == 0
    left = dict(zip(*dataset.values(["boxes.detections.id", "boxes.detections.label"], unwind=True), strict=True))
    assert [left.get(item) for item in chosen] == ([None, None] if act == "delete" else ["new", "new"])
    assert not dataset.has_sample_field("parts")


def test_deletions_in_a_deleted_field_do_not_stop_the_save(dataset):
    delete_items(dataset, dataset.values("parts.detections.id", unwind=True)[:2], patches_field="parts")
    set_label(dataset, dataset.values("id")[4:5], "new")
    dataset.delete_sample_field("parts")
    report = save_changes(dataset)
    assert report.labels == 1
    assert "was itself deleted" in report.sentence()
    assert pending_changes(dataset).n_deletions == 2
    discard_changes(dataset)
    assert len(pending_changes(dataset)) == 0


def test_labels_whose_class_was_locked_stay_pending(dataset):
    set_label(dataset, dataset.values("id")[:1], "new", replace=True)
    lock(dataset, "ground_truth.label")
    before = state(dataset)
    assert "'ground_truth.label' is read-only" in save_changes(dataset).sentence()
    assert state(dataset) == before
    assert pending_changes(dataset).n_labels == 1


def test_a_save_in_a_field_that_was_locked_since_is_not_undone(dataset):
    set_label(dataset, dataset.values("id")[:1], "new", replace=True)
    save_changes(dataset)
    lock(dataset)
    before = state(dataset)
    with pytest.raises(Refusal, match="“ground_truth” is read-only"):
        undo_save(dataset)
    assert state(dataset) == before
    assert len(list_undo_steps(dataset)) == 1


def test_undo_follows_a_renamed_field_and_counts_what_came_back(dataset):
    before = names(dataset)
    clear_labels(dataset, which="all")
    save_changes(dataset)
    dataset.rename_sample_field("ground_truth", "truth")
    record = undo_save(dataset)
    assert record.total_written == 3
    assert names(dataset, "truth") == before
    raw = dataset._sample_collection.find_one()
    assert "ground_truth" not in raw


def test_undo_of_labels_in_a_deleted_field_is_refused_by_name_and_writes_nothing(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:5], "note", field="notes")
    save_changes(dataset)
    set_label(dataset, ids[4:5], "new")
    save_changes(dataset)
    dataset.delete_sample_field("ground_truth")
    with pytest.raises(Refusal, match="ground_truth"):
        undo_last(dataset)
    assert all("ground_truth" not in document for document in dataset._sample_collection.find())
    assert len(list(dataset)) == 8
    _dead, older = list_undo_steps(dataset)
    assert undo_through(dataset, older.key) == "Undid: save of 1 change."
    assert names(dataset, "notes")[ids[4]] is None


def test_a_field_recreated_under_the_old_name_is_not_taken_for_the_old_one(dataset):
    set_label(dataset, dataset.values("id")[4:5], "new")
    save_changes(dataset)
    dataset.delete_sample_field("ground_truth")
    dataset.add_sample_field("ground_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    with pytest.raises(Refusal, match="no longer in this dataset"):
        undo_save(dataset)


def test_a_label_after_a_clearing_stays_pending_with_it_while_its_field_is_read_only(dataset):
    first = dataset.first().id
    clear_labels(dataset.limit(1), which="all")
    set_label(dataset, [first], "lion")
    lock(dataset)

    assert [one.count for one in save_changes(dataset).blocked] == [1]

    [changes] = pending_changes(dataset).fields
    assert (changes.lifted.tolist(), changes.replace.tolist(), len(changes.cleared)) == (["all"], [False], 0)
