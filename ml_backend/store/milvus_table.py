"""Vectors in Milvus, in the collection that FiftyOne's milvus backend makes.

FiftyOne's adapter (fiftyone-brain 0.25) inserts a second row for an id that it already has, and cannot read a whole
collection.
"""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any
from uuid import uuid4

import fiftyone.brain as fob
import numpy as np

from .backend_table import saved_version
from .items import as_ids
from .vector_table import Rows, VectorTable, retrying, rows_at_once, translate_server_errors

ADDRESS = "FIFTYONE_BRAIN_SIMILARITY_MILVUS_URI"
_COLUMNS = ["pk", "sample_id", "vector"]
_FETCHED_AT_ONCE = 1000
_STRONG = "Strong"  # a read sees everything written before, by any process
# What FiftyOne's configuration calls the parts of a connection.
_CONNECTION = (
    *("uri", "user", "password", "secure", "token", "db_name"),
    *("client_key_path", "client_pem_path", "ca_pem_path", "server_pem_path", "server_name"),
)

_replaced: set[str] = set()  # aliases of connections
_lock = Lock()


class MilvusTable(VectorTable):
    """A collection of Milvus, which builds its index by itself."""

    efforts = (64, 128, 256, 512, 1024)  # ef of an HNSW index

    def __init__(self, index: Any) -> None:
        self._index = index
        with self._translate_errors():
            self._reconnect()
            self._refresh()

    @property
    def name(self) -> str:
        return str(self._index.config.collection_name)

    def ids(self) -> np.ndarray:
        with self._translate_errors():
            return as_ids([row["pk"] for batch in self._pages(["pk"], 1) for row in batch])

    def size(self) -> int:
        collection = self._collection()
        if collection is None:
            return 0
        with self._translate_errors():
            return int(collection.query("", output_fields=["count(*)"], consistency_level=_STRONG)[0]["count(*)"])

    def dim(self) -> int | None:
        collection = self._collection()
        return None if collection is None else _dim(collection)

    def batches(self) -> Iterator[Rows]:
        with self._translate_errors():
            for page in self._pages(_COLUMNS, self.dim()):
                yield _rows(page)

    def fetch(self, ids: np.ndarray) -> Rows:
        collection, hits = self._collection(), []
        for start in range(0, len(ids), _FETCHED_AT_ONCE):
            with self._translate_errors():
                some = _among(ids[start : start + _FETCHED_AT_ONCE])
                hits += list(collection.query(some, output_fields=_COLUMNS, consistency_level=_STRONG))
        return _rows(hits)

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        with self._translate_errors():
            retrying(lambda: self._write(ids, sample_ids, vectors), self._refresh)
            self._index.reload()
            self._index.save()

    def remove(self, ids: np.ndarray) -> None:
        collection = self._collection()
        if collection is None:
            return
        with self._translate_errors():
            for start in range(0, len(ids), _FETCHED_AT_ONCE):
                collection.delete(_among(ids[start : start + _FETCHED_AT_ONCE]))
            self._index.reload()
            self._index.save()

    def clear(self) -> None:
        with self._translate_errors():
            if self._collection() is not None:
                self._index.cleanup()

    def version(self) -> Hashable:
        with self._translate_errors():
            return saved_version(self._index, self.size())

    def compact(self) -> None:
        """Milvus seals and indexes what was written."""
        collection = self._collection()
        if collection is not None:
            with self._translate_errors():
                collection.flush()

    def build_index(self, rows_per_partition: int) -> None:
        """Only seals what was written: FiftyOne's collections have an HNSW index from the start."""
        self.compact()

    def has_index(self) -> bool:
        collection = self._collection()
        with self._translate_errors():
            return collection is not None and bool(collection.indexes)

    def nearest(self, query: np.ndarray, count: int, effort: int) -> Rows:
        with self._translate_errors():
            [hits] = self._collection().search(
                data=[np.asarray(query, np.float32).tolist()],
                anns_field="vector",
                param={"metric_type": "COSINE", "params": {"ef": max(effort, count)}},
                limit=count,
                consistency_level=_STRONG,
            )
        return self.fetch(as_ids([hit.id for hit in hits]))

    def _collection(self) -> Any:
        return self._index.collection

    def _refresh(self) -> None:
        """Load a collection that another process created."""
        if self._index.collection is None:
            self._index._initialize()
            self._reconnect()

    def _reconnect(self) -> None:
        """Replace the connection that FiftyOne made, once: other threads may use it by now."""
        alias, config = self._index._alias, self._index.config
        with _lock:
            if alias not in _replaced:
                _connect(alias, {name: getattr(config, name) for name in _CONNECTION})
                _replaced.add(alias)

    def _write(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        if self._index.collection is None:
            self._index._create_collection(vectors.shape[1])
        _write(self._index.collection, Rows(ids, sample_ids, vectors))

    def _pages(self, columns: list[str], dim: int | None) -> Iterator[list[dict[str, Any]]]:
        collection = self._collection()
        return iter(()) if collection is None else _pages(collection, columns, dim)

    def _translate_errors(self) -> AbstractContextManager[None]:
        return translate_server_errors(self._index.key, "milvus", ADDRESS)


class MilvusTables:
    """The collections of the Milvus that FiftyOne's configuration names, no matter which dataset they belong to."""

    def __init__(self) -> None:
        self._alias = uuid4().hex
        _connect(self._alias, fob.brain_config.similarity_backends["milvus"])

    def names(self) -> list[str]:
        import pymilvus

        return list(pymilvus.utility.list_collections(using=self._alias))

    def copy(self, name: str, fresh: str) -> None:
        import pymilvus

        if name not in self.names():
            return
        old = pymilvus.Collection(name, using=self._alias)
        old.load()
        index = old.indexes[0].params
        new = pymilvus.Collection(fresh, old.schema, using=self._alias)
        new.create_index("vector", index_params=index)
        new.load()
        for page in _pages(old, _COLUMNS, _dim(old)):
            _write(new, _rows(page))
        new.flush()

    def drop(self, name: str) -> None:
        import pymilvus

        pymilvus.utility.drop_collection(name, using=self._alias)


def _connect(alias: str, settings: Mapping[str, Any]) -> None:
    """Connect, instead of a connection of this alias that pings while it is idle, as pymilvus's do every 10 s.

    Servers answer that by closing the connection, and the call at that moment fails: “too many pings”.
    """
    import pymilvus

    options = {name: settings[name] for name in _CONNECTION if settings.get(name) is not None}
    pymilvus.connections.disconnect(alias)
    pymilvus.connections.connect(alias=alias, grpc_options={"grpc.keepalive_permit_without_calls": False}, **options)


def _pages(collection: Any, columns: list[str], dim: int | None) -> Iterator[list[dict[str, Any]]]:
    # An iterator takes its own consistency from the collection's; at most 16,384 rows a page.
    pages = collection.query_iterator(
        batch_size=min(rows_at_once(dim), 16_384), output_fields=columns, consistency_level=_STRONG
    )
    try:
        while page := pages.next():
            yield list(page)
    finally:
        pages.close()


def _write(collection: Any, rows: Rows) -> None:
    step = rows_at_once(rows.vectors.shape[1])
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        vectors = np.asarray(rows.vectors[some], np.float32).tolist()
        collection.upsert([as_ids(rows.ids[some]).tolist(), vectors, as_ids(rows.sample_ids[some]).tolist()])


def _rows(page: list[dict[str, Any]]) -> Rows:
    ids, sample_ids = (as_ids([row[name] for row in page]) for name in ("pk", "sample_id"))
    return Rows(ids, sample_ids, np.asarray([row["vector"] for row in page], np.float32))


def _dim(collection: Any) -> int:
    [vector] = [field for field in collection.schema.fields if field.name == "vector"]
    return int(vector.params["dim"])


def _among(ids: np.ndarray) -> str:
    return "pk in [{}]".format(", ".join(f'"{item}"' for item in as_ids(ids).tolist()))
