"""Functions are stored completely under their slug, with their new matches and, when deleted, for an undo."""

import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from fiftyone.operators.store import ExecutionStore
from labelscape.ml_backend.analysis.search import Scorer
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.functions import (
    Function,
    add_new_matches,
    claim_function,
    deleted_functions,
    forget_deleted_function,
    forget_function,
    forget_new_matches,
    function_slug,
    list_functions,
    load_function,
    new_matches,
    remember_deleted_function,
    renamed,
    save_function,
)
from labelscape.ml_backend.store.records import timely_key
from labelscape.ml_backend.store.searches import Query

FUNCTION = Function(
    slug="red_cars",
    name="Red cars",
    note="for the audit",
    query=Query("emb", ("a" * 24,), (), "red", (0.5, 0.5), "car.png"),
    threshold=0.8,
    scorer=Scorer("probe", np.array([0.6, -0.8], np.float32), 2.5, -1.0),
    quality="Scored by a probe.",
    auc=0.9,
    embeddings_made=datetime(2026, 5, 1, 12, 0, 0, 123000),
    created_at=datetime(2026, 5, 2),
    run_at=datetime(2026, 5, 3, 7, 30),
    scored=1200,
    matches=1,
)


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(1)


def plain(function):
    return {**vars(function), "scorer": (function.scorer.kind, function.scorer.weights.tolist())}


@pytest.mark.parametrize("function", [FUNCTION, replace(FUNCTION, run_at=None, auc=None, patches_field="parts")])
def test_a_function_is_read_back_as_it_was_and_its_record_is_json(dataset, function):
    claim_function(dataset, function)

    assert plain(load_function(dataset, "red_cars")) == plain(function)
    loaded = load_function(dataset, "red_cars").scorer
    assert (loaded.slope, loaded.offset, loaded.weights.dtype) == (2.5, -1.0, np.float32)
    json.dumps(ExecutionStore.create("labelscape.functions", dataset._doc.id).get("red_cars"))


def test_a_name_is_taken_once_and_a_missing_one_lists_those_there_are(dataset):
    with pytest.raises(Refusal, match="no function 'blue'; there are: none yet"):
        load_function(dataset, "blue")
    claim_function(dataset, FUNCTION)

    with pytest.raises(Refusal, match="There is already a function “Red cars”"):
        claim_function(dataset, replace(FUNCTION, threshold=0.1))
    assert load_function(dataset, "red_cars").threshold == 0.8
    with pytest.raises(Refusal, match="there are: red_cars"):
        load_function(dataset, "blue")


def test_functions_are_listed_oldest_first_and_saved_over(dataset):
    for slug, day in (("b", 2), ("a", 3), ("c", 1)):
        claim_function(dataset, replace(FUNCTION, slug=slug, created_at=datetime(2026, 1, day)))
    save_function(dataset, replace(FUNCTION, slug="a", created_at=datetime(2026, 1, 3), threshold=0.3))

    assert [(one.slug, one.threshold) for one in list_functions(dataset)] == [("c", 0.8), ("b", 0.8), ("a", 0.3)]


def test_new_matches_gather_once_each_until_they_are_seen(dataset):
    add_new_matches(dataset, "red_cars", ["1", "2"])
    add_new_matches(dataset, "red_cars", ["2", "3"])
    add_new_matches(dataset, "red_cars_too", ["9"])

    assert new_matches(dataset, "red_cars") == ["1", "2", "3"]
    forget_new_matches(dataset, "red_cars")
    assert (new_matches(dataset, "red_cars"), new_matches(dataset, "red_cars_too")) == ([], ["9"])


def test_a_forgotten_function_takes_its_alerts_along(dataset):
    claim_function(dataset, FUNCTION)
    add_new_matches(dataset, "red_cars", ["1"])

    forget_function(dataset, "red_cars")

    assert list_functions(dataset) == []
    assert new_matches(dataset, "red_cars") == []


def test_deleted_functions_are_kept_last_deleted_first(dataset):
    keys = [timely_key(), timely_key()]
    for key, name in zip(keys, ("first", "second"), strict=True):
        remember_deleted_function(dataset, replace(FUNCTION, name=name), key)

    assert [(one.key, one.function.name) for one in deleted_functions(dataset)] == [
        (keys[1], "second"),
        (keys[0], "first"),
    ]
    forget_deleted_function(dataset, keys[1])
    assert [one.key for one in deleted_functions(dataset)] == keys[:1]


@pytest.mark.parametrize(("name", "slug"), [("Red Cars!", "red_cars"), ("  a-b c ", "a_b_c")])
def test_a_name_becomes_a_field_of_lowercase_letters_digits_and_underscores(name, slug):
    assert function_slug(name) == slug
    again = renamed(FUNCTION, name)
    assert (again.name, again.slug, again.field) == (name.strip(), slug, f"fn_{slug}")


def test_a_function_needs_a_name():
    with pytest.raises(Refusal, match="A function needs a name"):
        function_slug("  ")


def test_a_function_describes_itself():
    assert FUNCTION.sentence() == (
        "“Red cars”: 1 match of 1,200 samples scored in “fn_red_cars”, threshold 0.80, on the embeddings 'emb'. Scored "
        "by a probe. Last run on 2026-05-03 07:30 UTC. Note: for the audit"
    )
    assert "It has not run yet." in replace(FUNCTION, run_at=None).sentence()
