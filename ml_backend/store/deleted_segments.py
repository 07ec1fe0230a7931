"""Deleted segments, kept with the IDs of their members until the undo expires."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import fiftyone as fo

from .records import open_store, read_records, time_of_key, timely_key
from .saves import UNDO_SECONDS
from .schema import field_mark, field_today
from .segment_records import Segment, claim_segment, find_segment, record_of_segment, segment_of_record
from .segment_snapshots import all_or_nothing
from .segments import add_members, member_ids, save_segment

_STORE = "labelscape.deleted_segments"
_IDS_PER_RECORD = 50_000  # MongoDB's limit is 16 MB per document


@dataclass(frozen=True)
class DeletedSegment:
    """A deleted segment; ``at`` is the time of the deletion in UTC."""

    key: str
    segment: Segment
    at: datetime


def remember_deleted(dataset: fo.Dataset, segment: Segment) -> str:
    """Store what is needed to restore a segment; call it before the deletion. Returns the record's key."""
    key = timely_key()
    try:
        _write_parts(dataset, segment, key)
    except BaseException:
        forget_deleted(dataset, key)
        raise
    return key


def last_deleted(dataset: fo.Dataset) -> DeletedSegment | None:
    """The segment deleted last, while it can be restored; None if there is none."""
    store = open_store(dataset, _STORE)
    for name in sorted((key for key in store.list_keys() if key.endswith("/segment")), reverse=True):
        record = store.get(name)
        if record is not None and not _is_back(dataset, segment := segment_of_record(dataset, record)):
            key = name.split("/")[0]
            return DeletedSegment(key, segment, time_of_key(key))
    return None


def restore_segment(dataset: fo.Dataset, deleted: DeletedSegment) -> Segment:
    """Restore a deleted segment with its members; members deleted in the meantime are left out.

    Raises:
        Refusal: another segment now has its name.
    """
    claimed = claim_segment(dataset, deleted.segment)
    with all_or_nothing(dataset, new=claimed):
        for name, record in read_records(dataset, _STORE, prefix=f"{deleted.key}/").items():
            if not name.endswith("/segment"):
                add_members(dataset, claimed, record["ids"], _field_today(dataset, record))
        restored = save_segment(dataset, replace(deleted.segment, slug=claimed.slug))
    forget_deleted(dataset, deleted.key)
    return restored


def _write_parts(dataset: fo.Dataset, segment: Segment, key: str) -> None:
    store = open_store(dataset, _STORE)
    number = 0
    for field in segment.targets:
        ids = member_ids(dataset, segment, field).tolist()
        mark = None if field is None else field_mark(dataset, field)
        for start in range(0, len(ids), _IDS_PER_RECORD):
            part: dict[str, Any] = {"field": field, "mark": mark, "ids": ids[start : start + _IDS_PER_RECORD]}
            store.set(f"{key}/{number:06d}", part, ttl=UNDO_SECONDS)
            number += 1
    # The segment itself comes last: an interrupted deletion has nothing to undo.
    store.set(f"{key}/segment", record_of_segment(dataset, segment), ttl=UNDO_SECONDS)


def _field_today(dataset: fo.Dataset, part: Mapping[str, Any]) -> str | None:
    """The current name of the field of some members; the old one if it was deleted, which then has no members."""
    field: str | None = part["field"]
    return None if field is None else field_today(dataset, field, part.get("mark")) or field


def _is_back(dataset: fo.Dataset, segment: Segment) -> bool:
    """Whether a deleted segment was restored, and only its record could not be dropped."""
    present = find_segment(dataset, segment.slug)
    return present is not None and (present.name, present.created_at) == (segment.name, segment.created_at)


def forget_deleted(dataset: fo.Dataset, key: str) -> None:
    """Drop the stored copy of a deleted segment: it was restored, or its deletion failed."""
    store = open_store(dataset, _STORE)
    for name in read_records(dataset, _STORE, prefix=f"{key}/"):
        store.delete(name)
