"""Which samples to label next: the most informative ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal
from .arrays import unit_rows
from .checks import as_labels, as_vectors, check_neighbors
from .neighbors import Neighbors
from .propagation import suggest

_CANDIDATES = 2_000


def next_to_label(
    vectors: ArrayLike,
    neighbors: Neighbors,
    labels: ArrayLike,
    n_classes: int,
    *,
    confidence: NDArray[np.float32] | None = None,
    among: NDArray[np.bool_] | None = None,
    count: int = 9,
    seed: int = 0,
) -> NDArray[np.int32]:
    """Choose the unlabeled samples to label next, best first.

    A sample is informative if its suggestion is uncertain and if it represents many others: it has few labels or
    earlier picks nearby and, while classes have few labels, it lies in a dense region. Every pick covers its
    neighborhood, so that the next one lies elsewhere. Without any labels, these are density peaks far from each other.

    Args:
        vectors: (n, d) embeddings.
        neighbors: their neighbor table.
        labels: (n,) int, -1 = unlabeled.
        n_classes: classes are 0..n_classes - 1.
        confidence: (n,) of the suggestions for the same labels; None computes them, if two classes have labels.
        among: (n,) whether a sample may be chosen; None: all may.
        count: how many to choose; fewer, if fewer are unlabeled.
        seed: the same seed gives the same choice.

    Returns:
        (count,) int32 rows, each unlabeled, no row twice.

    Raises:
        ValueError: labels or a neighbor table that do not fit, or count below 1.
    """
    data = as_vectors(vectors)
    known = as_labels(labels, len(data), n_classes)
    check_neighbors(neighbors, len(data))
    if count < 1:
        raise Refusal(f"count must be at least 1; got {count}")
    unlabeled = np.flatnonzero(known < 0 if among is None else (known < 0) & among)
    if len(unlabeled) <= 1:
        return unlabeled.astype(np.int32)
    labeled = np.flatnonzero(known >= 0)
    doubt: NDArray[np.float64] = np.ones(len(data))
    classes = np.unique(known[labeled])
    if len(classes) >= 2:
        if confidence is None:
            confidence = suggest(data, neighbors, known, n_classes, seed=seed).confidence
        doubt = 1.05 - confidence.astype(np.float64)
    # Dense places find the classes; once these are known, what lies there is known too.
    value = doubt * _density(neighbors) ** (len(classes) / len(labeled) if len(labeled) else 1)
    random = np.random.default_rng(seed)
    pool = unlabeled[np.argsort(-value[unlabeled] * (1 + 1e-6 * random.random(len(unlabeled))), kind="stable")]
    pool = pool[:_CANDIDATES] if len(labeled) else random.permutation(unlabeled)[: 4 * _CANDIDATES]
    return pool[_cover(data, pool, value[pool], labeled, count)].astype(np.int32)


def _density(neighbors: Neighbors) -> NDArray[np.float64]:
    """1 in the densest region, near 0 for isolated samples: by rank of the mean distance to the neighbors."""
    if neighbors.distances.shape[1] == 0:
        return np.ones(len(neighbors.distances))
    mean = neighbors.distances[:, :15].mean(axis=1)
    rank = np.empty(len(mean))
    rank[np.argsort(mean, kind="stable")] = np.arange(len(mean))
    return np.asarray(1 - 0.9 * rank / len(mean))


def _cover(
    data: NDArray[np.float32],
    pool: NDArray[np.int64],
    value: NDArray[np.float64],
    labeled: NDArray[np.int64],
    count: int,
) -> NDArray[np.int64]:
    """Greedily choose the most valuable sample that is far from the last labels and the previous picks."""
    unit = unit_rows(data[pool])
    recent = unit_rows(data[labeled[:: max(1, len(labeled) // 500)]])
    distance = 1 - (unit @ recent.T).max(axis=1) if len(recent) else np.ones(len(pool))
    picks: list[int] = []
    open_ = np.ones(len(pool), dtype=bool)
    for _ in range(min(count, len(pool))):
        score = np.where(open_, value * np.maximum(distance, 1e-9), -1.0)
        pick = int(score.argmax())
        picks.append(pick)
        open_[pick] = False
        distance = np.minimum(distance, 1 - unit @ unit[pick])
    return np.array(picks, dtype=np.int64)
