"""Whether anything was written to the samples of a dataset since it was last looked at, without reading them."""

from dataclasses import dataclass

import fiftyone as fo
from pymongo.collection import Collection
from pymongo.errors import OperationFailure


@dataclass(frozen=True)
class SampleState:
    """How many writes the samples and frames of a dataset have seen, how many there are, and which fields they have.

    ``writes`` are (server, number since it was started), one for each server that has a part of a collection.
    """

    dataset: str
    writes: tuple[tuple[str, int], ...]
    counts: tuple[int, ...]
    fields: tuple[str, ...]

    def changed_only_by(self, writes: int, before: "SampleState") -> bool:
        """Whether this many writes of samples are all that came between another state and this one."""
        made = [now - then for (_, now), (_, then) in zip(self.writes, before.writes, strict=False)]
        same_servers = [server for server, _ in self.writes] == [server for server, _ in before.writes]
        return same_servers and self.counts == before.counts and made == [writes, *(0 for _ in made[1:])]


def sample_state(dataset: fo.Dataset) -> SampleState | None:
    """A value that changes with every write to the samples, frames, or fields of a dataset, whoever writes.

    Read it before the samples: a write that comes in between makes the next value another one. MongoDB counts the
    writes to each collection; None where it does not say how many, so that nothing may be assumed.
    """
    collections = [dataset._sample_collection]
    if dataset._has_frame_fields():
        collections.append(dataset._frame_collection)
    try:
        writes = tuple(server for collection in collections for server in _writes(collection))
    except (OperationFailure, KeyError):  # not MongoDB itself, or an account that may not ask
        return None
    counts = tuple(collection.estimated_document_count() for collection in collections)
    return SampleState(str(dataset._doc.id), writes, counts, tuple(dataset.get_field_schema(flat=True)))


def _writes(collection: Collection) -> list[tuple[str, int]]:
    found = collection.aggregate([{"$collStats": {"latencyStats": {}}}])
    return [(str(one.get("host")), int(one["latencyStats"]["writes"]["ops"])) for one in found]
