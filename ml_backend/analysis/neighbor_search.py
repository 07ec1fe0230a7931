"""Nearest-neighbor search by matrix products, over all pairs or within neighboring cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, no_progress, part_of

if TYPE_CHECKING:
    from torch import Generator, Tensor

Metric = Literal["cosine", "euclidean"]
Found = tuple[NDArray[np.int32], NDArray[np.float32]]

_ROWS, _COLUMNS = 1024, 32768  # one tile of the matrix product: 128 MB
_SLACK = 8  # candidates kept beyond k, so that rounding in the product costs no neighbor
_PROBES = 16  # candidate cells of each vector
_TRAINED_ON = 40  # vectors per cell that the centers are learned from
_LLOYD_ROUNDS = 5
_SAMPLED = 1000  # rows whose exact neighbors are computed: half of them set the effort, half measure the recall
_NOT_WORTH_IT = 0.25  # share of all pairs above which a cell search is slower than comparing all


@dataclass(frozen=True)
class Table:
    """Vectors ready to be searched: unit rows for cosine, centered rows for euclidean."""

    rows: Tensor  # (n, d) float32
    half_squares: Tensor  # (n,) half the squared length of each row
    metric: Metric

    def __len__(self) -> int:
        return len(self.rows)


def searchable(*parts: NDArray[np.float32], metric: Metric) -> tuple[Table, ...]:
    """Transform tables of one space so that the nearest row is the one with the smallest squared difference.

    Euclidean tables are centered on the last one. Under cosine, zero vectors get an extra dimension, at right
    angles to all others.
    """
    import torch

    if metric == "euclidean":
        center = parts[-1].mean(axis=0)
        rows = [torch.from_numpy(part - center) for part in parts]
    else:
        rows = [torch.from_numpy(_unit(part)) for part in parts]
        zeros = [part.square().sum(1, keepdim=True) == 0 for part in rows]
        if any(bool(mark.any()) for mark in zeros):
            rows = [torch.cat((part, mark.float()), 1) for part, mark in zip(rows, zeros, strict=True)]
    return tuple(Table(part, torch.linalg.vector_norm(part, dim=1).square_().mul_(0.5), metric) for part in rows)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
    rows = vectors / np.where(largest > 0, largest, 1)  # first, so that squares do not vanish
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)  # at least 1, or the row is zero
    return np.asarray(rows, np.float32)


def search_all(queries: Table, table: Table, k: int, *, same: bool, progress: Progress) -> Found:
    """Compare every query with every row of the table; with `same`, a row is not its own neighbor."""
    import torch

    blocks = [(torch.arange(len(queries)), None)]
    return _search(queries, table, k, blocks, same, progress)


@dataclass(frozen=True)
class Cells:
    """A k-means partition of a table, and the cells in which the neighbors of each cell's rows are searched.

    ``members`` are the rows of each cell; ``searched`` (cells, cells) is true where the second cell is searched for
    rows of the first.
    """

    centers: Tensor
    members: tuple[Tensor, ...]
    searched: Tensor

    def columns(self, cell: int, at_least: int) -> Tensor | None:
        """Rows to compare with the rows of a cell, ascending; None if all have to be."""
        import torch

        columns = torch.cat([self.members[other] for other in self.searched[cell].nonzero()[:, 0].tolist()])
        return columns.sort().values if len(columns) > at_least else None


@dataclass(frozen=True)
class _Sample:
    """Rows whose exact neighbors ``truth`` (m, k) are known: the first half tunes a search, the others measure it."""

    rows: Tensor
    truth: Tensor

    @property
    def tuning(self) -> int:
        return len(self.rows) // 2


def search_cells(table: Table, k: int, *, recall: float, seed: int, progress: Progress) -> tuple[Found, float] | None:
    """Compare every row with the rows of its own and the neighboring cells of a k-means partition.

    The rows of a cell are searched together, in the cells that enough of them have as a candidate: an inverted
    file (Jégou, Douze and Schmid 2011) read cell by cell, so that it stays a matrix product. The threshold is set
    to reach the target recall on sampled rows whose exact neighbors are known.

    Returns:
        The neighbors, and the recall measured on other sampled rows; None if comparing all pairs is cheaper.
    """
    made = _partition(table, k, recall=recall, seed=seed, progress=progress)
    if made is None:
        return None
    cells, sample = made
    blocks = ((rows, cells.columns(cell, k)) for cell, rows in enumerate(cells.members) if len(rows))
    found = _search(table, table, k, blocks, True, part_of(progress, 0.15, 1))
    checked, truth = sample.rows[sample.tuning :].numpy(), sample.truth[sample.tuning :].numpy()
    hits = (found[0][checked][:, :, None] == truth[:, None, :]).any(1)
    return found, float(hits.mean())


def partition(table: Table, k: int, *, recall: float, seed: int) -> Cells | None:
    """The cells in which `search_in_cells` finds k neighbors of vectors that are spread as the table's.

    Returns:
        None if comparing all pairs is cheaper than reaching the target recall by cells.
    """
    made = _partition(table, k, recall=recall, seed=seed, progress=no_progress)
    return None if made is None else made[0]


def search_in_cells(queries: Table, table: Table, cells: Cells, k: int, *, progress: Progress) -> Found:
    """The k nearest rows of a table for other vectors, each searched where the rows of its nearest cell are."""
    nearest = _nearest_centers(queries.rows, cells.centers, 1)[:, 0]
    of_cell = nearest.argsort(stable=True).split(nearest.bincount(minlength=len(cells.centers)).tolist())
    blocks = ((rows, cells.columns(cell, k)) for cell, rows in enumerate(of_cell) if len(rows))
    return _search(queries, table, k, blocks, False, progress)


def _partition(table: Table, k: int, *, recall: float, seed: int, progress: Progress) -> tuple[Cells, _Sample] | None:
    import torch

    n = len(table)
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(n, generator=generator)[:_SAMPLED]
    progress(0, "Exact neighbors of a sample, to measure the recall")
    sample = _Sample(rows, _nearest(table, rows, table, None, k, True)[0])
    progress(0.05, "Grouping the vectors into cells")
    centers = _centers(table.rows, round(2 * n**0.5), generator)
    progress(0.1, "Finding the cells of each vector")
    candidates = _nearest_centers(table.rows, centers, _PROBES)
    cells = candidates[:, 0]
    sizes = torch.bincount(cells, minlength=len(centers))
    demand = _demand(cells, candidates, sizes)
    known = slice(sample.tuning)
    needed = demand[cells[sample.rows[known], None], cells[sample.truth[known]]].flatten()
    searched = demand >= torch.quantile(needed, 1 - recall).clamp(min=1 / n)
    pairs = float(sizes.double() @ searched.double() @ sizes.double())
    if pairs > _NOT_WORTH_IT * float(n) ** 2:
        return None
    return Cells(centers, cells.argsort(stable=True).split(sizes.tolist()), searched), sample


def _search(
    queries: Table,
    table: Table,
    k: int,
    blocks: Iterable[tuple[Tensor, Tensor | None]],
    same: bool,
    progress: Progress,
) -> Found:
    """Search blocks of (query rows, table rows to compare them with, None = all) and collect one table."""
    n, done, reported = len(queries), 0, 0
    indices, distances = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for block, columns in blocks:
        for rows in block.split(_ROWS):
            nearest, near = _nearest(queries, rows, table, columns, k, same)
            indices[rows.numpy()], distances[rows.numpy()] = nearest.numpy(), near.numpy()
            done += len(rows)
            if done - reported >= _ROWS or done == n:
                progress(done / n, f"Neighbors of {done:,} of {n:,}")
                reported = done
    return indices, distances


def _nearest(
    queries: Table, rows: Tensor, table: Table, columns: Tensor | None, k: int, same: bool
) -> tuple[Tensor, Tensor]:
    """The k nearest table rows of some queries and their distances, ties by index.

    The matrix product proposes candidates; these are then measured by plain subtraction, which gives
    exactly 0 for duplicates, and the same distance whatever the order of the vectors.
    """
    query = queries.rows[rows]
    candidates = _candidates(query, rows if same else None, table, columns, k + _SLACK).sort(1).values
    squared = (table.rows[candidates] - query[:, None]).square_().sum(2)
    distances = squared.sqrt_() if table.metric == "euclidean" else squared.div_(2)
    distances, order = distances.sort(dim=1, stable=True)
    return candidates.gather(1, order)[:, :k], distances[:, :k]


def _candidates(query: Tensor, own: Tensor | None, table: Table, columns: Tensor | None, count: int) -> Tensor:
    import torch

    total = len(table) if columns is None else len(columns)
    count = min(count, total if own is None else total - 1)
    best = torch.empty((len(query), 0))
    found = torch.empty((len(query), 0), dtype=torch.long)
    for left in range(0, total, _COLUMNS):
        part = slice(left, min(left + _COLUMNS, total))
        index = torch.arange(part.start, part.stop) if columns is None else columns[part]
        rows = part if columns is None else index
        closeness = torch.addmm(table.half_squares[rows], query, table.rows[rows].T, beta=-1)
        if own is not None:
            place = torch.searchsorted(index, own).clamp_(max=len(index) - 1)
            here = (index[place] == own).nonzero()[:, 0]
            closeness[here, place[here]] = -torch.inf
        values, kept = closeness.topk(min(count, len(index)), dim=1)
        best, found = torch.cat((best, values), 1), torch.cat((found, index[kept]), 1)
        if best.shape[1] > count:
            best, kept = best.topk(count, dim=1)
            found = found.gather(1, kept)
    return found


def _centers(rows: Tensor, count: int, generator: Generator) -> Tensor:
    """k-means centers (count, d) by Lloyd's rounds over a sample."""
    import torch

    sample = rows[torch.randperm(len(rows), generator=generator)[: _TRAINED_ON * count]]
    centers = sample[:count].clone()
    for _ in range(_LLOYD_ROUNDS):
        cells = _nearest_centers(sample, centers, 1)[:, 0]
        sizes = torch.bincount(cells, minlength=count)
        sums = torch.zeros_like(centers).index_add_(0, cells, sample)
        centers = torch.where(sizes[:, None] > 0, sums / sizes.clamp(min=1)[:, None], centers)
    return centers


def _nearest_centers(rows: Tensor, centers: Tensor, count: int) -> Tensor:
    """The `count` nearest centers of each row, nearest first: (n, count)."""
    import torch

    half = centers.square().sum(1).div_(2)
    parts = rows.split(8 * _ROWS)
    return torch.cat([torch.addmm(half, part, centers.T, beta=-1).topk(count, dim=1).indices for part in parts])


def _demand(cells: Tensor, candidates: Tensor, sizes: Tensor) -> Tensor:
    """Share of a cell's rows that have another cell as a candidate: (cells, cells), 0..1, 1 for the cell itself."""
    import torch

    count = len(sizes)
    pairs = (cells[:, None] * count + candidates).flatten()
    demand = torch.bincount(pairs, minlength=count * count).view(count, count)
    return demand / sizes.clamp(min=1)[:, None]
