"""New samples: embedded, placed on the maps, scored; each only once."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.embed import compute_embeddings, import_embeddings
from labelscape.ml_backend.actions.functions import create_function
from labelscape.ml_backend.actions.map import MapSettings, compute_map
from labelscape.ml_backend.actions.new_data import update_dataset
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.embeddings import embeddings_status
from labelscape.ml_backend.store.maps import load_map
from labelscape.ml_backend.store.searches import Query


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(80)
    compute_embeddings(dataset, key="emb")
    compute_map(dataset, embeddings="emb", key="map", settings=MapSettings(method="pca"))
    create_function(dataset, Query("emb", tuple(dataset.limit(2).values("id"))), name="First", threshold=0.9)
    return dataset


def add(dataset, source, count):
    return dataset.add_samples(fo.Sample(filepath=path) for path in source.skip(80).limit(count).values("filepath"))


def test_only_what_is_new_is_embedded_placed_and_scored(dataset, make_digits_dataset):
    before = load_map(dataset, "map").points
    scores = dataset.values("fn_first")
    new = add(dataset, make_digits_dataset(100), 15)
    report = update_dataset(dataset)
    assert [(one.key, one.embedded) for one in report.embedded] == [("emb", 15)]
    assert [(one.key, one.placed) for one in report.maps] == [("map", 15)]
    assert [(run.scored, run.changed) for run in report.functions.runs] == [(15, 15)]
    assert None not in dataset.select(new).values("fn_first")
    np.testing.assert_array_equal(load_map(dataset, "map").points[:80], before)
    assert dataset.limit(80).values("fn_first") == scores
    again = update_dataset(dataset)
    assert (again.embedded, again.maps) == ((), ())
    assert again.functions.runs[0].changed == 0


def test_embeddings_without_a_function_are_updated_when_they_are_named(make_digits_dataset):
    dataset = make_digits_dataset(100)
    compute_embeddings(dataset.limit(60), key="emb")
    with pytest.raises(Refusal, match="has no function that determines what to update"):
        update_dataset(dataset)
    update_dataset(dataset, ["emb"])
    assert embeddings_status(dataset, "emb").complete


def test_imported_vectors_are_skipped_with_the_reason_and_the_others_continue(dataset, make_digits_dataset):
    ids = dataset.values("id")
    import_embeddings(dataset, key="own", ids=ids, vectors=np.eye(len(ids), dtype=np.float32), source="a file")
    add(dataset, make_digits_dataset(100), 3)
    report = update_dataset(dataset, ["own", "emb"])
    assert "'own' was not updated: 3 new samples have no vector in it" in report.sentence()
    assert [one.embedded for one in report.embedded] == [3]


def test_new_objects_in_old_samples_are_embedded_too(dataset):
    def boxes(count):
        sizes = np.linspace(0.3, 0.9, count)
        return fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0, 0, one, one]) for one in sizes])

    dataset.set_values("parts", [boxes(2) for _ in range(80)])
    compute_embeddings(dataset, key="objects", patches_field="parts")
    sample = dataset.first()
    sample.parts.detections.append(fo.Detection(label="a", bounding_box=[0.5, 0.5, 0.5, 0.5]))
    sample.save()
    (report,) = update_dataset(dataset, ["objects"]).embedded
    assert (report.embedded, report.reused) == (1, 2)
