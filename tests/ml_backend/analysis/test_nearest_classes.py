"""Classes of the nearest labeled samples, on vectors whose neighbors are known."""

import numpy as np
from labelscape.ml_backend.analysis.nearest_classes import nearest_classes


def _around(angles: list[float]) -> np.ndarray:
    """Unit vectors at these angles in degrees, of lengths that must not matter."""
    radians = np.radians(angles)
    lengths = 1 + np.arange(len(angles))
    return (np.stack([np.cos(radians), np.sin(radians)], axis=1) * lengths[:, None]).astype(np.float32)


def test_the_five_nearest_labeled_samples_vote() -> None:
    vectors = _around([0, 1, 2, 3, 4, 5, 90, 0.5])
    labels = np.asarray([-1, 0, 1, 0, 0, 1, 2, -1])
    assert nearest_classes(vectors, labels, np.asarray([0])) == [(0, 0.6), (1, 0.4)]


def test_a_whole_cluster_is_judged_by_the_labels_in_it() -> None:
    cluster, elsewhere = [0, 1, 2, 3, 4, 5, 6, 7], [90, 91, 92, 93, 94, 95]
    labels = np.asarray([5, 5, 5, 5, 5, 5, -1, -1, 6, 6, 6, 6, 6, 6])
    assert nearest_classes(_around(cluster + elsewhere), labels, np.arange(8)) == [(5, 1.0)]


def test_what_the_rows_asked_about_are_labeled_themselves_does_not_count() -> None:
    vectors = _around([0, 1, 2])
    assert nearest_classes(vectors, np.asarray([3, 4, -1]), np.asarray([0])) == [(4, 1.0)]
    assert nearest_classes(vectors, np.asarray([3, -1, -1]), np.asarray([0])) == []


def test_a_large_selection_among_many_labels_is_asked_by_chance_and_the_same_each_time() -> None:
    chance = np.random.default_rng(1)
    labels = np.repeat([0, 1], 12_000)
    vectors = np.where(labels[:, None] == 0, [1, 0], [0, 1]) + chance.normal(0, 0.05, (24_000, 2))
    queries = np.arange(0, 3_000)
    first = nearest_classes(vectors.astype(np.float32), labels, queries)
    assert first == [(0, 1.0)]
    assert nearest_classes(vectors.astype(np.float32), labels, queries) == first
