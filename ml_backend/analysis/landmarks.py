"""Maps of more vectors than fit in memory: some of them, the landmarks, are laid out, and the others placed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, no_progress
from .arrays import unit_rows
from .neighbor_search import Metric
from .neighbors import NeighborFinder
from .projection import PLACED_AMONG, among

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
# Reads all vectors, some at a time: (row numbers, vectors) in any order.
Batches = Callable[[], Iterable[tuple[Rows, Floats]]]

_CELLS = 2048
_TRAINED_ON = 50  # vectors per cell that the centers are learned from


def choose_landmarks(batches: Batches, n: int, count: int, *, seed: int = 0, progress: Progress = no_progress) -> Rows:
    """Choose ``count`` of n vectors so that sparse regions keep their shape and dense ones are thinned out.

    The vectors are grouped into cells by k-means over a random sample; a cell gives a share of the landmarks that grows
    with the square root of its size, at random among its vectors. Reads the vectors twice.

    Returns:
        Row numbers, ascending.
    """
    if count >= n:
        return np.arange(n)
    random = np.random.default_rng(seed)
    progress(0.0, "Grouping the vectors into regions")
    centers = _centers(batches, n, count, random)
    cell_of = np.zeros(n, np.int32)
    known = np.zeros(n, bool)
    done = 0
    for rows, vectors in batches():
        cell_of[rows], known[rows] = (unit_rows(vectors) @ centers.T).argmax(axis=1), True
        done += len(rows)
        progress(min(done / n, 1.0), f"Regions of {done:,} of {n:,}")
    present = np.flatnonzero(known)
    sizes = np.bincount(cell_of[present], minlength=len(centers))
    quotas = _quotas(sizes, min(count, len(present)))
    # A random order within each cell: the first of every cell are its landmarks.
    shuffled = random.permutation(present)
    by_cell = shuffled[np.argsort(cell_of[shuffled], kind="stable")]
    starts = np.cumsum(sizes) - sizes
    rank = np.arange(len(by_cell)) - np.repeat(starts, sizes)
    return np.sort(by_cell[rank < np.repeat(quotas, sizes)])


def place_among_landmarks(
    batches: Batches,
    n: int,
    landmarks: Rows,
    vectors: Floats,
    points: Floats,
    *,
    metric: Metric = "cosine",
    progress: Progress = no_progress,
) -> Floats:
    """Points (n, dims) of all vectors: those of the landmarks, and the others among their nearest landmarks.

    Args:
        batches: reads all vectors.
        n: their number.
        landmarks: (l,) row numbers.
        vectors: (l, d) of the landmarks.
        points: (l, dims) of the landmarks.
        metric: of the neighbors.
        progress: called with (share done, message); an exception it raises stops the work and is passed on.

    Returns:
        (n, dims) float32; NaN for rows that ``batches`` never gives.
    """
    finder = NeighborFinder(vectors, PLACED_AMONG, metric=metric)
    placed = np.full((n, points.shape[1]), np.nan, np.float32)
    placed[landmarks] = points
    is_landmark = np.zeros(n, bool)
    is_landmark[landmarks] = True
    done = 0
    for rows, some in batches():
        new = ~is_landmark[rows]
        if new.any():
            placed[rows[new]] = among(finder.find(some[new]), points)
        done += len(rows)
        progress(min(done / n, 1.0), f"Placed {done:,} of {n:,} among the landmarks")
    return placed


def _centers(batches: Batches, n: int, count: int, random: np.random.Generator) -> Floats:
    """Unit centers (c, d) of cells, by spherical k-means over a random sample of the vectors."""
    from sklearn.cluster import MiniBatchKMeans

    cells = max(min(_CELLS, count // 8), 1)
    chosen = np.zeros(n, bool)
    chosen[random.choice(n, min(n, _TRAINED_ON * cells), replace=False)] = True
    sample = np.concatenate([unit_rows(vectors[chosen[rows]]) for rows, vectors in batches()])
    seed = int(random.integers(2**31))
    model = MiniBatchKMeans(
        min(cells, len(sample)),
        batch_size=4096,
        n_init=1,
        max_iter=20,
        reassignment_ratio=0,  # otherwise centers of small cells would move into dense regions
        random_state=seed,
    )
    return unit_rows(model.fit(sample).cluster_centers_.astype(np.float32))


def _quotas(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """How many of each cell: in proportion to the square root of its size, at most all of it, ``count`` in all."""
    low, high = 0.0, float(sizes.max())
    for _ in range(60):
        scale = (low + high) / 2
        if np.minimum(sizes, scale * np.sqrt(sizes)).sum() > count:
            high = scale
        else:
            low = scale
    shares = np.minimum(sizes, low * np.sqrt(sizes))
    quotas: NDArray[np.int64] = np.floor(shares).astype(np.int64)
    missing = count - int(quotas.sum())
    largest = np.argsort(quotas - shares, kind="stable")
    room = largest[quotas[largest] < sizes[largest]][:missing]
    quotas[room] += 1
    return quotas
