"""Exact nearest-neighbor search by matrix products over all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from .arrays import unit_rows

if TYPE_CHECKING:
    from torch import Tensor

Metric = Literal["cosine", "euclidean"]
Found = tuple[NDArray[np.int32], NDArray[np.float32]]

_ROWS, _COLUMNS = 1024, 32768  # one tile of the matrix product: 128 MB
_SLACK = 8  # candidates kept beyond k, so that rounding in the product does not lose a neighbor
_MEASURED = 64  # rows whose candidates are measured at once: more would not fit into the cache
_SAMPLED = 750  # rows whose exact neighbors are computed, to tune and to measure an approximate search


@dataclass(frozen=True)
class Table:
    """Vectors ready to be searched: unit rows for cosine, centered rows for euclidean."""

    rows: Tensor  # (n, d) float32
    half_squares: Tensor  # (n,) half the squared length of each row
    metric: Metric

    def __len__(self) -> int:
        return len(self.rows)


def searchable(*parts: NDArray[np.float32], metric: Metric, width: int = 0) -> tuple[Table, ...]:
    """Transform tables of one space so that the nearest row is the one with the smallest squared difference.

    Euclidean tables are centered on the last one. Under cosine, zero vectors get an extra dimension, at right
    angles to all others; parts of a table that has it already are given its ``width``.
    """
    import torch

    if metric == "euclidean":
        center = parts[-1].mean(axis=0)
        rows = [torch.from_numpy(part - center) for part in parts]
    else:
        rows = [torch.from_numpy(unit_rows(part)) for part in parts]
        zeros = [part.square().sum(1, keepdim=True) == 0 for part in rows]
        if width > rows[0].shape[1] or any(bool(mark.any()) for mark in zeros):
            rows = [torch.cat((part, mark.float()), 1) for part, mark in zip(rows, zeros, strict=True)]
    return tuple(Table(part, torch.linalg.vector_norm(part, dim=1).square_().mul_(0.5), metric) for part in rows)


def search_all(queries: Table, table: Table, k: int, *, same: bool, progress: Progress) -> Found:
    """Compare every query with every row of the table; with `same`, a row is not its own neighbor."""
    import torch

    n = len(queries)
    indices, distances = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for rows in torch.arange(n).split(_ROWS):
        nearest, near = nearest_of(queries, rows, table, k, same=same)
        indices[rows.numpy()], distances[rows.numpy()] = nearest.numpy(), near.numpy()
        done = int(rows[-1]) + 1
        progress(done / n, f"Neighbors of {done:,} of {n:,}")
    return indices, distances


@dataclass(frozen=True)
class Sample:
    """Rows whose exact neighbors are known.

    Attributes:
        rows: (m,).
        truth: (m, k) their neighbors.
        farthest: (m,) the squared difference from the k-th of them.
    """

    rows: Tensor
    truth: Tensor
    farthest: Tensor

    def parts(self) -> tuple[Sample, Sample, Sample]:
        """Rows that set the effort of a search, rows that determine when to stop, and rows that measure its recall."""
        first, second, third = (
            Sample(*columns)
            for columns in zip(
                *(column.tensor_split(3) for column in (self.rows, self.truth, self.farthest)), strict=True
            )
        )
        return first, second, third


def sample_of(table: Table, k: int, *, seed: int) -> Sample:
    """Compare some rows with all."""
    import torch

    rows = torch.randperm(len(table), generator=torch.Generator().manual_seed(seed))[:_SAMPLED]
    truth, distances = nearest_of(table, rows, table, k, same=True)
    last = distances[:, -1]
    return Sample(rows, truth, last.square() if table.metric == "euclidean" else 2 * last)


def nearest_of(queries: Table, rows: Tensor, table: Table, k: int, *, same: bool) -> tuple[Tensor, Tensor]:
    """The k nearest table rows of some queries and their distances, ties by index.

    The matrix product proposes candidates; these are then measured by plain subtraction, which gives
    exactly 0 for duplicates, and the same distance whatever the order of the vectors.
    """
    import torch

    query = queries.rows[rows]
    candidates = _candidates(query, rows if same else None, table, k + _SLACK).sort(1).values
    parts = zip(query.split(_MEASURED), candidates.split(_MEASURED), strict=True)
    squared = torch.cat([(table.rows[some] - one[:, None]).square_().sum(2) for one, some in parts])
    distances = squared.sqrt_() if table.metric == "euclidean" else squared.div_(2)
    distances, order = distances.sort(dim=1, stable=True)
    return candidates.gather(1, order)[:, :k], distances[:, :k]


def _candidates(query: Tensor, own: Tensor | None, table: Table, count: int) -> Tensor:
    import torch

    total = len(table)
    count = min(count, total if own is None else total - 1)
    best = torch.empty((len(query), 0))
    rows = torch.empty((len(query), 0), dtype=torch.long)
    for left in range(0, total, _COLUMNS):
        part = slice(left, min(left + _COLUMNS, total))
        closeness = torch.addmm(table.half_squares[part], query, table.rows[part].T, beta=-1)
        if own is not None:
            here = ((own >= part.start) & (own < part.stop)).nonzero()[:, 0]
            closeness[here, own[here] - left] = -torch.inf
        values, kept = closeness.topk(min(count, part.stop - left), dim=1)
        best, rows = torch.cat((best, values), 1), torch.cat((rows, kept + left), 1)
        if best.shape[1] > count:
            best, kept = best.topk(count, dim=1)
            rows = rows.gather(1, kept)
    return rows
