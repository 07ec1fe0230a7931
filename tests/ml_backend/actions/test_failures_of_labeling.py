"""A labeling action that fails after any of its writes leaves the dataset unchanged, and can be repeated."""

from contextlib import suppress

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions import functions
from labelscape.ml_backend.actions.accept import accept_suggestions
from labelscape.ml_backend.actions.campaigns import discard_batch, propose_batch, take_batch
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.actions.label_neighbors import label_neighbors
from labelscape.ml_backend.actions.queue import clear_labels, delete_items, set_label
from labelscape.ml_backend.actions.save import discard_changes, save_changes
from labelscape.ml_backend.actions.search import Scope, search
from labelscape.ml_backend.actions.segments import create_segment
from labelscape.ml_backend.actions.suggest import reject_suggestions, suggest_labels
from labelscape.ml_backend.actions.train import train_embeddings
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.embeddings import load_embeddings
from labelscape.ml_backend.store.searches import Query
from labelscape.testing.faults import contents, failures

COUNT, LABELED = 40, 24


@pytest.fixture
def dataset(make_digits_dataset):
    """40 items of two kinds with embeddings, 24 labeled; one segment, one function, and a change that is pending."""
    dataset = make_digits_dataset(COUNT, labeled=0)
    kinds = np.arange(COUNT) % 2
    dataset.set_values("ground_truth", [fo.Classification(label="ab"[kind]) for kind in kinds[:LABELED]] + [None] * 16)
    vectors = np.hstack([np.eye(2)[kinds], np.random.default_rng(0).normal(0, 0.05, (COUNT, 6))]).astype(np.float32)
    ids = dataset.values("id")
    import_embeddings(dataset, key="emb", ids=ids, vectors=vectors, source="a test")
    create_segment(dataset, ids[:6:2], name="Kind", kind="collection campaign")
    functions.create_function(dataset, query(dataset), name="Like a", threshold=0.5)
    set_label(dataset, ids[-1:], "b")
    return dataset


def query(dataset):
    return Query("emb", tuple(dataset.values("id")[:4:2]))


def suggested(dataset):
    suggest_labels(dataset, embeddings="emb")


def last(dataset):
    return dataset.values("id")[-4:]


def batch(dataset):
    return propose_batch(dataset, "kind", embeddings="emb", field="ground_truth", size=4)


def nothing(_):
    """Nothing needs to exist beforehand."""


FUNCTION = "like_a"
ACTS = {
    "suggest labels": (nothing, suggested),
    "suggest labels again": (suggested, lambda d: suggest_labels(d.skip(30), embeddings="emb", precision=0.8)),
    "accept suggestions": (suggested, lambda d: accept_suggestions(d, which="all")),
    "reject suggestions": (suggested, lambda d: reject_suggestions(d, last(d)[:2])),
    "train embeddings": (nothing, lambda d: train_embeddings(d, key="head", base="emb")),
    "search": (nothing, lambda d: search(Scope(d), query(d), limit=5)),
    "search and keep a segment": (nothing, lambda d: search(Scope(d), query(d), limit=5, segment="Found")),
    "create a function": (nothing, lambda d: functions.create_function(d, query(d), name="New", threshold=0.9)),
    "run functions": (lambda d: d.delete_sample_field(f"fn_{FUNCTION}"), functions.run_functions),
    "edit a function": (nothing, lambda d: functions.edit_function(d, FUNCTION, threshold=0.8, note="a note")),
    "rename a function": (nothing, lambda d: functions.rename_function(d, FUNCTION, "Another")),
    "duplicate a function": (nothing, lambda d: functions.duplicate_function(d, FUNCTION, "Copy")),
    "delete a function": (nothing, lambda d: functions.delete_function(d, FUNCTION)),
    "restore a function": (lambda d: functions.delete_function(d, FUNCTION), functions.restore_function),
    "take a batch": (nothing, lambda d: take_batch(d, batch(d))),
    "discard a batch": (lambda d: take_batch(d, batch(d)), lambda d: discard_batch(d, "kind")),
    "queue a label": (nothing, lambda d: set_label(d, last(d), "a", replace=True)),
    "queue labels of neighbors": (nothing, lambda d: label_neighbors(d, last(d)[:1], "b", embeddings="emb", reach=3)),
    "queue a deletion": (nothing, lambda d: delete_items(d, last(d))),
    "queue a clearing": (nothing, lambda d: clear_labels(d, which="all")),
    "discard changes": (nothing, discard_changes),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_action_that_fails_after_any_of_its_writes_leaves_nothing(dataset, name):
    prepare, act = ACTS[name]
    prepare(dataset)
    before, tried = contents(dataset), 0
    for where in failures(lambda: act(dataset)):
        tried += 1
        assert contents(dataset) == before, where
    assert tried > 0
    assert contents(dataset) != before  # at last it went through
    assert len(load_embeddings(dataset, "emb").items) == COUNT
    with suppress(Refusal):  # nothing is pending after a discard
        save_changes(dataset)
