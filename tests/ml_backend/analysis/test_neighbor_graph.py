"""The approximate search goes by cells and by neighbors of neighbors, and measures its recall."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis import neighbor_cells
from labelscape.ml_backend.analysis.neighbor_graph import search_graph
from labelscape.ml_backend.analysis.neighbor_search import search_all, searchable
from labelscape.ml_backend.progress import no_progress


def clustered(n, dim, latent=4):
    rng = np.random.default_rng(0)
    centers = 4 * rng.normal(size=(60, latent))
    inside = centers[rng.integers(60, size=n)] + rng.normal(size=(n, latent))
    return (inside @ rng.normal(size=(latent, dim))).astype(np.float32)


def about(vectors, k, *, metric="cosine", recall=0.99, seed=0, progress=no_progress):
    (table,) = searchable(vectors, metric=metric)
    return search_graph(table, k, recall=recall, seed=seed, progress=progress)


def exact(vectors, k, metric="cosine"):
    (table,) = searchable(vectors, metric=metric)
    return search_all(table, table, k, same=True, progress=no_progress)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("dim", [16, 200])  # 200: compared along 64 axes first
def test_the_recall_measured_is_the_recall_there_is(metric, dim):
    vectors = clustered(3000, dim) + 0.01 * np.random.default_rng(1).normal(size=(3000, dim)).astype(np.float32)
    truth, _ = exact(vectors, 10, metric)

    (indices, _), recall = about(vectors, 10, metric=metric)

    there_is = (indices[:, :, None] == truth[:, None, :]).any(axis=1).mean()
    assert recall > 0.98
    assert recall == pytest.approx(there_is, abs=0.01)


def test_what_is_found_is_at_its_exact_distance_nearest_first_and_never_the_row_itself():
    vectors = clustered(2000, 16)
    (indices, distances), _ = about(vectors, 10)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    np.testing.assert_allclose(distances, 1 - np.einsum("nd,nkd->nk", unit, unit[indices]), atol=1e-5)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert not (indices == np.arange(2000)[:, None]).any()
    assert all(len(set(row)) == 10 for row in indices.tolist())


def test_copies_are_neighbors_at_distance_zero_and_count_as_found_whichever_they_are():
    (indices, distances), recall = about(np.ones((30_000, 4), np.float32), 5)

    assert recall == 1.0
    assert (distances == 0).all()
    assert not (indices == np.arange(30_000)[:, None]).any()
    assert all(len(set(row)) == 5 for row in indices[::100].tolist())


def test_few_vectors_far_from_all_others_still_have_k_neighbors():
    vectors = np.concatenate([np.zeros((1500, 8)), np.eye(8)[:3]])
    vectors[:1500, 0] = 1
    vectors[:1500, 1:] = 1e-3 * np.random.default_rng(0).normal(size=(1500, 7))

    (indices, distances), _ = about(vectors.astype(np.float32), 20)

    assert np.isfinite(distances).all()
    assert (indices >= 0).all()


def test_more_rounds_are_made_until_the_recall_is_reached(monkeypatch):
    monkeypatch.setattr(neighbor_cells, "MOST_COLUMNS", 200)
    noise = np.random.default_rng(0).normal(size=(4000, 24)).astype(np.float32)
    rounds = []

    _, low = about(noise, 10, recall=0.1)
    _, high = about(noise, 10, recall=0.99, progress=lambda done, message: rounds.append(message))

    assert high > low
    assert any("round 1: recall" in message for message in rounds)


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(30, 200), k=st.integers(1, 12), copies=st.integers(1, 20), seed=st.integers(0, 99), zero=st.booleans()
)
def test_whatever_the_vectors_every_row_has_k_other_rows_at_their_distance(n, k, copies, seed, zero):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 6)).astype(np.float32)
    vectors[:copies] = 0 if zero else vectors[0]

    (indices, distances), recall = about(vectors, k, seed=seed)

    norms = np.linalg.norm(vectors, axis=1)
    unit = vectors / np.where(norms > 0, norms, 1)[:, None]
    apart = 1 - unit @ unit.T
    apart[np.ix_(norms == 0, norms == 0)] = 0
    assert not (indices == np.arange(n)[:, None]).any()
    assert all(len(set(row)) == k for row in indices.tolist())
    np.testing.assert_allclose(distances, np.take_along_axis(apart, indices.astype(int), axis=1), atol=1e-5)
    assert 0 <= recall <= 1


def test_progress_reaches_the_end_and_never_falls():
    fractions = []

    about(clustered(2000, 8), 5, progress=lambda done, message: fractions.append((done, message)))

    assert [done for done, _ in fractions] == sorted(done for done, _ in fractions)
    assert fractions[-1] == (1.0, "Neighbors of 2,000 of 2,000")


def test_what_progress_raises_stops_the_search():
    def stop(done, message):
        if message.startswith("Neighbors of"):
            raise KeyError(message)

    with pytest.raises(KeyError):
        about(clustered(2000, 8), 5, progress=stop)
