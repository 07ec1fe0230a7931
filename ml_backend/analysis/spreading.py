"""Label spreading over the neighbor graph: a sample that many short paths connect to a label gets a share of it."""

from __future__ import annotations

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


def spread(
    graph: Graph,
    labeled: NDArray[np.int64],
    codes: NDArray[np.int64],
    folds: NDArray[np.int64],
    n_classes: int,
    rows: NDArray[np.int64],
    *,
    alpha: float,
    steps: int,
) -> Spread:
    """Spread labels over the graph: solve (I - alpha S) F = Y by conjugate gradients.

    Local and global consistency (Zhou et al., 2004).

    Args:
        graph: S.
        labeled: (m,) rows with a label.
        codes: (m,) their classes, 0..n_classes - 1.
        folds: (m,) fold in which each label is held out, 0..f - 1, -1 = never.
        n_classes: c.
        rows: (r,) sorted rows at which the contribution of each fold is needed.
        alpha: share of its mass that a label passes on at every step, 0..1.
        steps: the most steps of conjugate gradients; each reaches one neighbor further.
    """
    import torch

    n_folds = int(folds.max(initial=-1)) + 1
    total = torch.zeros((len(graph), n_classes), dtype=torch.float32)
    parts = np.zeros((n_folds, len(rows), n_classes), dtype=np.float32)
    masses = np.zeros((n_folds, n_classes), dtype=np.float32)
    columns = (folds % (n_folds + 1)) * n_classes + codes
    kept = torch.from_numpy(rows)
    width = max(1, _MAX_COLUMNS // n_classes) * n_classes  # whole folds, or a fold by itself
    for start in range(0, (n_folds + 1) * n_classes, width):
        inside = (columns >= start) & (columns < start + width)
        block = torch.zeros((len(graph), min(width, (n_folds + 1) * n_classes - start)), dtype=torch.float32)
        block[torch.from_numpy(labeled[inside]), torch.from_numpy(columns[inside] - start)] = 1
        for first in range(0, block.shape[1], _MAX_COLUMNS):
            part = slice(first, first + _MAX_COLUMNS)
            block[:, part] = _solve(graph, block[:, part].contiguous(), alpha, steps)
        by_fold = block.view(len(graph), -1, n_classes)
        total += by_fold.sum(1)
        for number in range(by_fold.shape[1]):
            fold = start // n_classes + number
            if fold < n_folds:
                parts[fold] = by_fold[kept, number].numpy()
                masses[fold] = _column_sums(by_fold[:, number]).numpy()
    return Spread(total, rows, parts, masses)


def _solve(graph: Graph, residual: torch.Tensor, alpha: float, steps: int) -> torch.Tensor:
    import torch

    solution = torch.zeros_like(residual)
    direction = residual.clone()
    image = torch.empty_like(residual)
    energy = _column_dots(residual, residual)
    goal = energy * _TOLERANCE**2
    for _ in range(steps):
        graph.average(direction, out=image)
        torch.sub(direction, image, alpha=alpha, out=image)
        step = energy / _column_dots(direction, image).clamp_min(1e-30)
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
