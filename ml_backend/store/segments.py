"""The members of a segment: samples or objects with its tag, and the saved view that shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import fiftyone as fo
import fiftyone.core.stages as fos
import numpy as np
import pandas as pd
from bson import ObjectId
from pymongo import UpdateMany

from ..errors import Refusal
from .generated_views import show_in_generated_views
from .items import (
    FRAMES,
    FRAMES_PREFIX,
    as_ids,
    as_list,
    every_sample,
    is_list_field,
    label_path,
    local_field,
    stored_path,
)
from .own_fields import check_own_field, ensure_own_field, own_path
from .records import moment
from .saved_views import describe_saved_view, is_saved_view, leaving_nothing_generated
from .segment_records import Segment, delete_segment_record, read_segments, write_segment

_IDS_PER_UPDATE = 50_000  # MongoDB's limit is 16 MB per command
_FRAME_TAGS = "segments"
_OBJECT_COLUMNS = ["sample_id", "filepath", "object_id", "label", "confidence", "x", "y", "width", "height", "field"]


def list_segments(dataset: fo.Dataset) -> list[Segment]:
    """Every segment with its current size, oldest first; a changed size is added to its sizes over time."""
    recorded = read_segments(dataset)
    fields = {name for segment in recorded for name in segment.targets}
    counts = {name: _count_tags(dataset, name) for name in fields}
    segments = []
    for segment in recorded:
        size = sum(counts[name].get(segment.tag, 0) for name in segment.targets)
        counted = replace(segment, sizes=_sizes(segment, size))
        if counted != segment:
            write_segment(dataset, counted)
        segments.append(counted)
    return segments


def save_segment(dataset: fo.Dataset, segment: Segment) -> Segment:
    """Write the record and the saved view of a segment, with its current size."""
    counted = replace(segment, sizes=_sizes(segment, count_members(dataset, segment)))
    write_segment(dataset, counted)
    description = f"{counted.name} ({counted.kind}). {counted.note}".strip()
    view = members(dataset, counted)
    stages = _generating_stages(dataset, counted)
    with leaving_nothing_generated(dataset, counted.view_name):
        if is_saved_view(dataset, counted.view_name, view, stages):
            describe_saved_view(dataset, counted.view_name, description)
        else:
            shown = _with_stages(view, stages)
            dataset.save_view(counted.view_name, shown, description=description, overwrite=True)
    return counted


def forget_segment(dataset: fo.Dataset, segment: Segment) -> None:
    """Delete record, saved view, and tag; the members themselves stay."""
    for name in segment.targets:
        _update_tags(dataset, name, "$pull", segment.tag, {"tags": segment.tag})
    if dataset.has_saved_view(segment.view_name):
        with leaving_nothing_generated(dataset, segment.view_name):
            dataset.delete_saved_view(segment.view_name)
    delete_segment_record(dataset, segment.slug)


def members(dataset: fo.Dataset, segment: Segment) -> fo.DatasetView:
    """The samples with members: whole, or with those of their objects that are members."""
    if not segment.fields:
        return every_sample(dataset).match_tags(segment.tag)
    if segment.fields == [FRAMES]:
        return every_sample(dataset).match_frames(fo.ViewField(_frame_tags(dataset)).contains(segment.tag))
    return every_sample(dataset).select_labels(tags=segment.tag, fields=_fields_left(dataset, segment))


def segment_view(dataset: fo.Dataset, segment: Segment) -> fo.DatasetView:
    """The view of a segment in the grid: its samples, or its objects as patches if they are in one field of lists."""
    return _with_stages(members(dataset, segment), _generating_stages(dataset, segment))


def count_members(dataset: fo.Dataset, segment: Segment) -> int:
    """The number of samples or objects with the tag of the segment."""
    return sum(_count_tags(dataset, name).get(segment.tag, 0) for name in segment.targets)


def member_ids(dataset: fo.Dataset, segment: Segment, patches_field: str | None = None) -> np.ndarray:
    """Ids (m,) of the members: of samples, or of the objects in one of the segment's fields."""
    if patches_field is None:
        return as_ids(every_sample(dataset).match_tags(segment.tag).values("id"))
    if _is_gone(dataset, patches_field):
        return as_ids([])
    if patches_field == FRAMES:
        documents = dataset._frame_collection.find({_frame_tags(dataset): segment.tag}, {"_id": 1})
        return as_ids([str(frame["_id"]) for frame in documents])
    view = every_sample(dataset).select_labels(tags=segment.tag, fields=patches_field)
    return as_ids(view.values(f"{label_path(dataset, patches_field)}.id", unwind=True))


def member_table(dataset: fo.Dataset, segment: Segment) -> pd.DataFrame:
    """One row per member: sample and file, and for an object its field, id, label, confidence, and box."""
    view = members(dataset, segment)
    if not segment.fields:
        return pd.DataFrame(dict(zip(["sample_id", "filepath"], view.values(["id", "filepath"]), strict=True)))
    if segment.fields == [FRAMES]:
        columns = ["sample_id", "filepath", "frame_number"]
        return pd.DataFrame(dict(zip(columns, view.to_frames().values(columns), strict=True)))
    rows = [row for name in _fields_left(dataset, segment) for row in _object_rows(view, name)]
    return pd.DataFrame(rows, columns=_OBJECT_COLUMNS)


def add_members(dataset: fo.Dataset, segment: Segment, ids: Sequence[str], patches_field: str | None) -> None:
    """Tag samples, or objects of a field, as members; ids that are no longer in the dataset are left out."""
    for chosen in _chunks(ids):
        _update_tags(dataset, patches_field, "$addToSet", segment.tag, {"_id": {"$in": chosen}})


def remove_members(dataset: fo.Dataset, segment: Segment, ids: Sequence[str], patches_field: str | None) -> None:
    """Remove the tag from samples, or from objects of a field."""
    for chosen in _chunks(ids):
        _update_tags(dataset, patches_field, "$pull", segment.tag, {"_id": {"$in": chosen}})


def copy_members(dataset: fo.Dataset, source: Segment, target: Segment) -> None:
    """Make every member of one segment a member of another too."""
    for name in source.targets:
        _update_tags(dataset, name, "$addToSet", target.tag, {"tags": source.tag})


def check_can_tag(dataset: fo.Dataset, patches_field: str | None) -> None:
    """Raise a Refusal if the tags of samples, or the objects of a field, are read-only."""
    name = patches_field or "tags"
    if name == FRAMES:
        check_own_field(dataset, f"{FRAMES_PREFIX}{_FRAME_TAGS}")
        return
    if dataset.get_field(name).read_only:
        raise Refusal(f"The field '{name}' is read-only, and members carry a tag there: make it writable first.")


def _generating_stages(dataset: fo.Dataset, segment: Segment) -> list[fos.ViewStage]:
    """The stages that show frames, or the objects of one field of lists as patches, or as clips."""
    if segment.fields == [FRAMES]:
        return [fos.ToFrames()]
    fields = _fields_left(dataset, segment) if segment.fields else []
    if len(fields) != 1 or not is_list_field(dataset, fields[0]):
        return []
    if dataset.get_field(fields[0]).document_type is fo.TemporalDetections:
        return [fos.ToClips(fields[0])]
    if fields[0].startswith(FRAMES_PREFIX):
        return [fos.ToFrames(), fos.ToPatches(fields[0].removeprefix(FRAMES_PREFIX))]
    return [fos.ToPatches(fields[0])]


def _with_stages(view: fo.DatasetView, stages: Sequence[fos.ViewStage]) -> fo.DatasetView:
    for stage in stages:
        view = view.add_stage(stage)
    return view


def _object_rows(view: fo.DatasetView, field: str) -> list[tuple[Any, ...]]:
    if field.startswith(FRAMES_PREFIX):
        view = view.to_frames()
    path = label_path(view, local_field(view, field))
    attributes = ["id", "label", "confidence", "bounding_box"]
    known = [name for name in attributes if view.get_field(f"{path}.{name}") is not None]
    own = "sample_id" if view._is_generated else "id"
    sample_ids, paths, *columns = view.values([own, "filepath", *(f"{path}.{name}" for name in known)])
    nested = not view.get_field(path) or path != local_field(view, field)
    rows = []
    for sample, file, *values in zip(sample_ids, paths, *columns, strict=True):
        objects = zip(*(as_list(column) for column in values), strict=True) if nested else [values]
        for values_of_row in objects:
            of_object = dict(zip(known, values_of_row, strict=True))
            if of_object.get("id") is not None:
                box = of_object.get("bounding_box")
                corners = box if isinstance(box, list) and len(box) == 4 else [None] * 4
                row = (sample, file, of_object["id"], of_object.get("label"), of_object.get("confidence"))
                rows.append((*row, *corners, field))
    return rows


def _update_tags(
    dataset: fo.Dataset, patches_field: str | None, operator: str, tag: str, where: Mapping[str, Any]
) -> None:
    """Add or pull a tag on the samples, or on the objects, that meet ``where``: one command, whatever their number."""
    if _is_gone(dataset, patches_field):
        return
    if patches_field is None:
        dataset._bulk_write([UpdateMany(dict(where), {operator: {"tags": tag}, **_now()})])
        return
    if patches_field == FRAMES:
        _update_frame_tags(dataset, operator, tag, where)
        return
    _, path = stored_path(dataset, label_path(dataset, patches_field))
    (attribute, condition), *_ = where.items()
    listed = is_list_field(dataset, patches_field)
    target = f"{path}.$[member].tags" if listed else f"{path}.tags"
    update = UpdateMany(
        {f"{path}.{attribute}": condition},
        {operator: {target: tag}, **_now()},
        array_filters=[{f"member.{attribute}": condition}] if listed else None,
    )
    of_frames = patches_field.startswith(FRAMES_PREFIX)
    # Collect the samples before the write: afterwards, a removed tag no longer identifies them.
    meant = [] if of_frames else dataset._sample_collection.find({f"{path}.{attribute}": condition}, {"_id": 1})
    samples = [str(sample["_id"]) for sample in meant]
    dataset._bulk_write([update], frames=of_frames)
    show_in_generated_views(dataset, samples, {patches_field}, added=False)


def _update_frame_tags(dataset: fo.Dataset, operator: str, tag: str, where: Mapping[str, Any]) -> None:
    """Add or pull a tag on whole frames, which FiftyOne (1.22) gives no tags: ours are in a field of their own."""
    options = {"description": "Labelscape: segments of this frame", "subfield": fo.StringField}
    ensure_own_field(dataset, f"{FRAMES_PREFIX}{_FRAME_TAGS}", fo.ListField, **options)
    tags = _frame_tags(dataset)
    meant = {tags if name == "tags" else name: value for name, value in where.items()}
    frames = [str(frame["_id"]) for frame in dataset._frame_collection.find(meant, {"_id": 1})]
    # A list that was never set is null, to which MongoDB adds nothing.
    empty = UpdateMany({**meant, tags: None}, {"$set": {tags: []}})
    dataset._bulk_write([empty, UpdateMany(meant, {operator: {tags: tag}, **_now()})], frames=True, ordered=True)
    show_in_generated_views(dataset, frames, {tags}, added=False, of_frames=True)


def _frame_tags(dataset: fo.Dataset) -> str:
    return own_path(dataset, f"{FRAMES_PREFIX}{_FRAME_TAGS}").removeprefix(FRAMES_PREFIX)


def _count_tags(dataset: fo.Dataset, patches_field: str | None) -> dict[str, int]:
    if _is_gone(dataset, patches_field):
        return {}
    if patches_field == FRAMES:
        path = f"{FRAMES_PREFIX}{_frame_tags(dataset)}"
        return dict(every_sample(dataset).count_values(path)) if dataset.has_field(path) else {}
    path = "tags" if patches_field is None else f"{label_path(dataset, patches_field)}.tags"
    counts: dict[str, int] = every_sample(dataset).count_values(path)
    return counts


def _fields_left(dataset: fo.Dataset, segment: Segment) -> list[str]:
    left = [name for name in segment.fields if not _is_gone(dataset, name)]
    if not left:
        names = ", ".join(segment.fields)
        raise Refusal(f"The objects of “{segment.name}” are gone with their field ({names}): delete the segment.")
    return left


def _is_gone(dataset: fo.Dataset, patches_field: str | None) -> bool:
    """Whether the field was deleted or renamed since the segment was made; its objects went with it."""
    if patches_field == FRAMES:
        return not dataset._has_frame_fields()
    return patches_field is not None and not dataset.has_field(patches_field)


def _chunks(ids: Sequence[str]) -> list[list[ObjectId]]:
    objects = [ObjectId(str(item)) for item in ids]
    return [objects[start : start + _IDS_PER_UPDATE] for start in range(0, len(objects), _IDS_PER_UPDATE)]


def _now() -> dict[str, Any]:
    return {"$set": {"last_modified_at": moment()}}


def _sizes(segment: Segment, size: int) -> list[tuple[datetime, int]]:
    if segment.sizes and segment.size == size:
        return segment.sizes
    return [*segment.sizes, (moment(), size)]
