"""Cleared labels are pending like any change, and count as old labels only until a new one is set."""

import numpy as np
import pytest
from labelscape.ml_backend.actions.apply_labels import apply_labels
from labelscape.ml_backend.actions.queue import (
    LabelBatch,
    clear_labels,
    count_clearable,
    queue_labels,
    set_label,
)
from labelscape.ml_backend.actions.save import save_changes
from labelscape.ml_backend.actions.undo import undo_last
from labelscape.ml_backend.store.label_documents import Conflict
from labelscape.ml_backend.store.labels import label_field
from labelscape.ml_backend.store.records import as_oids

from .boxed_digits import names


@pytest.fixture
def dataset(boxed_digits):
    return boxed_digits


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
    assert save_changes(dataset).sentence() == "Cleared 2 labels; “Undo save” reverts this."
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
    assert report.sentence().endswith(
        "1 item kept its existing label (“zebra” instead of “lion”); to replace what somebody set in the meantime, set "
        "the label again, and save."
    )
    dataset.reload()
    assert dataset.values(f"{path}.label", unwind=True)[:2] == ["zebra", "lion"]
