"""Saving writes what is pending, reports what the database did, and loses nothing that it could not write."""

import contextlib
import json
import random
import time

import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId
from fiftyone.core.odm.database import get_db_conn
from labelscape.ml_backend.actions.apply_labels import apply_labels
from labelscape.ml_backend.actions.queue import (
    LabelBatch,
    clear_labels,
    count_clearable,
    delete_items,
    queue_labels,
    set_label,
)
from labelscape.ml_backend.actions.save import discard_changes, save_changes, undo_save
from labelscape.ml_backend.actions.undo import list_undo_steps, undo_last, undo_through
from labelscape.ml_backend.errors import Cancelled, Refusal
from labelscape.ml_backend.store import edits, pending, save_records, saves
from labelscape.ml_backend.store.label_documents import Conflict
from labelscape.ml_backend.store.labels import label_field
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.records import as_oids, open_store

BOXES = [[0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.3, 0.3]]


@pytest.fixture
def dataset(make_digits_dataset):
    """Eight digits, of which the first three are labeled, with two boxes “a” and “b” each."""
    dataset = make_digits_dataset(8, labeled=3)
    boxes = [
        fo.Detections(detections=[fo.Detection(label=name, bounding_box=BOXES["ab".index(name)]) for name in "ab"])
        for _ in range(8)
    ]
    dataset.set_values("parts", boxes)
    return dataset


def names(dataset, field="ground_truth"):
    return dict(zip(*fo.load_dataset(dataset.name).values(["id", f"{field}.label"]), strict=True))


def state(dataset):
    """Everything about labels except when they were changed."""
    again = fo.load_dataset(dataset.name)
    again.reload()
    found = {}
    for sample in again:
        boxes = [(box.id, box.label, tuple(box.bounding_box)) for box in sample.parts.detections]
        found[sample.id] = (sample.ground_truth.label if sample.ground_truth else None, boxes)
    return found


def lock(dataset, field="ground_truth"):
    locked = dataset.get_field(field)
    locked.read_only = True
    locked.save()


# --- any combination of acts -----------------------------------------------------------------------------------------


def act_at_random(rng, dataset, model, deleted):
    """One random action, and its effect when folded: the last action on an item counts, with a sample's objects."""
    samples = list(model)
    objects = [box[0] for _, boxes in model.values() for box in boxes]
    label = rng.choice("xyz")
    chosen = rng.sample(samples, 2)
    parts = rng.sample(objects, 2)
    kind = rng.choice(["label", "delete", "object label", "object delete", "clear"])
    if kind == "label":
        set_label(dataset, chosen, label, replace=True)
        deleted -= set(chosen)
        return dict.fromkeys(chosen, label)
    if kind == "delete":
        delete_items(dataset, chosen)
        deleted |= set(chosen)
    elif kind == "object label":
        set_label(dataset, parts, label, field="parts", patches_field="parts", replace=True)
        deleted -= set(parts)
        return dict.fromkeys(parts, label)
    elif kind == "object delete":
        delete_items(dataset, parts, patches_field="parts")
        deleted |= set(parts)
    else:
        labeled = [item for item in chosen if names(dataset)[item]]
        if labeled:
            clear_labels(dataset.select(labeled), which="all")
            return dict.fromkeys(labeled)
    return {}


@pytest.mark.parametrize("seed", range(8))
def test_any_sequence_of_actions_ends_as_folding_says_and_undo_restores_everything(dataset, seed):
    rng = random.Random(seed)
    before = state(dataset)
    wanted, deleted = {}, set()
    for _ in range(rng.randrange(2, 7)):
        wanted |= act_at_random(rng, dataset, before, deleted)
    report = save_changes(dataset)
    expected = {
        item: (
            wanted.get(item, label),
            [(box, wanted.get(box, name), place) for box, name, place in boxes if box not in deleted],
        )
        for item, (label, boxes) in before.items()
        if item not in deleted
    }
    assert state(dataset) == expected
    changed = sum(len(boxes) - len(expected[item][1]) for item, (_, boxes) in before.items() if item in expected)
    assert report.deletions == changed + len(before) - len(expected)
    assert report.overtaken == 0
    assert len(pending_changes(dataset)) == 0
    if saves.last_save(dataset):
        undo_save(dataset)
    assert state(dataset) == before


@pytest.mark.parametrize("first", ["label", "delete"])
def test_a_sample_goes_with_the_objects_that_have_pending_changes(dataset, first):
    sample = dataset.first()
    item = sample.parts.detections[0].id
    if first == "label":
        set_label(dataset, [item], "new", field="parts", patches_field="parts", replace=True)
    else:
        delete_items(dataset, [item], patches_field="parts")
    delete_items(dataset, [sample.id])
    before = state(dataset)
    report = save_changes(dataset)
    assert sample.id not in state(dataset)
    assert (report.labels, report.deletions) == (0, 1)
    undo_save(dataset)
    assert state(dataset) == before


# --- fields that changed meanwhile -----------------------------------------------------------------------------------


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


def test_undo_says_what_was_changed_since_and_stays(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:6], "new")
    save_changes(dataset)
    sample = dataset[ids[4]]
    sample.ground_truth.label = "mine"
    sample.save()
    assert undo_last(dataset) == "Undid: save of 2 changes (1 of 2 changes; 1 changed or deleted since)."
    assert (names(dataset)[ids[4]], names(dataset)[ids[5]]) == ("mine", None)


# --- undo, several levels --------------------------------------------------------------------------------------------


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


# --- clearing --------------------------------------------------------------------------------------------------------


def test_clearing_is_pending_and_tells_imported_labels_from_ours(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:6], "mine")
    save_changes(dataset)
    counts = count_clearable(dataset)
    assert (counts.human, counts.neighbors, counts.imported) == (2, 0, 3)
    before = names(dataset)
    report = clear_labels(dataset, which="ours")
    assert report.pending == "2 cleared labels pending."
    assert names(dataset) == before
    assert save_changes(dataset).sentence() == "Saved cleared 2 labels; “Undo save” reverts this."
    assert names(dataset) == before | dict.fromkeys(ids[4:6])
    undo_last(dataset)
    assert names(dataset) == before


def test_a_label_set_after_a_clearing_takes_the_place_of_the_old_one(dataset):
    ids = dataset.values("id")
    clear_labels(dataset, which="all")
    assert not set_label(dataset, ids[:1], "new").conflicts
    save_changes(dataset)
    assert names(dataset) == dict.fromkeys(ids) | {ids[0]: "new"}


def test_a_class_that_is_literally_called_no_label_is_saved_cleared_and_undone(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:5], "(no label)")
    save_changes(dataset)
    assert names(dataset)[ids[4]] == "(no label)"
    assert count_clearable(dataset).human == 1
    undo_last(dataset)
    assert names(dataset)[ids[4]] is None


# --- what is written to the host's store, and what fails -------------------------------------------------------------


def test_every_record_in_the_hosts_store_is_json(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[:5], "x", replace=True)
    delete_items(dataset, [dataset.first().parts.detections[0].id], patches_field="parts")
    save_changes(dataset)
    clear_labels(dataset, which="all")
    discard_changes(dataset, ids[:1])
    records = list(get_db_conn()["execution_store"].find({"store_name": {"$regex": "^labelscape"}}))
    assert len(records) >= 4
    for record in records:
        json.dumps(record.get("value"))


def test_a_save_of_an_early_version_is_made_json_and_can_still_be_undone(dataset):
    ids = dataset.values("id")
    before = names(dataset)
    label = dataset.first().ground_truth.to_mongo()
    store = open_store(dataset, saves.SAVES_STORE)
    edit = edits.Edit("value", ids[0], "ground_truth", label, label | {"label": "new"})
    early = {name: value for name, value in vars(edit).items() if name != "purpose"}
    store.set("abc:0", [early])
    meta = {"title": "save of 1 change", "chunks": 1, "count": 1, "acts": [], "at": fo.core.utils.datetime.utcnow()}
    store.set("abc:meta", meta)
    store.set("head", "abc:applied")
    sample = dataset[ids[0]]
    sample.ground_truth.label = "new"
    sample.save()
    assert saves.last_save(dataset).title == "save of 1 change"
    for record in get_db_conn()["execution_store"].find({"store_name": saves.SAVES_STORE}):
        json.dumps(record.get("value"))
    undo_save(dataset)
    assert names(dataset) == before


def test_pending_labels_of_an_early_version_are_still_pending(dataset):
    ids = dataset.values("id")
    early = {"field": "ground_truth", "patches_field": None, "ids": ids[4:6], "label": "x", "origin": "neighbors"}
    early |= {"confidence": [0.9, 0.8], "anchors": [ids[0], ""], "multi": False, "replace": False, "act": "one"}
    open_store(dataset, pending.PENDING_STORE).set(pending.timely_key(), early)
    assert pending_changes(dataset).sentence() == "2 labels pending."
    assert save_changes(dataset).labels == 2
    again = fo.load_dataset(dataset.name)
    assert [again[item].ground_truth.anchor for item in ids[4:6]] == [ids[0], None]


def fail_at(monkeypatch, number):
    """Let the write of this number, counted from 1, fail after it was made."""
    made = 0

    def failing(write):
        def wrapped(*args, **options):
            nonlocal made
            result = write(*args, **options)
            made += 1
            if made == number:
                raise ConnectionError("the database went away")
            return result

        return wrapped

    store = type(saves.ExecutionStore.create("probe"))
    for name in ("set", "set_if_absent", "compare_and_set"):
        monkeypatch.setattr(store, name, failing(getattr(store, name)))
    monkeypatch.setattr(saves, "write_record", failing(saves.write_record))


@pytest.mark.parametrize("number", range(1, 12))
def test_a_save_that_fails_at_any_write_is_whole_or_not_at_all(dataset, monkeypatch, number):
    ids = dataset.values("id")
    before = state(dataset)
    set_label(dataset, ids[:5], "x", replace=True)
    delete_items(dataset, [ids[6]])
    with monkeypatch.context() as patch:
        fail_at(patch, number)
        with contextlib.suppress(ConnectionError):
            save_changes(dataset)
    if saves.last_save(dataset) is None:
        assert state(dataset) == before
        assert len(pending_changes(dataset)) == 6
        assert get_db_conn()[save_records.RECORDS].count_documents({"dataset": dataset._doc.id}) == 0
    else:
        after = state(dataset)
        assert [after[item][0] for item in ids[:5]] == ["x"] * 5
        assert ids[6] not in after
        assert len(pending_changes(dataset)) == 0


@pytest.mark.parametrize("act", ["label", "clear", "delete", "discard"])
def test_an_action_that_fails_leaves_nothing_pending(dataset, monkeypatch, act):
    ids = dataset.values("id")
    set_label(dataset, ids[4:5], "x")
    before = pending_changes(dataset)
    acts = {
        "label": lambda: set_label(dataset, ids[5:7], "y"),
        "clear": lambda: clear_labels(dataset, which="all"),
        "delete": lambda: delete_items(dataset, ids[:2]),
        "discard": lambda: discard_changes(dataset),
    }
    with monkeypatch.context() as patch:
        fail_at(patch, 1)
        with pytest.raises(ConnectionError):
            acts[act]()
    assert pending_changes(dataset).sentence() == before.sentence()


def test_a_save_can_be_stopped_until_it_is_committed_and_then_happens(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:8], "x")

    def stop(fraction, message, /):
        raise Cancelled

    with pytest.raises(Cancelled):
        save_changes(dataset, stop)
    assert len(pending_changes(dataset)) == 4
    assert names(dataset)[ids[4]] is None

    def stop_late(fraction, message, /):
        if message.startswith("Wrote"):
            raise Cancelled

    assert save_changes(dataset, stop_late).labels == 4


def test_while_a_save_is_written_elsewhere_another_one_says_so_and_nothing_is_lost(dataset, monkeypatch):
    ids = dataset.values("id")
    set_label(dataset, ids[4:5], "x")
    apply = saves.apply

    def meanwhile(*args, **options):
        set_label(dataset, ids[5:6], "y")
        with pytest.raises(Refusal, match="save or undo is in progress"):
            save_changes(dataset)
        return apply(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(saves, "apply", meanwhile)
        assert save_changes(dataset).labels == 1
    assert pending_changes(dataset).sentence() == "1 label pending."


def test_the_report_counts_what_the_database_did(dataset, monkeypatch):
    ids = dataset.values("id")
    set_label(dataset, ids[4:7], "x")
    apply = saves.apply

    def somebody_else_first(*args, **options):
        sample = dataset[ids[4]]
        sample["ground_truth"] = fo.Classification(label="theirs")
        sample.save()
        return apply(*args, **options)

    monkeypatch.setattr(saves, "apply", somebody_else_first)
    report = save_changes(dataset)
    assert (report.labels, report.overtaken) == (2, 1)
    assert "1 change was not written" in report.sentence()
    assert names(dataset)[ids[4]] == "theirs"


@pytest.mark.parametrize("when", ["before the save", "during the save"])
def test_what_was_deleted_elsewhere_is_said_to_be_deleted_not_changed(dataset, monkeypatch, when):
    ids, objects = dataset.values("id"), dataset.values("parts.detections.id")
    boxes = {"field": "parts", "patches_field": "parts", "replace": True}
    set_label(dataset, ids[3:6], "x")
    set_label(dataset, [objects[3][0], objects[5][0], objects[6][0]], "y", **boxes)
    delete_items(dataset, ids[:2])
    delete_items(dataset, [objects[2][0], objects[6][1]], patches_field="parts")
    apply = saves.apply

    def delete():
        dataset._sample_collection.delete_many({"_id": {"$in": [ObjectId(ids[0]), ObjectId(ids[3])]}})
        dataset._sample_collection.update_one({"_id": ObjectId(ids[6])}, {"$set": {"parts.detections": []}})

    def somebody_deletes(*args, **options):
        delete()
        return apply(*args, **options)

    if when == "before the save":
        delete()
    else:
        monkeypatch.setattr(saves, "apply", somebody_deletes)
    report = save_changes(dataset)
    assert (report.labels, report.deletions, report.overtaken) == (3, 2, 0)
    assert report.sentence() == (
        "Saved 3 labels and 2 deletions; “Undo save” reverts this. "
        "5 changes were dropped, because their items were deleted elsewhere."
    )
    assert len(pending_changes(dataset)) == 0


def test_a_save_of_nothing_but_deleted_samples_says_so(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:5], "x")
    dataset.delete_samples(ids[4:5])
    assert save_changes(dataset).sentence() == "1 change was dropped, because its item was deleted elsewhere."


@pytest.mark.parametrize(("field", "patches_field"), [("ground_truth", None), ("parts", "parts")])
def test_a_clearing_of_neighbors_labels_is_no_permission_to_overwrite_what_a_person_set_since(
    dataset, field, patches_field
):
    path = f"{field}.detections" if patches_field else field
    ids = dataset.values("id" if patches_field is None else f"{path}.id", unwind=True)[:2]
    target = label_field(dataset, field, patches_field)

    def from_neighbors(name, **more):
        return LabelBatch(as_oids(ids), np.zeros(2, int), [name], np.full(2, 0.9), as_oids(ids), **more)

    apply_labels(dataset, target, [from_neighbors("tiger", replace=True)], title="labels from neighbors")
    clear_labels(dataset, field=field, patches_field=patches_field, which="neighbors")
    by_person = LabelBatch(as_oids(ids[:1]), np.zeros(1, int), ["zebra"], replace=True)
    apply_labels(dataset, target, [by_person], title="a label by another person")
    assert queue_labels(dataset, target, from_neighbors("lion")).queued == ids

    report = save_changes(dataset)

    assert report.conflicts == [Conflict(ids[0], "lion", "zebra")]
    dataset.reload()
    assert dataset.values(f"{path}.label", unwind=True)[:2] == ["zebra", "lion"]


def test_a_label_after_a_clearing_stays_pending_with_it_while_its_field_is_read_only(dataset):
    first = dataset.first().id
    clear_labels(dataset.limit(1), which="all")
    set_label(dataset, [first], "lion")
    lock(dataset)

    assert [one.count for one in save_changes(dataset).blocked] == [1]

    [changes] = pending_changes(dataset).fields
    assert (changes.lifted.tolist(), changes.replace.tolist(), len(changes.cleared)) == (["all"], [False], 0)


@pytest.mark.parametrize("take_back", [undo_last, discard_changes], ids=["undo", "discard"])
def test_what_is_undone_or_discarded_while_a_save_is_prepared_is_not_saved(dataset, take_back):
    before = names(dataset)
    set_label(dataset, dataset.values("id")[3:6], "lion")

    def in_another_tab(_fraction, message):
        if message.startswith("Prepared"):
            take_back(dataset)

    with pytest.raises(Refusal, match="were undone or discarded while they were being saved"):
        save_changes(dataset, in_another_tab)

    assert names(dataset) == before
    assert len(pending_changes(dataset)) == 0


@pytest.mark.parametrize("take_back", [undo_last, discard_changes], ids=["undo", "discard"])
def test_what_is_being_written_can_no_longer_be_undone_or_discarded_as_pending(dataset, take_back):
    ids = dataset.values("id")[3:6]
    set_label(dataset, ids, "lion")
    refused = []

    def in_another_tab(_fraction, message):
        if message.startswith("Wrote"):
            with pytest.raises(Refusal, match="was just saved|in progress") as refusal:
                take_back(dataset)
            refused.append(refusal)

    assert save_changes(dataset, in_another_tab).labels == 3

    assert refused
    assert [names(dataset)[one] for one in ids] == ["lion"] * 3


def test_a_save_killed_after_its_commit_is_finished_before_anything_is_discarded(dataset, monkeypatch):
    ids = dataset.values("id")[3:6]
    set_label(dataset, ids, "lion")
    with monkeypatch.context() as patch:
        patch.setattr(saves, "apply", killed)
        with pytest.raises(KeyboardInterrupt):
            save_changes(dataset)

    assert discard_changes(dataset) == 0

    assert [names(dataset)[one] for one in ids] == ["lion"] * 3
    assert list_undo_steps(dataset)[0].title == "save of 3 changes"


def killed(*_, **__):
    raise KeyboardInterrupt


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
    found = {
        sample.id: [(label.label, label.annotator) for label in sample.many.classifications]
        for sample in dataset.select([first, second])
    }
    assert found[first] == [("c", "ann"), ("d", "ann"), ("c", "bob")]
    assert sorted(found[second]) == [("c", "eve"), ("d", "ann")]


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


@pytest.mark.parametrize("chosen", [False, True], ids=["all", "some"])
def test_a_discard_leaves_what_a_machine_with_a_late_clock_queues_after_it(dataset, monkeypatch, chosen):
    ids = dataset.values("id")[3:6]
    set_label(dataset, ids, "lion")
    discard_changes(dataset, ids if chosen else None)
    with monkeypatch.context() as patch:
        behind = time.time_ns() - 60_000_000_000
        patch.setattr(time, "time_ns", lambda: behind)
        set_label(dataset, ids[1:], "zebra")

    assert {one.item: one.label for one in pending_changes(dataset).labels} == dict.fromkeys(ids[1:], "zebra")
    assert save_changes(dataset).labels == 2
