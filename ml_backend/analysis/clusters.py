"""Group similar samples into clusters."""

import numpy as np
from numpy.typing import ArrayLike

from .arrays import unit_rows
from .checks import as_vectors

_MOST = 50
_BATCH = 4096


def cluster(vectors: ArrayLike, *, count: int | None = None, seed: int = 0) -> np.ndarray:
    """Group samples by direction with mini-batch k-means (Sculley, 2010) on vectors of length one.

    Args:
        vectors: (n, d) embeddings.
        count: number of groups; None = the square root of n/2 (Mardia et al., 1979), at most 50.
        seed: the same seed gives the same groups.

    Returns:
        (n,) int64, the group of each sample: 0 is the largest.
    """
    from sklearn.cluster import MiniBatchKMeans

    data = as_vectors(vectors)
    n_groups = count or int(np.clip(round((len(data) / 2) ** 0.5), 1, _MOST))
    means = MiniBatchKMeans(min(n_groups, len(data)), batch_size=_BATCH, n_init=3, random_state=seed)
    groups = means.fit_predict(unit_rows(data))
    by_size = np.argsort(-np.bincount(groups, minlength=means.n_clusters), kind="stable")
    rank = np.empty(len(by_size), np.int64)
    rank[by_size] = np.arange(len(by_size))
    ranked: np.ndarray = rank[groups]
    return ranked
