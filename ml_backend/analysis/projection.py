"""Maps: vectors to points in 2D or 3D, and new vectors to points on an existing map."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal
from ..progress import Progress, part_of
from .arrays import unit_rows
from .checks import as_vectors
from .neighbor_search import Metric
from .neighbors import METRICS, Neighbors, knn, neighbors_of
from .principal_axes import pca

Method = Literal["umap", "tsne", "pca"]
METHODS: tuple[Method, ...] = get_args(Method)
METHOD_NAMES: dict[str, str] = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA"}

PLACED_AMONG = 10  # measured: the median of 10 keeps more neighbors of new samples than umap-learn's transform


def project(
    vectors: ArrayLike,
    *,
    method: Method = "umap",
    dims: int = 2,
    spherize: bool = False,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    perplexity: float = 30,
    metric: Metric = "cosine",
    seed: int = 0,
    neighbors: Neighbors | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Compute a map: one point per vector, with neighbors near each other.

    Args:
        vectors: (n, d). With three vectors or fewer, PCA is used whatever the method.
        method: "umap" (McInnes, Healy and Melville 2018), "tsne" (van der Maaten and Hinton 2008, through openTSNE)
            or "pca". t-SNE keeps most neighbors; PCA is the fastest.
        dims: 2 or 3.
        spherize: first center the vectors and scale them to unit length.
        n_neighbors: for UMAP, at least 2; higher values favor global structure, lower ones local structure.
        min_dist: for UMAP, 0..3; lower values pack clusters tighter.
        perplexity: for t-SNE, at least 2. A uniform kernel over half as many neighbors replaces it, which gives the
            same map from the shared neighbor table (Böhm, Berens and Kobak 2022).
        metric: "cosine" or "euclidean", for neighbors and for PCA.
        seed: the same seed gives the same map.
        neighbors: the table of these vectors, with at least `neighbors_needed` per row; None computes it.
        progress: called with (share done, message); an exception it raises stops the work and is passed on.

    Returns:
        (n, dims) float32, finite.

    Raises:
        ValueError: an option outside its range, vectors that are not a finite (n, d) table, or a neighbor table that
            does not fit them.
    """
    data = as_vectors(vectors)
    needed = min(neighbors_needed(method, n_neighbors=n_neighbors, perplexity=perplexity), max(len(data) - 1, 0))
    _check(data, dims, min_dist, metric, spherize, neighbors, needed)
    data = spherized(data) if spherize else data
    stage = part_of(progress, 0, 1)
    stage(0, "Principal axes")
    start = pca(unit_rows(data) if metric == "cosine" else data, dims)
    if method == "pca" or len(data) <= 3:
        stage(1, "Points along the principal axes")
        return start
    if neighbors is None:
        neighbors = knn(data, needed, metric=metric, seed=seed, progress=part_of(progress, 0.02, 0.4))
    indices, distances = neighbors.indices[:, :needed], neighbors.distances[:, :needed]
    stage = part_of(progress, 0.4, 1)
    if method == "tsne":
        from . import tsne_layout

        return tsne_layout.layout(indices, _scaled(start, 1e-4, seed), seed=seed, progress=stage)
    from . import umap_layout

    return umap_layout.layout(indices, distances, _scaled(start, 3, seed), min_dist=min_dist, seed=seed, progress=stage)


def place(
    new_vectors: ArrayLike,
    vectors: ArrayLike,
    points: ArrayLike,
    *,
    metric: Metric = "cosine",
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Place new vectors (m, d) on the map `points` (n, dims) of `vectors` (n, d); no existing point moves.

    A new vector gets the median of the points of its 10 nearest neighbors, or, if it equals an existing vector, that
    vector's point.

    Returns:
        (m, dims) float32.

    Raises:
        ValueError: an empty map, a different number of points and vectors, or vectors that do not fit together.
    """
    new, data, drawn = as_vectors(new_vectors), as_vectors(vectors), as_vectors(points)
    if len(drawn) != len(data):
        raise Refusal(f"the map has {len(drawn)} points for {len(data)} vectors; compute the map again")
    if len(data) == 0:
        raise Refusal("there is no point on the map yet; compute the map first")
    near = neighbors_of(new, data, PLACED_AMONG, metric=metric, progress=progress)
    return among(near, drawn)


def among(near: Neighbors, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The points (m, dims) of new vectors whose nearest placed ones are known: see `place`."""
    around = np.median(points[near.indices], axis=1)
    equal = near.distances[:, :1] == 0
    return np.asarray(np.where(equal, points[near.indices[:, 0]], around), np.float32)


def neighbors_needed(method: Method, *, n_neighbors: int = 15, perplexity: float = 30) -> int:
    """Number of neighbors per row that `project` uses: 0 for PCA.

    Raises:
        ValueError: an unknown method, or fewer than 2 n_neighbors or perplexity.
    """
    if method not in METHODS:
        raise Refusal(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    if not n_neighbors >= 2:
        raise Refusal(f"n_neighbors must be at least 2; got {n_neighbors}")
    if not perplexity >= 2:
        raise Refusal(f"perplexity must be at least 2; got {perplexity}")
    return {"umap": n_neighbors, "tsne": round(perplexity / 2), "pca": 0}[method]


def spherized(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors (n, d), centered and scaled to unit length; a vector at the center becomes 0."""
    center = vectors.mean(axis=0) if len(vectors) else 0
    return unit_rows(vectors - center)


def _scaled(points: NDArray[np.float32], spread: float, seed: int) -> NDArray[np.float32]:
    """Scale points to a standard deviation of `spread` along the first axis, and move equal ones slightly apart."""
    deviation = points[:, 0].std()
    jitter = np.random.default_rng(seed).normal(scale=1e-3 * spread, size=points.shape)
    return np.asarray(points / (deviation if deviation > 0 else 1) * spread + jitter, np.float32)


def _check(
    data: NDArray[np.float32],
    dims: int,
    min_dist: float,
    metric: str,
    spherize: bool,
    neighbors: Neighbors | None,
    needed: int,
) -> None:
    if dims not in (2, 3):
        raise Refusal(f"dims must be 2 or 3; got {dims}")
    if not 0 <= min_dist <= 3:
        raise Refusal(f"min_dist must lie between 0 and 3; got {min_dist}")
    if metric not in METRICS:
        raise Refusal(f"metric must be one of {', '.join(METRICS)}; got {metric!r}")
    if neighbors is None:
        return
    if spherize:
        raise Refusal("neighbors were found before spherizing; leave them out, or spherize the vectors first")
    rows, width = neighbors.indices.shape
    if rows != len(data) or width < needed:
        raise Refusal(f"neighbors are a table of {rows} x {width}; these vectors need {len(data)} x {needed}")
