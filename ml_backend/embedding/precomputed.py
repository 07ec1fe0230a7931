"""Precomputed vectors: read from files and checked before they are trusted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal
from ..wording import count

Floats = NDArray[np.float32]
_SHOWN = 5


def read_npy(vectors: str, ids: str) -> tuple[list[str], Floats]:
    """Ids and vectors (n, d) of two files: a ``.npy`` table, and ids as ``.npy`` or as text with one id a line.

    Raises:
        Refusal: a file is missing or is not a plain array, or the two do not belong together.
    """
    table = _load_npy(vectors)
    if Path(ids).suffix == ".npy":
        names = [str(name) for name in _load_npy(ids).tolist()]
    else:
        _check_file(ids)
        # Editors on Windows put a byte order mark in front of the first id.
        names = [line.strip() for line in Path(ids).read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    return names, check_vectors(names, table)


def read_parquet(path: str, *, id_column: str = "id", vector_column: str | None = None) -> tuple[list[str], Floats]:
    """Ids and vectors (n, d) of a Parquet file: one column of lists, or one column per number.

    Args:
        vector_column: the column of lists; None takes the only one, or all columns of numbers.

    Raises:
        Refusal: no such file or column, lists of different lengths, or values that are not numbers.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    _check_file(path)
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise Refusal(f"'{path}' is not a Parquet file: {error}") from error
    if id_column not in table.column_names:
        raise Refusal(f"'{path}' has no id column '{id_column}'; its columns are: {', '.join(table.column_names)}")
    names = [str(name) for name in table[id_column].to_pylist()]
    lists = [
        field.name
        for field in table.schema
        if pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type) or pa.types.is_large_list(field.type)
    ]
    if vector_column is None and len(lists) == 1:
        vector_column = lists[0]
    if vector_column is not None:
        if vector_column not in table.column_names:
            listing = ", ".join(table.column_names)
            raise Refusal(f"'{path}' has no column '{vector_column}'; its columns are: {listing}")
        return names, check_vectors(names, table[vector_column].to_pylist())
    numbers = [
        field.name
        for field in table.schema
        if field.name != id_column and (pa.types.is_floating(field.type) or pa.types.is_integer(field.type))
    ]
    if not numbers:
        raise Refusal(f"'{path}' has neither a column of lists nor columns of numbers besides '{id_column}'.")
    return names, check_vectors(names, np.column_stack([table[name].to_numpy() for name in numbers]))


def check_vectors(
    ids: Sequence[str], vectors: ArrayLike | Sequence[Sequence[float]], *, known: Sequence[str] | None = None
) -> Floats:
    """Check vectors and return them as (n, d) float32; errors name the offending ids.

    Args:
        known: the ids that are allowed.

    Raises:
        Refusal: another count of ids, rows of different lengths, values that are not real numbers, NaN or infinity, a
            repeated id, or an unknown id.
    """
    table = _as_table(ids, vectors)
    if len(ids) != len(table):
        raise Refusal(f"{count(len(ids), 'id')} for {count(len(table), 'vector')}: there must be one ID per vector.")
    if table.ndim != 2 or not table.shape[1]:
        raise Refusal(f"Vectors must be a table of shape (n, d); got shape {table.shape}.")
    _refuse(ids, ~np.isfinite(table).all(axis=1), "hold NaN or infinity")
    names = np.asarray(ids)
    _, first = np.unique(names, return_index=True)
    again = np.ones(len(names), bool)
    again[first] = False
    _refuse(ids, again, "repeat an id")
    if known is not None:
        _refuse(ids, ~np.isin(names, np.asarray(known)), "have an id that is not a sample of this dataset")
    return np.ascontiguousarray(table, np.float32)


def _as_table(ids: Sequence[str], vectors: ArrayLike | Sequence[Sequence[float]]) -> NDArray[np.generic]:
    if isinstance(vectors, np.ndarray) and vectors.dtype != object:
        if not np.issubdtype(vectors.dtype, np.floating) and not np.issubdtype(vectors.dtype, np.integer):
            raise Refusal(f"Vectors must be real numbers; these are of type {vectors.dtype}.")
        return vectors
    rows: list[Any] = list(vectors)  # type: ignore[arg-type]
    lengths = np.asarray([-1 if row is None else len(row) for row in rows])
    if len(rows) and len(ids) == len(rows):
        usual = int(np.bincount(lengths[lengths >= 0]).argmax()) if (lengths >= 0).any() else 0
        _refuse(ids, lengths != usual, f"have no vector, or not one of {usual} numbers like most")
    try:
        return np.asarray(rows, np.float32)
    except (TypeError, ValueError) as error:
        raise Refusal(f"Vectors must be rows of numbers of one length: {error}") from error


def _refuse(ids: Sequence[str], bad: NDArray[np.bool_], what: str) -> None:
    offenders = [ids[row] for row in np.flatnonzero(bad)[:_SHOWN].tolist()]
    if offenders:
        raise Refusal(f"{int(bad.sum()):,} of {len(ids):,} vectors {what}; first: {', '.join(offenders)}.")


def _load_npy(path: str) -> NDArray[np.generic]:
    _check_file(path)
    try:
        loaded: NDArray[np.generic] = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise Refusal(f"'{path}' is not a plain NumPy array: {error}") from error
    return loaded


def _check_file(path: str) -> None:
    if not Path(path).is_file():
        raise Refusal(f"There is no file '{path}'.")
