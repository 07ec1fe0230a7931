"""What a save did not write, and why: its items were deleted, or somebody changed them at the same moment."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np

from .column_updates import among
from .edits import AnyEdit, Edit, unpack_edits
from .items import FRAMES, FRAMES_PREFIX, is_list_field, label_path, stored_path
from .object_fills import ObjectFill
from .pending_columns import FieldChanges
from .records import as_oids
from .save_records import read_records
from .saves import SaveRecord

_AT_ONCE = 50_000
_OID = "S12"


@dataclass(frozen=True)
class Unwritten:
    """How many pending changes were not written because their item is ``gone``, or was ``changed`` meanwhile."""

    gone: int = 0
    changed: int = 0


def existing(dataset: fo.Dataset, field: str | None, ids: np.ndarray) -> np.ndarray:
    """(n,) bool: which of these ids (12 bytes each) exist, of samples, of "frames", or of the objects of a field."""
    if field is not None and field != FRAMES and dataset.get_field(field) is None:
        return np.zeros(len(ids), bool)
    present: list[bytes] = []
    for start in range(0, len(ids), _AT_ONCE):
        some = among(ids[start : start + _AT_ONCE])
        collection, key, unwind = _ids_in(dataset, field)
        match = {"$match": {key: some}}
        stages = [match, *unwind, *([match] if unwind else []), {"$project": {"_id": f"${key}"}}]
        present += [document["_id"].binary for document in collection.aggregate(stages)]
    there: np.ndarray = np.isin(ids, np.asarray(present, _OID))
    return there


def objects_in(dataset: fo.Dataset, field: str, samples: np.ndarray) -> np.ndarray:
    """The ids (m,) of the objects of a field in these samples."""
    if not len(samples) or field.startswith(FRAMES) or dataset.get_field(field) is None:
        return np.empty(0, _OID)
    collection, key, unwind = _ids_in(dataset, field)
    stages = [{"$match": {"_id": among(samples), key: {"$exists": True}}}, *unwind, {"$project": {"_id": f"${key}"}}]
    return np.asarray([document["_id"].binary for document in collection.aggregate(stages)], _OID)


def gone_labels(dataset: fo.Dataset, edits: Iterable[AnyEdit]) -> int:
    """How many edits of labels are of an item that no longer exists."""
    items: defaultdict[str | None, list[np.ndarray]] = defaultdict(list)
    for edit in edits:
        if edit.purpose != "delete":
            field, ids = _items_of(edit)
            items[field].append(ids)
    gone = 0
    for field, parts in items.items():
        gone += int((~existing(dataset, field, np.concatenate(parts))).sum())
    return gone


def unwritten(
    dataset: fo.Dataset,
    record: SaveRecord,
    fields: Sequence[FieldChanges],
    deleted: Mapping[str | None, np.ndarray],
    leaving: np.ndarray,
) -> Unwritten:
    """Why a save wrote fewer changes than were pending.

    Args:
        leaving: objects (m,) that went with their samples, which the save deleted; their own changes do not count.
    """
    planned = [edit for packed in read_records(dataset, record.id) for edit in unpack_edits(packed)]
    labels = sum(len(edit) for edit in planned if edit.purpose != "delete")
    labels -= sum(number for purpose, number in record.written.items() if purpose != "delete")
    gone, still = -record.written.get("delete", 0), 0
    for field, items in deleted.items():
        alone = items[~np.isin(items, leaving)]
        present = int(existing(dataset, field, alone).sum())
        gone, still = gone + len(alone) - present, still + present
    for field_changes in fields:
        for items in (field_changes.ids, field_changes.cleared):
            alone = items[~np.isin(items, leaving)]
            gone += int((~existing(dataset, field_changes.patches_field, alone)).sum())
    return Unwritten(max(gone, 0), max(labels - gone_labels(dataset, planned), 0) + still)


def _ids_in(dataset: fo.Dataset, field: str | None) -> tuple[Any, str, list[dict[str, Any]]]:
    """The collection that has the ids of such items, where they are in it, and the stages that make one each."""
    if field is None or field == FRAMES:
        return (dataset._sample_collection if field is None else dataset._frame_collection), "_id", []
    collection, path = stored_path(dataset, label_path(dataset, field))
    return collection, f"{path}._id", [{"$unwind": f"${path}"}] if is_list_field(dataset, field) else []


def _items_of(edit: AnyEdit) -> tuple[str | None, np.ndarray]:
    """The items of an edit of labels, and what they are, as `existing` takes it."""
    whole = FRAMES if edit.path.startswith(FRAMES_PREFIX) else None
    of_objects = not edit.path.endswith(".classifications")
    if isinstance(edit, Edit):
        if edit.element is None or not of_objects:
            return whole, as_oids([edit.sample])
        return _field_of(edit.path), as_oids([edit.element])
    if isinstance(edit, ObjectFill) and of_objects:
        return _field_of(edit.path), edit.elements
    return whole, edit.ids


def _field_of(path: str) -> str:
    """The field of objects: ``parts`` for ``parts.detections``."""
    stem, _, leaf = path.rpartition(".")
    return stem if leaf in ("detections", "polylines") else path
