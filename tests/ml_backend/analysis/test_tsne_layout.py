"""t-SNE pulls the given neighbors together, from the given start."""

import numpy as np
import pytest
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.analysis.tsne_layout import layout
from labelscape.ml_backend.progress import no_progress


def groups(each=30, seed=0):
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(3), each)
    return 4 * np.eye(6)[truth] + random.normal(0, 0.5, (3 * each, 6)), truth


def drawn(vectors, dims=2, seed=0, start_seed=0):
    start = np.random.default_rng(start_seed).normal(0, 1e-4, (len(vectors), dims)).astype(np.float32)
    return layout(knn(vectors, 10).indices, start, seed=seed, progress=no_progress)


@pytest.mark.parametrize("dims", [2, 3])
def test_samples_lie_beside_their_neighbors_whatever_the_start(dims):
    vectors, truth = groups()

    points = drawn(vectors, dims)

    assert points.shape == (90, dims)
    assert points.dtype == np.float32
    nearest = knn(points, 5, metric="euclidean").indices
    assert (truth[nearest] == truth[:, None]).mean() > 0.95


def test_the_same_start_and_seed_give_the_same_map_and_the_start_is_untouched():
    vectors, _ = groups()
    start = np.random.default_rng(0).normal(0, 1e-4, (90, 2)).astype(np.float32)
    before = start.copy()
    indices = knn(vectors, 10).indices

    one, two = (layout(indices, start, seed=0, progress=no_progress) for _ in range(2))

    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(start, before)


def test_a_table_in_which_all_are_neighbors_of_all_still_tells_near_from_far():
    vectors, truth = groups(each=4)
    start = np.random.default_rng(0).normal(0, 1e-4, (12, 2)).astype(np.float32)

    points = layout(knn(vectors, 11).indices, start, seed=0, progress=no_progress)

    assert (truth[knn(points, 1, metric="euclidean").indices[:, 0]] == truth).mean() > 0.8


def test_progress_counts_every_round_up_to_the_end():
    messages = []
    vectors, _ = groups(each=21)

    layout(
        knn(vectors, 5).indices,
        np.random.default_rng(0).normal(0, 1e-4, (63, 2)).astype(np.float32),
        seed=0,
        progress=lambda done, message: messages.append((done, message)),
    )

    assert [done for done, _ in messages] == sorted(done for done, _ in messages)
    assert messages[-1] == (1.0, "t-SNE, round 750 of 750")
