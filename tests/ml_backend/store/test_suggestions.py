"""Stored suggestions are read back as they were written, including those of an earlier version."""

import random
from dataclasses import replace

import fiftyone as fo
import pytest
from bson import ObjectId
from labelscape.ml_backend.store import suggestion_updates
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.suggestions import (
    Suggestion,
    list_rejections,
    read_rejections,
    read_suggestions,
    remember_rejections,
    take_back_rejection,
    write_suggestions,
)
from labelscape.testing.faults import counted_writes

ANCHORS = [str(ObjectId()) for _ in range(3)]
ONE = Suggestion("7", 0.8, False, ANCHORS[:2], "ground_truth")
SEVERAL = Suggestion("7", 0.99, True, ANCHORS[:2], "kinds", ("odd", "prime"), (0.97, 0.91), (*ANCHORS[1:],))


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(4, labeled=0)


def stored(dataset):
    """The documents in MongoDB, in the order of the samples."""
    return [document.get("suggested_label") for document in dataset._sample_collection.find({})]


def test_suggestions_are_read_back_as_they_were_written(dataset):
    items = list_items(dataset)
    expected = [ONE, SEVERAL, None, ONE]
    assert write_suggestions(dataset, items, expected) == [items.sample_ids[row] for row in (0, 1, 3)]
    assert read_suggestions(dataset, items) == expected
    assert read_suggestions(fo.load_dataset(dataset.name), items) == expected
    assert write_suggestions(dataset, items, expected) == []
    assert len(write_suggestions(dataset, items, [ONE] * 4)) == 2
    assert read_suggestions(dataset, items) == [ONE] * 4


@pytest.mark.parametrize("field", [None, "parts", "box"])
def test_suggestions_are_written_in_groups_and_only_where_they_change(dataset, field, monkeypatch):
    monkeypatch.setattr(suggestion_updates, "ROWS_PER_UPDATE", 2)
    boxes = [fo.Detections(detections=[fo.Detection(tags=[name]) for name in "abc"[:number]]) for number in range(4)]
    dataset.set_values("parts", boxes)
    dataset.set_values("box", [None, *(fo.Detection(tags=[name]) for name in "abc")])
    items = list_items(dataset, field)
    rng = random.Random(0)
    others = [ONE, SEVERAL, replace(ONE, label="8"), None]
    for _ in range(6):
        expected = [rng.choice(others) for _ in range(len(items))]
        current = read_suggestions(dataset, items)
        changed = write_suggestions(dataset, items, expected)
        assert read_suggestions(dataset, items) == expected
        moved = [new != old for new, old in zip(expected, current, strict=True)]
        assert changed == list(dict.fromkeys(items.sample_ids[moved].tolist()))
        with counted_writes() as writes:
            assert write_suggestions(dataset, items, expected) == []
        assert not writes.names
    assert {len(one.tags) for one in dataset.values("parts.detections", unwind=True)} == {1}


def test_the_app_can_filter_by_every_class_suggested(dataset):
    write_suggestions(dataset, list_items(dataset), [ONE, SEVERAL, None, None])
    dataset = fo.load_dataset(dataset.name)
    assert dataset.distinct("suggested_label.more") == ["odd", "prime"]
    assert dataset.bounds("suggested_label.more_confidence") == (0.91, 0.97)
    [sample] = dataset.match(fo.ViewField("suggested_label.more").contains("odd"))
    assert (sample.suggested_label.label, sample.suggested_label.more) == ("7", ["odd", "prime"])


def test_where_nothing_has_several_labels_nothing_is_written_or_declared_for_them(dataset):
    write_suggestions(dataset, list_items(dataset), [ONE] * 4)
    assert not any(path.startswith("suggested_label.more") for path in dataset.get_field_schema(flat=True))
    assert all("more" not in document for document in stored(dataset))
    write_suggestions(dataset, list_items(dataset), [ONE, SEVERAL, ONE, ONE])
    assert ["more" in document for document in stored(dataset)] == [False, True, False, False]


def test_a_suggestion_of_an_earlier_version_has_one_class(dataset):
    write_suggestions(dataset, list_items(dataset), [ONE] * 4)
    assert all(one.confidences == {"7": 0.8} for one in read_suggestions(dataset, list_items(dataset)))
    ids = dataset.values("id")
    write_suggestions(dataset, list_items(dataset.select(ids[1])), [SEVERAL])
    read = read_suggestions(dataset, list_items(dataset))
    assert [list(one.confidences) for one in read] == [["7"], ["7", "odd", "prime"], ["7"], ["7"]]


def test_a_rejection_is_of_all_classes_and_gives_all_of_them_back(dataset):
    items = list_items(dataset)
    item = items.ids.tolist()[1]
    with remember_rejections(dataset, None, {item: SEVERAL}):
        pass
    assert read_rejections(dataset, "kinds") == {item: {"7", "odd", "prime"}}
    assert read_rejections(dataset, "ground_truth") == {}
    take_back_rejection(dataset, list_rejections(dataset)[0])
    assert read_suggestions(dataset, items) == [None, SEVERAL, None, None]
    assert read_rejections(dataset, "kinds") == {}


def test_as_many_suggestions_as_a_lasso_can_hold_are_rejected_as_one(dataset):
    anchors = [str(ObjectId()) for _ in range(5)]
    many = {str(ObjectId()): Suggestion("7", 0.9, True, anchors, "ground_truth") for _ in range(80_000)}

    with remember_rejections(dataset, None, many):
        pass

    [rejection] = list_rejections(dataset)
    assert rejection.suggestions == many
    take_back_rejection(dataset, rejection)
    assert list_rejections(dataset) == []
