"""Vectors in LanceDB, an embedded database: a folder of tables."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from .items import as_ids
from .settings import adopt_lancedb_uri
from .vector_table import Rows, VectorTable, retrying, rows_at_once, translate_damage

_COLUMNS = ["id", "sample_id", "vector"]


class LanceTable(VectorTable):
    """LanceDB driven directly.

    FiftyOne's adapter (fiftyone-brain 0.25) rewrites the whole table at every addition or deletion and keeps
    both rows when an id is added twice.
    """

    efforts = (8, 16, 32, 64, 128, 256)  # partitions probed
    _REMOVE_AT_ONCE = 1000  # ids in one SQL filter
    _REFINE = 4  # candidates re-ranked exactly for each result
    _BUILD_SECONDS = 3600

    def __init__(self, index: Any) -> None:
        self._index = index
        with self._translate_errors():
            self._refresh()

    @property
    def name(self) -> str:
        return str(self._index.config.table_name)

    def ids(self) -> np.ndarray:
        table = self._index.table
        if table is None:
            return as_ids([])
        with self._translate_errors():
            return as_ids(_columns(table, ["id"])["id"].to_pylist())

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        table = self._index.table
        if table is None:
            return as_ids([]), np.empty((0, 0), np.float32)
        with self._translate_errors():
            return self._read(table)

    def size(self) -> int:
        with self._translate_errors():
            return 0 if self._index.table is None else int(self._index.table.count_rows())

    def dim(self) -> int | None:
        table = self._index.table
        with self._translate_errors():
            return None if table is None else int(table.schema.field("vector").type.list_size)

    def batches(self) -> Iterator[Rows]:
        if self._index.table is None:
            return
        with self._translate_errors():
            search = self._index.table.search().select(_COLUMNS).limit(None)
            for batch in search.to_batches(rows_at_once(self.dim())):
                yield _rows(pa.Table.from_batches([batch]))

    def fetch(self, ids: np.ndarray) -> Rows:
        with self._translate_errors():
            batches = []
            for start in range(0, len(ids), self._REMOVE_AT_ONCE):
                some = ids[start : start + self._REMOVE_AT_ONCE]
                search = self._index.table.search().where(_among(some)).select(_COLUMNS).limit(len(some))
                batches.append(search.to_arrow())
            return _rows(pa.concat_tables(batches))

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        rows = pa.Table.from_arrays(
            [
                pa.array(ids.tolist(), pa.string()),
                pa.array(sample_ids.tolist(), pa.string()),
                pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
            ],
            names=["id", "sample_id", "vector"],
        )
        with self._translate_errors():
            retrying(lambda: self._write(rows), self._refresh)
            self._index.reload()

    def remove(self, ids: np.ndarray) -> None:
        if self._index.table is None:
            return
        with self._translate_errors():
            for start in range(0, len(ids), self._REMOVE_AT_ONCE):
                some = ids[start : start + self._REMOVE_AT_ONCE]
                retrying(partial(self._delete, _among(some)), self._refresh)
            self._index.reload()

    def clear(self) -> None:
        with self._translate_errors():
            self._index._db.drop_table(self._index.config.table_name, ignore_missing=True)
            self._index._table = None

    def version(self) -> int:
        with self._translate_errors():
            return 0 if self._index.table is None else int(self._index.table.version)

    def compact(self) -> None:
        if self._index.table is not None:
            with self._translate_errors():
                retrying(self._keep_one_vector_each, self._refresh)
                retrying(lambda: self._index.table.optimize(), self._refresh)

    def build_index(self, rows_per_partition: int) -> None:
        """An inverted file with scalar quantization (IVF_SQ)."""
        with self._translate_errors():
            self._index.table.create_index(
                metric="cosine",
                vector_column_name="vector",
                index_type="IVF_SQ",
                num_partitions=max(self.size() // rows_per_partition, 1),
                replace=True,
                wait_timeout=timedelta(seconds=self._BUILD_SECONDS),
            )

    def has_index(self) -> bool:
        with self._translate_errors():
            return self._index.table is not None and bool(self._index.table.list_indices())

    def nearest(self, query: np.ndarray, count: int, effort: int) -> Rows:
        """As declared; for each result, four candidates of the index are re-ranked by their full vectors."""
        with self._translate_errors():
            search = self._index.table.search(query).distance_type("cosine").nprobes(effort)
            search = search.refine_factor(self._REFINE).select([*_COLUMNS, "_distance"])  # unnamed, 0.40 warns of it
            return _rows(search.limit(count).to_arrow())

    def _keep_one_vector_each(self) -> None:
        """Two processes that insert the same new ids at one moment both succeed (LanceDB 0.40): the last one tidies."""
        self._index.table.checkout_latest()
        ids, counts = np.unique(self.ids(), return_counts=True)
        for start in range(0, int((counts > 1).sum()), self._REMOVE_AT_ONCE):
            twice = ids[counts > 1][start : start + self._REMOVE_AT_ONCE]
            search = self._index.table.search().where(_among(twice)).select(["id"]).with_row_id(True)
            rows = search.limit(None).to_arrow().sort_by("_rowid")
            # The same rows in both processes, if both are the last: a row that is written again could be there twice.
            _, kept = np.unique(rows["id"].to_numpy(zero_copy_only=False), return_index=True)
            surplus = np.delete(rows["_rowid"].to_numpy(), kept)
            self._delete(f"_rowid IN ({', '.join(map(str, surplus.tolist()))})")

    def _write(self, rows: pa.Table) -> None:
        if self._index.table is None:
            self._index._db.create_table(self._index.config.table_name, rows)
            self._index._initialize()
        else:
            self._index.table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def _delete(self, condition: str) -> None:
        self._index.table.delete(condition)

    def _refresh(self) -> None:
        """Load what other processes wrote, or a table that they created."""
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

    def _translate_errors(self) -> Any:
        return translate_damage(self._index.key, self._index.config.uri)


class LanceTables:
    """The tables in the vectors folder, no matter which dataset they belong to."""

    def __init__(self) -> None:
        import lancedb

        self._database = lancedb.connect(adopt_lancedb_uri())

    def names(self) -> list[str]:
        return list(self._database.table_names())

    def copy(self, name: str, fresh: str) -> None:
        if name in self.names():
            self._database.create_table(fresh, self._database.open_table(name).search().limit(None).to_arrow())

    def drop(self, name: str) -> None:
        self._database.drop_table(name, ignore_missing=True)


def _among(ids: np.ndarray) -> str:
    return "id IN ({})".format(", ".join(f"'{item}'" for item in as_ids(ids).tolist()))


def _columns(table: Any, names: list[str]) -> pa.Table:
    return table.search().select(names).limit(None).to_arrow()


def _rows(arrow: pa.Table) -> Rows:
    dim = arrow.schema.field("vector").type.list_size
    column = arrow["vector"].combine_chunks()
    vectors = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)
    return Rows(as_ids(arrow["id"].to_pylist()), as_ids(arrow["sample_id"].to_pylist()), vectors)
