"""Nearest neighbors of every vector: the one table that maps, labeling and ranking share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Metric = Literal["cosine", "euclidean"]
Progress = Callable[[float, str], object]

METRICS: tuple[Metric, ...] = ("cosine", "euclidean")
_ROWS, _COLUMNS = 1024, 32768  # one tile of similarities: 128 MB
_SLACK = 8  # candidates kept beyond k, so that rounding in the matrix product costs no neighbor


@dataclass(frozen=True)
class Neighbors:
    """The k nearest neighbors of each of n vectors, nearest first, the vector itself excluded.

    Attributes:
        indices: (n, k) int32, rows of the vectors searched.
        distances: (n, k) float32, ascending; cosine distance is 1 - cos (0..2), euclidean is the length of the
            difference.
        recall: share of the true nearest neighbors that are in the table, 0..1: exactly 1.0 for an exact search,
            else measured on a sample of rows.
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]
    recall: float = 1.0


def as_vectors(vectors: ArrayLike) -> NDArray[np.float32]:
    """Check vectors at the public edge and give them as an (n, d) C-contiguous float32 array.

    Raises:
        ValueError: not two-dimensional, or NaN or infinity in some rows (the first rows are named).
    """
    array = np.ascontiguousarray(vectors, dtype=np.float32)
    if array.ndim != 2:
        raise ValueError(f"vectors must be a table of shape (n, d); got shape {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        first = ", ".join(map(str, bad[:5]))
        raise ValueError(
            f"{len(bad)} of {len(array)} vectors hold NaN or infinity (first rows: {first}); "
            "embed these samples again or leave them out"
        )
    return array


def knn(
    vectors: ArrayLike, k: int, *, metric: Metric = "cosine", seed: int = 0, progress: Progress | None = None
) -> Neighbors:
    """Find the k nearest neighbors of every vector among all others.

    Args:
        vectors: (n, d); exact duplicates are neighbors at distance 0. A zero vector has cosine distance 1 to every
            vector that is not zero.
        k: neighbors a row, at least 1; cut to n - 1.
        metric: "cosine" or "euclidean".
        seed: the same seed gives the same table.
        progress: called with (fraction done, message); what it raises stops the search and is passed on.

    Raises:
        ValueError: k below 1, an unknown metric, or vectors that are no finite (n, d) table.
    """
    data = as_vectors(vectors)
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}; got {metric!r}")
    if k < 1:
        raise ValueError(f"k must be at least 1; got {k}")
    k = max(min(k, len(data) - 1), 0)
    if k == 0:
        return Neighbors(np.empty((len(data), 0), np.int32), np.empty((len(data), 0), np.float32))
    return _exact(_prepared(data, metric), k, metric, progress)


def _prepared(data: NDArray[np.float32], metric: Metric) -> NDArray[np.float32]:
    """Unit rows for cosine, so that half the squared difference is 1 - cos; centered rows for euclidean."""
    if metric == "euclidean":
        return data - data.mean(axis=0, dtype=np.float64).astype(np.float32)
    largest = np.abs(data).max(axis=1, keepdims=True, initial=0)
    scaled = data / np.where(largest > 0, largest, 1)  # first, so that squares neither overflow nor vanish
    norms = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.asarray(scaled / np.where(norms > 0, norms, 1), np.float32)


def _exact(unit: NDArray[np.float32], k: int, metric: Metric, progress: Progress | None) -> Neighbors:
    import torch

    n = len(unit)
    table = torch.from_numpy(unit)
    squares = (table * table).sum(1)
    indices, distances = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for start in range(0, n, _ROWS):
        stop = min(start + _ROWS, n)
        candidates = _candidates(table, squares, start, stop, min(k + _SLACK, n - 1))
        indices[start:stop], distances[start:stop] = _ranked(
            table, squares, start, stop, candidates, k, metric
        )
        if progress is not None:
            progress(stop / n, f"Neighbors of {stop:,} of {n:,}")
    return Neighbors(indices, distances)


def _candidates(table: Any, squares: Any, start: int, stop: int, count: int) -> Any:
    """The `count` nearest columns of the rows start..stop by matrix product, one tile of columns at a time."""
    import torch

    rows = table[start:stop]
    best = torch.empty((stop - start, 0))
    found = torch.empty((stop - start, 0), dtype=torch.long)
    for left in range(0, len(table), _COLUMNS):
        right = min(left + _COLUMNS, len(table))
        closeness = torch.addmm(squares[left:right], rows, table[left:right].T, beta=-0.5)
        first, last = max(start, left), min(stop, right)
        if first < last:
            own = torch.arange(first, last)
            closeness[own - start, own - left] = -torch.inf
        values, columns = closeness.topk(min(count, right - left), dim=1)
        best, found = torch.cat((best, values), 1), torch.cat((found, columns + left), 1)
        best, kept = best.topk(min(count, best.shape[1]), dim=1)
        found = found.gather(1, kept)
    return found


def _ranked(
    table: Any, squares: Any, start: int, stop: int, candidates: Any, k: int, metric: Metric
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Measure the candidates by plain subtraction (exactly 0 for duplicates) and keep k, ties by index."""
    candidates = candidates.sort(1).values
    squared = (table[candidates] - table[start:stop, None]).square_().sum(2)
    if metric == "euclidean":
        distances = squared.sqrt()
    else:
        one_is_zero = (squares[candidates] == 0) != (squares[start:stop, None] == 0)
        distances = (squared / 2).masked_fill(one_is_zero, 1.0)
    distances, order = distances.sort(dim=1, stable=True)
    return candidates.gather(1, order)[:, :k].int().numpy(), distances[:, :k].numpy()
