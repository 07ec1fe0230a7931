"""Approximate nearest neighbors of every vector: cells first, then the neighbors of neighbors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, no_progress, part_of
from .neighbor_cells import Cells, Lists, empty_lists, in_threads, make_cells, search_cells_of, search_own_cells
from .neighbor_search import Found, Sample, Table, nearest_of, sample_of

_COVERED = 0.995  # share of the true neighbors that the cells searched for a row contain, if they can
_SPARE = 4  # neighbors kept beyond k, from which more are found
_LEAST_KEPT = 24
_WIDTH = 16  # neighbors of a row whose neighbors are tried, and how many of theirs
_ROUNDS = 8
_LEAST_GAIN = 0.0005  # of recall, for another round
_PIECES = 16  # of the rows, between which a search can be stopped
_AT_ONCE = 1024  # rows compared with all others at once
_SAME = 1e-5  # distances that differ by less, relatively, are ties


@dataclass(frozen=True)
class Index:
    """A table laid out by cells: `rows` (n, d) in their order."""

    cells: Cells
    rows: NDArray[np.float32]
    metric: str


def search_graph(table: Table, k: int, *, recall: float, seed: int, progress: Progress) -> tuple[Found, float]:
    """Approximate k nearest neighbors of each row: k-means cells along a few axes, refined by neighbors of neighbors.

    Rows are compared within neighboring cells (an inverted file, Jégou, Douze and Schmid 2011), along the few axes
    that keep the neighbors of sampled rows; the best candidates are measured by their full vectors. Then neighbors of
    neighbors are tried (NN-descent, Dong, Moses and Li 2011) until the recall on sampled rows is reached or another
    round would not help. The work grows a little faster than the number of rows.

    Returns:
        The neighbors, and their recall on other sampled rows, which may be lower than requested. Any neighbor at the
        distance of the k-th counts as found.
    """
    n = len(table)
    progress(0, "Exact neighbors of a sample, to measure the recall")
    tuning, steering, checked = sample_of(table, k, seed=seed).parts()
    progress(0.1, "Grouping the vectors into cells")
    index = make_index(table, tuning, k, seed=seed)
    stage = part_of(progress, 0.3, 0.7)
    candidates, _ = search_own_cells(
        index.cells, _candidates(k, n), lambda share: stage(share, f"Neighbors of {share * n:,.0f} of {n:,}")
    )
    stage = part_of(progress, 0.7, 0.95)
    lists = _measured(index, candidates, min(max(k + _SPARE, _LEAST_KEPT), n - 1), stage)
    lists = _improved(index, lists, steering, recall, stage)
    nearest = _in_order(index, lists, k)
    _complete(nearest, table, table, same=True)
    progress(1, f"Neighbors of {n:,} of {n:,}")
    return nearest, _recall_of(index, lists, checked)


def make_index(table: Table, sample: Sample, k: int, *, seed: int) -> Index:
    """Lay a table out by cells."""
    cells = make_cells(table, sample, _candidates(k, len(table)), coverage=_COVERED, seed=seed)
    return Index(cells, table.rows.numpy()[cells.order], table.metric)


def search_index(queries: Table, table: Table, index: Index, k: int, *, progress: Progress) -> Found:
    """The approximate k nearest rows of an indexed table for other vectors of its space."""
    n = len(queries)
    candidates = search_cells_of(
        queries.rows,
        index.cells,
        _candidates(k, len(index.rows) + 1),
        lambda share: progress(0.9 * share, f"Neighbors of {share * n:,.0f} of {n:,}"),
    )
    indices, apart = empty_lists(n, k)
    _measure(queries.rows.numpy(), index.rows, candidates, (indices, apart))
    progress(1, f"Neighbors of {n:,} of {n:,}")
    nearest = index.cells.order[indices].astype(np.int32), _distances(apart, index.metric)
    _complete(nearest, queries, table, same=False)
    return nearest


def recall_of_index(table: Table, sample: Sample, index: Index, k: int) -> float:
    """Share of the sample's true neighbors that `search_index` finds."""
    queries = Table(table.rows[sample.rows], table.half_squares[sample.rows], table.metric)
    _, distances = search_index(queries, table, index, min(k + 1, len(table)), progress=no_progress)
    squared = np.square(distances) if table.metric == "euclidean" else 2 * distances
    return _recall(squared[:, 1:], sample)  # without the row itself, which is the nearest


def _candidates(k: int, n: int) -> int:
    return min(2 * k if k < 30 else k + 30, n - 1)


def _measured(index: Index, candidates: NDArray[np.int32], kept: int, stage: Progress) -> Lists:
    stage(0, "Measuring the candidates by their full vectors")
    lists = empty_lists(len(candidates), kept)
    _measure(index.rows, index.rows, candidates, lists)
    return lists


def _measure(
    queries: NDArray[np.float32], rows: NDArray[np.float32], candidates: NDArray[np.int32], lists: Lists
) -> None:
    from .neighbor_kernels import measure

    in_threads(lambda piece: measure(queries, rows, candidates, *lists, *piece), _pieces(len(queries)), _no_matter)


def _improved(index: Index, lists: Lists, sample: Sample, recall: float, stage: Progress) -> Lists:
    """The lists after rounds of neighbors of neighbors, until the recall is reached or they no longer help."""
    new, reached = np.ones(lists[0].shape, bool), _recall_of(index, lists, sample)
    for number in range(_ROUNDS):
        if reached >= recall:
            break
        stage(number / _ROUNDS, f"Neighbors of neighbors, round {number + 1}: recall {reached:.3f} so far")
        lists, new = _refined(index.rows, lists, new)
        before, reached = reached, _recall_of(index, lists, sample)
        if reached - before < _LEAST_GAIN:
            break
    return lists


def _refined(rows: NDArray[np.float32], lists: Lists, new: NDArray[np.bool_]) -> tuple[Lists, NDArray[np.bool_]]:
    """The lists after one round of neighbors of neighbors, and which of their entries are new."""
    from .neighbor_kernels import link_back, look_around

    known = lists[0]
    width = min(_WIDTH, known.shape[1])
    back, new_back = np.full((len(known), width), -1, np.int32), np.zeros((len(known), width), bool)
    link_back(known, new, width, back, new_back)
    indices, apart, still_new = known.copy(), lists[1].copy(), np.empty_like(new)

    def look(piece: tuple[int, int]) -> None:
        look_around(rows, known, new, back, new_back, width, indices, apart, still_new, *piece)

    in_threads(look, _pieces(len(known)), _no_matter)
    return (indices, apart), still_new


def _recall_of(index: Index, lists: Lists, sample: Sample) -> float:
    place = np.empty(len(index.rows), np.int64)
    place[index.cells.order] = np.arange(len(place))
    return _recall(lists[1][place[sample.rows.numpy()]], sample)


def _recall(apart: NDArray[np.float32], sample: Sample) -> float:
    """Share of the k nearest found for a sample (m, k or more) that are no farther than the true k-th neighbor."""
    limit = sample.farthest.numpy() * (1 + _SAME) + np.finfo(np.float32).tiny
    return float((apart[:, : sample.truth.shape[1]] <= limit[:, None]).mean())


def _in_order(index: Index, lists: Lists, k: int) -> Found:
    order = index.cells.order
    indices, distances = np.empty((len(order), k), np.int32), np.empty((len(order), k), np.float32)
    indices[order] = order[lists[0][:, :k]]
    distances[order] = _distances(lists[1][:, :k], index.metric)
    return indices, distances


def _complete(lists: Found, queries: Table, table: Table, *, same: bool) -> None:
    """Compare the few rows that have fewer than k rows in their cells with all."""
    import torch

    rows = np.flatnonzero(np.isinf(lists[1][:, -1]))
    for first in range(0, len(rows), _AT_ONCE):
        some = rows[first : first + _AT_ONCE]
        nearest, distances = nearest_of(queries, torch.from_numpy(some), table, lists[0].shape[1], same=same)
        lists[0][some], lists[1][some] = nearest.numpy(), distances.numpy()


def _distances(squared: NDArray[np.float32], metric: str) -> NDArray[np.float32]:
    return np.asarray(np.sqrt(squared) if metric == "euclidean" else squared / 2, np.float32)


def _pieces(rows: int) -> list[tuple[int, int]]:
    cuts = np.linspace(0, rows, min(_PIECES, rows) + 1).astype(int).tolist()
    return list(pairwise(cuts))


def _no_matter(share: float) -> None:
    """Short stretches are not reported."""
