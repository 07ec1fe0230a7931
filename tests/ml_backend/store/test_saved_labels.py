"""Labels kept in memory over a save equal those that are read again."""

import contextlib
import random

import numpy as np
import pytest
from labelscape.ml_backend.actions.queue import LabelBatch, clear_labels, queue_labels, set_label
from labelscape.ml_backend.actions.save import save_changes
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.labels import label_field, read_labels
from labelscape.ml_backend.store.pending_changes import pending_changes
from labelscape.ml_backend.store.records import as_oids
from labelscape.ml_backend.store.saved_labels import with_saved


@pytest.fixture
def dataset(make_digits_dataset):
    """Twelve digits, of which the first six are labeled."""
    return make_digits_dataset(12, labeled=6)


def act_at_random(dataset, rng):
    ids = rng.sample(dataset.values("id"), 4)
    kind = rng.choice(["label", "neighbors", "clear"])
    if kind == "clear":
        with contextlib.suppress(Refusal):  # there are none to clear
            clear_labels(dataset.select(ids), which=rng.choice(["all", "neighbors"]))
    elif kind == "label":
        set_label(dataset, ids, rng.choice("xyz"), replace=rng.random() < 0.5)
    else:
        batch = LabelBatch(as_oids(ids), np.zeros(4, int), [rng.choice("xyz")], np.full(4, 0.9), as_oids(ids))
        queue_labels(dataset, label_field(dataset, "ground_truth"), batch)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_known_of_the_labels_after_a_save_is_what_the_database_says(dataset, seed):
    rng = random.Random(seed)
    target, items = label_field(dataset, "ground_truth"), list_items(dataset)
    for _ in range(2):
        labels = read_labels(dataset, items, target)
        for _ in range(rng.randrange(1, 4)):
            act_at_random(dataset, rng)
        fields = pending_changes(dataset).fields
        if not fields:
            continue
        report = save_changes(dataset)
        known = with_saved(labels, items, fields[0], report.conflicts)
        read = read_labels(dataset, items, target)
        assert known is not None
        assert known.classes == read.classes
        for name in ("codes", "members", "followed", "checked"):
            assert np.array_equal(getattr(known, name), getattr(read, name)), name


def test_a_clearing_of_our_own_labels_is_not_known_without_reading(dataset):
    set_label(dataset, dataset.values("id")[6:8], "x")
    save_changes(dataset)
    labels = read_labels(dataset, list_items(dataset), label_field(dataset, "ground_truth"))
    clear_labels(dataset, which="ours")
    assert with_saved(labels, list_items(dataset), pending_changes(dataset).fields[0], []) is None
