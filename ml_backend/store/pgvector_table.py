"""Vectors in PostgreSQL with pgvector, in the table that FiftyOne's pgvector backend makes.

FiftyOne's adapter (fiftyone-brain 0.25) writes and reads vectors as text, keeps the table when its run is deleted, and
builds an index at the first vector, into which every later one is inserted slowly. Here vectors travel in PostgreSQL's
binary format, and the index is built once, over everything.
"""

import io
import struct
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import fiftyone.brain as fob
import numpy as np

from .backend_table import saved_version
from .items import as_ids
from .vector_table import Rows, VectorTable, retrying, rows_at_once, translate_server_errors

ADDRESS = "FIFTYONE_BRAIN_SIMILARITY_PGVECTOR_CONNECTION_STRING"
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)  # of the binary format of COPY
_TRAILER = struct.pack(">h", -1)
_ID_BYTES = 24
_MOST_INDEXED = 2000  # dimensions of a `vector` that pgvector (0.8) can index; twice that of a `halfvec`
_BUILD_MEMORY = "1GB"  # pgvector warns when the graph of an index outgrows it, and goes on slowly
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '30s'"


class PgvectorTable(VectorTable):
    """A table of PostgreSQL; every call has a connection and a transaction of its own."""

    efforts = (50, 100, 200, 400, 1000)  # hnsw.ef_search

    def __init__(self, index: Any) -> None:
        self._index = index
        self._name = index.config.table_name
        self._release()

    @property
    def name(self) -> str:
        return str(self._index.config.table_name)

    def ids(self) -> np.ndarray:
        if self.dim() is None:
            return as_ids([])
        with self._transaction() as cursor:
            return as_ids(_copy_out(cursor, self._sql("COPY (SELECT id FROM {table}) TO STDOUT")).decode().split())

    def size(self) -> int:
        if self.dim() is None:
            return 0
        with self._transaction() as cursor:
            cursor.execute(self._sql("SELECT count(*) FROM {table}"))
            return int(cursor.fetchone()[0])

    def dim(self) -> int | None:
        with self._transaction() as cursor:
            query = "SELECT atttypmod FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s"
            cursor.execute(query, (f'"{self._name}"', "embedding_vector"))
            row = cursor.fetchone()
            return None if row is None else int(row[0])

    def batches(self) -> Iterator[Rows]:
        dim = self.dim()
        if dim is None:
            return
        step, last = rows_at_once(dim), ""
        while True:
            with self._transaction() as cursor:
                # COPY takes no parameters: the ids are ours, of 24 hexadecimal digits.
                condition = f"id > '{as_ids([last])[0]}' ORDER BY id LIMIT {step}"
                rows = self._select(cursor, condition, dim)
            if len(rows):
                yield rows
                last = str(rows.ids[-1])
            if len(rows) < step:
                return

    def fetch(self, ids: np.ndarray) -> Rows:
        dim = self.dim() or 0
        with self._transaction() as cursor:
            quoted = ", ".join(f"'{item}'" for item in as_ids(ids).tolist()) or "''"
            return self._select(cursor, f"id IN ({quoted})", dim)

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        with self._translate_errors():
            retrying(lambda: self._upsert(ids, sample_ids, np.ascontiguousarray(vectors, np.float32)))
            self._saved()

    def remove(self, ids: np.ndarray) -> None:
        if self.dim() is None:
            return
        with self._transaction() as cursor:
            cursor.execute(self._sql("DELETE FROM {table} WHERE id = ANY(%s)"), (as_ids(ids).tolist(),))
        with self._translate_errors():
            self._saved()

    def clear(self) -> None:
        with self._transaction() as cursor:
            cursor.execute(_LOCK_TIMEOUT)
            cursor.execute(self._sql("DROP TABLE IF EXISTS {table}"))

    def version(self) -> Hashable:
        size = self.size()
        with self._translate_errors():
            return saved_version(self._index, size)

    def compact(self) -> None:
        """Nothing to do: PostgreSQL vacuums by itself."""

    def build_index(self, rows_per_partition: int) -> None:
        """An HNSW index, of half precision where the vectors are too wide for a full one (over 2,000 dimensions)."""
        with self._transaction() as cursor:
            cursor.execute("SELECT set_config('maintenance_work_mem', %s, true)", (_BUILD_MEMORY,))
            cursor.execute(self._sql("DROP INDEX IF EXISTS {index}"))
            options = (
                f"m = {int(self._index.config.hnsw_m)}, ef_construction = {self._index.config.hnsw_ef_construction}"
            )
            operand, kind = self._operand()
            cursor.execute(
                self._sql(
                    f"CREATE INDEX {{index}} ON {{table}} USING hnsw ({operand} {kind}_cosine_ops) WITH ({options})"
                )
            )

    def has_index(self) -> bool:
        with self._transaction() as cursor:
            cursor.execute("SELECT to_regclass(%s)", (f'"{self._index.config.index_name}"',))
            return cursor.fetchone()[0] is not None

    def nearest(self, query: np.ndarray, count: int, effort: int) -> Rows:
        """As declared, by an HNSW index; pgvector re-ranks nothing by full vectors where it is of half precision."""
        dim = len(query)
        operand, kind = self._operand()
        literal = "[" + ",".join(map(repr, np.asarray(query, float).tolist())) + "]"
        near = f"ORDER BY {operand} <=> '{literal}'::{kind}({dim}) LIMIT {int(count)}"
        with self._transaction() as cursor:
            cursor.execute("SELECT set_config('hnsw.ef_search', %s, true)", (str(min(max(effort, count), 1000)),))
            # Goes on beyond ef_search until there are enough (pgvector 0.8).
            cursor.execute("SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true)")
            return self._select(cursor, f"true {near}", dim)

    def _operand(self) -> tuple[str, str]:
        dim, kind = self.dim() or 0, self._index.config.vector_type
        if kind == "halfvec" or dim <= _MOST_INDEXED:
            return "embedding_vector", kind
        return f"(embedding_vector::halfvec({dim}))", "halfvec"

    def _select(self, cursor: Any, condition: str, dim: int) -> Rows:
        columns = "id, sample_id, embedding_vector::vector"
        copied = self._sql(f"COPY (SELECT {columns} FROM {{table}} WHERE {condition}) TO STDOUT (FORMAT binary)")
        return _decode(_copy_out(cursor, copied), dim)

    def _upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        if self.dim() is None:
            self._index._initialize()
            self._index._create_table(vectors.shape[1])
            self._release()
        with self._connected() as cursor:
            cursor.execute("CREATE TEMP TABLE incoming (id text, sample_id text, vector vector) ON COMMIT DROP")
            cursor.copy_expert(
                "COPY incoming FROM STDIN (FORMAT binary)", io.BytesIO(_encode(ids, sample_ids, vectors))
            )
            # In the order of their ids, two writers never wait for each other in a circle.
            cursor.execute(
                self._sql(
                    "INSERT INTO {table} (id, sample_id, embedding_vector) SELECT * FROM incoming ORDER BY id "
                    "ON CONFLICT (id) DO UPDATE SET sample_id = EXCLUDED.sample_id, "
                    "embedding_vector = EXCLUDED.embedding_vector"
                )
            )

    def _saved(self) -> None:
        self._index.reload()
        self._index.save()
        self._release()

    def _release(self) -> None:
        """Close FiftyOne's own connection: it leaves a transaction open, which keeps others from dropping the table."""
        self._index.close_connections()

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._translate_errors(), self._connected() as cursor:
            yield cursor

    def _connected(self) -> AbstractContextManager[Any]:
        config = self._index.config
        files = {"sslcert": config.ssl_cert, "sslkey": config.ssl_key, "sslrootcert": config.ssl_root_cert}
        return _cursor(config.connection_string, files)

    def _sql(self, text: str) -> Any:
        return _sql(text, self._name, self._index.config.index_name)

    def _translate_errors(self) -> AbstractContextManager[None]:
        return translate_server_errors(self._index.key, "pgvector", ADDRESS)


class PgvectorTables:
    """The tables of the PostgreSQL that FiftyOne's configuration names, no matter which dataset they belong to."""

    def __init__(self) -> None:
        settings = fob.brain_config.similarity_backends["pgvector"]
        names = {"sslcert": "ssl_cert", "sslkey": "ssl_key", "sslrootcert": "ssl_root_cert"}
        self._address = settings.get("connection_string")
        self._files = {name: settings.get(ours) for name, ours in names.items()}
        retrying(self._create_extension)

    def _create_extension(self) -> None:
        """FiftyOne creates it too, and fails if two processes do so at one moment."""
        with _cursor(self._address, self._files) as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")

    def names(self) -> list[str]:
        with _cursor(self._address, self._files) as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
            return [name for (name,) in cursor.fetchall()]

    def copy(self, name: str, fresh: str) -> None:
        from psycopg2 import sql

        if name in self.names():
            with _cursor(self._address, self._files) as cursor:
                cursor.execute(
                    sql.SQL(
                        "CREATE TABLE {fresh} (LIKE {name}); INSERT INTO {fresh} SELECT * FROM {name}; "
                        "ALTER TABLE {fresh} ADD PRIMARY KEY (id)"
                    ).format(fresh=sql.Identifier(fresh), name=sql.Identifier(name))
                )

    def drop(self, name: str) -> None:
        with _cursor(self._address, self._files) as cursor:
            cursor.execute(_LOCK_TIMEOUT)
            cursor.execute(_sql("DROP TABLE IF EXISTS {table}", name, ""))


@contextmanager
def _cursor(address: str, files: dict[str, str | None]) -> Iterator[Any]:
    import psycopg2

    connection = psycopg2.connect(address, **{name: file for name, file in files.items() if file})
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _sql(text: str, table: str, index: str) -> Any:
    from psycopg2 import sql

    return sql.SQL(text).format(table=sql.Identifier(table), index=sql.Identifier(index or "-"))


def _copy_out(cursor: Any, query: Any) -> bytes:
    buffer = io.BytesIO()
    cursor.copy_expert(query, buffer)
    return buffer.getvalue()


def _record(dim: int) -> np.dtype:
    """One row of COPY's binary format: numbers are big-endian, and a length precedes each value."""
    texts = [
        (name, kind) for column in ("id", "sample_id") for name, kind in ((f"{column}_bytes", ">i4"), (column, "S24"))
    ]
    vector = [("vector_bytes", ">i4"), ("dim", ">i2"), ("unused", ">i2"), ("vector", ">f4", (dim,))]
    return np.dtype([("columns", ">i2"), *texts, *vector])


def _encode(ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> bytes:
    rows = np.zeros(len(ids), _record(vectors.shape[1]))
    rows["columns"] = 3
    rows["id_bytes"] = rows["sample_id_bytes"] = _ID_BYTES
    rows["id"], rows["sample_id"] = as_ids(ids).astype("S24"), as_ids(sample_ids).astype("S24")
    rows["vector_bytes"], rows["dim"], rows["vector"] = 4 + 4 * vectors.shape[1], vectors.shape[1], vectors
    return _HEADER + rows.tobytes() + _TRAILER


def _decode(data: bytes, dim: int) -> Rows:
    rows = np.frombuffer(data[len(_HEADER) : -len(_TRAILER)], _record(dim))
    return Rows(as_ids(rows["id"]), as_ids(rows["sample_id"]), rows["vector"].astype(np.float32))
