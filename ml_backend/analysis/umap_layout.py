"""UMAP's graph and its layout (McInnes, Healy and Melville 2018) from a table of neighbors.

Our own implementation, because umap-learn compiles for 12 s in a fresh process even if the neighbors are given, and its
parallel layout differs from run to run. This one compiles in about a second and moves every point against a
snapshot of the others: the same seed gives the same map on any number of threads.
Import this module inside a function: it loads numba.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit
from scipy.sparse import csr_matrix

_PUSHES = 5  # random points that a pulled point is pushed away from
_BISECTIONS = 40
_CHUNK = 65_536  # rows whose memberships are computed at a time


def layout(
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    start: NDArray[np.float32],
    *,
    min_dist: float,
    seed: int,
    progress: Callable[[float, str], object],
) -> NDArray[np.float32]:
    """Move the points `start` (n, 2 or 3) until neighbors are near and others are not."""
    n, dims = start.shape
    progress(0, "Graph of neighbors")
    graph = fuzzy_graph(indices, distances)
    weights = graph.data / graph.data.max()
    a, b = _curve(min_dist)
    epochs = 500 if n <= 10_000 else 200  # as umap-learn
    old = np.zeros((n, 3), np.float32)
    old[:, :dims] = start
    new = old.copy()
    threads = os.cpu_count() or 1
    cuts = np.linspace(0, n, min(8 * threads, n) + 1).astype(np.int64)

    with ThreadPoolExecutor(threads) as pool:
        for epoch in range(epochs):
            rate = np.float32(1 - epoch / epochs)
            arguments = (old, new, graph.indptr, graph.indices, weights, epoch, rate, a, b, seed)
            list(pool.map(lambda first, last, rest: _move(first, last, *rest), cuts, cuts[1:], [arguments] * len(cuts)))
            old, new = new, old
            progress((epoch + 1) / epochs, f"Layout, round {epoch + 1} of {epochs}")
    return old[:, :dims].copy()


def fuzzy_graph(indices: NDArray[np.int32], distances: NDArray[np.float32]) -> csr_matrix:
    """UMAP's symmetric graph (n, n), float32 weights 0..1, from the k nearest neighbors without the point itself."""
    n, k = indices.shape
    weights = np.concatenate([_memberships(distances[at : at + _CHUNK]) for at in range(0, n, _CHUNK)])
    one_way = csr_matrix((weights.ravel(), indices.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    back = one_way.T.tocsr()
    return (one_way + back - one_way.multiply(back)).tocsr()


def _memberships(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    """Membership of each neighbor, scaled so that a row sums to log2(k): UMAP's smooth k-NN distance."""
    k = distances.shape[1]
    first = np.where(distances > 0, distances, np.inf).min(axis=1, keepdims=True)
    beyond = np.maximum(distances - np.where(np.isfinite(first), first, 0), 0)
    mean = np.maximum(distances.mean(axis=1, keepdims=True), np.float32(1e-30))
    low, high, width = np.zeros_like(mean), np.full_like(mean, np.inf), mean
    for _ in range(_BISECTIONS):
        too_wide = np.exp(-beyond / width).sum(axis=1, keepdims=True) > np.log2(k)
        low, high = np.where(too_wide, low, width), np.where(too_wide, width, high)
        middle = np.where(np.isfinite(high), (low + high) / 2, 2 * low)
        width = np.clip(middle, 1e-3 * mean, 1e3 * mean)
    return np.asarray(np.exp(-beyond / width), np.float32)


def _curve(min_dist: float) -> tuple[np.float32, np.float32]:
    """Fit a and b of 1 / (1 + a x^2b) to a curve that is 1 up to min_dist and then falls like exp(-x)."""
    x = np.linspace(0, 3, 300)
    target = np.where(x < min_dist, 1.0, np.exp(-(x - min_dist)))
    fitted, _ = curve_fit(lambda x, a, b: 1 / (1 + a * x ** (2 * b)), x, target)
    return np.float32(fitted[0]), np.float32(fitted[1])


@numba.njit(nogil=True, fastmath=True, error_model="numpy")
def _move(first, last, old, new, starts, heads, weights, epoch, rate, a, b, seed):  # type: ignore[no-untyped-def]
    """One round for the points first..last: read `old`, write `new`.

    An edge of weight w pulls in a share w of the rounds. umap-learn moves both ends of an edge at once; here each
    end moves in its own turn, because the graph contains every edge in both directions.
    """
    count = np.uint64(len(old))
    one, near, most = np.float32(1), np.float32(0.001), np.float32(4) * rate
    pull, push = np.float32(-2) * rate * a * b, np.float32(2) * rate * b
    for i in range(first, last):
        random = np.uint64(seed) ^ (np.uint64(i + 1) * np.uint64(0x9E3779B97F4A7C15))
        random ^= np.uint64(epoch + 1) * np.uint64(0xBF58476D1CE4E5B9)
        x, y, z = old[i, 0], old[i, 1], old[i, 2]
        for edge in range(starts[i], starts[i + 1]):
            if np.floor((epoch + 1) * weights[edge]) == np.floor(epoch * weights[edge]):
                continue
            # Summed before the point moves: independent forces take 0.6 of the time.
            step_x = step_y = step_z = np.float32(0)
            for draw in range(_PUSHES + 1):
                if draw == 0:
                    j = np.int64(heads[edge])
                else:
                    random = random * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
                    j = np.int64(((random >> np.uint64(32)) * count) >> np.uint64(32))
                dx, dy, dz = x - old[j, 0], y - old[j, 1], z - old[j, 2]
                squared = dx * dx + dy * dy + dz * dz
                if squared > 0:
                    power = squared**b
                    force = pull * power / squared if draw == 0 else push / (near + squared)
                    force /= a * power + one
                    step_x += min(max(force * dx, -most), most)
                    step_y += min(max(force * dy, -most), most)
                    step_z += min(max(force * dz, -most), most)
            x, y, z = x + step_x, y + step_y, z + step_z
        new[i, 0], new[i, 1], new[i, 2] = x, y, z
