"""Labels, clearings, and deletions are pending until saved, and no label is overwritten unless requested."""

from collections import Counter

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.queue import (
    LabelBatch,
    clean_label,
    clear_labels,
    count_clearable,
    delete_items,
    queue_labels,
    relabel,
    set_label,
)
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.label_documents import Conflict
from labelscape.ml_backend.store.label_edits import clearable_counts, clearable_items
from labelscape.ml_backend.store.labels import label_field
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.records import as_oids
from labelscape.ml_backend.store.scores import Score, write_scores


@pytest.fixture
def dataset(make_digits_dataset):
    """Six digits, the first three labeled."""
    return make_digits_dataset(6, labeled=3)


def pending(dataset):
    return {one.item: (one.label, one.origin) for one in pending_changes(dataset).labels}


def by_neighbors(dataset, ids, name):
    batch = LabelBatch(
        as_oids(ids), np.zeros(len(ids), int), [name], np.full(len(ids), 0.9), as_oids([ids[0]] * len(ids))
    )
    return queue_labels(dataset, label_field(dataset, "ground_truth"), batch)


def test_a_label_is_pending_and_nothing_is_written_to_the_samples(dataset):
    before, ids = dataset.values("ground_truth.label"), dataset.values("id")[3:]

    report = set_label(dataset, ids, " zebra ")

    assert report.queued == ids
    assert report.sentence() == "Queued 3 changes. 3 labels pending."
    assert pending(dataset) == dict.fromkeys(ids, ("zebra", "human"))
    dataset.reload()
    assert dataset.values("ground_truth.label") == before


def test_an_item_with_another_label_is_left_alone_and_reported_unless_replaced(dataset):
    ids = dataset.values("id")[2:4]
    existing = dataset.values("ground_truth.label")[2]

    report = set_label(dataset, ids, "zebra")

    assert report.queued == ids[1:]
    assert report.conflicts == [Conflict(ids[0], "zebra", existing)]
    assert (
        f"1 item kept its existing label (“{existing}” instead of “zebra”); “replace” overwrites." in report.sentence()
    )
    assert set_label(dataset, ids, "zebra", replace=True).conflicts == []


def test_a_label_that_is_about_to_be_cleared_is_no_conflict(dataset):
    ids = dataset.values("id")[:3]
    clear_labels(dataset, which="all")

    assert set_label(dataset, ids, "zebra").queued == ids


def test_what_a_person_queued_takes_precedence_over_neighbors(dataset):
    _, _, _, by_hand, leaving, free = dataset.values("id")
    set_label(dataset, [by_hand], "zebra")
    delete_items(dataset, [leaving])

    report = by_neighbors(dataset, [by_hand, leaving, free], "lion")

    assert report.queued == [free]
    assert sorted((one.item, one.existing) for one in report.conflicts) == sorted(
        [(by_hand, "zebra"), (leaving, "deletion")]
    )
    assert pending(dataset) == {by_hand: ("zebra", "human"), free: ("lion", "neighbors")}


def test_labels_are_counted_by_origin_and_cleared_by_it(dataset):
    counts = count_clearable(dataset)

    assert (counts.human, counts.neighbors, counts.imported, counts.total) == (0, 0, 3, 3)
    assert counts.sentence() == "3 labels: 0 set by hand in Labelscape, 0 from neighbors, 3 imported."
    with pytest.raises(Refusal, match="no such labels in 'ground_truth' here"):
        clear_labels(dataset, which="ours")
    assert sorted(clear_labels(dataset.limit(2), which="all").queued) == sorted(dataset.values("id")[:2])


@pytest.mark.parametrize("kind", [fo.Classification, fo.Classifications, fo.Detections, fo.Detection])
def test_labels_are_counted_by_the_database_as_they_are_cleared(dataset, kind):
    by = list(zip(["a", "b", "c", "", None, "a"], ["human", "neighbors", None, "human", None, "human"], strict=True))
    of_objects = kind in (fo.Detection, fo.Detections)
    more = {"bounding_box": [0, 0, 1, 1]} if of_objects else {}
    one = fo.Detection if of_objects else fo.Classification
    values = [one(label=name, labelscape=who, **more) for name, who in by]
    if kind is not one:
        leaf = kind.__name__.lower()
        values = [kind(**{leaf: [value, *(one(label="b", **more) for _ in range(2))]}) for value in values]
    dataset.set_values("thing", values, dynamic=True)
    field = label_field(dataset, "thing", "thing" if of_objects else None)
    views = [dataset, dataset.limit(3), *([dataset.to_patches("thing")] if kind is fo.Detections else [])]

    for view in views:
        _, who = clearable_items(view, field)
        assert clearable_counts(view, field) == Counter(who.tolist()) != Counter()


def test_a_better_label_replaces_the_one_that_is_there(dataset):
    ids = dataset.values("id")
    with pytest.raises(Refusal, match="No better labels are known"):
        relabel(dataset, ids[:2])
    better = ["lion", None, "zebra", None, None, None]
    write_scores(dataset, list_items(dataset, None), [Score("mislabel_suggestion", better)])

    report = relabel(dataset, ids[:3])

    assert sorted(report.queued) == sorted([ids[0], ids[2]])
    assert pending(dataset) == {ids[0]: ("lion", "human"), ids[2]: ("zebra", "human")}
    assert all(one.replace for one in pending_changes(dataset).labels)


@pytest.mark.parametrize(
    "act", [lambda d: set_label(d, [], "x"), lambda d: relabel(d, []), lambda d: delete_items(d, [])]
)
def test_nothing_selected_is_refused_with_what_to_do(dataset, act):
    with pytest.raises(Refusal, match="Nothing is selected: tick samples in the grid, or lasso points on the map"):
        act(dataset)


def test_what_is_no_id_and_no_label_is_refused(dataset):
    with pytest.raises(Refusal, match="The label is empty"):
        set_label(dataset, dataset.values("id"), "  ")
    with pytest.raises(Refusal, match="“nonsense” is not the id"):
        set_label(dataset, ["nonsense"], "zebra")
    assert len(pending_changes(dataset)) == 0


def test_labels_lose_surrounding_whitespace_alone():
    assert clean_label("\t two words \n") == "two words"


def test_a_label_from_neighbors_that_is_pending_already_is_no_conflict(dataset):
    ids = dataset.values("id")[3:5]
    by_neighbors(dataset, ids, "zebra")
    report = by_neighbors(dataset, ids, "zebra")
    assert (report.queued, report.conflicts) == ([], [])
    assert report.sentence() == "Queued 0 changes. 2 labels pending."


def test_an_object_beside_one_without_a_label_keeps_its_label_too(dataset):
    boxes = [[fo.Detection(label=name, bounding_box=[0, 0, 1, 1]) for name in ("a", None, "b")] for _ in range(6)]
    dataset.set_values("parts", [fo.Detections(detections=one) for one in boxes])
    ids = dataset.values("parts.detections.id")[0]
    report = set_label(dataset, ids, "b", field="parts", patches_field="parts")
    assert [(one.item, one.existing) for one in report.conflicts] == [(ids[0], "a")]
    assert report.queued == ids[1:]
