"""Similarity search from the operator menu: examples are ticked, wrong results excluded, and matches marked."""

import base64

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.store.searches import SCORE_FIELD, last_search
from labelscape.ml_backend.store.segment_records import load_segment

PLUGIN = "@labelscape/data-explorer"


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(120, labeled=40)
    compute_embeddings(dataset, key="emb")
    return dataset


def run(operator, dataset, /, *, view=None, selected=(), **params):
    ctx = {
        "dataset": dataset,
        "view": view or dataset.view(),
        "selected": list(selected),
        "params": {"embeddings": "emb", **params},
    }
    return foo.execute_operator(f"{PLUGIN}/{operator}", ctx=ctx).result["message"]


def form(operator, dataset, /, selected=(), **params):
    request = {"dataset_name": dataset.name, "view": [], "params": params, "selected": list(selected)}
    return str(foo.get_operator(f"{PLUGIN}/{operator}").resolve_input(foo.ExecutionContext(request)).to_json())


def zeros(dataset, count=3):
    return dataset.match(fo.ViewField("true_digit") == "0").limit(count).values("id")


def test_ticked_samples_are_searched_by_and_wrong_results_are_ticked_away(dataset):
    three = zeros(dataset)
    assert run("search_similar", dataset, selected=three, limit=12).startswith("Found 12 samples among 117")
    wrong = list(last_search(dataset).ids[-2:])
    assert "Refine the last search (3 positives)" in form("search_similar", dataset, selected=wrong)
    unlike = {"role": "what not to find", "refine": False}
    assert "Refines the last search (3 positives)." in form("search_similar", dataset, selected=wrong, **unlike)
    run("search_similar", dataset, selected=wrong, limit=12, **unlike)
    query = last_search(dataset).query
    assert (set(query.positives), set(query.negatives)) == (set(three), set(wrong))
    assert dataset.exists(SCORE_FIELD).count() == 12


def test_new_examples_start_a_new_search_unless_the_last_is_refined(dataset):
    run("search_similar", dataset, selected=zeros(dataset, 1), limit=3)
    other = dataset.match(fo.ViewField("true_digit") == "1").limit(1).values("id")
    run("search_similar", dataset, selected=other, limit=3)
    assert list(last_search(dataset).query.positives) == other
    run("search_similar", dataset, selected=zeros(dataset, 1), refine=True, limit=3)
    assert len(last_search(dataset).query.positives) == 2


def test_the_form_shows_the_samples_around_the_threshold_that_is_chosen(dataset):
    shown = form("search_similar", dataset, selected=zeros(dataset), by="all above a threshold", threshold=0.9)
    assert "Just above the threshold" in shown
    assert "Just below it" in shown
    assert "of 117 match" in shown
    message = run("search_similar", dataset, selected=zeros(dataset), by="all above a threshold", threshold=0.9)
    assert f"{dataset.exists(SCORE_FIELD).count()} samples among 117" in message
    assert min(dataset.exists(SCORE_FIELD).values(SCORE_FIELD)) >= 0.9


def test_results_are_saved_as_a_segment_from_the_form(dataset):
    run("search_similar", dataset, selected=zeros(dataset), limit=6, segment="Zeros")
    assert load_segment(dataset, "zeros").size == 6


def test_an_uploaded_image_is_searched_with_from_the_form(dataset):
    with open(dataset[zeros(dataset, 1)[0]].filepath, "rb") as file:
        content = base64.b64encode(file.read()).decode()
    image = {"name": "zero.png", "content": f"data:image/png;base64,{content}"}
    run("search_similar", dataset, image=image, limit=5)
    assert dataset.exists(SCORE_FIELD).sort_by(SCORE_FIELD, reverse=True).first().true_digit == "0"


def test_five_marks_are_added_and_searched_with(dataset):
    run("search_similar", dataset, selected=zeros(dataset), limit=10)
    assert "Do these match?" in form("mark_matches", dataset)
    answers = {"mark_0": "match", "mark_1": "no match", "mark_2": "no match"}
    assert run("mark_matches", dataset, **answers).startswith("Added 3 marks. Found 10 samples")
    query = last_search(dataset).query
    assert (len(query.positives), len(query.negatives)) == (4, 2)
    with pytest.raises(Exception, match="Nothing is marked"):
        run("mark_matches", dataset)


def test_a_form_without_anything_to_search_for_says_what_is_missing(dataset, make_digits_dataset):
    assert "nothing to search for" in form("search_similar", dataset)
    assert "There is no search yet" in form("mark_matches", dataset)
    assert "no embeddings yet" in form("search_similar", make_digits_dataset(3))
