"""Time and memory of labeling given the neighbors, on made vectors in 512 dimensions with 1,000 labels."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from labelscape.ml_backend.analysis.neighbors import Neighbors
from labelscape.ml_backend.analysis.next_best import next_to_label
from labelscape.ml_backend.analysis.propagation import label_neighbors, suggest
from rankings import CLASSES, CLUSTER, made, peak

LABELS, K, BRIDGES = 1_000, 15, 2


def report(sizes: list[int]) -> None:
    print("\ntime given the neighbors")
    for size in sizes:
        vectors, truth, table = made(size)
        neighbors = bridged(table)
        random = np.random.default_rng(0)
        labels = np.full(size, -1)
        chosen = random.permutation(size)[:LABELS]
        labels[chosen] = truth[chosen]
        print(f"{size:>9,} x {vectors.shape[1]}: vectors and neighbors {peak():.1f} GB", flush=True)
        timed("suggest", lambda: suggest(vectors, neighbors, labels, CLASSES))  # noqa: B023
        confidence = random.random(size).astype(np.float32)
        timed(
            "next_to_label",
            lambda: next_to_label(vectors, neighbors, labels, CLASSES, confidence=confidence),  # noqa: B023
        )
        anchor, code = chosen[:1], int(truth[chosen[0]])
        for _ in range(3):
            timed("label_neighbors", lambda: label_neighbors(vectors, labels, anchor, code, neighbors=neighbors))  # noqa: B023


def timed(name: str, call: Callable[[], object]) -> None:
    started, used = time.perf_counter(), time.process_time()
    call()
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    print(f"  {name:18s}{wall:8.3f} s wall{cpu:8.3f} s CPU   peak so far {peak():.1f} GB", flush=True)


def bridged(table: Neighbors) -> Neighbors:
    """The nearest of the table, the last ones replaced by random samples, so that the clusters are connected."""
    random = np.random.default_rng(1)
    indices, distances = table.indices[:, :K].copy(), table.distances[:, :K].copy()
    far = random.integers(0, len(indices), (len(indices), BRIDGES), dtype=np.int32)
    indices[:, -BRIDGES:] = np.where(
        far // CLUSTER == np.arange(len(indices))[:, None] // CLUSTER, indices[:, :BRIDGES], far
    )
    return Neighbors(indices, distances)
