"""Label spreading over the neighbor graph: a sample that many short paths connect to a label gets a share of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .neighbors import Neighbors

if TYPE_CHECKING:
    import torch

FAR, NEAR = 0.99, 0.8  # share of its mass that a label passes on at every step
GRAPH_NEIGHBORS = 15
_MAX_COLUMNS = 64  # label columns solved at once: bounds memory to 4 x 64 floats a sample
_TOLERANCE = 1e-3
_BLOCK = 32_768  # samples processed at once: reusing memory costs less than allocating it
_KEPT_CELLS = 2**22  # numbers of the last solutions that are kept: 16 MB for each way of spreading
_ROUNDING = 1e-5  # relative rounding error left after a mass is subtracted from itself
_PRIOR_COUNT = 5.0  # labels added to every class before its share of the dataset is estimated


@dataclass(frozen=True)
class Graph:
    """A symmetric, normalized neighbor graph in compressed rows: `columns[offsets[i]:offsets[i + 1]]` adjoin i."""

    offsets: torch.Tensor
    columns: torch.Tensor
    weights: torch.Tensor

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def average(self, values: torch.Tensor, *, out: torch.Tensor) -> None:
        """Write the weighted sum of the (n, c) values over the neighbors of each sample into `out` (n, c)."""
        import torch

        for start in range(0, len(self), _BLOCK):
            offsets = self.offsets[start : start + _BLOCK + 1]
            first, last = int(offsets[0]), int(offsets[-1])
            out[start : start + _BLOCK] = torch.nn.functional.embedding_bag(
                self.columns[first:last],
                values,
                offsets - first,
                mode="sum",
                per_sample_weights=self.weights[first:last],
                include_last_offset=True,
            )


def neighbor_graph(neighbors: Neighbors, width: int = GRAPH_NEIGHBORS) -> Graph:
    """Build the graph from the first `width` neighbors of a table.

    Weights are self-tuning Gaussians (Zelnik-Manor and Perona, 2004).
    """
    import torch

    n, k = neighbors.indices.shape
    k = min(k, width)
    indices, distances = neighbors.indices[:, :k], neighbors.distances[:, :k]
    scale = np.sqrt(np.maximum(distances[:, min(k, 10) - 1], 1e-8))
    weights = np.exp(-distances / (scale[:, None] * scale[indices]))
    rows = np.arange(0, n * k + 1, k, dtype=np.int32)
    directed = sp.csr_matrix((weights.ravel(), np.ascontiguousarray(indices).ravel(), rows), shape=(n, n))
    graph = (directed + directed.T).tocsr()
    degree = np.asarray(graph.sum(axis=1)).ravel()
    root = (1.0 / np.sqrt(np.maximum(degree, 1e-12))).astype(np.float32)
    graph.data *= root[graph.indices]
    graph.data *= np.repeat(root, np.diff(graph.indptr))
    return Graph(
        torch.from_numpy(graph.indptr.astype(np.int32)),
        torch.from_numpy(graph.indices.astype(np.int32)),
        torch.from_numpy(graph.data.astype(np.float32)),
    )


@dataclass(frozen=True)
class Spread:
    """How much label mass of each class reaches each sample, and how much of it the labels of each fold contribute.

    Spreading is linear: the contribution of a fold's labels can be subtracted, so one solution serves all folds.

    Attributes:
        total: (n, c) mass, not negative.
        rows: (r,) sorted rows for which the folds' contributions are stored separately.
        parts: (f, r, c) mass at these rows that the labels of each fold contribute.
        masses: (f, c) total mass that each fold contributes.
    """

    total: torch.Tensor
    rows: NDArray[np.int64]
    parts: NDArray[np.float32]
    masses: NDArray[np.float32]

    def at(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Mass (m, c) of all labels at some rows."""
        import torch

        mass: NDArray[np.float32] = self.total[torch.from_numpy(rows)].numpy()
        return mass

    def without(self, fold: int, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Mass (m, c) at some of the stored rows, without the contribution of a fold's labels."""
        total = self.at(rows)
        rest = total - self.parts[fold, np.searchsorted(self.rows, rows)]
        return np.where(rest > _ROUNDING * total, rest, 0).astype(np.float32)


class Spreader:
    """Spreads labels over one graph, and reuses what it solved the last time.

    The mass of each class and fold is solved by itself, as a column. A new label changes one column, so that spreading
    again takes little time; a solution does not depend on the columns that it was solved with.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._solved: dict[tuple[float, int], dict[bytes, torch.Tensor]] = {}

    def spread(
        self,
        labeled: NDArray[np.int64],
        codes: NDArray[np.int64],
        folds: NDArray[np.int64],
        n_classes: int,
        rows: NDArray[np.int64],
        *,
        alpha: float,
        steps: int,
    ) -> Spread:
        """Spread labels over the graph S: solve (I - alpha S) F = Y by conjugate gradients.

        Local and global consistency (Zhou et al., 2004).

        Args:
            labeled: (m,) rows with a label.
            codes: (m,) their classes, 0..n_classes - 1.
            folds: (m,) fold in which each label is held out, 0..f - 1, -1 = never.
            n_classes: c.
            rows: (r,) sorted rows at which the contribution of each fold is needed.
            alpha: share of its mass that a label passes on at every step, 0..1.
            steps: the most steps of conjugate gradients; each reaches one neighbor further.
        """
        import torch

        n, n_folds = len(self.graph), int(folds.max(initial=-1)) + 1
        total = torch.zeros((n_classes, n), dtype=torch.float32)
        parts = np.zeros((n_folds, n_classes, len(rows)), dtype=np.float32)
        masses = np.zeros((n_folds, n_classes), dtype=np.float32)
        columns = (folds % (n_folds + 1)) * n_classes + codes
        order = np.lexsort((labeled, columns))
        used, starts = np.unique(columns[order], return_index=True)
        groups = np.split(labeled[order], starts[1:])[: len(used)]  # NumPy splits nothing into one part
        needed, solved = torch.from_numpy(rows), dict[bytes, torch.Tensor]()
        masses_of = self._masses(groups, alpha, steps)
        for column, group, mass in zip(used.tolist(), groups, masses_of, strict=True):
            fold, code = divmod(column, n_classes)
            total[code] += mass
            if fold < n_folds:
                parts[fold, code] = mass[needed].numpy()
                masses[fold, code] = float(mass.sum())
            if len(groups) * n <= _KEPT_CELLS:
                solved[group.tobytes()] = mass
        self._solved[alpha, steps] = solved
        return Spread(total.t().contiguous(), rows, np.ascontiguousarray(parts.transpose(0, 2, 1)), masses)

    def _masses(self, groups: Sequence[NDArray[np.int64]], alpha: float, steps: int) -> Iterator[torch.Tensor]:
        """For each of these groups of labeled rows, the mass (n,) that it spreads."""
        known = self._solved.get((alpha, steps), {})
        for start in range(0, len(groups), _MAX_COLUMNS):
            part = groups[start : start + _MAX_COLUMNS]
            new = [group for group in part if group.tobytes() not in known]
            block = iter(_solve(self.graph, new, alpha, steps).unbind(1) if new else ())
            for group in part:
                mass = known.get(group.tobytes())
                yield next(block).contiguous() if mass is None else mass


def _solve(graph: Graph, groups: Sequence[NDArray[np.int64]], alpha: float, steps: int) -> torch.Tensor:
    """The mass (n, g) that each of these groups of rows spreads."""
    import torch

    residual = torch.zeros((len(graph), len(groups)), dtype=torch.float32)
    for column, group in enumerate(groups):
        residual[torch.from_numpy(group), column] = 1
    solution = torch.zeros_like(residual)
    direction = residual.clone()
    image = torch.empty_like(residual)
    energy = _column_dots(residual, residual)
    goal = energy * _TOLERANCE**2
    for _ in range(steps):
        graph.average(direction, out=image)
        torch.sub(direction, image, alpha=alpha, out=image)
        step = energy / _column_dots(direction, image).clamp_min(1e-30)
        step[energy <= goal] = 0  # a column that is solved stays as it is, whatever the others still need
        solution.addcmul_(direction, step)
        residual.addcmul_(image, step, value=-1)
        before, energy = energy, _column_dots(residual, residual)
        if bool((energy <= goal).all()):
            break
        direction.mul_(energy / before.clamp_min(1e-30)).add_(residual)
    return solution.clamp_min_(0)


def _column_dots(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    import torch

    blocks = zip(one.split(_BLOCK), other.split(_BLOCK), strict=True)
    return torch.stack([_column_sums(left * right) for left, right in blocks]).sum(0)


def _column_sums(values: torch.Tensor) -> torch.Tensor:
    import torch

    # A matrix product: torch sums narrow tables along rows several times slower.
    return torch.ones(len(values)) @ values


def class_masses(mass: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Factors (c,) that scale the total mass (c,) of each class to its share of the labels.

    Class-mass normalization (Zhu, Ghahramani and Lafferty, 2003), with the shares shrunk toward equal ones: people
    choose what they label, so the labels say little about how frequent a class is.
    """
    shares = (counts + _PRIOR_COUNT) / (counts + _PRIOR_COUNT).sum(axis=-1, keepdims=True)
    return np.asarray(shares / np.maximum(mass, 1e-30), dtype=np.float32)
