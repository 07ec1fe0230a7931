"""How far a sample's group lies from the rest, for groups too large to look unusual among their own neighbors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Floats, unit_rows
from .checks import as_vectors
from .duplicates import row_hashes

_LANDMARKS = 1000
_LARGEST_GROUP = 0.12  # share of the samples; more is a part of the data, not a group apart from it
_CHUNK = 8192  # rows compared with all landmarks at once: 32 MB
_LINKAGES = ("single", "average")


def group_gaps(vectors: ArrayLike, *, seed: int = 0) -> tuple[Floats, Floats]:
    """Distance at which each sample's cluster joins others to more than 12 % of all, by single and average linkage.

    The landmarks, at most 1,000 of the samples, are merged bottom-up, and every sample goes with the nearest landmark.
    Single linkage is the widest gap on the way to the rest; average linkage how far the group is as a whole. A group
    of copies or of foreign samples joins late, however small the distances within it are.

    Args:
        vectors: (n, d); only their directions count.
        seed: the same seed gives the same landmarks, whatever the order of the samples.

    Returns:
        (n,) each, 0..2: the length of the difference of two unit vectors.

    Raises:
        ValueError: vectors that are not a finite (n, d) table.
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import pdist

    data = as_vectors(vectors)
    chosen = np.unique(row_hashes(data, seed=seed), return_index=True)[1][:_LANDMARKS]
    if len(chosen) < 2:
        return np.zeros(len(data), np.float32), np.zeros(len(data), np.float32)
    landmarks = unit_rows(data[chosen])
    nearest = _nearest(data, landmarks)
    sizes = np.bincount(nearest, minlength=len(landmarks))
    apart = pdist(landmarks)
    single, average = (
        _joining_heights(linkage(apart, method), sizes, _LARGEST_GROUP * len(data))[nearest] for method in _LINKAGES
    )
    return single, average


def _nearest(data: Floats, landmarks: Floats) -> NDArray[np.int64]:
    """The landmark of the most similar direction, (n,)."""
    result = np.empty(len(data), np.int64)
    for a in range(0, len(data), _CHUNK):
        result[a : a + _CHUNK] = (data[a : a + _CHUNK] @ landmarks.T).argmax(axis=1)
    return result


def _joining_heights(merges: NDArray[np.float64], sizes: NDArray[np.int64], largest: float) -> Floats:
    """Height at which the cluster of each of m landmarks, of these sizes (m,), first holds more than ``largest``.

    Args:
        merges: (m - 1, 4), what SciPy's `linkage` returns.
        sizes: (m,) samples that go with each landmark.
        largest: samples of the largest group.
    """
    count = len(sizes)
    parents = np.zeros(2 * count - 1, np.int64)
    totals = np.concatenate((sizes, np.zeros(count - 1, np.int64)))
    for node, pair in enumerate(merges[:, :2].astype(np.int64), start=count):
        parents[pair] = node
        totals[node] = totals[pair].sum()
    heights = np.concatenate((np.zeros(count), merges[:, 2]))
    for node in range(2 * count - 3, -1, -1):  # parents first
        if totals[node] <= largest:
            heights[node] = heights[parents[node]]
    return np.asarray(heights[:count], np.float32)
