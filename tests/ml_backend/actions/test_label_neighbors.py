"""The label of a few samples spreads to their neighborhood, and never over another label."""

import pytest
from labelscape.ml_backend.actions.label_neighbors import label_neighbors, preview_neighbors
from labelscape.ml_backend.actions.undo import list_undo_steps, undo_last
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.pending_changes import pending_changes

from .clusters import embed_clusters


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(60, labeled=0)
    embed_clusters(dataset)
    return dataset


def ids_of(dataset, digit):
    return [sample.id for sample in dataset if sample.true_digit == digit]


def test_a_label_reaches_the_nearest_of_its_kind_first_and_queues_nothing_as_a_preview(dataset):
    zeros = ids_of(dataset, "0")

    preview = preview_neighbors(dataset, zeros[:1], "zero", embeddings="emb", reach=3)

    assert preview.reach == 3
    assert set(preview.ids[:3]) <= set(zeros[1:])
    assert preview.confidence == sorted(preview.confidence, reverse=True)
    assert set(preview.anchors[:3]) == {zeros[0]}
    assert len(pending_changes(dataset)) == 0


def test_samples_and_their_neighborhood_are_labeled_as_one_action(dataset):
    zeros = ids_of(dataset, "0")

    report = label_neighbors(dataset, zeros[:1], "zero", embeddings="emb", reach=3)

    assert report.queued[0] == zeros[0]
    assert len(report.queued) == 4
    origins = {one.item: (one.label, one.origin, one.anchor) for one in pending_changes(dataset).labels}
    assert origins.pop(zeros[0]) == ("zero", "human", None)
    assert set(origins.values()) == {("zero", "neighbors", zeros[0])}
    assert list_undo_steps(dataset)[0].title == "label 4 samples “zero”"
    undo_last(dataset)
    assert len(pending_changes(dataset)) == 0


def test_where_every_selected_sample_has_another_label_nothing_spreads(dataset):
    zeros = ids_of(dataset, "0")
    sample = dataset[zeros[0]]
    import fiftyone as fo

    sample["ground_truth"] = fo.Classification(label="other")
    sample.save()

    report = label_neighbors(dataset, zeros[:1], "zero", embeddings="emb", reach=3)

    assert (report.queued, [one.existing for one in report.conflicts]) == ([], ["other"])


def test_a_selection_without_embeddings_is_refused(dataset):
    with pytest.raises(Refusal, match="No selected item has an embedding in 'emb'"):
        preview_neighbors(dataset, ["0" * 24], "zero", embeddings="emb")
