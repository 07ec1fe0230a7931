"""Input checks for the public functions: vectors, labels, and neighbor tables that fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal

if TYPE_CHECKING:
    from .neighbors import Neighbors

_LARGEST = 1e15  # larger values cannot be embeddings, and their squares sum to infinity


def as_vectors(vectors: ArrayLike) -> NDArray[np.float32]:
    """Check embeddings and return them as an (n, d) C-contiguous float32 array.

    Raises:
        Refusal: the array does not have two dimensions, its rows have no values, or some rows contain NaN, infinity, or
            a value beyond 1e15 (the first ones are named).
    """
    with np.errstate(over="ignore"):  # values too large for float32 become infinity and are reported below
        array = np.asarray(vectors, dtype=np.float32, order="C")
    if array.ndim != 2:
        raise Refusal(f"vectors must be a table of shape (n, d); got shape {array.shape}")
    if len(array) and array.shape[1] == 0:
        raise Refusal(
            f"the {len(array)} vectors have 0 dimensions: they hold no values. Embed these samples again with a model "
            "that returns vectors of at least one dimension"
        )
    # The extremes first (NaN passes through them): five times as fast as checking every row, which is rarely needed.
    if array.size and not (array.min() > -_LARGEST and array.max() < _LARGEST):
        bad = np.flatnonzero(~((array > -_LARGEST) & (array < _LARGEST)).all(axis=1))
        first = ", ".join(map(str, bad[:5]))
        raise Refusal(
            f"{len(bad)} of {len(array)} vectors hold NaN, infinity or a value beyond 1e15 "
            f"(first rows: {first}); "
            "embed these samples again or leave them out"
        )
    return array


def as_labels(labels: ArrayLike, n: int, n_classes: int) -> NDArray[np.int64]:
    """Check class labels and return them as (n,) int64, -1 = unlabeled.

    Raises:
        Refusal: not integers, a length other than n, or a value outside -1..n_classes - 1 (the first is named).
    """
    array = np.asarray(labels)
    if array.shape != (n,) or (n and array.dtype.kind not in "iu"):
        raise Refusal(f"labels must be {n} whole numbers, one per vector; got {array.dtype} of shape {array.shape}")
    bad = np.flatnonzero((array < -1) | (array >= n_classes))
    if len(bad):
        raise Refusal(
            f"labels must be -1 (unlabeled) or 0..{n_classes - 1}; row {bad[0]} has {array[bad[0]]}. "
            "Set the number of classes to at least one more than the largest label"
        )
    return array.astype(np.int64)


def check_precision(precision: float) -> None:
    """Refuse a target precision outside 0.5..1."""
    if not 0.5 <= precision <= 1:
        raise Refusal(f"the target precision must be between 0.5 and 1; got {precision}")


def check_neighbors(neighbors: Neighbors, n: int) -> None:
    """Refuse a neighbor table that was not computed for n samples."""
    if len(neighbors.indices) != n:
        raise Refusal(
            f"the neighbor table has {len(neighbors.indices)} rows for {n} samples: compute the neighbors again"
        )
