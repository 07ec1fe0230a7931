"""Embeddings are kept in memory between clicks and reread when they change; nobody waits for another dataset."""

import threading

import numpy as np
import pytest
from labelscape.ml_backend.actions.embed import compute_embeddings, import_embeddings
from labelscape.ml_backend.store import session as sessions
from labelscape.ml_backend.store.embeddings import vector_table
from labelscape.ml_backend.store.session import open_session


@pytest.fixture
def slow_neighbors(monkeypatch):
    """Neighbors that are computed until told to go on: (how many are at it, go on)."""
    begun, go_on = threading.Semaphore(0), threading.Event()
    calls = []
    neighbors_of = sessions.neighbors_of

    def slow(embeddings, **options):
        calls.append(embeddings.key)
        if embeddings.key == "slow":
            begun.release()
            assert go_on.wait(60)
        return neighbors_of(embeddings, **options)

    monkeypatch.setattr(sessions, "neighbors_of", slow)
    yield begun, go_on, calls
    go_on.set()


def test_another_dataset_does_not_wait_for_neighbors_that_take_minutes(make_digits_dataset, slow_neighbors):
    begun, go_on, _ = slow_neighbors
    long, short = make_digits_dataset(30), make_digits_dataset(30)
    compute_embeddings(long, key="slow")
    compute_embeddings(short, key="quick")
    waiting = threading.Thread(target=open_session, args=(long, "slow"), daemon=True)
    waiting.start()
    assert begun.acquire(timeout=60)
    opened = []
    other = threading.Thread(target=lambda: opened.append(open_session(short, "quick")), daemon=True)
    other.start()
    other.join(30)
    assert len(opened) == 1
    assert waiting.is_alive()
    go_on.set()
    waiting.join(30)


def test_who_asks_for_the_same_embeddings_waits_and_gets_the_same(make_digits_dataset, slow_neighbors):
    begun, go_on, calls = slow_neighbors
    dataset = make_digits_dataset(30)
    compute_embeddings(dataset, key="slow")
    opened = []
    threads = [threading.Thread(target=lambda: opened.append(open_session(dataset, "slow"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert begun.acquire(timeout=60)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert len(opened) == 3
    assert opened[0] is opened[1] is opened[2]
    assert calls == ["slow"]


def test_a_stopped_computation_is_begun_again_by_the_next_who_asks(make_digits_dataset, monkeypatch):
    dataset = make_digits_dataset(30)
    compute_embeddings(dataset, key="emb")

    class Stop(Exception):
        pass

    def stopped(*_args, **_options):
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(sessions, "neighbors_of", stopped)
        with pytest.raises(Stop):
            open_session(dataset, "emb")
    assert len(open_session(dataset, "emb").embeddings.items) == 30


@pytest.mark.parametrize("backend", ["lancedb", "sklearn"])
def test_vectors_replaced_in_place_are_seen(make_digits_dataset, backend):
    dataset = make_digits_dataset(30)
    ids = dataset.values("id")
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(2, 30, 8)).astype(np.float32)
    import_embeddings(dataset, key="emb", ids=ids, vectors=old, source="test", backend=backend)
    assert np.allclose(open_session(dataset, "emb").embeddings.vectors, old)
    table = vector_table(dataset, "emb")
    before = table.version()
    assert vector_table(dataset, "emb").version() == before
    items = open_session(dataset, "emb").embeddings.items
    table.upsert(items.ids, items.sample_ids, new)
    assert vector_table(dataset, "emb").version() != before
    assert np.allclose(open_session(dataset, "emb").embeddings.vectors, new)
