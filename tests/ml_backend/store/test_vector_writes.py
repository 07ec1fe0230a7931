"""Recorded writes say which vectors changed since an earlier moment, and others that anything may have."""

import numpy as np
import pytest
from labelscape.ml_backend.actions.embed import import_embeddings
from labelscape.ml_backend.store.embeddings import vector_table
from labelscape.ml_backend.store.vector_writes import (
    forget_writes,
    forget_writes_of_datasets_that_are_gone,
    recorded_write,
    vectors_since,
)


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(6)
    import_embeddings(dataset, key="emb", ids=dataset.values("id"), vectors=np.eye(6, dtype=np.float32), source="test")
    return dataset


@pytest.fixture
def ids(dataset):
    return np.asarray(dataset.values("id"))


def since(dataset, moment):
    present, changed = vectors_since(dataset, "emb", vector_table(dataset, "emb"), moment)
    return present, None if changed is None else set(changed.tolist())


def write(dataset, ids, *, recorded=True):
    table = vector_table(dataset, "emb")
    vectors = np.ones((len(ids), 6), np.float32)
    if not recorded:
        return table.upsert(ids, ids, vectors)
    with recorded_write(dataset, "emb", table, ids):
        table.upsert(ids, ids, vectors)


def test_what_was_written_and_removed_since_is_named_once(dataset, ids):
    start, changed = since(dataset, None)
    assert changed is None
    assert since(dataset, start) == (start, set())
    write(dataset, ids[:2])
    middle, changed = since(dataset, start)
    assert changed == set(ids[:2])
    table = vector_table(dataset, "emb")
    with recorded_write(dataset, "emb", table, ids[1:3]):
        table.remove(ids[1:3])
    with recorded_write(dataset, "emb", table):
        table.compact()
    assert since(dataset, start)[1] == set(ids[:3])
    assert since(dataset, middle)[1] == set(ids[1:3])


@pytest.mark.parametrize("recorded_afterwards", [False, True])
def test_after_a_write_that_was_not_recorded_anything_may_have_changed(dataset, ids, recorded_afterwards):
    start, _ = since(dataset, None)
    write(dataset, ids[:1], recorded=False)
    if recorded_afterwards:
        write(dataset, ids[1:2])
    present, changed = since(dataset, start)
    assert changed is None
    assert since(dataset, present)[1] == set()


def write_and_fail(dataset, ids):
    table = vector_table(dataset, "emb")
    with recorded_write(dataset, "emb", table, ids):
        table.upsert(ids, ids, np.ones((len(ids), 6), np.float32))
        raise ZeroDivisionError


def test_a_write_that_failed_counts_as_not_recorded(dataset, ids):
    start, _ = since(dataset, None)
    with pytest.raises(ZeroDivisionError):
        write_and_fail(dataset, ids[:1])
    assert since(dataset, start)[1] is None


def test_after_two_writes_at_the_same_time_anything_may_have_changed(dataset, ids):
    start, _ = since(dataset, None)
    table = vector_table(dataset, "emb")
    with recorded_write(dataset, "emb", table, ids[:1]), recorded_write(dataset, "emb", table, ids[1:2]):
        assert since(dataset, None)[1] is None
        table.upsert(ids[:2], ids[:2], np.ones((2, 6), np.float32))
    present, changed = since(dataset, start)
    assert changed is None
    write(dataset, ids[2:3])
    assert since(dataset, present)[1] == {ids[2]}


def test_a_write_counts_when_its_ids_are_recorded_not_before(dataset, ids):
    start, _ = since(dataset, None)
    table = vector_table(dataset, "emb")
    first, second = (recorded_write(dataset, "emb", table, ids[place : place + 1]) for place in (0, 1))
    first.__enter__()
    second.__enter__()
    table.upsert(ids[:2], ids[:2], np.ones((2, 6), np.float32))
    second.__exit__(None, None, None)
    assert since(dataset, start)[1] is None  # the first one's ids are still missing
    first.__exit__(None, None, None)


def test_nothing_is_known_of_forgotten_embeddings_and_deleted_datasets(dataset, ids):
    start, _ = since(dataset, None)
    forget_writes_of_datasets_that_are_gone()
    write(dataset, ids[:1])
    assert since(dataset, start)[1] == set(ids[:1])
    forget_writes(dataset, "emb")
    assert since(dataset, start)[1] is None
