"""The interface of a table of vectors, to read, write, and search it in any backend."""

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from ..errors import Refusal
from .items import as_ids

_Result = TypeVar("_Result")
_TRIES = 8
_FIRST_PAUSE = 0.05  # seconds, doubled at each try
# Errors that mean another writer was first: LanceDB's commit conflicts, and tables of the same name.
_CONFLICTS = ("retry", "conflict", "already exists", "deadlock", "pg_type_typname_nsp_index")
BATCH_BYTES = 8 * 2**20  # of vectors read at once


class DamagedVectors(Refusal):
    """The backend cannot read its own vectors."""


@dataclass(frozen=True)
class Rows:
    """Rows of a table: ``ids`` (n,), the ``sample_ids`` (n,) they belong to, and their ``vectors`` (n, d) float32."""

    ids: np.ndarray
    sample_ids: np.ndarray
    vectors: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


class VectorTable(ABC):
    """A table of (id, sample id, vector); ids are label ids where the index is one of patches.

    Every method raises `DamagedVectors` if the backend cannot read its data.
    """

    #: The search efforts that the backend's index offers, lowest first; empty if it has none.
    efforts: ClassVar[tuple[int, ...]] = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the table in its database; empty where it has none."""

    @abstractmethod
    def ids(self) -> np.ndarray:
        """Every id in the table, (n,)."""

    @abstractmethod
    def size(self) -> int:
        """The number of vectors."""

    @abstractmethod
    def dim(self) -> int | None:
        """The dimension of the vectors; None while there are none, and where the backend does not say."""

    @abstractmethod
    def batches(self) -> Iterator[Rows]:
        """All rows, some thousands at a time, in no promised order: the whole table is never in memory."""

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Every id (n,) and its vector (n, d) float32, in no promised order."""
        vectors = np.empty((self.size(), self.dim() or 0), np.float32)
        ids: list[np.ndarray] = []
        row = 0
        for batch in self.batches():
            if row + len(batch) > len(vectors):  # another process writes at the same time
                vectors = np.concatenate([vectors, np.empty_like(batch.vectors)])
            vectors[row : row + len(batch)] = batch.vectors
            ids.append(batch.ids)
            row += len(batch)
        return (np.concatenate(ids) if ids else as_ids([])), vectors[:row]

    @abstractmethod
    def fetch(self, ids: np.ndarray) -> Rows:
        """The rows of these ids, in no promised order; unknown ids are left out."""

    @abstractmethod
    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        """Write vectors; an existing id gets the new vector."""

    @abstractmethod
    def remove(self, ids: np.ndarray) -> None:
        """Remove ids; unknown ids are ignored."""

    @abstractmethod
    def clear(self) -> None:
        """Drop everything, damaged or not."""

    @abstractmethod
    def version(self) -> Hashable:
        """A value that changes whenever vectors are written or removed."""

    @abstractmethod
    def compact(self) -> None:
        """Tidy up after many writes."""

    def build_index(self, rows_per_partition: int) -> None:
        """Build the index of the backend over all vectors, if it does not keep one by itself.

        Raises:
            NotImplementedError: the backend has no index.
        """
        raise NotImplementedError

    def has_index(self) -> bool:
        """Whether `nearest` can be used."""
        return False

    def nearest(self, query: np.ndarray, count: int, effort: int) -> Rows:
        """About the ``count`` rows of the highest cosine with a query (d,), by the index of the backend.

        Raises:
            NotImplementedError: the backend has no index.
        """
        raise NotImplementedError


def rows_at_once(dim: int | None) -> int:
    """How many vectors of this dimension are read or written at once."""
    return max(BATCH_BYTES // (4 * max(dim or 0, 1)), 100)


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
def translate_damage(key: str, place: str) -> Iterator[None]:
    """Turn any failure of a backend into a `DamagedVectors` that says what to do; the cause stays attached."""
    with _as_damage(
        f"The vectors of the embeddings '{key}' in {place} are damaged or cannot be read. "
        f"Run “Compute embeddings” into '{key}' to compute them again, or restore the folder from a backup."
    ):
        yield


@contextmanager
def translate_server_errors(key: str, backend: str, address: str) -> Iterator[None]:
    """Turn any failure of a vector server into a `DamagedVectors` that says what to do; the cause stays attached.

    ``address`` is the name of the environment variable of the server's address.
    """
    with _as_damage(
        f"The vectors of the embeddings '{key}' cannot be read from {backend}: check that its server runs and that "
        f"{address} is its address. If its data is lost, delete '{key}' and compute it again."
    ):
        yield


@contextmanager
def _as_damage(sentence: str) -> Iterator[None]:
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        raise DamagedVectors(sentence) from error
