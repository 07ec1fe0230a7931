"""How well a vote of the nearest neighbors alone tells the classes: what anything trained has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .checks import as_labels, as_vectors
from .neighbors import knn

_VOTERS = 10


def neighbor_accuracy(vectors: ArrayLike, labels: ArrayLike, n_classes: int, *, voters: int = _VOTERS) -> float:
    """Share of labels, 0..1, that the labeled nearest neighbors (cosine) of each vote for, itself left out.

    Args:
        vectors: (n, d) embeddings.
        labels: (n,) int, -1 = unlabeled: those neither vote nor are counted.
        n_classes: classes are 0..n_classes - 1.
        voters: neighbors that vote, each with one voice; of equal votes the nearest one's counts.

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
        # A nearer neighbor's voice weighs a little more, so that equal votes are decided.
        votes[np.arange(len(rows)), near[:, place]] += 1 + 1e-3 / (place + 1)
    return float((votes.argmax(axis=1) == codes).mean())
