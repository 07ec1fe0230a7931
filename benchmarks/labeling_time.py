"""Time and memory of labeling and of the rankings, given the neighbors.

The vectors are clusters of 200 in 512 dimensions, the neighbors the 50 nearest within a cluster, 10 classes with 10 %
wrong labels, and one sample in a hundred is a near copy of another. Labeling knows 1,000 labels
and 15 neighbors.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import numpy as np
from labelscape.ml_backend.analysis.duplicates import near_duplicates
from labelscape.ml_backend.analysis.mislabels import mislabel_scores
from labelscape.ml_backend.analysis.neighbors import Neighbors
from labelscape.ml_backend.analysis.next_best import next_to_label
from labelscape.ml_backend.analysis.outliers import outlier_scores
from labelscape.ml_backend.analysis.propagation import label_neighbors, suggest

CLUSTER, DIMENSIONS, K, CLASSES = 200, 512, 50, 10
LABELS, LABELING_K, BRIDGES = 1_000, 15, 2


def report(sizes: list[int]) -> None:
    import torch  # noqa: F401  # once a process, and seconds: not part of any row

    print("\ntime given the neighbors")
    for size in sizes:
        vectors, truth, table = made(size)
        print(f"{size:>9,} x {DIMENSIONS}: vectors and neighbors {peak():.1f} GB", flush=True)
        labeling(vectors, truth, bridged(table))
        timed("outlier_scores", lambda: outlier_scores(vectors, truth, neighbors=table))  # noqa: B023
        timed("mislabel_scores", lambda: mislabel_scores(vectors, truth, CLASSES, neighbors=table))  # noqa: B023
        timed("near_duplicates", lambda: near_duplicates(vectors, neighbors=table))  # noqa: B023


def labeling(vectors: np.ndarray, truth: np.ndarray, neighbors: Neighbors) -> None:
    random = np.random.default_rng(0)
    labels = np.full(len(vectors), -1)
    chosen = random.permutation(len(vectors))[:LABELS]
    labels[chosen] = truth[chosen]
    timed("suggest", lambda: suggest(vectors, neighbors, labels, CLASSES))
    confidence = random.random(len(vectors)).astype(np.float32)
    timed("next_to_label", lambda: next_to_label(vectors, neighbors, labels, CLASSES, confidence=confidence))
    anchor, code = chosen[:1], int(truth[chosen[0]])
    for _ in range(3):
        timed("label_neighbors", lambda: label_neighbors(vectors, labels, anchor, code, neighbors=neighbors))


def timed(name: str, call: Callable[[], object]) -> None:
    started, used = time.perf_counter(), time.process_time()
    call()
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    print(f"  {name:18s}{wall:8.3f} s wall{cpu:8.3f} s CPU   peak so far {peak():.1f} GB", flush=True)


def bridged(table: Neighbors) -> Neighbors:
    """The nearest of the table, the last ones replaced by random samples, so that the clusters are connected."""
    random = np.random.default_rng(1)
    indices, distances = table.indices[:, :LABELING_K].copy(), table.distances[:, :LABELING_K].copy()
    far = random.integers(0, len(indices), (len(indices), BRIDGES), dtype=np.int32)
    indices[:, -BRIDGES:] = np.where(
        far // CLUSTER == np.arange(len(indices))[:, None] // CLUSTER, indices[:, :BRIDGES], far
    )
    return Neighbors(indices, distances)


def made(samples: int) -> tuple[np.ndarray, np.ndarray, Neighbors]:
    random = np.random.default_rng(0)
    vectors = np.empty((samples, DIMENSIONS), np.float32)
    indices, distances = np.empty((samples, K), np.int32), np.empty((samples, K), np.float32)
    places = np.arange(CLASSES)[:, None] == np.arange(DIMENSIONS)
    for start in range(0, samples, CLUSTER):
        center = places[start // CLUSTER % CLASSES] * 10 + random.standard_normal(DIMENSIONS, np.float32)
        some = center + 0.7 * random.standard_normal((CLUSTER, DIMENSIONS), np.float32)
        some[:2] = some[2:4] + 0.01 * random.standard_normal((2, DIMENSIONS), np.float32)
        some /= np.linalg.norm(some, axis=1, keepdims=True)
        far = np.maximum(1 - some @ some.T, 0)
        np.fill_diagonal(far, 3)
        nearest = far.argsort(axis=1)[:, :K]
        vectors[start : start + CLUSTER] = some
        indices[start : start + CLUSTER] = nearest + start
        distances[start : start + CLUSTER] = np.take_along_axis(far, nearest, 1)
    labels = np.arange(samples) // CLUSTER % CLASSES
    wrong = random.random(samples) < 0.1
    labels[wrong] = random.integers(0, CLASSES, wrong.sum())
    return vectors, labels, Neighbors(indices, distances)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
