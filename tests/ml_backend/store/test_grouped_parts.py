"""Labels of objects and lists are written in groups, end as the actions specify, and undo restores what was there."""

import random

import bson
import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId
from labelscape.ml_backend.actions.save import save_changes, undo_save
from labelscape.ml_backend.store import (
    column_updates,
    edits,
    fills,
    list_fills,
    multi_label_edits,
    object_fills,
    object_label_edits,
    saves,
)
from labelscape.ml_backend.store.pending import PendingAct, add_acts
from labelscape.ml_backend.store.records import as_names, as_oids

SAMPLES = 14
CLASSES = ["x", "y", "z"]
OWN = ("label", "labelscape", "anchor", "labelscape_confidence")
LISTS = {"parts": "detections", "kinds": "classifications", "box": None}


@pytest.fixture(params=["grouped", "one by one"])
def path(request, monkeypatch):
    """Both ways in which labels are written; the groups are so small that every boundary between them is tested."""
    monkeypatch.setattr(fills, "IDS_PER_UPDATE", 3)
    monkeypatch.setattr(fills, "ROWS_PER_UPDATE", 2)
    monkeypatch.setattr(fills, "BYTES_PER_PIECE", 300)
    monkeypatch.setattr(edits, "EDITS_PER_RECORD", 4)
    monkeypatch.setattr(object_label_edits, "READ_AT_ONCE", 5)
    monkeypatch.setattr(multi_label_edits, "READ_AT_ONCE", 5)
    if request.param == "one by one":
        monkeypatch.setattr(multi_label_edits, "with_distinct_tails", lambda ids: np.zeros(len(ids), bool))
    return request.param


@pytest.fixture(params=list(LISTS))
def field(request):
    return request.param


@pytest.fixture
def dataset():
    """Lists of up to four boxes and classes, and single boxes: unlabeled, imported, ours, and with more attributes."""
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(f"/nowhere/{number}.png") for number in range(SAMPLES)])
    for name, kind in (("parts", fo.Detections), ("kinds", fo.Classifications), ("box", fo.Detection)):
        dataset.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=kind)
    rng = random.Random(0)
    shared = ObjectId()  # labels that were imported with `set_values` may share an id
    for number, sample in enumerate(dataset.values("_id")):
        boxes = [box(rng, rng.choice([None, *CLASSES])) for _ in range(number % 5)]
        kinds = [box(rng, name) for name in rng.sample(CLASSES, number % 4)]
        for place, kind in enumerate(kinds):
            kind |= {"_cls": "Classification", "_id": kind["_id"] if place else shared}
        values = {
            "parts": {"_cls": "Detections", "detections": boxes} if number % 5 else None,
            "kinds": {"_cls": "Classifications", "classifications": kinds} if number % 8 else None,
            "box": box(rng, rng.choice([None, *CLASSES])) if number % 3 else None,
        }
        dataset._sample_collection.update_one({"_id": sample}, {"$set": values})
    dataset.reload()
    yield dataset
    dataset.delete()


def box(rng, name):
    own = {"labelscape": rng.choice(["human", "neighbors"])} if name and rng.random() < 0.5 else {}
    more = {"tags": ["t"], "bounding_box": [0.1, 0.1, 0.2, 0.2], "confidence": float("nan"), "own": {"deep": 1}}
    return {"_id": ObjectId(), "_cls": "Detection", "label": name, **more, **own}


def elements_of(value, field):
    """The labels in a document's field."""
    if value is None or LISTS[field] is None:
        return [] if value is None else [value]
    return value[LISTS[field]]


def stored(dataset, field):
    """Sample → its labels in their order, with the text of each value that is not None: NaN does not equal itself.

    None stands where there is not even an empty list.
    """
    labels_there = {}
    for one in dataset._sample_collection.find({}, {field: 1}):
        if one.get(field) is None:
            labels_there[str(one["_id"])] = None
            continue
        labels = elements_of(one.get(field), field)
        there = [{name: repr(value) for name, value in label.items() if value is not None} for label in labels]
        labels_there[str(one["_id"])] = [sorted(label.items()) for label in there]
    return labels_there


def shown(dataset, field):
    """Item → class, origin, anchor and confidence of its labels; the items of a field of several labels are samples."""
    labels_there = {}
    for one in dataset._sample_collection.find({}, {field: 1}):
        for label in elements_of(one.get(field), field):
            item = str(one["_id"]) if field == "kinds" else str(label["_id"])
            labels_there.setdefault(item, []).append(tuple(label.get(name) for name in OWN))
        if field == "kinds":
            labels_there.setdefault(str(one["_id"]), [])
    return labels_there


def act_at_random(rng, dataset, field, model):
    """Make one random pending change to random items, and record in the model its effect on their labels."""
    items = rng.sample(sorted(model), min(9, len(model)))
    label, kind = rng.choice([*CLASSES, "new"]), rng.choice(["human", "human", "neighbors", "clear"])
    where = {"field": field, "patches_field": None if field == "kinds" else field, "multi": field == "kinds"}
    if kind == "clear":
        which = rng.choice(["all", "ours", "neighbors"])
        add_acts(dataset, [PendingAct("clear", as_oids(items), which=which, count=len(items), **where)])
        meant = {"all": (None, "human", "neighbors"), "ours": ("human", "neighbors"), "neighbors": ("neighbors",)}[
            which
        ]
        for item in items:
            kept = [one for one in model[item] if not (one[0] and one[1] in meant)]
            model[item] = kept if field == "kinds" or kept else [(None,) * 4]
        return
    followed = kind == "neighbors"
    confidence = [rng.random() for _ in items] if followed else []
    anchor = dataset.first().id
    columns = {"confidence": np.asarray(confidence), "anchors": as_oids([anchor] * len(confidence))}
    options = {"label": label, "origin": kind, "replace": True, "count": len(items)}
    add_acts(dataset, [PendingAct("label", as_oids(items), **options, **columns, **where)])
    for place, item in enumerate(items):
        new = (label, kind, anchor if followed else None, confidence[place] if followed else None)
        same = next((one for one in model[item] if one[0] == label), None)
        if same is not None and (followed or same[1] != "neighbors"):
            continue
        if same is not None:
            model[item] = [new if one is same else one for one in model[item]]
        else:
            model[item] = [*model[item], new] if field == "kinds" else [new]


@pytest.mark.parametrize("seed", range(4))
def test_groups_end_as_the_actions_say_and_undo_restores_every_label_at_its_place(dataset, field, path, seed):
    rng = random.Random(seed)
    states = [stored(dataset, field)]
    for _ in range(4):
        expected = shown(dataset, field)
        act_at_random(rng, dataset, field, expected)
        report = save_changes(dataset)
        assert report.overtaken == 0
        assert shown(dataset, field) == expected
        if stored(dataset, field) != states[-1]:
            states.append(stored(dataset, field))
    for earlier in reversed(states[:-1]):
        undo_save(dataset)
        assert stored(dataset, field) == earlier


@pytest.mark.parametrize("seed", range(4, 6))
def test_what_is_written_again_after_a_crash_is_as_if_written_once(dataset, field, path, seed, monkeypatch):
    rng = random.Random(seed)
    before = stored(dataset, field)
    apply = saves.apply

    def twice(*args, **options):
        apply(*args, **options)
        return apply(*args, **options)

    monkeypatch.setattr(saves, "apply", twice)
    for _ in range(3):
        expected = shown(dataset, field)
        act_at_random(rng, dataset, field, expected)
        save_changes(dataset)
        assert shown(dataset, field) == expected
    while saves.last_save(dataset):
        undo_save(dataset)
    assert stored(dataset, field) == before


def edit(dataset, field, sample):
    """What a person does in the meantime: set another class for every label of a sample."""
    document = dataset._sample_collection.find_one({"_id": ObjectId(sample)})
    for number, label in enumerate(elements_of(document[field], field)):
        label["label"] = f"theirs {number}"
    dataset._sample_collection.replace_one({"_id": ObjectId(sample)}, document)
    return document[field]


@pytest.mark.parametrize("when", ["during the save", "before the undo"])
@pytest.mark.parametrize("kind", ["human", "neighbors", "clear"])
def test_what_a_person_changes_in_the_meantime_stays(dataset, field, path, kind, when, monkeypatch):
    ids = dataset.values("id")
    theirs = ids[13]
    items = sorted(shown(dataset, field))
    before = stored(dataset, field)
    rng = random.Random(1)
    columns = {"confidence": np.asarray([rng.random() for _ in items]), "anchors": as_oids([ids[0]] * len(items))}
    options = {"label": "new", "origin": kind, **(columns if kind == "neighbors" else {})}
    where = {"field": field, "patches_field": None if field == "kinds" else field, "multi": field == "kinds"}
    act = PendingAct("clear" if kind == "clear" else "label", as_oids(items), replace=True, count=len(items), **where)
    add_acts(dataset, [act if kind == "clear" else fills.replace(act, **options)])
    apply, changed = saves.apply, []

    def interrupted(*args, **more):
        changed.append(edit(dataset, field, theirs))
        return apply(*args, **more)

    with monkeypatch.context() as patch:
        if when == "during the save":
            patch.setattr(saves, "apply", interrupted)
        save_changes(dataset)
    if when == "before the undo":
        changed.append(edit(dataset, field, theirs))
    undo_save(dataset)
    labels_there = elements_of(dataset._sample_collection.find_one({"_id": ObjectId(theirs)})[field], field)
    kept = [repr(label) for label in elements_of(changed[-1], field)]
    assert [repr(label) for label in labels_there if repr(label) in kept] == kept
    after = stored(dataset, field)
    assert {item: after[item] for item in ids if item != theirs} == {
        item: before[item] for item in ids if item != theirs
    }


@pytest.mark.parametrize("form", [object_fills.ObjectFill, list_fills.JoiningFill, list_fills.RemovingFill])
def test_a_packed_fill_is_the_same_fill(form):
    ids = as_oids([f"{number:024x}" for number in (1, 2, 256)])
    own = {"confidence": np.asarray([0.5, 0.25, 1.0]), "anchors": ids[::-1], "before": [bson.encode({"a": 1})] * 3}
    more = {"elements": ids[[1, 0, 2]], "positions": np.asarray([3, 0, 1], np.int32), "name": "x"}
    own |= {name: value for name, value in more.items() if name in form.__dataclass_fields__}
    made = form("kinds.classifications", ids, {"label": "y"}, "80000000", **own)

    [(number, packed)] = list(edits.pack_edits([made]))
    [labels_there] = edits.unpack_edits(packed)

    assert (number, type(labels_there)) == (3, form)
    for name, value in vars(made).items():
        assert np.array_equal(getattr(labels_there, name), value), name


@pytest.mark.parametrize("from_record", [False, True])
def test_an_update_names_the_twins_of_its_own_samples_alone(from_record):
    count = 3 * column_updates.ROWS_PER_UPDATE
    ids = as_oids([f"{number:024x}" for number in range(1, count + 1)])
    twins = as_oids([f"{number:024x}" for number in range(10_000, 10_000 + 2 * count - 2)])
    fill = list_fills.RemovingFill(
        "kinds.classifications",
        ids,
        None,
        before=[bson.encode({"label": "x"})] * count,
        elements=ids,
        positions=np.zeros(count, np.int32),
        name="x",
        twins=twins.tobytes(),
        twin_counts=np.asarray([0, *[2] * (count - 1)], np.int32),
    )
    if from_record:
        [(_, packed)] = edits.pack_edits([fill])
        [fill] = edits.unpack_edits(packed)
    each = 2 * column_updates.ROWS_PER_UPDATE
    ends = [each - 2, 2 * each - 2, 3 * each - 2]
    for update, start, end in zip(fill.updates(undo=True), [0, *ends], ends, strict=False):
        text = repr(update)
        assert [number for number, twin in enumerate(as_names(twins)) if twin in text] == list(range(start, end))


def test_each_object_of_a_sample_moves_its_time_and_counts(dataset):
    boxes = [
        str(label["_id"]) for one in dataset._sample_collection.find() for label in elements_of(one["parts"], "parts")
    ]
    before = dict(zip(*dataset.values(["id", "last_modified_at"]), strict=True))
    where = {"field": "parts", "patches_field": "parts", "replace": True}
    add_acts(dataset, [PendingAct("label", as_oids(boxes), label="new", count=len(boxes), **where)])
    assert save_changes(dataset).labels == len(boxes)
    assert undo_save(dataset).total_written == len(boxes)
    dataset.reload()
    now = dict(zip(*dataset.values(["id", "last_modified_at"]), strict=True))
    filled = {str(one["_id"]) for one in dataset._sample_collection.find({"parts.detections.0": {"$exists": True}})}
    assert {item for item in before if now[item] > before[item]} == filled
