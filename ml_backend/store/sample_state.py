"""Detects whether the samples of a dataset were written to since the last check, without reading them."""

from dataclasses import dataclass

import fiftyone as fo
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from .own_writes import own_writes


@dataclass(frozen=True)
class SampleState:
    """How many writes the samples and frames of a dataset have seen, how many there are, and which fields they have.

    ``writes`` are (server, number since it was started), one for each server that has a part of a collection. ``own``
    are those of this process for each collection (`own_writes`): of labels, and of other things.
    """

    dataset: str
    writes: tuple[tuple[str, int], ...]
    counts: tuple[int, ...]
    fields: tuple[str, ...]
    own: tuple[tuple[int, int] | None, ...] = ()

    def kept_labels_since(self, before: "SampleState", *, but_ours: bool = False) -> bool:
        """Whether this process alone wrote since another state, and no labels, unless ``but_ours`` allows these."""
        same = [server for server, _ in self.writes] == [server for server, _ in before.writes]
        if not same or self.counts != before.counts or len(self.own) != len(self.writes):
            return False
        for (_, now), (_, then), mine, earlier in zip(self.writes, before.writes, self.own, before.own, strict=True):
            if mine is None or earlier is None:
                return False
            labels, others = mine[0] - earlier[0], mine[1] - earlier[1]
            if now - then != labels + others or (labels and not but_ours):
                return False
        return True


def sample_state(dataset: fo.Dataset) -> SampleState | None:
    """A value that changes with every write to the samples, frames, or fields of a dataset, by any process.

    Read it before the samples, so that a write in between changes the next value. MongoDB counts the
    writes to each collection; None where it does not say how many, so that nothing may be assumed.
    """
    collections = [dataset._sample_collection]
    if dataset._has_frame_fields():
        collections.append(dataset._frame_collection)
    own = tuple(own_writes(collection.name) for collection in collections)
    try:
        writes = tuple(server for collection in collections for server in _writes(collection))
    except (OperationFailure, KeyError):  # not MongoDB itself, or an account that may not ask
        return None
    if own != tuple(own_writes(collection.name) for collection in collections):
        own = (None,) * len(collections)  # our writes cannot be distinguished from others right now
    counts = tuple(collection.estimated_document_count() for collection in collections)
    return SampleState(str(dataset._doc.id), writes, counts, tuple(dataset.get_field_schema(flat=True)), own)


def _writes(collection: Collection) -> list[tuple[str, int]]:
    statistics = collection.aggregate([{"$collStats": {"latencyStats": {}}}])
    return [(str(server.get("host")), int(server["latencyStats"]["writes"]["ops"])) for server in statistics]
