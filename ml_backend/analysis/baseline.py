"""Accuracy of a plain nearest-neighbor vote: the baseline that every trained model has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .checks import as_labels, as_vectors
from .neighbors import knn

_VOTERS = 10


def neighbor_accuracy(vectors: ArrayLike, labels: ArrayLike, n_classes: int, *, voters: int = _VOTERS) -> float:
    """Leave-one-out accuracy, 0..1: the share of labels that a vote of the nearest labels (cosine) gets right.

    Args:
        vectors: (n, d) embeddings.
        labels: (n,) int, -1 = unlabeled: these neither vote nor count.
        n_classes: classes are 0..n_classes - 1.
        voters: neighbors that vote, each with one vote; in a tie, the nearest one's class wins.

    Returns:
        NaN with fewer than two labels.
    """
    data = as_vectors(vectors)
    known = as_labels(labels, len(data), n_classes)
    rows = np.flatnonzero(known >= 0)
    if len(rows) < 2:
        return float("nan")
    codes = known[rows]
    near = codes[knn(data[rows], min(voters, len(rows) - 1)).indices]
    votes = np.zeros((len(rows), n_classes))
    for place in range(near.shape[1]):
        # A nearer neighbor's vote weighs slightly more, to break ties.
        votes[np.arange(len(rows)), near[:, place]] += 1 + 1e-3 / (place + 1)
    return float((votes.argmax(axis=1) == codes).mean())
