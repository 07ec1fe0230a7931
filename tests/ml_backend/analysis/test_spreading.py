"""Label mass flows along the neighbor graph, and what each fold contributes can be taken out exactly."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.analysis.spreading import Graph, Spreader, class_masses, neighbor_graph


def two_groups(n=40, seed=0):
    vectors = np.random.default_rng(seed).normal(0, 0.3, (n, 6))
    vectors[: n // 2, 0] += 3
    vectors[n // 2 :, 1] += 3
    return vectors


def dense(graph):
    table = np.zeros((len(graph), len(graph)))
    for row, (first, last) in enumerate(zip(graph.offsets[:-1], graph.offsets[1:], strict=True)):
        table[row, graph.columns[first:last].numpy()] = graph.weights[first:last].numpy()
    return table


def solved(graph, labeled, codes, folds, classes=2, *, alpha=0.9, steps=200):
    rows = np.arange(len(graph))
    parts = (np.asarray(part, np.int64) for part in (labeled, codes, folds))
    return Spreader(graph).spread(*parts, classes, rows, alpha=alpha, steps=steps)


@settings(deadline=None)
@given(n=st.integers(3, 30), width=st.integers(1, 6), seed=st.integers(0, 99))
def test_the_graph_is_symmetric_and_no_mass_grows_in_it(n, width, seed):
    table = dense(neighbor_graph(knn(np.random.default_rng(seed).normal(size=(n, 4)), 5), width))

    np.testing.assert_allclose(table, table.T, atol=1e-6)
    assert (table >= 0).all()
    assert (table.diagonal() == 0).all()
    assert np.abs(np.linalg.eigvalsh(table)).max() <= 1 + 1e-5


def test_only_the_nearest_neighbors_up_to_the_width_are_connected():
    neighbors = knn(two_groups(), 10)
    table = dense(neighbor_graph(neighbors, 2))

    joined = np.zeros_like(table, bool)
    joined[np.arange(40)[:, None], neighbors.indices[:, :2]] = True
    np.testing.assert_array_equal(table > 0, joined | joined.T)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 99), alpha=st.sampled_from([0.5, 0.8, 0.95]))
def test_spread_mass_solves_the_equations_of_zhou_and_others(seed, alpha):
    graph = neighbor_graph(knn(two_groups(seed=seed), 5))
    labeled, codes = np.array([1, 5, 22, 39]), np.array([0, 0, 1, 1])
    labels = np.zeros((40, 2))
    labels[labeled, codes] = 1

    total = solved(graph, labeled, codes, np.full(4, -1), alpha=alpha).total.numpy()

    exact = np.linalg.solve(np.eye(40) - alpha * dense(graph), labels)
    np.testing.assert_allclose(total, exact, atol=0.01 * exact.max())


def test_every_sample_gets_most_of_its_mass_from_the_labels_of_its_group():
    mass = solved(neighbor_graph(knn(two_groups(), 5)), [0, 20], [0, 1], [-1, -1]).at(np.arange(40))

    assert (mass.argmax(axis=1) == np.repeat([0, 1], 20)).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 99), folds=st.lists(st.integers(-1, 3), min_size=8, max_size=8), classes=st.integers(2, 30))
def test_mass_without_a_fold_is_what_the_other_labels_alone_spread(seed, folds, classes):
    random = np.random.default_rng(seed)
    graph = neighbor_graph(knn(two_groups(seed=seed), 5))
    labeled, codes, folds = random.permutation(40)[:8], random.integers(0, classes, 8), np.asarray(folds)

    whole = solved(graph, labeled, codes, folds, classes)

    assert len(whole.parts) == folds.max() + 1
    for fold in range(folds.max() + 1):
        others = folds != fold
        alone = solved(graph, labeled[others], codes[others], np.full(others.sum(), -1), classes)
        ours, expected = whole.without(fold, np.arange(40)), alone.at(np.arange(40))
        np.testing.assert_allclose(ours, expected, atol=0.02 * max(float(whole.total.max()), 1e-9))
        np.testing.assert_allclose(whole.masses[fold], whole.parts[fold].sum(axis=0), rtol=1e-3, atol=1e-5)


@dataclass(frozen=True)
class CountingGraph(Graph):
    """Notes how many columns are averaged over the neighbors at each step."""

    averaged: list[int] = field(default_factory=list)

    def average(self, values, *, out):
        self.averaged.append(values.shape[1])
        super().average(values, out=out)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 99), classes=st.integers(2, 40), steps=st.sampled_from([3, 200]))
def test_one_more_label_solves_one_column_and_gives_what_all_columns_anew_would(seed, classes, steps):
    random = np.random.default_rng(seed)
    graph = neighbor_graph(knn(two_groups(seed=seed), 5))
    counting = CountingGraph(graph.offsets, graph.columns, graph.weights)
    spreader, rows = Spreader(counting), np.arange(40)
    labeled, codes, folds = random.permutation(40)[:9], random.integers(0, classes, 9), random.integers(-1, 3, 9)

    def masses(spreader, count):
        return spreader.spread(labeled[:count], codes[:count], folds[:count], classes, rows, alpha=0.9, steps=steps)

    folds[-1] = folds[0]
    masses(spreader, 8)
    counting.averaged.clear()
    again, anew = masses(spreader, 9), masses(Spreader(graph), 9)

    assert set(counting.averaged) == {1}
    np.testing.assert_allclose(again.total, anew.total, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(again.parts, anew.parts, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(again.masses, anew.masses, rtol=1e-5, atol=1e-7)


def test_a_sample_that_only_held_out_labels_reach_gets_no_mass():
    whole = solved(neighbor_graph(knn(two_groups(), 5)), [0, 20], [0, 1], [0, 1])

    assert (whole.without(0, np.arange(20)) == 0).all()
    assert (whole.without(0, np.arange(20, 40))[:, 1] > 0).all()


def test_each_step_reaches_one_neighbor_further():
    line = np.column_stack([np.cos(np.arange(9) * 0.1), np.sin(np.arange(9) * 0.1)])  # a chain along an arc
    graph = neighbor_graph(knn(line, 2))

    for steps in (1, 2, 3):
        reached = solved(graph, [0], [0], [-1], steps=steps).total.numpy()[:, 0] > 0
        distance = np.full(9, 99)
        distance[0] = 0
        for _ in range(9):
            distance = np.minimum(distance, np.where(dense(graph) > 0, distance, 99).min(axis=1) + 1)
        assert (distance[reached] < steps).all()
        assert reached.sum() == (distance < steps).sum()


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1e3), st.integers(0, 500)), min_size=2, max_size=6))
def test_scaled_masses_are_the_shares_of_the_labels_shrunk_toward_equal_ones(classes):
    mass = np.array([m for m, _ in classes], np.float32)
    counts = np.array([c for _, c in classes])

    share = class_masses(mass, counts) * mass

    assert share.sum() == pytest.approx(1, abs=1e-4)
    order = np.argsort(counts, kind="stable")
    assert (np.diff(share[order]) >= -1e-5).all()
    labels = counts / max(counts.sum(), 1)
    assert share.max() <= max(labels.max(), 1 / len(counts)) + 1e-5
    assert share.min() >= min(labels.min(), 1 / len(counts)) - 1e-5
