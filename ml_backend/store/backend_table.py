"""Vectors in any other of FiftyOne's backends, through FiftyOne's own interface."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from .items import as_ids
from .vector_table import Rows, VectorTable, retrying, translate_damage


class BackendTable(VectorTable):
    """Any backend whose FiftyOne adapter reads all vectors at once, such as scikit-learn."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @property
    def name(self) -> str:
        return ""

    def ids(self) -> np.ndarray:
        return self._read().ids

    def size(self) -> int:
        with self._translate_errors():
            return int(self._index.total_index_size)

    def dim(self) -> int | None:
        return self._read().vectors.shape[1] or None

    def batches(self) -> Iterator[Rows]:
        yield self._read()

    def fetch(self, ids: np.ndarray) -> Rows:
        rows = self._read()
        chosen = np.isin(rows.ids, ids)
        return Rows(rows.ids[chosen], rows.sample_ids[chosen], rows.vectors[chosen])

    def upsert(self, ids: np.ndarray, sample_ids: np.ndarray, vectors: np.ndarray) -> None:
        label_ids = None if self._index.config.patches_field is None else ids
        own = ids if label_ids is None else sample_ids
        with self._translate_errors():
            retrying(lambda: self._index.add_to_index(vectors, own, label_ids=label_ids, overwrite=True))
            self._index.save()

    def remove(self, ids: np.ndarray) -> None:
        name = "sample_ids" if self._index.config.patches_field is None else "label_ids"
        with self._translate_errors():
            retrying(lambda: self._index.remove_from_index(**{name: ids}))
            self._index.save()

    def clear(self) -> None:
        with self._translate_errors():
            self._index.cleanup()

    def version(self) -> Hashable:
        """The number of vectors, and the id of FiftyOne's results file, which changes at each save.

        These backends do not count writes (FiftyOne 1.22), so vectors replaced through FiftyOne's own interface are
        noticed only once their run is saved.
        """
        with self._translate_errors():
            return saved_version(self._index, self.size())

    def compact(self) -> None:
        """Nothing to do: these backends tidy up by themselves."""

    def _read(self) -> Rows:
        with self._translate_errors():
            if not self._index.total_index_size:
                return Rows(as_ids([]), as_ids([]), np.empty((0, 0), np.float32))
            vectors, sample_ids, label_ids = self._index.get_embeddings()
        ids: Sequence[str] = sample_ids if self._index.config.patches_field is None else label_ids
        return Rows(as_ids(ids), as_ids(sample_ids), np.ascontiguousarray(vectors, np.float32))

    def _translate_errors(self) -> AbstractContextManager[None]:
        return translate_damage(self._index.key, f"the backend '{self._index.config.method}'")


def saved_version(index: Any, size: int) -> Hashable:
    """A value that changes with the number of vectors, and each time that FiftyOne saves the run of an index."""
    run = index.samples._root_dataset._doc.brain_methods[index.key]
    run.reload()
    return size, str(run.results.grid_id)
