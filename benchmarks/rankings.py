"""Time and memory of the rankings given the neighbors: `python benchmarks/rankings.py [samples ...]`.

The vectors are clusters of 200 in 512 dimensions, the neighbors the 50 nearest within a cluster, 10 classes with 10 %
wrong labels, and one sample in a hundred is a near copy of another.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from labelscape.ml_backend.analysis.duplicates import near_duplicates
from labelscape.ml_backend.analysis.mislabels import mislabel_scores
from labelscape.ml_backend.analysis.neighbors import Neighbors
from labelscape.ml_backend.analysis.outliers import outlier_scores

CLUSTER, DIMENSIONS, K, CLASSES = 200, 512, 50, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    for samples in parser.parse_args().samples:
        vectors, labels, neighbors = made(samples)
        base = peak()
        print(f"{samples:>9,} x {DIMENSIONS}: vectors and neighbors {base:.1f} GB", flush=True)
        for name, ranked in (
            ("outlier_scores", lambda: outlier_scores(vectors, labels, neighbors=neighbors)),  # noqa: B023
            ("mislabel_scores", lambda: mislabel_scores(vectors, labels, CLASSES, neighbors=neighbors)),  # noqa: B023
            ("near_duplicates", lambda: near_duplicates(vectors, neighbors=neighbors)),  # noqa: B023
        ):
            started, used = time.perf_counter(), time.process_time()
            ranked()
            wall, cpu = time.perf_counter() - started, time.process_time() - used
            print(f"  {name:18s}{wall:8.1f} s wall{cpu:8.1f} s CPU   peak so far {peak():.1f} GB", flush=True)


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


if __name__ == "__main__":
    main()
