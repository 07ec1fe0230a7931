"""How far a map can be trusted: how many false neighbors it shows, and how many true ones it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..errors import Refusal
from ..progress import Progress
from .checks import as_vectors
from .neighbor_search import Metric, Table, searchable
from .neighbors import METRICS

if TYPE_CHECKING:
    import torch

_ROWS = 128  # sampled rows at a time: two distances to every vector, 1 GB at a million


@dataclass(frozen=True)
class MapQuality:
    """Two numbers about a map, both 0..1, higher is better.

    Attributes:
        trustworthiness: 1 if every neighbor on the map is also a neighbor among the vectors;
            each false neighbor costs the amount by which its true rank exceeds k (Venna and Kaski 2001).
        neighbors_kept: share of the k nearest vectors that are also among the k nearest points.
    """

    trustworthiness: float
    neighbors_kept: float


def map_quality(
    vectors: ArrayLike,
    points: ArrayLike,
    *,
    k: int = 15,
    sample: int = 2000,
    metric: Metric = "cosine",
    seed: int = 0,
    progress: Progress | None = None,
) -> MapQuality:
    """Compare the neighbors on a map `points` (n, dims) with those among its `vectors` (n, d).

    Args:
        vectors: (n, d).
        points: (n, dims).
        k: neighbors compared, at least 1; cut to below n / 2, the limit of trustworthiness. Two points or fewer have
            no neighbors to lose: both numbers are 1.
        sample: number of rows checked, drawn with the seed; each is compared with all n.
        metric: the metric of the vectors.
        seed: the same seed gives the same numbers.
        progress: called with (share done, message); an exception it raises stops the work and is passed on.

    Raises:
        ValueError: k or sample below 1, an unknown metric, or a different number of points and vectors.
    """
    import torch

    data, drawn = as_vectors(vectors), as_vectors(points)
    n = len(data)
    if len(drawn) != n:
        raise Refusal(f"the map has {len(drawn)} points for {n} vectors; compute the map again")
    if k < 1 or sample < 1:
        raise Refusal(f"k and sample must be at least 1; got {k} and {sample}")
    if metric not in METRICS:
        raise Refusal(f"metric must be one of {', '.join(METRICS)}; got {metric!r}")
    k = min(k, (n - 1) // 2)
    if k < 1:
        return MapQuality(1.0, 1.0)
    (table,) = searchable(data, metric=metric)
    places = torch.from_numpy(drawn)
    checked = torch.from_numpy(np.random.default_rng(seed).permutation(n)[:sample])
    excess, kept, done = 0.0, 0.0, 0
    for rows in checked.split(_ROWS):
        closer = _closer_than_on_map(table, places, rows, k)
        excess += float((closer + 1 - k).clamp(min=0).sum())
        kept += float((closer < k).sum())
        done += len(rows)
        if progress is not None:
            progress(done / len(checked), f"Map checked at {done:,} of {len(checked):,} samples")
    worst = k * (2 * n - 3 * k - 1) / 2
    return MapQuality(1 - excess / (done * worst), kept / (done * k))


def _closer_than_on_map(table: Table, places: torch.Tensor, rows: torch.Tensor, k: int) -> torch.Tensor:
    """For the k nearest on the map (r, k) of some rows (r,): how many vectors are closer to the row than theirs."""
    import torch

    each = torch.arange(len(rows))
    # Not by matrix product, which rounds away the distances within a tight cluster.
    apart = torch.cdist(places[rows], places, compute_mode="donot_use_mm_for_euclid_dist")
    apart[each, rows] = torch.inf
    on_map = apart.topk(k, largest=False).indices
    closeness = torch.addmm(table.half_squares, table.rows[rows], table.rows.T, beta=-1)
    closeness[each, rows] = -torch.inf
    reached = closeness.gather(1, on_map)
    return torch.stack([(closeness > reached[:, i : i + 1]).sum(1) for i in range(k)], 1)
