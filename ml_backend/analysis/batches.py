"""The next batch to label: similar to the target, but not to each other."""

from __future__ import annotations

import numpy as np

from .arrays import Floats
from .search import Rows, UnitRows, top_rows

CANDIDATES = 2  # for each place in a batch; with 3, 5% more of CIFAR-10 batches were of other kinds


def diverse_batch(
    unit: UnitRows,
    scores: Floats,
    count: int,
    *,
    among: Rows | None = None,
    apart_from: Rows | None = None,
    candidates: int = CANDIDATES,
) -> Rows:
    """Rows of a batch, in the order chosen: among the highest scores, those that lie farthest apart.

    Greedy k-center (Gonzalez, 1985; for batches to label: Sener & Savarese, 2018) over the ``candidates * count``
    highest scores. The highest comes first, unless ``apart_from`` names rows; each next one has the lowest cosine
    similarity to its most similar row among those chosen. Copies of one image are never chosen twice unless nothing
    else is left.

    Args:
        unit: (n, d) unit vectors.
        scores: (n,).
        count: size of the batch; it is smaller if there are fewer rows to choose from.
        among: (m,) rows to choose from; None = all.
        apart_from: rows that count as already chosen, such as those of earlier batches.
        candidates: 1 takes the highest scores, more makes the batch more diverse and its scores lower.
    """
    pool = top_rows(scores, candidates * count, among=among)
    before = None if apart_from is None or not len(apart_from) else unit[apart_from]
    return pool[spread(unit[pool], count, apart_from=before)]


def spread(unit: Floats, count: int, *, apart_from: Floats | None = None) -> Rows:
    """Greedy k-center: ``count`` positions in (n, d) unit vectors, in the order chosen, ties by position.

    The first is position 0, or with ``apart_from`` (m, d) the one farthest from those.
    """
    size = min(count, len(unit))
    nearest = np.full(len(unit), -2, np.float32) if apart_from is None else (unit @ apart_from.T).max(axis=1)
    chosen = np.empty(size, np.int64)
    for place in range(size):
        chosen[place] = nearest.argmin()
        np.maximum(nearest, unit @ unit[chosen[place]], out=nearest)
        nearest[chosen[: place + 1]] = 2  # above every cosine: never again
    return chosen
