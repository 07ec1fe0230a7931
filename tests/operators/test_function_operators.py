"""Functions and campaigns from the operator menu."""

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.functions import function_statuses
from labelscape.ml_backend.actions.segments import create_segment
from labelscape.ml_backend.store.functions import deleted_functions

PLUGIN = "@labelscape/data-explorer"


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(120, labeled=60)
    compute_embeddings(dataset.limit(100), key="emb")
    return dataset


def run(operator, dataset, /, *, selected=(), **params):
    params = {"embeddings": "emb", **params}
    ctx = {"dataset": dataset, "view": dataset.view(), "selected": list(selected), "params": params}
    return foo.execute_operator(f"{PLUGIN}/{operator}", ctx=ctx).result["message"]


def form(operator, dataset, /, selected=(), **params):
    request = {"dataset_name": dataset.name, "view": [], "params": params, "selected": list(selected)}
    return str(foo.get_operator(f"{PLUGIN}/{operator}").resolve_input(foo.ExecutionContext(request)).to_json())


def zeros(dataset):
    return dataset.match(fo.ViewField("true_digit") == "0").limit(3).values("id")


def test_a_function_is_created_run_on_new_data_opened_edited_and_deleted(dataset):
    assert "Just above the threshold" in form("create_function", dataset, selected=zeros(dataset))
    made = run("create_function", dataset, selected=zeros(dataset), name="Zeros", threshold=0.5)
    assert made.startswith("“Zeros” scored 100 new samples")
    assert "“Zeros”" in form("run_functions", dataset)
    ran = run("run_functions", dataset)
    assert "Embedded 20 samples" in ran
    assert "“Zeros” scored 20 new samples" in ran
    assert None not in dataset.values("fn_zeros")
    new = function_statuses(dataset)[0].new
    assert f"Only the {new} new match" in form("open_function", dataset)
    assert run("open_function", dataset, function="zeros").startswith(f"Showing {new} new match")
    assert function_statuses(dataset)[0].new == 0
    one = dataset.match(fo.ViewField("true_digit") == "1").limit(1).values("id")
    assert "Add the 1 selected" in form("edit_function", dataset, selected=one)
    changes = {"role": "what not to find", "threshold": 0.8, "name": "Only zeros"}
    edited = run("edit_function", dataset, function="zeros", selected=one, **changes)
    assert "It is now called “Only zeros”, and its field “fn_only_zeros”" in edited
    assert list(function_statuses(dataset)[0].function.query.negatives) == one
    assert "“Only zeros 2” scored 120" in run("duplicate_function", dataset, function="only_zeros", name="Only zeros 2")
    assert "they can be restored for seven days" in form("delete_function", dataset, function="only_zeros")
    run("delete_function", dataset, function="only_zeros")
    assert not dataset.has_field("fn_only_zeros")
    (deleted,) = deleted_functions(dataset)
    assert run("restore_function", dataset, deleted=deleted.key).startswith("Restored: “Only zeros”")
    assert dataset.has_field("fn_only_zeros")


def test_a_campaign_proposes_a_batch_and_says_how_it_went(dataset):
    create_segment(dataset, zeros(dataset), name="Zeros", kind="collection campaign")
    assert "The first of them" in form("next_batch", dataset)
    assert run("next_batch", dataset, segment="zeros", size=10).startswith("Batch 1: 10 samples of 40 unlabeled")
    assert "Batch 1: none of 10 are labeled yet" in form("next_batch", dataset)


def test_a_batch_taken_by_mistake_is_discarded_and_proposed_again(dataset):
    create_segment(dataset, zeros(dataset), name="Zeros", kind="collection campaign")
    first = run("next_batch", dataset, segment="zeros", size=10)
    assert "Discard batch 1 instead" in form("next_batch", dataset)
    assert "The first of them" not in form("next_batch", dataset, discard_last=True)
    discarded = run("next_batch", dataset, segment="zeros", discard_last=True)
    assert discarded == "Discarded batch 1: its 10 samples can be proposed again. Labels stay as they are."
    assert "Discard batch" not in form("next_batch", dataset)
    assert run("next_batch", dataset, segment="zeros", size=10) == first


@pytest.mark.parametrize(
    ("operator", "words"),
    [
        ("run_functions", "has no function yet"),
        ("open_function", "has no function yet"),
        ("edit_function", "has no function yet"),
        ("duplicate_function", "has no function yet"),
        ("delete_function", "has no function yet"),
        ("restore_function", "No function was deleted"),
        ("next_batch", "no segment yet"),
    ],
)
def test_a_form_that_cannot_run_says_why(dataset, operator, words):
    assert words in form(operator, dataset)
