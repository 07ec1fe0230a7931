"""Embeddings as similarity search reads them: unit vectors of all items, kept in memory between searches."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

import fiftyone as fo
import numpy as np

from ..analysis.search import unit_vectors
from ..errors import Refusal
from ..wording import agree
from .embeddings import check_embeddings, load_embeddings, locate, vector_table
from .items import Items, as_ids

_KEPT = 2  # a million vectors of 512 numbers are 2 GB
_tables: "OrderedDict[tuple[object, ...], SearchTable]" = OrderedDict()
_lock = Lock()
_loading = Lock()


class VectorSource(Protocol):
    """The source of the vectors of a query's examples."""

    @property
    def key(self) -> str:
        """Key of the embeddings."""

    def vectors_of(self, ids: list[str], *, role: str) -> np.ndarray:
        """Unit vectors (m, d) of items; see `SearchTable.vectors_of`."""

    def background(self, count: int) -> np.ndarray:
        """Unit vectors (m, d) of some items; see `SearchTable.background`."""


@dataclass(frozen=True)
class SearchTable:
    """All embedded items of a dataset and their unit vectors (n, d) float32, row by row."""

    key: str
    items: Items
    unit: np.ndarray

    def rows_of(self, ids: list[str] | np.ndarray) -> np.ndarray:
        """Rows of the items that have an embedding, in their order."""
        rows = locate(np.asarray(ids, dtype="U24"), self.items.ids)
        found: np.ndarray = rows[rows >= 0]
        return found

    def vectors_of(self, ids: list[str], *, role: str) -> np.ndarray:
        """Unit vectors (m, d) of items, in their order.

        Raises:
            Refusal: some have no embedding.
        """
        rows = locate(as_ids(ids), self.items.ids)
        check_found(rows, self.key, role=role)
        vectors: np.ndarray = self.unit[rows]
        return vectors

    def background(self, count: int) -> np.ndarray:
        """Unit vectors (m, d) of some items, the same at each call."""
        vectors: np.ndarray = self.unit[np.random.default_rng(0).permutation(len(self.unit))[:count]]
        return vectors


def open_search_table(dataset: fo.Dataset, key: str) -> SearchTable:
    """Read the embeddings ``key`` of the whole dataset, or take them from memory while nothing has changed.

    Raises:
        Refusal: no such embeddings, they are damaged, or nothing has a vector.
    """
    stamp = search_stamp(dataset, key)
    table = _from_memory(stamp)
    if table is not None:
        return table
    with _loading:  # a search of embeddings that are being loaded waits for them
        table = _from_memory(stamp)
        if table is None:
            loaded = load_embeddings(dataset, key)
            table = SearchTable(key, loaded.items, unit_vectors(loaded.vectors))
            _keep(stamp, table)
    return table


def search_stamp(dataset: fo.Dataset, key: str) -> tuple[object, ...]:
    """A value that changes when vectors or samples are added, changed, or removed; computed in constant time."""
    check_embeddings(dataset, key)
    made = dataset.get_brain_info(key).timestamp
    samples = dataset._sample_collection.estimated_document_count()
    return dataset._doc.id, key, made, vector_table(dataset, key).version(), samples, dataset.last_deletion_at


def check_found(rows: np.ndarray, key: str, *, role: str) -> None:
    """Raise a Refusal if some of the examples, located at ``rows``, have no embedding (-1)."""
    lost = int((rows < 0).sum())
    if lost:
        raise Refusal(
            f"{lost:,} of the {len(rows):,} {role} {agree(lost, 'has')} no embedding in '{key}': run “Compute "
            f"embeddings” on '{key}', or choose other examples."
        )


def _from_memory(stamp: tuple[object, ...]) -> SearchTable | None:
    with _lock:
        if stamp in _tables:
            _tables.move_to_end(stamp)
        return _tables.get(stamp)


def _keep(stamp: tuple[object, ...], table: SearchTable) -> None:
    with _lock:
        for old in [one for one in _tables if one[:2] == stamp[:2]]:
            del _tables[old]  # what these embeddings were before
        _tables[stamp] = table
        while len(_tables) > _KEPT:
            _tables.popitem(last=False)
