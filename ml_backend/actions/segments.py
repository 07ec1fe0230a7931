"""Segments: create, extend, rename, merge, shrink, delete, and export named groups of samples or objects."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import fiftyone as fo

from ..errors import Refusal
from ..report import Report
from ..store.deleted_segments import forget_deleted, remember_deleted
from ..store.items import check_patches_field
from ..store.records import moment
from ..store.segment_origins import Origin, Selected
from ..store.segment_records import (
    Merged,
    Segment,
    check_kind,
    claim_segment,
    load_segment,
    noun_of_members,
    segment_slug,
)
from ..store.segment_snapshots import all_or_nothing
from ..store.segments import (
    add_members,
    check_can_tag,
    copy_members,
    count_members,
    forget_segment,
    member_table,
    members,
    remove_members,
    save_segment,
)
from ..wording import agree, count, plural
from .exports import check_new_folder, whole_folder

ExportFormat = Literal["fiftyone", "coco", "csv"]
_BY_SELECTION = Selected()
_NOTHING_SELECTED = "Nothing is selected: tick samples in the grid, or lasso points on the map."


@dataclass(frozen=True, repr=False)
class SegmentReport(Report):
    """A segment after ``given`` IDs were added; ``added`` of them are new.

    After a removal, it is minus the number removed.
    """

    segment: Segment
    given: int
    added: int

    def sentence(self) -> str:
        """The closing message."""
        segment = self.segment
        if self.added < 0:
            out = f"Removed {count(-self.added, segment.noun)} from the segment “{segment.name}” ({segment.kind})"
            return f"{out}, which now has {segment.size:,}."
        rest = self.given - self.added
        note = f" {rest:,} {agree(rest, 'was')} already in it, or {agree(rest, 'is')} no longer in the dataset."
        return (
            f"Added {count(self.added, segment.noun)} to the segment “{segment.name}” ({segment.kind}), "
            f"which now has {segment.size:,}.{note if rest else ''}"
        )


def create_segment(
    dataset: fo.Dataset,
    ids: Sequence[str],
    *,
    name: str,
    kind: str,
    note: str = "",
    patches_field: str | None = None,
    made_by: Origin = _BY_SELECTION,
) -> SegmentReport:
    """Create a segment of samples, or of objects of a patches field.

    Args:
        ids: of samples, or of the objects (labels) of ``patches_field``
        kind: "data quality", "data organization" or "collection campaign"
        made_by: how the members were chosen

    Raises:
        Refusal: no ids, an unknown kind, a name without letters, or a segment of this name exists.
    """
    _check_target(dataset, ids, patches_field)
    segment = Segment(
        slug=segment_slug(name),
        name=name.strip(),
        kind=check_kind(kind),
        note=note.strip(),
        fields=[] if patches_field is None else [patches_field],
        made_by=made_by,
        created_at=moment(),
    )
    claimed = claim_segment(dataset, segment)
    with all_or_nothing(dataset, new=claimed):
        return _add(dataset, claimed, ids, patches_field)


def add_to_segment(
    dataset: fo.Dataset, ids: Sequence[str], *, slug: str, patches_field: str | None = None
) -> SegmentReport:
    """Add samples, or objects, to a segment. A segment of objects may contain those of several fields.

    Raises:
        Refusal: no ids, no such segment, or samples for a segment of objects or the reverse.
    """
    _check_target(dataset, ids, patches_field)
    segment = load_segment(dataset, slug)
    if segment.noun != noun_of_members(patches_field):
        raise Refusal(
            f"“{segment.name}” is a segment of {plural(segment.noun)}: choose {plural(segment.noun)}, or create a new "
            "segment."
        )
    with all_or_nothing(dataset, segment):
        return _add(dataset, segment, ids, patches_field)


def remove_from_segment(
    dataset: fo.Dataset, ids: Sequence[str], *, slug: str, patches_field: str | None = None
) -> SegmentReport:
    """Remove samples or objects from a segment; they stay in the dataset. ``added`` is minus the number removed."""
    _check_target(dataset, ids, patches_field)
    segment = load_segment(dataset, slug)
    with all_or_nothing(dataset, segment):
        before = save_segment(dataset, segment)
        remove_members(dataset, segment, ids, patches_field)
        after = save_segment(dataset, before)
    return SegmentReport(after, given=len(ids), added=after.size - before.size)


def rename_segment(
    dataset: fo.Dataset, *, slug: str, name: str | None = None, kind: str | None = None, note: str | None = None
) -> Segment:
    """Change the name, kind, or note of a segment; None = unchanged. Its tag and saved view follow the name.

    Raises:
        Refusal: no such segment, an unknown kind, or another segment has this name.
    """
    old = load_segment(dataset, slug)
    new = replace(
        old,
        name=old.name if name is None else name.strip(),
        slug=old.slug if name is None else segment_slug(name),
        kind=old.kind if kind is None else check_kind(kind),
        note=old.note if note is None else note.strip(),
    )
    if new.slug == old.slug:
        with all_or_nothing(dataset, old):
            return save_segment(dataset, new)
    claimed = claim_segment(dataset, new)
    with all_or_nothing(dataset, old, new=claimed):
        copy_members(dataset, old, claimed)
        renamed = save_segment(dataset, claimed)
        forget_segment(dataset, old)
    return renamed


def merge_segments(dataset: fo.Dataset, *, slugs: Sequence[str], into: str) -> SegmentReport:
    """Move the members of segments into another one, and delete the emptied segments.

    Raises:
        Refusal: no such segment, nothing to merge, or samples with objects.
    """
    target = load_segment(dataset, into)
    sources = [load_segment(dataset, slug) for slug in dict.fromkeys(slugs) if slug != into]
    if not sources:
        raise Refusal("Choose at least two segments to merge.")
    other = next((source for source in sources if source.noun != target.noun), None)
    if other is not None:
        raise Refusal(
            f"“{other.name}” holds {plural(other.noun)} and “{target.name}” holds {plural(target.noun)}: "
            "they cannot be merged."
        )
    with all_or_nothing(dataset, target, *sources):
        return _merge(dataset, target, sources)


def delete_segment(dataset: fo.Dataset, *, slug: str) -> Segment:
    """Delete a segment with its tag, saved view, and record; it can be undone. Its samples and objects stay."""
    segment = load_segment(dataset, slug)
    with all_or_nothing(dataset, segment):
        key = remember_deleted(dataset, segment)
        try:
            forget_segment(dataset, segment)
        except BaseException:
            forget_deleted(dataset, key)
            raise
    return segment


def export_segment(
    dataset: fo.Dataset,
    *,
    slug: str,
    folder: str | Path,
    format: ExportFormat,
    label_field: str | None = None,
) -> Path:
    """Write a segment to a new folder, which is returned.

    Args:
        format: "fiftyone" and "coco" with the media files, "csv" as a table with one row per member
        label_field: for COCO, the field of boxes; default: that of the segment's objects

    Raises:
        Refusal: an unknown format, a folder that is not empty or cannot be written, or COCO without one field of
            boxes.
    """
    segment = load_segment(dataset, slug)
    if not count_members(dataset, segment):
        raise Refusal(f"The segment “{segment.name}” no longer has any members: there is nothing to export.")
    target = Path(folder).expanduser()
    check_new_folder(target)
    if format not in get_args(ExportFormat):
        raise Refusal(f"'{format}' is not a format: choose {', '.join(get_args(ExportFormat))}.")
    boxes = _boxes_field(dataset, segment, label_field) if format == "coco" else None
    with whole_folder(target) as folder:
        if format == "csv":
            member_table(dataset, segment).to_csv(folder / f"{slug}.csv", index=False)
        elif format == "fiftyone":
            members(dataset, segment).export(str(folder), dataset_type=fo.types.FiftyOneDataset, export_media=True)
        else:
            options = {"dataset_type": fo.types.COCODetectionDataset, "label_field": boxes}
            members(dataset, segment).export(str(folder), **options)
    return target


def _boxes_field(dataset: fo.Dataset, segment: Segment, chosen: str | None) -> str:
    boxed = list(dataset.get_field_schema(embedded_doc_type=fo.Detections))
    usable = [name for name in segment.fields or boxed if name in boxed]
    if chosen is None and len(usable) == 1:
        return usable[0]
    if chosen is None or chosen not in usable:
        listing = ", ".join(usable) or "none in this segment: export as CSV or FiftyOne"
        raise Refusal(f"COCO takes one field of boxes; choose among: {listing}.")
    return chosen


def _add(dataset: fo.Dataset, segment: Segment, ids: Sequence[str], patches_field: str | None) -> SegmentReport:
    fields = sorted({*segment.fields, *([] if patches_field is None else [patches_field])})
    before = save_segment(dataset, replace(segment, fields=fields)).size if segment.sizes else 0
    add_members(dataset, segment, ids, patches_field)
    filled = save_segment(dataset, replace(segment, fields=fields))
    return SegmentReport(filled, given=len(ids), added=filled.size - before)


def _merge(dataset: fo.Dataset, target: Segment, sources: Sequence[Segment]) -> SegmentReport:
    before = save_segment(dataset, target)
    given = sum(save_segment(dataset, source).size for source in sources)
    for source in sources:
        copy_members(dataset, source, before)
    merged = [*before.merged, *(Merged(source.name, source.made_by) for source in sources)]
    fields = sorted({name for segment in (before, *sources) for name in segment.fields})
    result = save_segment(dataset, replace(before, fields=fields, merged=merged))
    for source in sources:
        forget_segment(dataset, source)
    return SegmentReport(result, given=given, added=result.size - before.size)


def _check_target(dataset: fo.Dataset, ids: Sequence[str], patches_field: str | None) -> None:
    if not len(ids):
        raise Refusal(_NOTHING_SELECTED)
    if patches_field is not None:
        check_patches_field(dataset, patches_field)
    check_can_tag(dataset, patches_field)
