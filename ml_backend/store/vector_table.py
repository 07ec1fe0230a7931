"""The vectors of one similarity index: read, upsert and remove, whatever backend holds them."""

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from .items import as_ids


class VectorTable(Protocol):
    """A table of (id, sample id, vector); ids are label ids where the index is one of patches."""

    def ids(self) -> np.ndarray:
        """Every id in the table, (n,)."""

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Every id (n,) and its vector (n, d) float32, in no promised order."""

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        """Write vectors; an id that is there already gets the new one."""

    def remove(self, ids: np.ndarray) -> None:
        """Take ids out; ids that are not there are ignored."""

    def version(self) -> Hashable:
        """Something that is another thing after vectors were written or removed."""

    def compact(self) -> None:
        """Tidy up after many writes."""


def open_table(index: Any) -> VectorTable:
    """The table behind a FiftyOne similarity index."""
    return LanceTable(index) if index.config.method == "lancedb" else BackendTable(index)


class LanceTable:
    """LanceDB driven directly.

    FiftyOne's adapter (fiftyone-brain 0.25) rewrites the whole table at every addition or deletion and keeps
    both rows when an id is added twice.
    """

    _REMOVE_AT_ONCE = 1000  # ids in one SQL filter

    def __init__(self, index: Any) -> None:
        self._index = index
        if index.table is not None:
            index.table.checkout_latest()  # another process may have written since it was opened

    def ids(self) -> np.ndarray:
        table = self._index.table
        if table is None:
            return as_ids([])
        return as_ids(_columns(table, ["id"])["id"].to_pylist())

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        table = self._index.table
        if table is None:
            return as_ids([]), np.empty((0, 0), np.float32)
        arrow = _columns(table, ["id", "vector"])
        dim = arrow.schema.field("vector").type.list_size
        vectors = np.empty((arrow.num_rows, dim), np.float32)
        row = 0
        for chunk in arrow["vector"].chunks:
            vectors[row : row + len(chunk)] = chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)
            row += len(chunk)
        return as_ids(arrow["id"].to_pylist()), vectors

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        rows = pa.Table.from_arrays(
            [
                pa.array(ids.tolist()),
                pa.array(sample_ids.tolist()),
                pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
            ],
            names=["id", "sample_id", "vector"],
        )
        if self._index.table is None:
            self._index._db.create_table(self._index.config.table_name, rows)
            self._index._initialize()
        else:
            self._index.table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows)
        self._index.reload()

    def remove(self, ids: np.ndarray) -> None:
        for start in range(0, len(ids), self._REMOVE_AT_ONCE):
            quoted = ", ".join(f"'{item}'" for item in ids[start : start + self._REMOVE_AT_ONCE].tolist())
            self._index.table.delete(f"id IN ({quoted})")
        self._index.reload()

    def version(self) -> int:
        return 0 if self._index.table is None else int(self._index.table.version)

    def compact(self) -> None:
        if self._index.table is not None:
            self._index.table.optimize()


class BackendTable:
    """Any other backend, through FiftyOne's own interface."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def ids(self) -> np.ndarray:
        return self.read()[0]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        if not self._index.total_index_size:
            return as_ids([]), np.empty((0, 0), np.float32)
        vectors, sample_ids, label_ids = self._index.get_embeddings()
        ids: Sequence[str] = sample_ids if self._index.config.patches_field is None else label_ids
        return as_ids(ids), np.ascontiguousarray(vectors, np.float32)

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        label_ids = None if self._index.config.patches_field is None else ids
        self._index.add_to_index(vectors, sample_ids, label_ids=label_ids, overwrite=True)
        self._index.save()

    def remove(self, ids: np.ndarray) -> None:
        if self._index.config.patches_field is None:
            self._index.remove_from_index(sample_ids=ids)
        else:
            self._index.remove_from_index(label_ids=ids)
        self._index.save()

    def version(self) -> Hashable:
        """How many vectors, and the file FiftyOne wrote of the run, another one each time it is saved.

        These backends count no writes (FiftyOne 1.22): vectors replaced through FiftyOne's own interface are seen
        once their run is saved.
        """
        run = self._index.samples._root_dataset._doc.brain_methods[self._index.key]
        run.reload()
        return int(self._index.total_index_size), str(run.results.grid_id)

    def compact(self) -> None:
        """Nothing to do: these backends tidy up by themselves."""


def _columns(table: Any, names: list[str]) -> pa.Table:
    return table.search().select(names).limit(None).to_arrow()
