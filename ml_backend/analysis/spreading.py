"""Labels spread over the neighbor graph: who is near a label by many short steps gets a share of it."""

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
_PRIOR_COUNT = 5.0  # labels added to every class before its share of the dataset is estimated


@dataclass(frozen=True)
class Graph:
    """A symmetric, normalised neighbor graph in compressed rows: `columns[offsets[i]:offsets[i+1]]` adjoin i."""

    offsets: torch.Tensor
    columns: torch.Tensor
    weights: torch.Tensor

    def __len__(self) -> int:
        return len(self.offsets)

    def average(self, values: torch.Tensor) -> torch.Tensor:
        """Weighted sum of the (n, c) values over what adjoins each sample."""
        import torch

        return torch.nn.functional.embedding_bag(
            self.columns, values, self.offsets, mode="sum", per_sample_weights=self.weights
        )


def neighbor_graph(neighbors: Neighbors) -> Graph:
    """Build the graph from a neighbor table: self-tuning Gaussian weights (Zelnik-Manor and Perona, 2004)."""
    import torch

    n, k = neighbors.indices.shape
    k = min(k, GRAPH_NEIGHBORS)
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
        torch.from_numpy(graph.indptr[:-1].astype(np.int32)),
        torch.from_numpy(graph.indices.astype(np.int32)),
        torch.from_numpy(graph.data.astype(np.float32)),
    )


def spread(
    graph: Graph, sources: NDArray[np.float32], rows: NDArray[np.int64], *, alpha: float = FAR, steps: int = 25
) -> torch.Tensor:
    """Solve (I - alpha S) F = Y by conjugate gradients.

    Args:
        graph: S.
        sources: (m, c) mass that each labeled sample puts on each of c columns.
        rows: (m,) which samples those are; all other rows of Y are zero.
        alpha: share of its mass that a label passes on at every step, 0..1.
        steps: at most so many steps of conjugate gradients; each reaches one neighbor further.

    Returns:
        (n, c) float32, not negative. Local and global consistency (Zhou et al., 2004).
    """
    import torch

    columns = sources.shape[1]
    spreaded = torch.empty((len(graph), columns), dtype=torch.float32)
    for start in range(0, columns, _MAX_COLUMNS):
        block = torch.zeros((len(graph), min(_MAX_COLUMNS, columns - start)), dtype=torch.float32)
        block[torch.from_numpy(rows)] = torch.from_numpy(sources[:, start : start + _MAX_COLUMNS])
        spreaded[:, start : start + _MAX_COLUMNS] = _solve(graph, block, alpha, steps)
    return spreaded


def _solve(graph: Graph, residual: torch.Tensor, alpha: float, steps: int) -> torch.Tensor:
    import torch

    solution = torch.zeros_like(residual)
    direction = residual.clone()
    energy = (residual * residual).sum(0)
    goal = energy * _TOLERANCE**2
    for _ in range(steps):
        image = direction - alpha * graph.average(direction)
        step = energy / (direction * image).sum(0).clamp_min(1e-30)
        solution.addcmul_(direction, step)
        residual.addcmul_(image, step, value=-1)
        before, energy = energy, (residual * residual).sum(0)
        if bool((energy <= goal).all()):
            break
        direction.mul_(energy / before.clamp_min(1e-30)).add_(residual)
    return solution.clamp_min_(0)


def class_masses(mass: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Factor for each column (c,) of a solution so that its total mass (c,) meets its share of the labels.

    Class-mass normalisation (Zhu, Ghahramani and Lafferty, 2003), with the shares drawn towards equal ones: people
    choose what they label, so the labels say little about how frequent a class is.
    """
    wanted = (counts + _PRIOR_COUNT) / (counts + _PRIOR_COUNT).sum(axis=-1, keepdims=True)
    return np.asarray(wanted / np.maximum(mass, 1e-30), dtype=np.float32)
