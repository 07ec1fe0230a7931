"""What a person set counts as evidence, saved or pending; what only followed neighbors does not."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.evidence import field_of_embeddings, labels_with_pending
from labelscape.ml_backend.actions.label_neighbors import accept_neighbors
from labelscape.ml_backend.actions.queue import clear_labels, set_label
from labelscape.ml_backend.actions.save import save_changes
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.session import open_session

from .clusters import embed_clusters


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(20, labeled=10)
    embed_clusters(dataset)
    return dataset


def names(dataset, field="ground_truth"):
    session = open_session(dataset, "emb")
    labels = labels_with_pending(session, field_of_embeddings(dataset, "emb", field))
    codes = [None if code < 0 else labels.classes[code] for code in labels.codes]
    return dict(zip(session.embeddings.items.ids.tolist(), codes, strict=True))


def test_saved_labels_and_pending_ones_of_a_person_count_and_those_of_neighbors_do_not(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[10:11], "zebra")
    set_label(dataset, ids[:1], "zebra", replace=True)
    accept_neighbors(dataset, ids[11:12], "zebra", confidence=[0.9], anchors=ids[10:11], embeddings="emb")

    known = names(dataset)

    saved = dataset.values("ground_truth.label")
    assert [known[item] for item in ids] == ["zebra", *saved[1:10], "zebra", *[None] * 9]


def test_a_label_that_is_about_to_be_cleared_no_longer_counts(dataset):
    clear_labels(dataset.limit(2), which="all")

    known = names(dataset)

    assert [known[item] is None for item in dataset.values("id")[:3]] == [True, True, False]


def test_a_label_that_a_save_kept_does_not_hide_the_one_it_wrote_to_another_field_of_the_same_sample(dataset):
    dataset.clone_sample_field("ground_truth", "shape")
    ids = dataset.values("id")[10:12]
    set_label(dataset, ids, "mine")
    set_label(dataset, ids, "round", field="shape")
    sample = dataset[ids[0]]
    sample["ground_truth"] = fo.Classification(label="theirs")
    sample.save()
    before = names(dataset), names(dataset, "shape")

    report = save_changes(dataset)

    assert (report.labels, [one.item for one in report.conflicts]) == (3, ids[:1])
    assert [before[0][item] for item in ids] == ["mine", "mine"]
    assert [names(dataset)[item] for item in ids] == ["theirs", "mine"]
    assert [before[1][item] for item in ids] == [names(dataset, "shape")[item] for item in ids] == ["round", "round"]


def test_the_labels_of_patches_are_those_of_their_own_field(make_digits_dataset):
    from labelscape.ml_backend.actions.embed import import_embeddings

    dataset = make_digits_dataset(2)
    boxes = [fo.Detection(label="a", bounding_box=[0, 0, 1, 1]) for _ in range(2)]
    dataset.set_values("parts", [fo.Detections(detections=[box]) for box in boxes])
    ids = [str(box.id) for box in boxes]
    import_embeddings(dataset, key="emb", ids=ids, vectors=np.eye(2), source="test", patches_field="parts")

    field = field_of_embeddings(dataset, "emb", "ground_truth")

    assert (field.name, field.patches_field) == ("parts", "parts")
    assert names(dataset) == dict.fromkeys(ids, "a")


def test_unknown_embeddings_are_refused(dataset):
    with pytest.raises(Refusal, match="does not name embeddings"):
        field_of_embeddings(dataset, "missing", "ground_truth")
