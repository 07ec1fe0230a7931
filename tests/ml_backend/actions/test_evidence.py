"""What a person set counts as evidence, saved or pending; what only followed neighbors does not."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.evidence import field_of_embeddings, labels_with_pending
from labelscape.ml_backend.actions.label_neighbors import accept_neighbors
from labelscape.ml_backend.actions.queue import clear_labels, set_label
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
