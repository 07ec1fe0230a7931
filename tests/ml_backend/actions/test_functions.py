"""Functions: a named search scores everything, including later samples, and reports what is new."""

import json

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.operators.store import ExecutionStore
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.functions import (
    create_function,
    delete_function,
    duplicate_function,
    edit_function,
    function_statuses,
    look_at_matches,
    rename_function,
    restore_function,
    run_functions,
)
from labelscape.ml_backend.actions.search import Scope, preview_search
from labelscape.ml_backend.actions.undo import list_undo_steps, undo_last
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.embeddings import delete_embeddings
from labelscape.ml_backend.store.functions import list_functions, load_function
from labelscape.ml_backend.store.searches import Query

FIELD = "fn_zeros"


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(120)
    compute_embeddings(dataset.limit(100), key="emb")
    return dataset


def ids_of(dataset, digit, count=3):
    return tuple(dataset.limit(100).match(fo.ViewField("true_digit") == digit).limit(count).values("id"))


@pytest.fixture
def query(dataset):
    return Query("emb", ids_of(dataset, "0"))


@pytest.fixture
def threshold(dataset, query):
    return round(preview_search(Scope(dataset), query, shown=15).best[14].score, 3)


@pytest.fixture
def zeros(dataset, query, threshold):
    return create_function(dataset, query, name="Zeros", threshold=threshold).function


def add_the_rest(dataset):
    compute_embeddings(dataset, key="emb")


def test_a_function_scores_everything_that_has_an_embedding(dataset, zeros, threshold):
    scores = dataset.values(FIELD)
    assert [score is not None for score in scores] == [True] * 100 + [False] * 20
    assert all(0 <= score <= 1 for score in scores[:100])
    assert zeros.matches == sum(score >= threshold for score in scores[:100]) > 3
    assert (zeros.scored, zeros.field) == (100, FIELD)
    assert dataset.match(fo.ViewField(FIELD) > threshold).count() > 0


def test_new_data_is_scored_alone_and_its_matches_are_an_alert(dataset, zeros, threshold):
    add_the_rest(dataset)
    (run,) = run_functions(dataset).runs
    assert (run.scored, run.changed) == (20, 20)
    assert all(score is not None for score in dataset.values(FIELD))
    expected = [one for one, score in zip(*dataset.skip(100).values(["id", FIELD]), strict=True) if score >= threshold]
    assert run.new == len(expected) > 0
    (status,) = function_statuses(dataset)
    assert status.new == len(expected)
    assert f"Since you last looked: {len(expected)} new match" in status.sentence()
    view = look_at_matches(dataset, "zeros", new_only=True)
    assert set(view.values("id")) == set(expected)
    assert function_statuses(dataset)[0].new == 0
    with pytest.raises(Refusal, match="no new matches"):
        look_at_matches(dataset, "zeros", new_only=True)


def test_a_run_with_nothing_new_writes_nothing(dataset, zeros):
    before = dataset.values("last_modified_at")
    (run,) = run_functions(dataset).runs
    assert (run.scored, run.changed, run.new) == (0, 0, 0)
    dataset.reload()
    assert dataset.values("last_modified_at") == before


def test_matches_are_shown_highest_first(dataset, zeros):
    scores = look_at_matches(dataset, "zeros").values(FIELD)
    assert len(scores) == zeros.matches
    assert scores == sorted(scores, reverse=True)


def test_a_function_continues_when_its_examples_are_deleted(dataset, zeros, query):
    dataset.delete_samples(list(query.positives))
    add_the_rest(dataset)
    (run,) = run_functions(dataset).runs
    assert (run.scored, run.function.scored) == (20, 117)


def test_recomputed_embeddings_make_a_function_stale_until_it_is_edited(dataset, zeros):
    before = dataset.values(FIELD)
    delete_embeddings(dataset, "emb")
    assert function_statuses(dataset)[0].stale
    compute_embeddings(dataset, key="emb")
    (status,) = function_statuses(dataset)
    assert status.stale
    assert "Stale: its embeddings 'emb' were recomputed or deleted" in status.sentence()
    report = run_functions(dataset)
    assert report.runs == ()
    assert "“Zeros” was skipped" in report.sentence()
    assert dataset.values(FIELD) == before
    edit_function(dataset, "zeros")
    assert not function_statuses(dataset)[0].stale
    np.testing.assert_allclose(dataset.values(FIELD)[:100], before[:100], atol=1e-3)
    assert None not in dataset.values(FIELD)


def test_another_threshold_and_more_examples_change_the_matches(dataset, zeros, query):
    assert edit_function(dataset, "zeros", threshold=1.0, note="none").function.matches < zeros.matches
    assert load_function(dataset, "zeros").note == "none"
    before = dataset.values(FIELD)
    run = edit_function(dataset, "zeros", query=Query("emb", ids_of(dataset, "1")))
    assert run.changed > 90
    assert dataset.values(FIELD) != before
    with pytest.raises(Refusal, match="must be between 0 and 1"):
        edit_function(dataset, "zeros", threshold=2)


def test_a_renamed_function_takes_its_scores_and_alerts_along(dataset, zeros):
    add_the_rest(dataset)
    new = run_functions(dataset).runs[0].new
    before = dataset.values(FIELD)
    rename_function(dataset, "zeros", "Round ones")
    assert not dataset.has_field(FIELD)
    assert dataset.values("fn_round_ones") == before
    (status,) = function_statuses(dataset)
    assert (status.function.slug, status.new) == ("round_ones", new)
    assert run_functions(dataset).runs[0].changed == 0


def test_a_duplicate_is_a_function_of_its_own(dataset, zeros):
    duplicate_function(dataset, "zeros", "Zeros too")
    assert dataset.values("fn_zeros_too") == dataset.values(FIELD)
    delete_function(dataset, "zeros")
    assert [function.slug for function in list_functions(dataset)] == ["zeros_too"]
    assert dataset.has_field("fn_zeros_too")


def test_a_deleted_function_comes_back_with_its_scores(dataset, zeros):
    before = dataset.values(FIELD)
    delete_function(dataset, "zeros")
    assert not dataset.has_field(FIELD)
    assert list_functions(dataset) == []
    restored = restore_function(dataset)
    assert (restored.name, restored.matches) == ("Zeros", zeros.matches)
    assert dataset.values(FIELD) == before
    with pytest.raises(Refusal, match="No function was deleted"):
        restore_function(dataset)


def test_undo_brings_a_deleted_function_back(dataset, zeros):
    delete_function(dataset, "zeros")
    assert list_undo_steps(dataset)[0].title == "deletion of the function “Zeros”"
    undo_last(dataset)
    assert load_function(dataset, "zeros").matches == zeros.matches
    assert dataset.has_field(FIELD)


def test_a_field_of_the_users_own_is_never_overwritten(dataset, query):
    for name in ("fn_mine", "fn_mine_2"):
        dataset.set_values(name, [1.0] * len(dataset))
    with pytest.raises(Refusal, match="did not create.*give the function another name, such as “Mine 3”"):
        create_function(dataset, query, name="Mine", threshold=0.9)
    assert set(dataset.values("fn_mine")) == {1.0}
    assert list_functions(dataset) == []
    assert create_function(dataset, query, name="Mine 3", threshold=0.9).function.field == "fn_mine_3"


def test_names_are_taken_once_and_have_a_letter(dataset, zeros, query):
    with pytest.raises(Refusal, match="already a function “Zeros”"):
        create_function(dataset, query, name="zeros", threshold=0.9)
    with pytest.raises(Refusal, match="needs a name"):
        create_function(dataset, query, name="  ", threshold=0.9)
    with pytest.raises(Refusal, match="There is no function 'ones'; there are: zeros"):
        load_function(dataset, "ones")


def test_a_function_of_objects_scores_each_of_them(dataset):
    boxes = [[0, 0, 0.5, 1], [0.5, 0, 0.5, 1]]
    dataset.set_values(
        "parts",
        [fo.Detections(detections=[fo.Detection(label="a", bounding_box=box) for box in boxes]) for _ in range(120)],
    )
    compute_embeddings(dataset, key="objects", patches_field="parts")
    first = dataset.first().parts.detections[0]
    function = create_function(dataset, Query("objects", (first.id,)), name="Left", threshold=0.9).function
    scores = dataset.values("parts.detections.fn_left", unwind=True)
    assert len(scores) == function.scored == 240
    assert look_at_matches(dataset, "left").count() == function.matches
    rename_function(dataset, "left", "Left side")
    assert dataset.values("parts.detections.fn_left_side", unwind=True) == scores
    delete_function(dataset, "left_side")
    assert dataset.get_field("parts.detections.fn_left_side") is None


def test_what_is_remembered_of_functions_is_json(dataset, zeros):
    add_the_rest(dataset)
    run_functions(dataset)
    delete_function(dataset, "zeros")
    restore_function(dataset)
    for name in ("labelscape.functions", "labelscape.function_matches", "labelscape.deleted_functions"):
        store = ExecutionStore.create(name, dataset._doc.id)
        for key in store.list_keys():
            json.dumps(store.get(key))
