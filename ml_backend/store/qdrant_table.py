"""Vectors in Qdrant, in the collection that FiftyOne's qdrant backend makes.

Qdrant keeps vectors at length 1 where they are compared by cosine; their lengths are kept beside them, so that what is
read is what was written.
"""

from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import fiftyone.brain as fob
import numpy as np

from .backend_table import saved_version
from .items import as_ids
from .vector_table import Rows, VectorTable, retrying, rows_at_once, translate_server_errors

ADDRESS = "FIFTYONE_BRAIN_SIMILARITY_QDRANT_URL"
_LENGTH = "labelscape_length"
_PADDING = "00000000"  # FiftyOne makes a UUID of an id of 24 hexadecimal digits this way


class QdrantTable(VectorTable):
    """A collection of Qdrant, which builds its index by itself."""

    efforts = (64, 128, 256, 512, 1024)  # hnsw_ef

    def __init__(self, index: Any) -> None:
        self._index = index
        self._name = index.config.collection_name

    @property
    def name(self) -> str:
        return str(self._index.config.collection_name)

    def ids(self) -> np.ndarray:
        with self._translate_errors():
            return as_ids([_id(point.id) for page in self._pages(1, with_vectors=False) for point in page])

    def size(self) -> int:
        with self._translate_errors():
            return int(self._client.count(self._name, exact=True).count) if self._exists() else 0

    def dim(self) -> int | None:
        with self._translate_errors():
            if not self._exists():
                return None
            return int(self._client.get_collection(self._name).config.params.vectors.size)

    def batches(self) -> Iterator[Rows]:
        with self._translate_errors():
            for page in self._pages(self.dim()):
                yield _rows(page)

    def fetch(self, ids: np.ndarray) -> Rows:
        names = [str(item) + _PADDING for item in as_ids(ids)]
        with self._translate_errors():
            return _rows(self._client.retrieve(self._name, names, with_vectors=True, with_payload=True))

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        with self._translate_errors():
            retrying(lambda: self._write(Rows(as_ids(ids), as_ids(sample_ids), np.asarray(vectors, np.float32))))
            self._index.reload()
            self._index.save()

    def remove(self, ids: np.ndarray) -> None:
        from qdrant_client import models

        with self._translate_errors():
            if self._exists():
                points: list[Any] = [str(item) + _PADDING for item in as_ids(ids)]
                self._client.delete(self._name, models.PointIdsList(points=points))
                self._index.reload()
                self._index.save()

    def clear(self) -> None:
        with self._translate_errors():
            self._index.cleanup()

    def version(self) -> Hashable:
        with self._translate_errors():
            return saved_version(self._index, self.size())

    def compact(self) -> None:
        """Nothing to do: Qdrant optimizes by itself."""

    def build_index(self, rows_per_partition: int) -> None:
        """Nothing to do: Qdrant builds an HNSW index by itself, from some thousands of vectors on."""

    def has_index(self) -> bool:
        with self._translate_errors():
            return bool(self._exists())

    def nearest(self, query: np.ndarray, count: int, effort: int) -> Rows:
        from qdrant_client import models

        with self._translate_errors():
            hits = self._client.query_points(
                self._name,
                query=np.asarray(query, np.float32).tolist(),
                limit=count,
                search_params=models.SearchParams(hnsw_ef=max(effort, count)),
                with_vectors=True,
                with_payload=True,
            )
        return _rows(hits.points)

    @property
    def _client(self) -> Any:
        return self._index.client

    def _exists(self) -> bool:
        return bool(self._client.collection_exists(self._name))

    def _pages(self, dim: int | None, *, with_vectors: bool = True) -> Iterator[list[Any]]:
        return _pages(self._client, self._name, dim, with_vectors) if self._exists() else iter(())

    def _write(self, rows: Rows) -> None:
        if not self._exists():
            self._index._create_collection(rows.vectors.shape[1])
        _write(self._client, self._name, rows)

    def _translate_errors(self) -> AbstractContextManager[None]:
        return translate_server_errors(self._index.key, "qdrant", ADDRESS)


class QdrantTables:
    """The collections of the Qdrant that FiftyOne's configuration names, no matter which dataset they belong to."""

    def __init__(self) -> None:
        import qdrant_client

        settings = fob.brain_config.similarity_backends["qdrant"]
        self._client = qdrant_client.QdrantClient(url=settings.get("url"), api_key=settings.get("api_key"))

    def names(self) -> list[str]:
        return [collection.name for collection in self._client.get_collections().collections]

    def copy(self, name: str, fresh: str) -> None:
        if not self._client.collection_exists(name):
            return
        vectors = self._client.get_collection(name).config.params.vectors
        self._client.create_collection(fresh, vectors_config=vectors)
        for page in _pages(self._client, name, getattr(vectors, "size", None), True):
            _write(self._client, fresh, _rows(page))

    def drop(self, name: str) -> None:
        self._client.delete_collection(name)


def _pages(client: Any, name: str, dim: int | None, with_vectors: bool) -> Iterator[list[Any]]:
    offset = None
    while True:
        page, offset = client.scroll(
            name, limit=rows_at_once(dim), offset=offset, with_vectors=with_vectors, with_payload=with_vectors
        )
        if page:
            yield page
        if offset is None:
            return


def _write(client: Any, name: str, rows: Rows) -> None:
    from qdrant_client import models

    lengths = np.linalg.norm(rows.vectors, axis=1).astype(float)
    step = rows_at_once(rows.vectors.shape[1])
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        payloads = [
            {"sample_id": sample, _LENGTH: length}
            for sample, length in zip(rows.sample_ids[some].tolist(), lengths[some].tolist(), strict=True)
        ]
        ids: list[Any] = [item + _PADDING for item in rows.ids[some].tolist()]
        points = models.Batch(ids=ids, payloads=payloads, vectors=rows.vectors[some].tolist())
        client.upsert(name, points, wait=True)


def _rows(page: list[Any]) -> Rows:
    """Points as they were written; those that FiftyOne wrote have length 1."""
    vectors = np.asarray([point.vector for point in page], np.float32)
    lengths = np.asarray([point.payload.get(_LENGTH, 1.0) for point in page], np.float32)
    norms = np.linalg.norm(vectors, axis=1) if len(page) else lengths
    scale = np.where(norms > 0, lengths / np.maximum(norms, np.finfo(np.float32).tiny), 1)
    sample_ids = as_ids([point.payload["sample_id"] for point in page])
    return Rows(as_ids([_id(point.id) for point in page]), sample_ids, (vectors.T * scale).T.astype(np.float32))


def _id(point: str) -> str:
    return point.replace("-", "").removesuffix(_PADDING)
