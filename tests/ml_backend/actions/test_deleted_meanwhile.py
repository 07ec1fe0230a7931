"""What is deleted while an action runs is not in its closing numbers, and stops nothing."""

import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId
from fiftyone.core.odm.database import get_db_conn
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.actions.functions import create_function, run_functions
from labelscape.ml_backend.actions.map import MapSettings, compute_map
from labelscape.ml_backend.actions.queue import set_label
from labelscape.ml_backend.actions.rank import find_duplicates, rank_mislabels, rank_outliers
from labelscape.ml_backend.actions.save import save_changes
from labelscape.ml_backend.actions.train import train_embeddings
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.progress import no_progress
from labelscape.ml_backend.store.function_scores import forget_written
from labelscape.ml_backend.store.functions import load_function, new_matches
from labelscape.ml_backend.store.maps import load_map
from labelscape.ml_backend.store.save_records import RECORDS
from labelscape.ml_backend.store.searches import Query

SAMPLES = 24
BOX = [0.1, 0.1, 0.5, 0.5]


@pytest.fixture(params=["samples", "objects"])
def field(request):
    """The field of the objects that are embedded, or None for samples."""
    return "parts" if request.param == "objects" else None


@pytest.fixture
def dataset(make_digits_dataset, field):
    """Samples, or boxes in them, that are each like another one."""
    dataset = make_digits_dataset(SAMPLES)
    boxes = [fo.Detections(detections=[fo.Detection(label="ab"[row % 2], bounding_box=BOX)]) for row in range(SAMPLES)]
    dataset.set_values("parts", boxes)
    dataset.set_values("kind", [fo.Classification(label="ab"[row % 2]) for row in range(SAMPLES)])
    rng = np.random.default_rng(int(str(dataset._doc.id)[-6:], 16))  # neighbors of the same vectors are found at once
    vectors = np.repeat(rng.normal(size=(SAMPLES // 2, 8)), 2, axis=0)
    import_embeddings(dataset, key="emb", ids=ids_of(dataset, field), vectors=vectors, source="x", patches_field=field)
    return dataset


def ids_of(dataset, field):
    return dataset.values("id" if field is None else "parts.detections.id", unwind=field is not None)


def deleting(dataset, rows):
    """A progress that lets another process delete some samples, once."""
    documents = [ObjectId(one) for one in np.asarray(dataset.values("id"))[rows]]

    def progress(fraction, message, /):
        dataset._sample_collection.delete_many({"_id": {"$in": documents}})

    return progress


ACTS = {
    "map": lambda d, field, p: compute_map(
        d, embeddings="emb", key="map", settings=MapSettings(method="pca"), progress=p
    ),
    "outliers": lambda d, field, p: rank_outliers(d, embeddings="emb", progress=p),
    "wrong labels": lambda d, field, p: rank_mislabels(d, embeddings="emb", field=field or "kind", progress=p),
    "duplicates": lambda d, field, p: find_duplicates(d, embeddings="emb", threshold=0.01, progress=p),
    "training": lambda d, field, p: train_embeddings(d, key="trained", base="emb", field=field or "kind", progress=p),
    "function": lambda d, field, p: create_function(
        d, Query("emb", tuple(ids_of(d, field)[-2:])), name="F", threshold=0.5, progress=p
    ),
}


@pytest.mark.parametrize("act", ACTS)
def test_what_was_deleted_in_the_meantime_is_not_counted(dataset, field, act):
    report = ACTS[act](dataset, field, deleting(dataset, [0, 1, 2, 5])).sentence()
    # Two of those that are left were like one that is gone.
    assert f" {SAMPLES - 6 if act == 'duplicates' else SAMPLES - 4} " in f" {report}"
    if act == "map":
        assert set(load_map(dataset, "map").items.ids) == set(ids_of(dataset, field))


def test_functions_that_run_again_score_what_is_left(dataset, field):
    ACTS["function"](dataset, field, no_progress)
    (run,) = run_functions(dataset, progress=deleting(dataset, [0, 1])).runs
    assert run.function.scored == SAMPLES - 2


def test_what_is_deleted_while_a_function_writes_its_scores_is_not_counted(dataset, field):
    ids = ids_of(dataset, field)
    ACTS["function"](dataset, field, no_progress)
    update = {"$set": {"parts.detections.$[].fn_f": None}} if field else {"$set": {"fn_f": None}}
    dataset._sample_collection.update_many({}, update)
    forget_written(dataset, "f")  # as on another machine: all are scored and written again

    def late(fraction, message, /):
        if message.startswith("Writing"):
            deleting(dataset, [0, 1, SAMPLES - 1])(fraction, message)

    (run,) = run_functions(dataset, progress=late).runs
    assert run.function.scored == run.scored == SAMPLES - 3
    assert run.function.matches == run.new == len(new_matches(dataset, "f"))
    assert ids[-1] not in new_matches(dataset, "f")
    assert ids[-2] in new_matches(dataset, "f")
    assert load_function(dataset, "f").matches == run.function.matches


def gone_with(dataset):
    """A progress that lets another process delete the dataset, once."""

    def progress(fraction, message, /):
        connection = get_db_conn()
        connection.datasets.delete_one({"_id": dataset._doc.id})
        dataset._sample_collection.drop()
        connection.execution_store.delete_many({"dataset_id": dataset._doc.id})

    return progress


def test_a_dataset_that_is_deleted_during_a_run_of_its_functions_keeps_nothing(dataset, field):
    ACTS["function"](dataset, field, no_progress)
    with pytest.raises(Refusal, match="was deleted while this was running"):
        run_functions(dataset, progress=gone_with(dataset))
    assert get_db_conn().execution_store.count_documents({"dataset_id": dataset._doc.id}) == 0


def test_a_dataset_that_is_deleted_during_a_save_keeps_nothing(dataset, field):
    set_label(dataset, ids_of(dataset, field), "x", field=field or "kind", patches_field=field, replace=True)
    with pytest.raises(Refusal, match="was deleted while this was running"):
        save_changes(dataset, gone_with(dataset))
    for collection, key in (("execution_store", "dataset_id"), (RECORDS, "dataset")):
        assert get_db_conn()[collection].count_documents({key: dataset._doc.id}) == 0
