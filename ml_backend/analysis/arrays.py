"""Small array helpers that several methods share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def unit_rows(rows: NDArray[np.generic]) -> Floats:
    """Scale the rows of an (n, d) table to length 1, as float32; rows of zeros stay zero."""
    floats = np.asarray(rows, dtype=np.float32)
    lengths = np.linalg.norm(floats, axis=1, keepdims=True)
    return np.asarray(floats / np.where(lengths > 0, lengths, 1), dtype=np.float32)


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
