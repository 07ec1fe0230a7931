"""Nearest neighbors of every vector: the table that maps, labeling, and ranking share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal
from ..progress import Progress, part_of
from ..wording import percent
from .checks import as_vectors
from .neighbor_graph import make_index, recall_of_index, search_graph, search_index
from .neighbor_search import Metric, sample_of, search_all, searchable

METRICS: tuple[Metric, ...] = get_args(Metric)
EXACT_UP_TO = 20_000  # rows: all pairs of 20,000 x 512 take 3 s on 2 cores; above that, cells are faster
ALL_PAIRS_UP_TO = 50_000  # rows: what an approximate search does not find well is still searched exactly
PROMISED_RECALL = 0.98
_RECALL = 0.994  # target of the approximate search, so that the measured recall stays above .99 where it can


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

    Exact up to 20,000 vectors. Above that, the search is approximate: it aims at a recall of .99 and measures what it
    reaches. If that is below .98, up to 50,000 vectors are searched exactly after all; more would take too long. The
    progress messages say which it was.

    Args:
        vectors: (n, d). Exact duplicates are neighbors at distance 0. A zero vector has cosine distance
            1 to every vector that is not zero.
        k: neighbors per row, at least 1; cut to n - 1.
        metric: "cosine" or "euclidean".
        seed: the same seed gives the same table.
        progress: called with (share done, message); an exception it raises stops the search and is passed on.

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
        if_poor = len(data) <= ALL_PAIRS_UP_TO
        nearest, recall = search_graph(
            table, k, recall=_RECALL, seed=seed, progress=part_of(progress, 0, 0.3 if if_poor else 0.99)
        )
        if recall >= PROMISED_RECALL or not if_poor:
            stage(1, _how_well(recall))
            return Neighbors(*nearest, recall)
        stage = part_of(progress, 0.3, 1)
        stage(0, f"Only {percent(recall, 1)} of the nearest neighbors were found: comparing all pairs, which is slower")
    return Neighbors(*search_all(table, table, k, same=True, progress=stage))


def _how_well(recall: float) -> str:
    if recall >= PROMISED_RECALL:
        return f"Found {percent(recall, 1)} of the nearest neighbors"
    return (
        f"Found only {percent(recall, 1)} of the nearest neighbors: these vectors do not form groups, and comparing "
        "all pairs of so many would take too long"
    )


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
    nearest = search_all(queried, table, k, same=False, progress=part_of(progress, 0, 1))
    return Neighbors(*nearest)


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
        self._index = None
        if len(self._vectors) > EXACT_UP_TO and metric == "cosine":
            tuning, _, checked = sample_of(self._table, self._k, seed=seed).parts()
            self._index = make_index(self._table, tuning, self._k, seed=seed)
            self._recall = recall_of_index(self._table, checked, self._index, self._k)

    def find(self, queries: ArrayLike, *, progress: Progress | None = None) -> Neighbors:
        """The k nearest vectors of each query (m, d): indices (m, k) and distances, nearest first."""
        rows = as_vectors(queries)
        if self._index is None or not rows.any(axis=1).all():
            return neighbors_of(rows, self._vectors, self._k, metric=self._metric, progress=progress)
        (queried,) = searchable(rows, metric=self._metric, width=self._table.rows.shape[1])
        stage = part_of(progress, 0, 1)
        nearest = search_index(queried, self._table, self._index, self._k, progress=stage)
        return Neighbors(*nearest, recall=self._recall)


def _check(k: int, metric: str) -> None:
    if metric not in METRICS:
        raise Refusal(f"metric must be one of {', '.join(METRICS)}; got {metric!r}")
    if k < 1:
        raise Refusal(f"k must be at least 1; got {k}")
