"""Embeddings as similarity search reads them: unit vectors of all items, kept between searches if memory allows.

Vectors that take more than `MOST_BYTES` stay where they are stored: they are read in batches to be scored, and by row
otherwise.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from functools import cached_property
from threading import Lock
from typing import Protocol

import fiftyone as fo
import numpy as np

from ..analysis.arrays import Floats
from ..analysis.search import Scorer, UnitRows, unit_vectors
from ..errors import Refusal
from ..progress import Progress, no_progress
from ..wording import agree
from .embeddings import check_embeddings, load_embeddings, locate, vector_table
from .items import Items, as_ids
from .stored_vectors import StoredVectors

MOST_BYTES = 4 * 2**30  # of vectors in memory: two million of 512 numbers
_KEPT = 2  # tables
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


class SearchTable(ABC):
    """All embedded items of a dataset, ``items``, and their unit vectors (n, d) float32, row by row."""

    def __init__(self, key: str, items: Items) -> None:
        self.key, self.items = key, items

    @property
    @abstractmethod
    def unit(self) -> UnitRows:
        """The unit vectors, to be read by row."""

    @abstractmethod
    def scores(self, scorer: Scorer, progress: Progress = no_progress) -> Floats:
        """The score (n,) of every item."""

    def rows_of(self, ids: list[str] | np.ndarray) -> np.ndarray:
        """Rows of the items that have an embedding, in their order."""
        rows = self._locate(np.asarray(ids, dtype="U24"))
        known: np.ndarray = rows[rows >= 0]
        return known

    def vectors_of(self, ids: list[str], *, role: str) -> np.ndarray:
        """Unit vectors (m, d) of items, in their order.

        Raises:
            Refusal: some have no embedding.
        """
        rows = self._locate(as_ids(ids))
        check_found(rows, self.key, role=role)
        return self.unit[rows]

    def background(self, count: int) -> np.ndarray:
        """Unit vectors (m, d) of some items, the same at each call."""
        return self.unit[np.random.default_rng(0).permutation(len(self.items))[:count]]

    @cached_property
    def _order(self) -> tuple[np.ndarray, np.ndarray]:
        """All ids, sorted, and their rows: kept, because looking up three of 100,000 takes as long as scoring all."""
        ids = self.items.ids.astype("S24")
        rows = np.argsort(ids, kind="stable")
        return ids[rows], rows

    def _locate(self, ids: np.ndarray) -> np.ndarray:
        """The row of each id; -1 for an unknown one."""
        ordered, rows = self._order
        if not len(ordered) or not len(ids):
            return np.full(len(ids), -1)
        encoded = np.char.encode(ids, "utf-8")
        places = np.minimum(np.searchsorted(ordered, encoded), len(ordered) - 1)
        return np.where(ordered[places] == encoded, rows[places], -1)


class MemoryTable(SearchTable):
    """A table whose vectors are in memory."""

    def __init__(self, key: str, items: Items, unit: Floats) -> None:
        super().__init__(key, items)
        self._unit = unit

    @property
    def unit(self) -> Floats:
        """The unit vectors (n, d)."""
        return self._unit

    def scores(self, scorer: Scorer, progress: Progress = no_progress) -> Floats:
        """The score (n,) of every item."""
        return scorer.scores(self._unit)


class StreamedTable(SearchTable):
    """A table whose vectors stay where they are stored."""

    def __init__(self, stored: StoredVectors) -> None:
        super().__init__(stored.key, stored.with_vectors())
        self._stored = stored
        self._scored: tuple[Scorer, Floats] | None = None  # the last scorer: a threshold is moved many times

    @property
    def unit(self) -> UnitRows:
        """The unit vectors; only the requested rows are read."""
        return self

    def __getitem__(self, rows: np.ndarray, /) -> Floats:
        """The unit vectors (m, d) of some rows."""
        return unit_vectors(self._stored.fetch(self.items.ids[rows]))

    def scores(self, scorer: Scorer, progress: Progress = no_progress) -> Floats:
        """The score (n,) of every item, from one pass over all vectors; 0 for one that is removed meanwhile."""
        if self._scored is not None and self._scored[0] is scorer:
            return self._scored[1]
        rows = locate(self._stored.items.ids, self.items.ids)
        scores = np.zeros(len(self.items), np.float32)
        done = 0
        for stored_rows, vectors in self._stored.batches():
            here = rows[stored_rows]
            scores[here[here >= 0]] = scorer.scores(unit_vectors(vectors[here >= 0]))
            done += len(vectors)
            progress(min(done / len(scores), 1.0), f"Scored {done:,} of {len(scores):,} vectors")
        self._scored = scorer, scores
        return scores


def open_search_table(dataset: fo.Dataset, key: str) -> SearchTable:
    """The embeddings ``key`` of the whole dataset, from memory while nothing has changed.

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
            table = _read(dataset, key)
            _keep(stamp, table)
    return table


def _read(dataset: fo.Dataset, key: str) -> SearchTable:
    stored = vector_table(dataset, key)
    if 4 * stored.size() * (stored.dim() or 0) > MOST_BYTES:
        return StreamedTable(StoredVectors(dataset, key))
    loaded = load_embeddings(dataset, key)
    return MemoryTable(key, loaded.items, unit_vectors(loaded.vectors))


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
        for old in [key for key in _tables if key[:2] == stamp[:2]]:
            del _tables[old]  # what these embeddings were before
        _tables[stamp] = table
        while len(_tables) > _KEPT:
            _tables.popitem(last=False)
