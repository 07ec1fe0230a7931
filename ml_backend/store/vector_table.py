"""The vectors of one similarity index: read, upsert, and remove, whatever the backend."""

import random
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from ..errors import Refusal
from .items import as_ids

_Result = TypeVar("_Result")
_TRIES = 8
_FIRST_PAUSE = 0.05  # seconds, doubled at each try
# Errors that mean another writer was first: LanceDB's commit conflicts, and tables of the same name.
_CONFLICTS = ("retry", "conflict", "already exists")


class DamagedVectors(Refusal):
    """The backend cannot read its own vectors."""


class VectorTable(Protocol):
    """A table of (id, sample id, vector); ids are label ids where the index is one of patches.

    Every method raises `DamagedVectors` where the backend cannot read what it holds.
    """

    def ids(self) -> np.ndarray:
        """Every id in the table, (n,)."""

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Every id (n,) and its vector (n, d) float32, in no promised order."""

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        """Write vectors; an existing id gets the new vector."""

    def remove(self, ids: np.ndarray) -> None:
        """Remove ids; unknown ids are ignored."""

    def clear(self) -> None:
        """Drop everything, damaged or not."""

    def version(self) -> Hashable:
        """A value that changes whenever vectors are written or removed."""

    def compact(self) -> None:
        """Tidy up after many writes."""


def open_table(index: Any) -> VectorTable:
    """The table behind a FiftyOne similarity index."""
    return LanceTable(index) if index.config.method == "lancedb" else BackendTable(index)


def retrying(write: Callable[[], _Result], refresh: Callable[[], object] | None = None) -> _Result:
    """Retry ``write`` after a pause while the backend reports that another writer was first, at most 8 times."""
    for attempt in range(_TRIES - 1):
        try:
            return write()
        except Exception as error:
            if not any(word in str(error).lower() for word in _CONFLICTS):
                raise
        time.sleep(_FIRST_PAUSE * 2**attempt * (0.5 + random.random()))
        if refresh is not None:
            refresh()
    return write()


@contextmanager
def damage_in_words(key: str, place: str) -> Iterator[None]:
    """Turn any failure of a backend into a `DamagedVectors` that says what to do; the cause stays attached."""
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        raise DamagedVectors(
            f"The vectors of the embeddings '{key}' in {place} are damaged or cannot be read. "
            f"Run “Compute embeddings” into '{key}' to compute them again, or restore the folder from a backup."
        ) from error


class LanceTable:
    """LanceDB driven directly.

    FiftyOne's adapter (fiftyone-brain 0.25) rewrites the whole table at every addition or deletion and keeps
    both rows when an id is added twice.
    """

    _REMOVE_AT_ONCE = 1000  # ids in one SQL filter

    def __init__(self, index: Any) -> None:
        self._index = index
        with self._in_words():
            self._refresh()

    def ids(self) -> np.ndarray:
        table = self._index.table
        if table is None:
            return as_ids([])
        with self._in_words():
            return as_ids(_columns(table, ["id"])["id"].to_pylist())

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        table = self._index.table
        if table is None:
            return as_ids([]), np.empty((0, 0), np.float32)
        with self._in_words():
            return self._read(table)

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        rows = pa.Table.from_arrays(
            [
                pa.array(ids.tolist(), pa.string()),
                pa.array(sample_ids.tolist(), pa.string()),
                pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
            ],
            names=["id", "sample_id", "vector"],
        )
        with self._in_words():
            retrying(lambda: self._write(rows), self._refresh)
            self._index.reload()

    def remove(self, ids: np.ndarray) -> None:
        if self._index.table is None:
            return
        with self._in_words():
            for start in range(0, len(ids), self._REMOVE_AT_ONCE):
                quoted = ", ".join(f"'{item}'" for item in ids[start : start + self._REMOVE_AT_ONCE].tolist())
                retrying(partial(self._delete, f"id IN ({quoted})"), self._refresh)
            self._index.reload()

    def clear(self) -> None:
        with self._in_words():
            self._index._db.drop_table(self._index.config.table_name, ignore_missing=True)
            self._index._table = None

    def version(self) -> int:
        with self._in_words():
            return 0 if self._index.table is None else int(self._index.table.version)

    def compact(self) -> None:
        if self._index.table is not None:
            with self._in_words():
                retrying(self._keep_one_vector_each, self._refresh)
                retrying(lambda: self._index.table.optimize(), self._refresh)

    def _keep_one_vector_each(self) -> None:
        """Two processes that insert the same new ids at one moment both succeed (LanceDB 0.40): the last one tidies."""
        self._index.table.checkout_latest()
        ids, counts = np.unique(self.ids(), return_counts=True)
        for start in range(0, int((counts > 1).sum()), self._REMOVE_AT_ONCE):
            twice = ids[counts > 1][start : start + self._REMOVE_AT_ONCE].tolist()
            condition = "id IN ({})".format(", ".join(f"'{item}'" for item in twice))
            rows = self._index.table.search().where(condition).limit(None).to_arrow()
            first = [rows["id"].to_pylist().index(item) for item in twice]
            self._delete(condition)
            self._write(rows.take(first).select(["id", "sample_id", "vector"]))

    def _write(self, rows: pa.Table) -> None:
        if self._index.table is None:
            self._index._db.create_table(self._index.config.table_name, rows)
            self._index._initialize()
        else:
            self._index.table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def _delete(self, condition: str) -> None:
        self._index.table.delete(condition)

    def _refresh(self) -> None:
        """See what other processes wrote, or that they made the table."""
        if self._index.table is None:
            self._index._initialize()
        if self._index.table is not None:
            self._index.table.checkout_latest()

    def _read(self, table: Any) -> tuple[np.ndarray, np.ndarray]:
        arrow = _columns(table, ["id", "vector"])
        dim = arrow.schema.field("vector").type.list_size
        vectors = np.empty((arrow.num_rows, dim), np.float32)
        row = 0
        for chunk in arrow["vector"].chunks:
            vectors[row : row + len(chunk)] = chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)
            row += len(chunk)
        return as_ids(arrow["id"].to_pylist()), vectors

    def _in_words(self) -> Any:
        return damage_in_words(self._index.key, self._index.config.uri)


class BackendTable:
    """Any other backend, through FiftyOne's own interface."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def ids(self) -> np.ndarray:
        return self.read()[0]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        with self._in_words():
            if not self._index.total_index_size:
                return as_ids([]), np.empty((0, 0), np.float32)
            vectors, sample_ids, label_ids = self._index.get_embeddings()
        ids: Sequence[str] = sample_ids if self._index.config.patches_field is None else label_ids
        return as_ids(ids), np.ascontiguousarray(vectors, np.float32)

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        label_ids = None if self._index.config.patches_field is None else ids
        own = ids if label_ids is None else sample_ids
        with self._in_words():
            retrying(lambda: self._index.add_to_index(vectors, own, label_ids=label_ids, overwrite=True))
            self._index.save()

    def remove(self, ids: np.ndarray) -> None:
        name = "sample_ids" if self._index.config.patches_field is None else "label_ids"
        with self._in_words():
            retrying(lambda: self._index.remove_from_index(**{name: ids}))
            self._index.save()

    def clear(self) -> None:
        with self._in_words():
            self._index.cleanup()

    def version(self) -> Hashable:
        """The number of vectors, and the id of FiftyOne's results file, which changes at each save.

        These backends count no writes (FiftyOne 1.22): vectors replaced through FiftyOne's own interface are seen
        once their run is saved.
        """
        run = self._index.samples._root_dataset._doc.brain_methods[self._index.key]
        run.reload()
        with self._in_words():
            return int(self._index.total_index_size), str(run.results.grid_id)

    def compact(self) -> None:
        """Nothing to do: these backends tidy up by themselves."""

    def _in_words(self) -> Any:
        return damage_in_words(self._index.key, f"the backend '{self._index.config.method}'")


def _columns(table: Any, names: list[str]) -> pa.Table:
    return table.search().select(names).limit(None).to_arrow()
