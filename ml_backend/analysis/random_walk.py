"""Random walks with restart on the neighbor graph: how strongly samples are connected to where the walks start."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import cg

from .neighbors import Neighbors

Rows = NDArray[np.int64]

_PASSED_ON = 0.97  # of its mass at every step; the rest starts again
_NEIGHBORS = 15
_SCALE_RANK = 10  # the distance to this neighbor is the scale around a sample
_STEPS = 60


def walk(neighbors: Neighbors, starts: Rows, *, near: int = 5_000) -> tuple[Rows, NDArray[np.float64]]:
    """Walk from some rows over the neighbor graph, which is symmetric and weighted by self-tuning Gaussians.

    Personalized PageRank in its symmetric form (Zhou et al., 2004).

    Args:
        neighbors: of all samples.
        starts: rows (s,).
        near: in a larger dataset, the walk stays among this many samples, those that fewest steps reach: its cost does
            not depend on the size of the dataset.

    Returns:
        Rows (m,) that the walk reaches without the starts, most strongly connected first; and their mass (m,), above 0.
    """
    if not neighbors.indices.shape[1]:  # of a single sample
        return np.empty(0, np.int64), np.empty(0)
    rows = np.arange(len(neighbors.indices)) if len(neighbors.indices) <= near else _around(neighbors, starts, near)
    graph = _graph(neighbors, rows)
    degree = np.asarray(graph.sum(axis=1)).ravel()
    root = 1 / np.sqrt(np.maximum(degree, 1e-12))
    normalized = sp.diags(root) @ graph @ sp.diags(root)
    begin = np.isin(rows, starts).astype(float)
    mass, _ = cg(sp.identity(len(rows), format="csr") - _PASSED_ON * normalized, begin, rtol=1e-3, maxiter=_STEPS)
    mass = np.where(begin > 0, 0, mass)
    order = np.argsort(-mass, kind="stable")
    order = order[mass[order] > mass.max(initial=0) * 1e-9]
    return rows[order], mass[order]


def _around(neighbors: Neighbors, starts: Rows, count: int) -> Rows:
    """The rows that fewest steps reach from the starts, at most `count` unless there are more starts, ascending."""
    known = np.unique(starts)
    frontier = known
    while len(frontier) and len(known) < count:
        frontier = np.setdiff1d(neighbors.indices[frontier, :_NEIGHBORS], known)
        frontier = frontier[: count - len(known)]
        known = np.union1d(known, frontier)
    return known.astype(np.int64)


def _graph(neighbors: Neighbors, rows: Rows) -> sp.csr_matrix:
    """The symmetric graph (m, m) among some rows, ascending."""
    width = min(neighbors.indices.shape[1], _NEIGHBORS)
    indices, distances = neighbors.indices[rows, :width], neighbors.distances[rows, :width]
    rank = min(width, _SCALE_RANK) - 1
    own_scale, scale = (np.sqrt(np.maximum(neighbors.distances[of, rank], 1e-8)) for of in (rows, indices))
    weights = np.exp(-distances / (own_scale[:, None] * scale))
    places = np.searchsorted(rows, indices).clip(max=len(rows) - 1)
    inside = rows[places] == indices
    own = np.broadcast_to(np.arange(len(rows))[:, None], indices.shape)
    directed = sp.csr_matrix((weights[inside], (own[inside], places[inside])), shape=(len(rows), len(rows)))
    return (directed + directed.T).tocsr()
