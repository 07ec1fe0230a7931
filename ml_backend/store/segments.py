"""Segments: named groups of samples or objects, as a tag, a saved view and a record of how they were made."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args

import fiftyone as fo
import fiftyone.core.utils as fou
import numpy as np
import pandas as pd
from bson import ObjectId
from fiftyone.operators.store import ExecutionStore
from pymongo import UpdateMany

from .items import as_ids, label_path

SegmentKind = Literal["data quality", "data organization", "collection campaign"]
SEGMENT_KINDS: tuple[SegmentKind, ...] = get_args(SegmentKind)
_STORE = "labelscape.segments"
_IDS_PER_UPDATE = 50_000  # MongoDB takes 16 MB a command


@dataclass(frozen=True)
class Segment:
    """A named group of samples, or of the objects of ``fields``.

    ``made_by`` says how it was made: ``{"by": "selection"}``, or of a confusion the fields and thresholds.
    ``sizes`` are its sizes over time, oldest first: (when in UTC, members).
    """

    slug: str
    name: str
    kind: SegmentKind
    note: str
    fields: list[str]
    made_by: dict[str, Any]
    created_at: datetime
    sizes: list[tuple[datetime, int]] = field(default_factory=list)

    @property
    def tag(self) -> str:
        """The tag every member carries."""
        return f"segment:{self.slug}"

    @property
    def view_name(self) -> str:
        """Name of its saved view."""
        return f"segment {self.slug}"

    @property
    def targets(self) -> list[str | None]:
        """Where its members are: fields of objects, or None for the samples themselves."""
        return [*self.fields] or [None]

    @property
    def noun(self) -> str:
        """What its members are called on screen."""
        return "object" if self.fields else "sample"

    @property
    def size(self) -> int:
        """Members when it was last counted."""
        return self.sizes[-1][1] if self.sizes else 0

    def sentence(self) -> str:
        """What a user should know of it: size, kind, how it was made, note."""
        told = f"“{self.name}”: {self.size:,} {self.noun}{'' if self.size == 1 else 's'}, {self.kind}. {self.origin()}"
        return f"{told} Note: {self.note}" if self.note else told

    def origin(self) -> str:
        """How it was made, in words."""
        how = self.made_by
        if "truth_field" not in how:
            return f"Made from a {how.get('by', 'selection')} on {self.created_at:%Y-%m-%d}."
        part = f", in a view of {how['samples']:,} samples" if how.get("view") else ""
        chosen = [*how["whats"], *(f"label {truth} as {prediction}" for truth, prediction in how["cells"])]
        return (
            f"Made on {self.created_at:%Y-%m-%d} from {', '.join(chosen)} of '{how['prediction_field']}' "
            f"against '{how['truth_field']}' at IoU {how['iou']:g}, confidence {how['confidence']:g}{part}."
        )


def segment_slug(name: str) -> str:
    """The short form of a name that tags and saved views carry.

    Raises:
        ValueError: no letter a-z and no digit in the name.
    """
    try:
        slug: str = fou.to_slug(name)
    except ValueError:
        raise ValueError(f"'{name}' cannot name a segment: use at least one letter a-z or digit.") from None
    return slug


def check_kind(kind: str) -> SegmentKind:
    """Raise a ValueError that lists the kinds unless ``kind`` is one."""
    if kind not in SEGMENT_KINDS:
        raise ValueError(f"'{kind}' is no kind of segment: choose {', '.join(SEGMENT_KINDS)}.")
    return kind


def list_segments(dataset: fo.Dataset) -> list[Segment]:
    """Every segment with its size now, oldest first; a size that changed joins its sizes over time."""
    store = _store(dataset)
    held = [as_segment(store.get(key)) for key in store.list_keys()]
    fields = {name for segment in held for name in segment.targets}
    counts = {name: _count_tags(dataset, name) for name in fields}
    segments = []
    for segment in sorted(held, key=lambda one: (one.created_at, one.slug)):
        size = sum(counts[name].get(segment.tag, 0) for name in segment.targets)
        fresh = replace(segment, sizes=_sizes(segment, size))
        if fresh != segment:
            _write(dataset, fresh)
        segments.append(fresh)
    return segments


def load_segment(dataset: fo.Dataset, slug: str) -> Segment:
    """The segment of this slug.

    Raises:
        ValueError: there is none; it lists those there are.
    """
    record = _store(dataset).get(slug)
    if record is None:
        listing = ", ".join(sorted(_store(dataset).list_keys())) or "none yet"
        raise ValueError(f"'{slug}' is no segment of this dataset; there are: {listing}.")
    return as_segment(record)


def as_segment(record: Mapping[str, Any]) -> Segment:
    """A segment from its record."""
    return Segment(**{**record, "sizes": [(at, size) for at, size in record["sizes"]]})


def claim_segment(dataset: fo.Dataset, segment: Segment) -> None:
    """Take the slug of a new segment.

    Raises:
        ValueError: there is a segment of this slug.
    """
    if not _store(dataset).set_if_absent(segment.slug, asdict(segment)):
        held = load_segment(dataset, segment.slug)
        raise ValueError(f"There is a segment '{held.name}' already: add to it, or choose another name.")


def save_segment(dataset: fo.Dataset, segment: Segment) -> Segment:
    """Write the record and the saved view of a segment, with its size now."""
    fresh = replace(segment, sizes=_sizes(segment, count_members(dataset, segment)))
    _write(dataset, fresh)
    description = f"{fresh.name} ({fresh.kind}). {fresh.note}".strip()
    dataset.save_view(fresh.view_name, segment_view(dataset, fresh), description=description, overwrite=True)
    return fresh


def forget_segment(dataset: fo.Dataset, segment: Segment) -> None:
    """Delete record, saved view and tag; the members themselves stay."""
    for name in segment.targets:
        _update_tags(dataset, name, "$pull", segment.tag, {"tags": segment.tag})
    if dataset.has_saved_view(segment.view_name):
        dataset.delete_saved_view(segment.view_name)
    _store(dataset).delete(segment.slug)


def members(dataset: fo.Dataset, segment: Segment) -> fo.DatasetView:
    """The samples with members: whole, or with those of their objects that are members."""
    if not segment.fields:
        return dataset.match_tags(segment.tag)
    return dataset.select_labels(tags=segment.tag, fields=_fields_left(dataset, segment))


def segment_view(dataset: fo.Dataset, segment: Segment) -> fo.DatasetView:
    """What the grid shows of a segment: its samples, or its objects as patches where they are of one field."""
    chosen = members(dataset, segment)
    fields = _fields_left(dataset, segment) if segment.fields else []
    return chosen.to_patches(fields[0]) if len(fields) == 1 else chosen


def count_members(dataset: fo.Dataset, segment: Segment) -> int:
    """How many samples or objects carry the tag of the segment."""
    return sum(_count_tags(dataset, name).get(segment.tag, 0) for name in segment.targets)


def member_ids(dataset: fo.Dataset, segment: Segment, patches_field: str | None = None) -> np.ndarray:
    """Ids (m,) of the members: of samples, or of the objects in one of the segment's fields."""
    if patches_field is None:
        return as_ids(dataset.match_tags(segment.tag).values("id"))
    if _is_gone(dataset, patches_field):
        return as_ids([])
    chosen = dataset.select_labels(tags=segment.tag, fields=patches_field)
    return as_ids(chosen.values(f"{label_path(dataset, patches_field)}.id", unwind=True))


def member_table(dataset: fo.Dataset, segment: Segment) -> pd.DataFrame:
    """A row for each member: sample and file, and for an object its field, id, label, confidence and box."""
    view = members(dataset, segment)
    if not segment.fields:
        return pd.DataFrame(dict(zip(["sample_id", "filepath"], view.values(["id", "filepath"]), strict=True)))
    tables = []
    for name in _fields_left(dataset, segment):
        path = label_path(dataset, name)
        attributes = ["id", "label", *(a for a in ("confidence", "bounding_box") if dataset.get_field(f"{path}.{a}"))]
        columns = view.values(["id", "filepath", *(f"{path}.{attribute}" for attribute in attributes)])
        table = pd.DataFrame(dict(zip(["sample_id", "filepath", "object_id", *attributes[1:]], columns, strict=True)))
        if path != name:
            table = table.explode(["object_id", *attributes[1:]])
        table = table[table["object_id"].notna()]
        if "bounding_box" in table:
            table[["x", "y", "width", "height"]] = table.pop("bounding_box").to_list()
        tables.append(table.assign(field=name))
    return pd.concat(tables, ignore_index=True)


def add_members(dataset: fo.Dataset, segment: Segment, ids: Sequence[str], patches_field: str | None) -> None:
    """Tag samples, or objects of a field, as members; an id that is no longer in the dataset is left out."""
    for chosen in _chunks(ids):
        _update_tags(dataset, patches_field, "$addToSet", segment.tag, {"_id": {"$in": chosen}})


def remove_members(dataset: fo.Dataset, segment: Segment, ids: Sequence[str], patches_field: str | None) -> None:
    """Take the tag off samples, or off objects of a field."""
    for chosen in _chunks(ids):
        _update_tags(dataset, patches_field, "$pull", segment.tag, {"_id": {"$in": chosen}})


def copy_members(dataset: fo.Dataset, source: Segment, target: Segment) -> None:
    """Make every member of one segment a member of another too."""
    for name in source.targets:
        _update_tags(dataset, name, "$addToSet", target.tag, {"tags": source.tag})


def _update_tags(
    dataset: fo.Dataset, patches_field: str | None, operator: str, tag: str, where: Mapping[str, Any]
) -> None:
    """Add or pull a tag on the samples, or on the objects, that meet ``where``: one command, whatever their number."""
    if _is_gone(dataset, patches_field):
        return
    if patches_field is None:
        update = UpdateMany(dict(where), {operator: {"tags": tag}, **_now()})
    else:
        path = label_path(dataset, patches_field)
        (attribute, condition), *_ = where.items()
        listed = path != patches_field
        target = f"{path}.$[member].tags" if listed else f"{path}.tags"
        update = UpdateMany(
            {f"{path}.{attribute}": condition},
            {operator: {target: tag}, **_now()},
            array_filters=[{f"member.{attribute}": condition}] if listed else None,
        )
    dataset._bulk_write([update])


def _count_tags(dataset: fo.Dataset, patches_field: str | None) -> dict[str, int]:
    if _is_gone(dataset, patches_field):
        return {}
    path = "tags" if patches_field is None else f"{label_path(dataset, patches_field)}.tags"
    counts: dict[str, int] = dataset.count_values(path)
    return counts


def _fields_left(dataset: fo.Dataset, segment: Segment) -> list[str]:
    left = [name for name in segment.fields if not _is_gone(dataset, name)]
    if not left:
        listing = ", ".join(segment.fields)
        raise ValueError(f"The objects of “{segment.name}” are gone with their field ({listing}): delete the segment.")
    return left


def _is_gone(dataset: fo.Dataset, patches_field: str | None) -> bool:
    """Whether the field was deleted or renamed since the segment was made; its objects went with it."""
    return patches_field is not None and not dataset.has_sample_field(patches_field)


def _chunks(ids: Sequence[str]) -> list[list[ObjectId]]:
    objects = [ObjectId(str(one)) for one in ids]
    return [objects[start : start + _IDS_PER_UPDATE] for start in range(0, len(objects), _IDS_PER_UPDATE)]


def _now() -> dict[str, Any]:
    return {"$set": {"last_modified_at": moment()}}


def _sizes(segment: Segment, size: int) -> list[tuple[datetime, int]]:
    if segment.sizes and segment.size == size:
        return segment.sizes
    return [*segment.sizes, (moment(), size)]


def moment() -> datetime:
    """Now in UTC, to the millisecond that MongoDB keeps."""
    now = datetime.utcnow()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _write(dataset: fo.Dataset, segment: Segment) -> None:
    _store(dataset).set(segment.slug, asdict(segment))


def _store(dataset: fo.Dataset) -> ExecutionStore:
    return ExecutionStore.create(_STORE, dataset._doc.id)
