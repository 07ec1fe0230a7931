"""Nearest neighbors of every vector: the table that maps, labeling, and ranking share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal
from ..progress import Progress, part_of
from .checks import as_vectors
from .neighbor_search import Metric, partition, search_all, search_cells, search_in_cells, searchable

METRICS: tuple[Metric, ...] = get_args(Metric)
EXACT_UP_TO = 20_000  # rows: all pairs of 20,000 x 512 take 3 s on 2 cores; above that, cells are faster
_RECALL = 0.985  # target of the cell search, so that the measured recall stays above .98


@dataclass(frozen=True)
class Neighbors:
    """The k nearest neighbors of each of n vectors, nearest first, excluding the vector itself.

    Attributes:
        indices: (n, k) int32, rows of the vectors searched.
        distances: (n, k) float32, ascending. Cosine distance is 1 - cos (0..2); Euclidean is the length of the
            difference.
        recall: share of the true nearest neighbors in the table, 0..1: 1.0 for an exact search, else
            measured on sampled rows.
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]
    recall: float = 1.0


def knn(
    vectors: ArrayLike,
    k: int,
    *,
    metric: Metric = "cosine",
    seed: int = 0,
    progress: Progress | None = None,
) -> Neighbors:
    """Find the k nearest neighbors of every vector among all others.

    Exact up to 20,000 vectors. Above that, the search compares within neighboring cells, tuned for a recall of
    .985, and measures the recall; if cells cannot reach it, all pairs are compared, and the progress message says
    so.

    Args:
        vectors: (n, d). Exact duplicates are neighbors at distance 0. A zero vector has cosine distance
            1 to every vector that is not zero.
        k: neighbors per row, at least 1; cut to n - 1.
        metric: "cosine" or "euclidean".
        seed: the same seed gives the same table.
        progress: called with (share done, message); what it raises stops the search and is passed on.

    Raises:
        ValueError: k below 1, an unknown metric, or vectors that are not a finite (n, d) table.
    """
    data = as_vectors(vectors)
    _check(k, metric)
    k = min(k, len(data) - 1)
    if k < 1:
        return Neighbors(np.empty((len(data), 0), np.int32), np.empty((len(data), 0), np.float32))
    (table,) = searchable(data, metric=metric)
    stage = part_of(progress, 0, 1)
    if len(data) > EXACT_UP_TO:
        approximate = search_cells(table, k, recall=_RECALL, seed=seed, progress=stage)
        if approximate is not None:
            (indices, distances), recall = approximate
            return Neighbors(indices, distances, recall)
        stage = part_of(progress, 0.15, 1)
        stage(0, "These vectors form no cells: comparing all pairs, which is slower")
    return Neighbors(*search_all(table, table, k, same=True, progress=stage))


def neighbors_of(
    queries: ArrayLike,
    vectors: ArrayLike,
    k: int,
    *,
    metric: Metric = "cosine",
    progress: Progress | None = None,
) -> Neighbors:
    """Find the k nearest of `vectors` (n, d) for each of `queries` (m, d): an exact search.

    Returns:
        Neighbors of shape (m, k), k cut to n; the indices are rows of `vectors`.

    Raises:
        ValueError: as in `knn`, or queries whose dimension differs from that of the vectors.
    """
    query_rows, data = as_vectors(queries), as_vectors(vectors)
    _check(k, metric)
    if query_rows.shape[1] != data.shape[1]:
        raise Refusal(f"queries have {query_rows.shape[1]} dimensions, vectors {data.shape[1]}; use one model for both")
    k = min(k, len(data))
    if k == 0 or len(query_rows) == 0:
        return Neighbors(np.empty((len(query_rows), k), np.int32), np.empty((len(query_rows), k), np.float32))
    queried, table = searchable(query_rows, data, metric=metric)
    found = search_all(queried, table, k, same=False, progress=part_of(progress, 0, 1))
    return Neighbors(*found)


class NeighborFinder:
    """Finds neighbors among many vectors for many others, batch by batch: by cells where these are faster.

    Args:
        vectors: (n, d), searched by every call.
        k: neighbors of each query, cut to n.
        metric: "cosine" or "euclidean".
        seed: the same seed gives the same neighbors.
    """

    def __init__(self, vectors: ArrayLike, k: int, *, metric: Metric = "cosine", seed: int = 0) -> None:
        self._vectors = as_vectors(vectors)
        _check(k, metric)
        self._k, self._metric = min(k, len(self._vectors)), metric
        (self._table,) = searchable(self._vectors, metric=metric)
        many = len(self._vectors) > EXACT_UP_TO
        self._cells = partition(self._table, self._k, recall=_RECALL, seed=seed) if many else None

    def find(self, queries: ArrayLike, *, progress: Progress | None = None) -> Neighbors:
        """The k nearest vectors of each query (m, d): indices (m, k) and distances, nearest first."""
        rows = as_vectors(queries)
        if self._cells is None or self._metric == "euclidean" or not (rows.any(axis=1).all()):
            return neighbors_of(rows, self._vectors, self._k, metric=self._metric, progress=progress)
        (queried,) = searchable(rows, metric=self._metric)
        stage = part_of(progress, 0, 1)
        found = search_in_cells(queried, self._table, self._cells, self._k, progress=stage)
        return Neighbors(*found, recall=_RECALL)


def _check(k: int, metric: str) -> None:
    if metric not in METRICS:
        raise Refusal(f"metric must be one of {', '.join(METRICS)}; got {metric!r}")
    if k < 1:
        raise Refusal(f"k must be at least 1; got {k}")
