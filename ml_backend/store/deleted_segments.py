"""Segments that were deleted, kept with the ids of their members until the undo expires."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

from .records import read_records, time_of_key, timely_key
from .saves import UNDO_SECONDS
from .segments import Segment, add_members, as_segment, claim_segment, member_ids, save_segment

_STORE = "labelscape.deleted_segments"
_IDS_PER_RECORD = 50_000  # MongoDB holds 16 MB a document


@dataclass(frozen=True)
class DeletedSegment:
    """A segment that is gone; ``at`` is in UTC."""

    key: str
    segment: Segment
    at: datetime


def remember_deleted(dataset: fo.Dataset, segment: Segment) -> None:
    """Keep what is needed to bring a segment back; call it before the segment is forgotten."""
    key = timely_key()
    number = 0
    for field in segment.targets:
        ids = member_ids(dataset, segment, field).tolist()
        for start in range(0, len(ids), _IDS_PER_RECORD):
            part: dict[str, Any] = {"field": field, "ids": ids[start : start + _IDS_PER_RECORD]}
            _store(dataset).set(f"{key}/{number:06d}", part, ttl=UNDO_SECONDS)
            number += 1
    # The segment itself comes last: an interrupted deletion has nothing to take back.
    _store(dataset).set(f"{key}/segment", asdict(segment), ttl=UNDO_SECONDS)


def last_deleted(dataset: fo.Dataset) -> DeletedSegment | None:
    """The segment deleted last, while it can be brought back; None where there is none."""
    keys = [key for key in _store(dataset).list_keys() if key.endswith("/segment")]
    if not keys:
        return None
    key = max(keys).split("/")[0]
    return DeletedSegment(key, as_segment(_store(dataset).get(f"{key}/segment")), time_of_key(key))


def restore_segment(dataset: fo.Dataset, deleted: DeletedSegment) -> Segment:
    """Bring a deleted segment back with its members; those that are gone meanwhile are left out.

    Raises:
        ValueError: another segment has its name now.
    """
    claim_segment(dataset, deleted.segment)
    records = read_records(dataset, _STORE, prefix=f"{deleted.key}/")
    for name, record in records.items():
        if not name.endswith("/segment"):
            add_members(dataset, deleted.segment, record["ids"], record["field"])
    restored = save_segment(dataset, deleted.segment)
    for name in records:
        _store(dataset).delete(name)
    return restored


def _store(dataset: fo.Dataset) -> ExecutionStore:
    return ExecutionStore.create(_STORE, dataset._doc.id)
