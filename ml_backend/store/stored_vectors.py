"""The vectors of a view, read from storage in batches or by row, never all at once."""

from collections.abc import Iterator

import numpy as np
from fiftyone.core.collections import SampleCollection

from ..errors import Refusal
from ..wording import agree, count
from .embeddings import Embeddings, check_embeddings, locate, vector_table
from .items import Items, list_like

_FETCHED_AT_ONCE = 50_000


class StoredVectors:
    """The embeddings ``key`` of the items of a view, in its order; ``items`` includes those without a vector.

    Raises:
        Refusal: no such embeddings, or they cannot be read.
    """

    def __init__(self, samples: SampleCollection, key: str) -> None:
        dataset = samples._root_dataset
        self._run = check_embeddings(dataset, key)
        self._table = vector_table(dataset, key)
        self.key = key
        self.items: Items = list_like(samples, self._run.patches_field, self._run.parts)
        self._order = np.argsort(self.items.ids)
        self._sorted = self.items.ids[self._order]

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows of ``items`` (m,) and their vectors (m, d), some thousands at a time, in no promised order."""
        for batch in self._table.batches():
            places = np.searchsorted(self._sorted, batch.ids).clip(max=len(self._sorted) - 1)
            here = self._sorted[places] == batch.ids
            if here.any():
                yield self._order[places[here]], batch.vectors[here]

    def with_vectors(self) -> Items:
        """The items that have a vector.

        Raises:
            Refusal: there are none.
        """
        present = np.isin(self.items.ids, self._table.ids())
        if not present.any():
            noun = self.items.noun
            raise Refusal(f"No {noun} here has an embedding in '{self.key}': run “Compute embeddings” on them.")
        return self.items.take(present)

    def take(self, rows: np.ndarray) -> Embeddings:
        """The embeddings of some rows of ``items``, those without a vector left out."""
        items = self.items.take(rows)
        ids, vectors = self._read(items.ids)
        place = locate(items.ids, ids)
        return Embeddings(self.key, items.take(place >= 0), vectors[place[place >= 0]], self._run.provenance)

    def fetch(self, ids: np.ndarray) -> np.ndarray:
        """Vectors (m, d) of items that have one, in their order.

        Raises:
            Refusal: some have none any more.
        """
        known, vectors = self._read(ids)
        rows = locate(ids, known)
        lost = int((rows < 0).sum())
        if lost:
            raise Refusal(
                f"{count(lost, 'vector')} of '{self.key}' {agree(lost, 'was')} removed in the meantime: try again."
            )
        ordered: np.ndarray = vectors[rows]
        return ordered

    def _read(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if 4 * len(ids) > self._table.size():  # one pass over the table is faster than a query for each
            ordered = np.sort(ids)
            parts = [
                (batch.ids[kept], batch.vectors[kept])
                for batch in self._table.batches()
                if (kept := np.isin(batch.ids, ordered)).any()
            ]
        else:
            steps = (ids[start : start + _FETCHED_AT_ONCE] for start in range(0, len(ids), _FETCHED_AT_ONCE))
            parts = [(rows.ids, rows.vectors) for some in steps if len(rows := self._table.fetch(some))]
        if not parts:
            return ids[:0], np.empty((0, 0), np.float32)
        return np.concatenate([rows for rows, _ in parts]), np.concatenate([vectors for _, vectors in parts])
