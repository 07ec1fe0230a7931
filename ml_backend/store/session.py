"""Embeddings with their neighbors, kept in memory between two requests of a user."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from weakref import WeakValueDictionary

import fiftyone as fo

from ..analysis.coverage import Regions, divide
from ..analysis.ensemble import LARGE
from ..analysis.evidence import Prepared, prepare
from ..analysis.neighbors import Neighbors
from ..progress import Progress
from .embeddings import Embeddings, check_embeddings, load_embeddings, vector_table
from .items import FRAMES, every_sample, label_path
from .neighbor_tables import neighbors_of

_KEPT = 2  # a million vectors of 512 numbers and their neighbors are 2.4 GB
_kept: "OrderedDict[tuple[object, ...], Session]" = OrderedDict()
_turns: "WeakValueDictionary[tuple[object, ...], Lock]" = (
    WeakValueDictionary()
)  # referenced by the loading thread and by waiting threads
_lock = Lock()


@dataclass(frozen=True)
class Session:
    """All embedded items of a dataset, with the neighbors among them."""

    dataset: fo.Dataset
    embeddings: Embeddings
    neighbors: Neighbors

    @cached_property
    def regions(self) -> Regions:
        """The regions of the dataset, which do not depend on labels."""
        return divide(self.embeddings.vectors)

    @cached_property
    def prepared(self) -> Prepared | None:
        """What suggesting needs, whatever the labels; None for large tables, where keeping it takes too much memory."""
        return prepare(self.embeddings.vectors, self.neighbors) if len(self.embeddings.items) <= LARGE else None


def open_session(dataset: fo.Dataset, key: str, *, progress: Progress | None = None) -> Session:
    """Load the embeddings ``key`` of the whole dataset, or reuse them from memory if nothing has changed.

    A call for embeddings that are being loaded waits for them; calls for others do not wait.
    """
    stamp = _stamp(dataset, key)
    with _lock:
        turn = _turns.setdefault(stamp, Lock())
    with turn:
        session = _held(stamp)
        if session is None:
            embeddings = load_embeddings(dataset, key)
            session = Session(dataset, embeddings, neighbors_of(embeddings, progress=progress))
            _keep(stamp, session)
        return session


def _held(stamp: tuple[object, ...]) -> Session | None:
    with _lock:
        if stamp in _kept:
            _kept.move_to_end(stamp)
        return _kept.get(stamp)


def _keep(stamp: tuple[object, ...], session: Session) -> None:
    with _lock:
        _kept[stamp] = session
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)


def _stamp(dataset: fo.Dataset, key: str) -> tuple[object, ...]:
    """A value that changes whenever vectors, samples, frames, or patches are added, changed, or removed."""
    run = check_embeddings(dataset, key)
    every = every_sample(dataset)
    field = run.patches_field or run.parts
    parts = None if field is None else every.count(FRAMES if field == FRAMES else f"{label_path(dataset, field)}.id")
    version = vector_table(dataset, key).version()
    made = dataset.get_brain_info(key).timestamp
    return dataset._doc.id, key, made, version, every.count(), dataset.last_deletion_at, parts
