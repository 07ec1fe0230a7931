"""Cells of similar vectors, along the few axes that matter, in which nearest neighbors are searched first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from .neighbor_search import Sample, Table

if TYPE_CHECKING:
    from torch import Generator, Tensor

_WIDTHS = (64, 128, 256)  # numbers of axes that are tried
_AXES_FROM = 10_000  # vectors that the axes are computed from
_KEPT_BY_AXES = 0.995  # share of the true neighbors that must be among the candidates
_PROBES = 32  # candidate cells of each vector
MOST_COLUMNS = 16_384  # vectors that one is compared with, so that the work grows no faster than the table
_TRAINED_ON = 40  # vectors per cell that the centers are learned from
_LLOYD_ROUNDS = 5
_AT_ONCE = 8192  # rows compared with the centers
_GROUP, _BLOCK = 2048, 256  # rows that share columns; rows compared with them in one product
_CHECKED = 50  # rows compared with all others along the axes at once
_one_search = Lock()

Lists = tuple[NDArray[np.int32], NDArray[np.float32]]
_Part = TypeVar("_Part")


@dataclass(frozen=True)
class Axes:
    """The axes (d, p) of largest variance through the ``mean`` (d,); None for the d axes that the vectors have."""

    mean: Tensor
    directions: Tensor | None

    def of(self, rows: Tensor) -> Tensor:
        """Coordinates (n, p) of rows."""
        return rows - self.mean if self.directions is None else rows @ self.directions - self.mean @ self.directions


@dataclass(frozen=True)
class Cells:
    """A k-means partition of a table, whose rows lie cell by cell.

    Attributes:
        order: (n,) the row of the table at each place.
        starts: (cells + 1,) the first place of each cell.
        searched: the cells in which neighbors of the rows of each cell are searched, the most promising first.
        axes: the axes that rows are compared along.
        points: (n, p) coordinates along these axes, by place.
        half_squares: (n,) half the squared length of each point.
        centers: (cells, p).
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    searched: tuple[NDArray[np.int64], ...]
    axes: Axes
    points: Tensor
    half_squares: Tensor
    centers: Tensor

    def columns(self, cell: int, first: int, last: int) -> NDArray[np.int32]:
        """Places to compare with the places first..last of a cell: whole cells, as many as are searched at most.

        Of a cell larger than that, the places around.
        """
        parts: list[NDArray[np.int32]] = []
        room = MOST_COLUMNS
        for other in self.searched[cell]:
            start, end = int(self.starts[other]), int(self.starts[other + 1])
            if other == cell and end - start > room:
                start = max(start, min((first + last - room) // 2, end - room))
                end = start + room
            if end - start > room:
                continue
            parts.append(np.arange(start, end, dtype=np.int32))
            room -= end - start
        return np.concatenate(parts)


def make_cells(table: Table, sample: Sample, candidates: int, *, coverage: float, seed: int) -> Cells:
    """Partition a table, so that about this share of the sample's neighbors is in the cells searched for a row.

    `candidates` are those that are to be found along the axes.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    axes, points = _choose_axes(table, sample, candidates, generator)
    centers = _centers(points, round(2 * len(table) ** 0.5), generator)
    nearest = nearest_centers(points, centers, _PROBES)
    cells = nearest[:, 0]
    sizes = torch.bincount(cells, minlength=len(centers))
    demand = _demand(cells, nearest, sizes)
    needed = demand[cells[sample.rows, None], cells[sample.truth]].flatten()
    least = float(torch.quantile(needed, 1 - coverage).clamp(min=1 / len(table)))
    order = cells.argsort(stable=True)
    points = points[order]
    return Cells(
        order.numpy(),
        np.concatenate(([0], sizes.cumsum(0).numpy())),
        tuple(_wanted(cell, row, least) for cell, row in enumerate(demand.numpy())),
        axes,
        points,
        points.square().sum(1).div_(2),
        centers,
    )


def search_own_cells(cells: Cells, count: int, report: Callable[[float], object]) -> Lists:
    """About the `count` nearest places of every place, along the axes: (n, count)."""
    n = len(cells.points)
    indices, apart = empty_lists(n, count)
    places = np.arange(n, dtype=np.int32)

    def search(group: tuple[int, int, int]) -> None:
        cell, first, last = group
        here = slice(first, last)
        columns = cells.columns(cell, first, last)
        _compare(cells, columns, cells.points[here], places[here], indices[here], apart[here])

    in_threads(search, list(_groups(cells.starts)), report)
    return indices, apart


def search_cells_of(queries: Tensor, cells: Cells, count: int, report: Callable[[float], object]) -> NDArray[np.int32]:
    """About the `count` nearest places of other rows (m, d), each searched where the rows of its nearest cell are."""
    points = cells.axes.of(queries)
    nearest = nearest_centers(points, cells.centers, 1)[:, 0]
    order = nearest.argsort(stable=True)
    points = points[order]
    starts = np.concatenate(([0], nearest.bincount(minlength=len(cells.centers)).cumsum(0).numpy()))
    indices, apart = empty_lists(len(points), count)
    nobody = np.full(len(points), -1, np.int32)

    def search(group: tuple[int, int, int]) -> None:
        cell, first, last = group
        here = slice(first, last)
        columns = cells.columns(cell, int(cells.starts[cell]), int(cells.starts[cell + 1]))
        _compare(cells, columns, points[here], nobody[here], indices[here], apart[here])

    in_threads(search, list(_groups(starts)), report)
    result = np.empty_like(indices)
    result[order.numpy()] = indices
    return result


def empty_lists(rows: int, count: int) -> Lists:
    """Lists (rows, count) of candidates of which none is known yet."""
    return np.full((rows, count), -1, np.int32), np.full((rows, count), np.inf, np.float32)


def in_threads(work: Callable[[_Part], object], parts: Iterable[_Part], report: Callable[[float], object]) -> None:
    """Run the parts of a task on one thread per core, matrix products included, one such task at a time."""
    import torch

    parts = list(parts)
    with _one_search:  # PyTorch's number of threads belongs to the process
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(threads) as pool:
                try:
                    for done, _ in enumerate(pool.map(work, parts), 1):
                        report(done / len(parts))
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
        finally:
            torch.set_num_threads(threads)


def nearest_centers(points: Tensor, centers: Tensor, count: int) -> Tensor:
    """The `count` nearest centers of each point, nearest first: (n, count)."""
    import torch

    half = centers.square().sum(1).div_(2)
    nearest = []
    for part in points.split(_AT_ONCE):
        apart = torch.addmm(half, part, centers.T, alpha=-1)
        one = count == 1  # finding the minimum is faster than a partial sort
        nearest.append(apart.argmin(1, keepdim=True) if one else (-apart).topk(min(count, len(centers)), dim=1).indices)
    return torch.cat(nearest)


def _groups(starts: NDArray[np.int64]) -> Iterable[tuple[int, int, int]]:
    """(cell, first, last): the rows of each cell, some hundreds at a time."""
    for cell in range(len(starts) - 1):
        for first in range(int(starts[cell]), int(starts[cell + 1]), _GROUP):
            yield cell, first, min(first + _GROUP, int(starts[cell + 1]))


def _compare(
    cells: Cells,
    columns: NDArray[np.int32],
    points: Tensor,
    own: NDArray[np.int32],
    indices: NDArray[np.int32],
    apart: NDArray[np.float32],
) -> None:
    import torch

    from .neighbor_kernels import keep_nearest

    there = torch.from_numpy(columns)
    others, half = cells.points[there], cells.half_squares[there]
    for start in range(0, len(points), _BLOCK):
        block = slice(start, start + _BLOCK)
        products = torch.addmm(half, points[block], others.T, alpha=-1).numpy()
        keep_nearest(products, columns, own[block], indices[block], apart[block])


def _choose_axes(table: Table, sample: Sample, candidates: int, generator: Generator) -> tuple[Axes, Tensor]:
    """The fewest axes along which the true neighbors of the sample are among the candidates, and all coordinates."""
    import torch

    rows, width = table.rows, table.rows.shape[1]
    mean = rows.mean(0)
    tried = [count for count in _WIDTHS if 4 * count <= 3 * width]
    if tried:
        some = rows[torch.randperm(len(rows), generator=generator)[:_AXES_FROM]] - mean
        directions = torch.linalg.eigh(some.T @ some).eigenvectors.flip(1)
    for count in tried:
        axes = Axes(mean, directions[:, :count].contiguous())
        points = axes.of(rows)
        if _kept(points, sample, candidates) >= _KEPT_BY_AXES:
            return axes, points
    axes = Axes(mean, None)
    return axes, axes.of(rows)


def _kept(points: Tensor, sample: Sample, candidates: int) -> float:
    """Share of the true neighbors of the sample that are among the nearest by these coordinates."""
    import torch

    half = points.square().sum(1).div_(2)
    kept = 0
    for some, true in zip(sample.rows.split(_CHECKED), sample.truth.split(_CHECKED), strict=True):
        apart = torch.addmm(half, points[some], points.T, alpha=-1)
        apart[torch.arange(len(some)), some] = torch.inf
        limit = apart.kthvalue(min(candidates, len(points) - 1), dim=1).values
        kept += int((apart.gather(1, true) <= limit[:, None]).sum())
    return kept / sample.truth.numel()


def _centers(points: Tensor, count: int, generator: Generator) -> Tensor:
    """k-means centers (count, p) by Lloyd's rounds over a sample."""
    import torch

    sample = points[torch.randperm(len(points), generator=generator)[: _TRAINED_ON * count]]
    centers = sample[:count].clone()
    for _ in range(_LLOYD_ROUNDS):
        cells = nearest_centers(sample, centers, 1)[:, 0]
        sizes = torch.bincount(cells, minlength=count)
        sums = torch.zeros_like(centers).index_add_(0, cells, sample)
        centers = torch.where(sizes[:, None] > 0, sums / sizes.clamp(min=1)[:, None], centers)
    return centers


def _demand(cells: Tensor, candidates: Tensor, sizes: Tensor) -> Tensor:
    """Share of a cell's rows that have another cell as a candidate: (cells, cells), 0..1, 1 for the cell itself."""
    import torch

    count = len(sizes)
    pairs = (cells[:, None] * count + candidates).flatten()
    demand = torch.bincount(pairs, minlength=count * count).view(count, count)
    return demand / sizes.clamp(min=1)[:, None]


def _wanted(cell: int, demand: NDArray[np.float32], least: float) -> NDArray[np.int64]:
    """The cells to search for the rows of one cell, the most promising first, which is the cell itself."""
    enough = np.flatnonzero(demand >= least)
    others = enough[enough != cell]
    return np.concatenate(([cell], others[np.argsort(-demand[others], kind="stable")]))
