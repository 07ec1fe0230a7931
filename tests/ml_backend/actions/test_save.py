"""Saving writes what is pending, reports what the database did, and loses nothing that it could not write."""

import json
import random

import fiftyone as fo
import pytest
from bson import ObjectId
from fiftyone.core.odm.database import get_db_conn
from labelscape.ml_backend.actions.queue import (
    clear_labels,
    delete_items,
    set_label,
)
from labelscape.ml_backend.actions.save import discard_changes, save_changes, undo_save
from labelscape.ml_backend.store import edits, pending, saves
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.records import open_store

from .boxed_digits import names, state


@pytest.fixture
def dataset(boxed_digits):
    return boxed_digits


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
        known = names(dataset)
        labeled = [item for item in chosen if known[item]]
        if labeled:
            clear_labels(dataset.select(labeled), which="all")
            return dict.fromkeys(labeled)
    return {}


@pytest.mark.parametrize("seed", range(8))
def test_any_sequence_of_actions_ends_as_folding_says_and_undo_restores_everything(dataset, seed):
    rng = random.Random(seed)
    before = state(dataset)
    relabeled, deleted = {}, set()
    for _ in range(rng.randrange(2, 7)):
        relabeled |= act_at_random(rng, dataset, before, deleted)
    report = save_changes(dataset)
    expected = {
        item: (
            relabeled.get(item, label),
            [(box, relabeled.get(box, name), place) for box, name, place in boxes if box not in deleted],
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
