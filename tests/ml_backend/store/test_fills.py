"""Labels of many samples are written in groups with the same result as one by one, and undo restores what was there."""

import random

import bson
import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId
from labelscape.ml_backend.actions.queue import LabelBatch, clear_labels, queue_labels, set_label
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.store import column_updates, edits, fills, saves, single_label_edits
from labelscape.ml_backend.store.labels import label_field
from labelscape.ml_backend.store.records import as_object_ids, as_oids

SAMPLES = 24
CLASSES = ["x", "y", "z"]


@pytest.fixture(params=["grouped", "grouped, of few samples", "one by one"])
def path(request, monkeypatch):
    """All ways in which labels are written; the groups are so small that every boundary between them is tested."""
    monkeypatch.setattr(fills, "IDS_PER_UPDATE", 5)
    monkeypatch.setattr(fills, "ROWS_PER_UPDATE", 2)
    monkeypatch.setattr(fills, "BYTES_PER_PIECE", 600)
    monkeypatch.setattr(edits, "EDITS_PER_RECORD", 4)
    monkeypatch.setattr(single_label_edits, "READ_AT_ONCE", 7)
    if request.param == "grouped, of few samples":
        monkeypatch.setattr(single_label_edits, "SCANNED_FROM", 2)
    if request.param == "one by one":
        monkeypatch.setattr(single_label_edits, "with_distinct_tails", lambda ids: np.zeros(len(ids), bool))
    return request.param


@pytest.fixture
def dataset():
    """Samples with every kind of label that a field can have: ours, imported, with more attributes, none."""
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(f"/nowhere/{number}.png") for number in range(SAMPLES)])
    dataset.add_sample_field("ground_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    rng = random.Random(0)
    shared = ObjectId()  # labels that were imported with `set_values` may share an id
    for number, sample in enumerate(dataset.values("_id")):
        label = {"_id": shared if number % 3 else ObjectId(), "_cls": "Classification", "label": rng.choice(CLASSES)}
        label |= {"tags": ["t"], "logits": [0.5] * 40, "confidence": float("nan"), "own": {"deep": number}}
        label |= {"labelscape": rng.choice(["human", "neighbors"])} if number % 2 else {}
        value = None if number % 4 == 0 else label
        dataset._sample_collection.update_one({"_id": sample}, {"$set": {"ground_truth": value}})
    dataset.reload()
    yield dataset
    dataset.delete()


def stored(dataset):
    """Sample → its label, exactly as MongoDB has it, as text: NaN does not equal itself."""
    stored_labels = dataset._sample_collection.find({}, {"ground_truth": 1})
    return {str(one["_id"]): repr(one.get("ground_truth")) for one in stored_labels}


def shown(dataset):
    """Sample → class, origin, anchor, and confidence of its label."""
    stored_labels = {}
    for one in dataset._sample_collection.find({}, {"ground_truth": 1}):
        label = one.get("ground_truth") or {}
        names = ("label", "labelscape", "anchor", "labelscape_confidence")
        stored_labels[str(one["_id"])] = tuple(label.get(name) for name in names)
    return stored_labels


def act_at_random(rng, dataset, ids, model):
    """Make one random pending change, and record its effect in the model; returns what it means for its samples."""
    some = rng.sample(ids, 9)
    kind = rng.choice(["set", "set", "neighbors", "clear"])
    label = rng.choice([*CLASSES, "new"])
    if kind == "set":
        for item in some:
            if model[item][:2] != (label, "human") and (model[item][0] != label or model[item][1] == "neighbors"):
                model[item] = (label, "human", None, None)
        set_label(dataset, some, label, replace=True)
        return dict.fromkeys(some, (label, "human", None, None))
    elif kind == "neighbors":
        confidence = [rng.random() for _ in some]
        for item, sure in zip(some, confidence, strict=True):
            if model[item][0] != label:
                model[item] = (label, "neighbors", ids[0], sure)
        columns = {"confidence": np.asarray(confidence), "anchors": as_oids([ids[0]] * len(some))}
        codes = np.zeros(len(some), int)
        batch = LabelBatch(as_oids(some), codes, [label], replace=True, **columns)
        queue_labels(dataset, label_field(dataset, "ground_truth"), batch)
        return {item: (label, "neighbors", ids[0], sure) for item, sure in zip(some, confidence, strict=True)}
    else:
        labeled = [item for item in some if model[item][0]]
        if labeled:
            clear_labels(dataset.select(labeled), which="all")
        for item in labeled:
            model[item] = (None,) * 4
        return {item: model[item] for item in labeled}


@pytest.mark.parametrize("seed", range(4))
def test_groups_end_as_the_actions_say_and_undo_restores_every_byte(dataset, path, seed):
    rng = random.Random(seed)
    ids = dataset.values("id")
    states = [stored(dataset)]
    for _ in range(3):
        expected = shown(dataset)
        act_at_random(rng, dataset, ids, expected)
        report = save_changes(dataset)
        assert report.overtaken == 0
        assert shown(dataset) == expected
        if saves.list_saves(dataset) and stored(dataset) != states[-1]:
            states.append(stored(dataset))
    for earlier in reversed(states[:-1]):
        undo_save(dataset)
        assert stored(dataset) == earlier


def what_counts(label):
    """What makes a label another one to a person who has seen it; None = nothing is there."""
    name, origin = label[:2]
    return (name, origin == "neighbors") if name or origin == "human" else None


def edited_by_another(rng, dataset, ids, before, pending):
    """Another person sets, checks, or removes labels at random; returns sample → what a save leaves there."""
    expected = dict(before)
    for item, label in pending.items():
        same = label[0] is not None and label[0] == before[item][0]
        if not same or (label[1] == "human" and before[item][1] == "neighbors"):
            expected[item] = label
    for item in rng.sample(ids, 8):
        theirs = rng.choice([*CLASSES, "theirs", "", None])
        label = None if theirs is None else fo.Classification(label=theirs or None).to_dict() | {"labelscape": "human"}
        dataset._sample_collection.update_one({"_id": ObjectId(item)}, {"$set": {"ground_truth": label}})
        there = (theirs or None, "human" if label else None, None, None)
        changed = what_counts(there) not in (None, what_counts(before[item]))
        confirmed = theirs and theirs == pending.get(item, there)[0]
        if changed or confirmed or item not in pending:
            expected[item] = there
        else:
            expected[item] = pending[item]
    return expected


@pytest.mark.parametrize("seed", range(6))
def test_what_others_change_between_queueing_and_saving_stays_whatever_it_is(dataset, path, seed):
    rng = random.Random(seed)
    ids = dataset.values("id")
    for _ in range(3):
        before = shown(dataset)
        pending = act_at_random(rng, dataset, ids, dict(before))
        expected = edited_by_another(rng, dataset, ids, before, pending)
        there = stored(dataset)
        report = save_changes(dataset)
        assert shown(dataset) == expected
        assert report.overtaken == 0
        if saves.list_saves(dataset) and report.labels + report.cleared:
            undo_save(dataset)
            assert stored(dataset) == there


@pytest.mark.parametrize("when", ["during the save", "before the undo"])
@pytest.mark.parametrize("act", ["set", "replace", "clear"])
def test_what_a_person_changes_in_the_meantime_stays(dataset, path, act, when, monkeypatch):
    ids = dataset.values("id")
    theirs = ids[4:6]
    before = stored(dataset)
    if act == "clear":
        clear_labels(dataset, which="all")
    else:
        set_label(dataset, ids, "new", replace=act == "replace")
    apply = saves.apply

    def edit():
        for item in theirs:
            label = fo.Classification(label="theirs").to_dict()
            dataset._sample_collection.update_one({"_id": ObjectId(item)}, {"$set": {"ground_truth": label}})

    def interrupted(*args, **options):
        edit()
        return apply(*args, **options)

    if when == "during the save":
        monkeypatch.setattr(saves, "apply", interrupted)
    report = save_changes(dataset)
    assert (report.overtaken > 0) == (when == "during the save")
    if when == "before the undo":
        edit()
    undo_save(dataset)
    after = stored(dataset)
    assert all("theirs" in after[item] for item in theirs)
    assert {item: after[item] for item in ids if item not in theirs} == {
        item: before[item] for item in ids if item not in theirs
    }


def test_a_tag_added_to_a_label_during_the_save_is_not_lost(dataset, monkeypatch):
    ids = dataset.values("id")
    set_label(dataset, ids, "new", replace=True)
    apply = saves.apply

    def tagged(*args, **options):
        dataset._sample_collection.update_one({"_id": ObjectId(ids[1])}, {"$push": {"ground_truth.tags": "mine"}})
        return apply(*args, **options)

    monkeypatch.setattr(saves, "apply", tagged)
    assert save_changes(dataset).overtaken == 1
    assert "mine" in stored(dataset)[ids[1]]


def test_a_label_that_replaces_another_keeps_its_tags_and_own_attributes(dataset, path):
    collection = dataset._sample_collection
    collection.update_many({"ground_truth": {"$ne": None}}, {"$set": {"ground_truth.annotator": "ann"}})
    replaced = {one["_id"] for one in collection.find({"ground_truth": {"$ne": None}})}
    set_label(dataset, dataset.values("id"), "new", replace=True)
    save_changes(dataset)
    for one in collection.find():
        label, number = one["ground_truth"], int(one["filepath"].rsplit("/", 1)[1].removesuffix(".png"))
        assert (label["label"], label["labelscape"], label["confidence"], label["logits"]) == (
            "new",
            "human",
            None,
            None,
        )
        assert label["tags"] == (["t"] if one["_id"] in replaced else [])
        assert label.get("own") == ({"deep": number} if one["_id"] in replaced else None)
        assert "annotator" not in label


def test_labels_written_in_groups_have_ids_of_their_own_and_move_the_samples_time(dataset):
    ids = dataset.values("id")
    before = dict(zip(*dataset.values(["id", "last_modified_at"]), strict=True))
    set_label(dataset, ids, "new", replace=True)
    save_changes(dataset)
    dataset.reload()
    assert len(set(dataset.values("ground_truth.id"))) == len(ids)
    assert all(at > before[item] for item, at in zip(*dataset.values(["id", "last_modified_at"]), strict=True))
    assert dataset.count("ground_truth.labeled_at") == len(ids)


def test_a_column_of_documents_is_what_a_column_of_the_same_values_is(dataset):
    documents = [{"place": place, "deep": {"list": [place]}} for place in range(12)]
    ids = as_oids(dataset.values("id")[:12])
    collection = dataset._sample_collection
    for made in (
        column_updates.column(documents),
        column_updates.column_of_documents([bson.encode(one) for one in documents]),
    ):
        collection.update_many(
            {"_id": column_updates.among(ids)}, [{"$set": {"probe": column_updates.of_row(ids, made)}}]
        )
        assert [collection.find_one({"_id": item})["probe"] for item in as_object_ids(ids)] == documents
