"""Label neighbors grows only through dense regions, stops at other labels, and says how far it can be trusted."""

from __future__ import annotations

import time

import numpy as np
import pytest
from labelscape.ml_backend.analysis.neighbors import Neighbors, knn
from labelscape.ml_backend.analysis.random_walk import walk
from labelscape.ml_backend.analysis.region import label_neighbors
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray, Neighbors]:
    vectors, truth = load_digits(return_X_y=True)
    return vectors.astype(np.float32), truth, knn(vectors, 15)


def some_labels(truth: np.ndarray, each: int) -> np.ndarray:
    random = np.random.default_rng(0)
    labels = np.full(len(truth), -1)
    for name in np.unique(truth):
        labels[random.permutation(np.flatnonzero(truth == name))[:each]] = name
    return labels


def test_taken_neighbors_keep_the_target_precision_on_average(
    digits: tuple[np.ndarray, np.ndarray, Neighbors],
) -> None:
    vectors, truth, neighbors = digits
    labels = some_labels(truth, 5)
    right = []
    for anchor in np.flatnonzero(labels >= 0)[::5]:
        suggestions = label_neighbors(vectors, labels, [anchor], int(labels[anchor]), neighbors=neighbors)
        if suggestions.reach:
            right.append((truth[suggestions.order[: suggestions.reach]] == labels[anchor]).mean())
    assert len(right) >= 5
    assert np.mean(right) >= 0.94


def test_region_holds_unlabeled_samples_only_surest_first(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    labels = some_labels(truth, 5)
    suggestions = label_neighbors(vectors, labels, [int(np.flatnonzero(labels == 3)[0])], 3, neighbors=neighbors)
    assert (labels[suggestions.order] == -1).all()
    assert len(np.unique(suggestions.order)) == len(suggestions.order)
    assert (np.diff(suggestions.confidence) <= 0).all()


def test_a_reach_is_a_cut_of_the_same_order(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    labels = some_labels(truth, 5)
    anchor = [int(np.flatnonzero(labels == 0)[0])]
    automatic = label_neighbors(vectors, labels, anchor, 0, neighbors=neighbors)
    suggestions = label_neighbors(vectors, labels, anchor, 0, neighbors=neighbors, reach=25)
    assert suggestions.reach == 25
    assert np.array_equal(suggestions.order, automatic.order)


def test_growth_stops_at_a_density_valley() -> None:
    random = np.random.default_rng(0)
    near = np.array([1.0, 0, 0, 0]) + 0.05 * random.standard_normal((50, 4))
    away = np.array([0, 1.0, 0, 0]) + 0.05 * random.standard_normal((50, 4))
    bridge = np.linspace(near[0], away[0], 8)[1:-1]
    vectors = np.concatenate([near, away, bridge])
    suggestions = label_neighbors(vectors, np.full(len(vectors), -1), [0], 0, neighbors=knn(vectors, 15))
    assert not np.isin(suggestions.order, np.arange(50, 100)).any()
    assert "where samples get sparse" in suggestions.why


def test_growth_does_not_pass_through_another_label() -> None:
    angle = np.linspace(0, np.pi / 2, 60)
    line = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    labels = np.full(60, -1)
    labels[20:40] = 1
    suggestions = label_neighbors(line, labels, [0], 0, neighbors=knn(line, 5))
    assert suggestions.order.max() < 20
    assert "at other labels" in suggestions.why


def test_too_few_labels_leave_the_reach_to_the_person(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    suggestions = label_neighbors(vectors, np.full(len(truth), -1), [0], 0, neighbors=neighbors)
    assert len(suggestions.order) > 20
    assert suggestions.reach == 0
    assert "choose the reach by eye" in suggestions.why


def test_reason_is_the_nearest_labeled_sample_of_the_class(
    digits: tuple[np.ndarray, np.ndarray, Neighbors],
) -> None:
    vectors, truth, neighbors = digits
    labels = some_labels(truth, 5)
    anchor = int(np.flatnonzero(labels == 2)[0])
    suggestions = label_neighbors(vectors, labels, [anchor], 2, neighbors=neighbors)
    assert (labels[suggestions.anchors] == 2).all()


def test_no_unlabeled_neighbor_is_an_empty_region(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    suggestions = label_neighbors(vectors, truth, [0], int(truth[0]), neighbors=neighbors)
    assert len(suggestions.order) == 0
    assert suggestions.why.startswith("There is nothing unlabeled nearby")


@pytest.mark.parametrize(
    ("anchors", "options", "message"),
    [
        ([], {}, "choose at least one sample"),
        ([1797], {}, "between 0 and 1796"),
        ([-1], {}, "between 0 and 1796"),
        ([0], {"reach": -1}, "0 or more samples"),
        ([0], {"precision": 0.2}, "between 0.5 and 1"),
        ([0], {"label": -1}, "label must be a class"),
    ],
)
def test_impossible_requests_are_refused_with_the_value(
    digits: tuple[np.ndarray, np.ndarray, Neighbors], anchors: list[int], options: dict[str, int], message: str
) -> None:
    vectors, truth, neighbors = digits
    with pytest.raises(ValueError, match=message):
        label_neighbors(vectors, np.full(len(truth), -1), anchors, **{"label": 0, **options}, neighbors=neighbors)


def test_a_neighbor_table_of_other_samples_is_refused(digits: tuple[np.ndarray, np.ndarray, Neighbors]) -> None:
    vectors, truth, neighbors = digits
    with pytest.raises(ValueError, match="compute the neighbors again"):
        label_neighbors(vectors[:-1], truth[:-1], [0], 0, neighbors=neighbors)


def test_cost_depends_on_the_region_and_not_on_the_dataset() -> None:
    n, k = 300_000, 15
    random = np.random.default_rng(0)
    vectors = random.standard_normal((n, 8)).astype(np.float32)
    indices = (np.arange(n)[:, None] + np.arange(1, k + 1)) % n
    neighbors = Neighbors(indices.astype(np.int32), np.full((n, k), 0.1, np.float32))
    labels = np.full(n, -1)
    label_neighbors(vectors, labels, [5], 0, neighbors=neighbors)
    started = time.process_time()
    label_neighbors(vectors, labels, [5], 0, neighbors=neighbors)
    assert time.process_time() - started < 0.5


def test_a_single_label_without_rivals_follows_connections_and_finds_more_than_the_nearest(
    digits: tuple[np.ndarray, np.ndarray, Neighbors],
) -> None:
    vectors, truth, neighbors = digits
    nobody = np.full(len(truth), -1)
    nearest = knn(vectors, 100).indices
    ours, theirs = [], []
    for anchor in range(0, len(truth), 40):
        suggestions = label_neighbors(vectors, nobody, [anchor], int(truth[anchor]), neighbors=neighbors, reach=100)
        ours.append((truth[suggestions.order[:100]] == truth[anchor]).mean())
        theirs.append((truth[nearest[anchor]] == truth[anchor]).mean())
    assert np.mean(ours) > np.mean(theirs) + 0.08


def test_a_group_of_more_copies_than_neighbors_is_reached_whole() -> None:
    vectors = np.random.default_rng(0).normal(size=(400, 16)).astype(np.float32)
    vectors[100:141] = vectors[100]
    suggestions = label_neighbors(vectors, np.full(400, -1), [120], 0, neighbors=knn(vectors, 15), reach=40)
    assert sorted([*suggestions.order[:40].tolist(), 120]) == list(range(100, 141))


def test_a_walk_in_a_large_dataset_stays_around_its_start() -> None:
    vectors = np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)
    neighbors = knn(vectors, 15)
    everything, _ = walk(neighbors, np.array([7]))
    near, mass = walk(neighbors, np.array([7]), near=600)
    assert len(near) < 600 <= len(everything)
    assert (np.diff(mass) <= 0).all()
    assert len(set(near[:20].tolist()) & set(everything[:30].tolist())) >= 12


def test_one_sample_has_no_neighbors_to_label():
    vectors = np.ones((1, 4), np.float32)
    suggestions = label_neighbors(vectors, np.array([-1]), [0], 0, neighbors=knn(vectors, 15))
    assert (len(suggestions.order), suggestions.reach) == (0, 0)
