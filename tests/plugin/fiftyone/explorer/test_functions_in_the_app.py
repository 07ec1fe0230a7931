"""The functions tab in the real App: new data is scored and shown as new matches; functions are managed there."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId

from ...shown import Shown, beside_samples

pytestmark = pytest.mark.slow

NAME = "Like the first"


@pytest.fixture
def functions(make_digits_dataset: Callable[..., Any], app: Any, request: pytest.FixtureRequest) -> Shown:
    """60 digits on a map, a function, and another one whose embeddings were computed anew."""
    from labelscape.ml_backend.actions.embed import compute_embeddings
    from labelscape.ml_backend.actions.functions import create_function
    from labelscape.ml_backend.actions.map import MapSettings, compute_map
    from labelscape.ml_backend.store.embeddings import delete_embeddings
    from labelscape.ml_backend.store.searches import Query

    dataset = make_digits_dataset(60)
    first = dataset.first().id
    compute_embeddings(dataset, key="anew")
    create_function(dataset, Query("anew", (first,)), name="Outdated", threshold=0.9)
    delete_embeddings(dataset, "anew")
    for key in ("anew", "emb"):
        compute_embeddings(dataset, key=key)
    compute_map(dataset, embeddings="emb", key="flat", settings=MapSettings(method="pca"))
    create_function(dataset, Query("emb", (first,)), name=NAME, threshold=0.999)
    beside_samples(dataset)
    page = request.getfixturevalue("page")
    return Shown(page, app.address(dataset.name, workspace=dataset.name), dataset, "60 samples")


def add_copies(dataset: Any, count: int) -> None:
    """Add samples with the image of the first one, as another program does."""
    first = dataset._sample_collection.find_one({}, sort=[("_id", 1)])
    plain = {key: value for key, value in first.items() if not key.startswith("fn_")}
    dataset._sample_collection.insert_many({**plain, "_id": ObjectId()} for _ in range(count))


def row_of(shown: Shown, name: str) -> Any:
    return shown.panel.get_by_label(f"Function {name}", exact=True)


def open_tab(shown: Shown) -> None:
    shown.open()
    shown.map_says("2D map of 60 samples, 0 selected")
    shown.panel.get_by_role("tab", name="Functions").click()
    shown.sees(row_of(shown, NAME))


def test_new_data_is_scored_and_its_matches_are_new_until_they_are_looked_at(functions: Shown) -> None:
    panel = functions.panel
    open_tab(functions)
    row = row_of(functions, NAME)
    functions.sees(row.get_by_text(re.compile(r"^1 match among 60 samples · threshold 0\.999 · 1 positive")))
    add_copies(functions.dataset, 3)
    panel.get_by_role("button", name="Run all").click()
    functions.sees(row.get_by_text("Since you last looked: 3 new matches."))
    functions.sees(row.get_by_text(re.compile(r"^4 matches among 63 samples .* last run ")))
    functions.sees(panel.get_by_role("tab", name=re.compile("Functions.*3")))
    functions.both_shots("explorer-functions-new")
    row.get_by_role("button", name=f"Review the new matches of {NAME}").click()
    functions.sees(panel.get_by_text(f"New matches of “{NAME}”"))
    from playwright.sync_api import expect

    expect(panel.get_by_role("listbox", name=f"New matches of “{NAME}”").get_by_role("option")).to_have_count(3)
    functions.both_shots("explorer-functions-new-matches")
    panel.get_by_role("tab", name="Functions").click()
    functions.gone(row.get_by_text("Since you last looked"))
    functions.sees(row.get_by_role("button", name=f"Review the matches of {NAME}").get_by_text("Review 4 matches"))
    assert functions.errors == []


def test_a_function_is_edited_renamed_duplicated_deleted_and_restored(functions: Shown) -> None:
    panel = functions.panel
    open_tab(functions)
    row = row_of(functions, NAME)
    row.get_by_role("button", name=f"Edit {NAME}").click()
    form = row.get_by_label(f"Edit {NAME}").and_(row.locator("form"))
    form.get_by_label("Threshold").fill("0.8346")
    form.get_by_label("Note").fill("For the audit")
    functions.both_shots("explorer-functions-edit")
    form.get_by_role("button", name="Save and score again").click()
    functions.sees(row.get_by_text(re.compile("threshold 0.8346")))
    functions.sees(row.get_by_text("For the audit", exact=True))

    row.get_by_role("button", name=f"Duplicate {NAME}").click()
    row.get_by_label("Name", exact=True).fill("Its copy")
    row.get_by_role("button", name="Duplicate", exact=True).click()
    copy = row_of(functions, "Its copy")
    functions.sees(copy.get_by_text(re.compile("scores in “fn_its_copy”")))

    copy.get_by_role("button", name="Rename Its copy").click()
    copy.get_by_label("Name", exact=True).fill("Second")
    functions.both_shots("explorer-functions-rename")
    copy.get_by_role("button", name="Rename", exact=True).click()
    functions.sees(row_of(functions, "Second").get_by_text(re.compile("scores in “fn_second”")))

    row_of(functions, "Second").get_by_role("button", name="Delete Second").click()
    functions.gone(row_of(functions, "Second"))
    functions.both_shots("explorer-functions-deleted")
    panel.get_by_role("button", name="Restore “Second”").click()
    functions.sees(row_of(functions, "Second"))
    fields = set(functions.dataset._sample_collection.find_one())
    assert {"fn_second", "fn_like_the_first"} <= fields
    assert "fn_its_copy" not in fields
    assert functions.errors == []


def test_a_stale_function_is_rebuilt_from_its_examples(functions: Shown) -> None:
    open_tab(functions)
    row = row_of(functions, "Outdated")
    functions.sees(row.get_by_text("stale", exact=True))
    row.get_by_role("button", name="Edit Outdated").click()
    functions.both_shots("explorer-functions-stale")
    row.get_by_role("button", name="Save and score again").click()
    functions.gone(row.get_by_text("stale", exact=True))
    functions.sees(row.get_by_role("button", name="Duplicate Outdated"))
    assert functions.errors == []
