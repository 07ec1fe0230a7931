"""Small array helpers that several methods share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_CHUNK = 16_384  # rows at once


def unit_rows(rows: NDArray[np.generic]) -> Floats:
    """Scale the rows of an (n, d) table to length 1, as float32, in little memory; rows of zeros stay zero."""
    floats = np.asarray(rows, dtype=np.float32)
    result = np.empty_like(floats)
    for start in range(0, len(floats), _CHUNK):
        part = floats[start : start + _CHUNK]
        largest = np.abs(part).max(axis=1, keepdims=True, initial=0)
        scaled = part / np.where(largest > 0, largest, 1)  # first, so that squares neither vanish nor overflow
        lengths = np.linalg.norm(scaled, axis=1, keepdims=True)  # at least 1, or the row is zero
        np.divide(scaled, np.maximum(lengths, 1), out=result[start : start + _CHUNK])
    return result


def one_hot(labels: NDArray[np.int64], n_classes: int) -> Floats:
    """Turn (m,) class codes into an (m, n_classes) table with a single 1 in each row."""
    table = np.zeros((len(labels), n_classes), np.float32)
    table[np.arange(len(labels)), labels] = 1
    return table


def components(n: int, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.int64]:
    """Lowest row of the connected part that each of n rows is in, (n,), by edges between rows (e,) and columns (e,)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), shape=(n, n))
    count, part = connected_components(graph, directed=False)
    lowest = np.full(count, n)
    np.minimum.at(lowest, part, np.arange(n))
    return np.asarray(lowest[part], np.int64)
