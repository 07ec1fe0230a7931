"""Stamps: values to compare to know whether something read earlier is still valid; cheap enough for a poll."""

from dataclasses import dataclass
from datetime import datetime

import fiftyone as fo
from fiftyone.core.odm.database import get_db_conn

_RECENT_SECONDS = 120


@dataclass(frozen=True)
class Stamp:
    """Values that change when samples are added, changed, or deleted (times in UTC).

    Attributes:
        count: number of samples.
        changed_at: when the last change of a sample began; None without samples.
        deleted_at: when samples were deleted last; None if never.
        written: samples with the time of the last change, while that is recent.
    """

    count: int
    changed_at: datetime | None
    deleted_at: datetime | None
    written: int

    @property
    def members(self) -> tuple[int, datetime | None]:
        """The part that changes when samples are added or deleted."""
        return self.count, self.deleted_at


@dataclass(frozen=True)
class StoreStamp:
    """How many records a store of Labelscape's has, and when the last one was written (UTC)."""

    name: str
    records: int
    written_at: datetime | None


@dataclass(frozen=True)
class StoreStamps:
    """The stamps of all of Labelscape's stores of a dataset, by name."""

    stores: tuple[StoreStamp, ...]

    def of(self, *names: str) -> tuple[StoreStamp, ...]:
        """The stamps of some stores; a store without records has none."""
        return tuple(store for store in self.stores if store.name in names)


def last_change(dataset: fo.Dataset) -> Stamp:
    """The stamp of the samples, by indexes alone.

    A write to a frame alone leaves its video as it is: of a dataset with frames, their newest change counts too.
    """
    collection = dataset._sample_collection
    newest = collection.find_one({}, {"_id": 0, "last_modified_at": 1}, sort=[("last_modified_at", -1)])
    at: datetime | None = None if newest is None else newest.get("last_modified_at")
    if dataset._has_frame_fields():
        of_frames = dataset._frame_collection.find_one({}, {"last_modified_at": 1}, sort=[("last_modified_at", -1)])
        times = [time for time in (at, (of_frames or {}).get("last_modified_at")) if time is not None]
        at = max(times, default=None)
    written = 0
    if at is not None and (datetime.utcnow() - at).total_seconds() < _RECENT_SECONDS:
        # A bulk write gives all its samples the time at which it began: its later samples are known by their number.
        written = collection.count_documents({"last_modified_at": at})
    return Stamp(collection.estimated_document_count(), at, dataset.last_deletion_at, written)


def store_stamps(dataset: fo.Dataset) -> StoreStamps:
    """The stamps of Labelscape's stores of this dataset."""
    match = {"dataset_id": dataset._doc.id, "store_name": {"$regex": "^labelscape[.]"}}
    group = {"_id": "$store_name", "number": {"$sum": 1}, "at": {"$max": "$updated_at"}}
    records = get_db_conn()["execution_store"].aggregate([{"$match": match}, {"$group": group}, {"$sort": {"_id": 1}}])
    return StoreStamps(tuple(StoreStamp(record["_id"], record["number"], record["at"]) for record in records))
