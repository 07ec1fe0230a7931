"""All-or-nothing changes of segments: if a change fails, every segment is restored."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import fiftyone as fo
from fiftyone.core.odm.database import patch_saved_views

from .segment_records import Segment, find_segment, write_segment
from .segments import add_members, forget_segment, member_ids, remove_members, save_segment


@dataclass(frozen=True)
class _Snapshot:
    segment: Segment
    members: dict[str | None, list[str]]


@contextmanager
def all_or_nothing(dataset: fo.Dataset, *segments: Segment, new: Segment | None = None) -> Iterator[None]:
    """If the block fails, restore these segments, and delete those that the block added to ``new``."""
    before = [_snapshot(dataset, segment) for segment in segments]
    try:
        yield
    except BaseException:
        # A saved view goes with two writes of FiftyOne's (1.22): the second may be missing.
        patch_saved_views(dataset.name)
        dataset.reload()
        if new is not None:
            forget_segment(dataset, find_segment(dataset, new.slug) or new)
        targets = [name for snapshot in before for name in snapshot.segment.targets]
        for snapshot in before:
            _put_back(dataset, snapshot, targets)
        raise


def _snapshot(dataset: fo.Dataset, segment: Segment) -> _Snapshot:
    return _Snapshot(segment, {name: member_ids(dataset, segment, name).tolist() for name in segment.targets})


def _put_back(dataset: fo.Dataset, snapshot: _Snapshot, targets: Sequence[str | None]) -> None:
    """Restore the members of a segment in all fields that any of the segments may have added to it."""
    segment = snapshot.segment
    now = find_segment(dataset, segment.slug) or segment
    for name in dict.fromkeys([*segment.targets, *now.targets, *targets]):
        ids = snapshot.members.get(name, [])
        present = member_ids(dataset, segment, name).tolist()
        remove_members(dataset, segment, sorted(set(present) - set(ids)), name)
        add_members(dataset, segment, sorted(set(ids) - set(present)), name)
    save_segment(dataset, segment)
    write_segment(dataset, segment)  # with the sizes it had: nothing happened
