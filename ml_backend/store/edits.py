"""Edits: changes of one sample, or of many samples at once, in MongoDB. They can be applied, undone, and packed.

An edit changes only what still has its previous value, so applying it twice has no further effect, and what a person
changed in the meantime stays.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Literal

import bson
import fiftyone as fo
import fiftyone.core.frame as fofr
import fiftyone.core.sample as fos
from bson import ObjectId
from pymongo import UpdateOne

from .column_updates import modified_now
from .fills import Fill, Purpose, Written, write_fills
from .generated_views import show_in_generated_views
from .items import FRAMES_PREFIX, stored_path
from .list_fills import JoiningFill, RemovingFill, empty_list, taking_out
from .object_fills import ObjectFill
from .own_writes import bulk_write
from .records import as_names

EditKind = Literal["value", "element", "attributes", "sample"]
_BYTES_PER_RECORD = 8_000_000  # before compression; MongoDB's limit is 16 MB per document
EDITS_PER_RECORD = 50_000  # so that progress is reported while a large save is written


@dataclass(frozen=True)
class Edit:
    """One change of one sample in MongoDB; swapping ``before`` and ``after`` undoes it.

    value: the whole document of the field at ``path``; None = no label.
    element: one document of the list at ``path``, at ``position``; None = not in the list. With ``fresh``, there was no
    list before, and undoing it leaves none that is empty.
    attributes: some attributes of the document ``element`` in the list (or the single document) at ``path``.
    sample: the whole sample; None = deleted.
    ``purpose`` is what it counts as in a report. In a field of frames (``frames.…``) ``sample`` is the frame's id.
    """

    kind: EditKind
    sample: str
    path: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    element: str | None = None
    position: int | None = None
    purpose: Purpose = "label"
    fresh: bool = False

    def inverse(self) -> "Edit":
        """The edit that undoes this one."""
        return replace(self, before=self.after, after=self.before)

    def __len__(self) -> int:
        return 1


_SAME: Mapping[str, str | None] = {}
_FILLS: Mapping[str, type[Fill]] = {kind.FORM: kind for kind in (Fill, ObjectFill, JoiningFill, RemovingFill)}
AnyEdit = Edit | Fill


def pack_edits(edits: Iterable[AnyEdit]) -> Iterator[tuple[int, bytes]]:
    """Edits as compressed BSON, in parts that fit into one MongoDB document each: (how many edits, the bytes)."""
    part: list[bytes] = []
    size = number = 0
    for edit in edits:
        for piece in edit.pieces() if isinstance(edit, Fill) else (edit,):
            encoded = bson.encode(piece.as_document() if isinstance(piece, Fill) else vars(piece))
            if part and (size + len(encoded) > _BYTES_PER_RECORD or number + len(piece) > EDITS_PER_RECORD):
                yield number, zlib.compress(b"".join(part), 1)
                part, size, number = [], 0, 0
            part.append(encoded)
            size += len(encoded)
            number += len(piece)
    if part:
        yield number, zlib.compress(b"".join(part), 1)


def unpack_edits(packed: bytes) -> list[AnyEdit]:
    """Unpack the edits of one part."""
    return [_from_document(document) for document in bson.decode_all(zlib.decompress(packed))]


def roots(edits: Iterable[AnyEdit]) -> set[str]:
    """The fields of the samples, or of their frames, that edits touch; "" stands for whole samples."""
    return {root_of(edit.path) for edit in edits}


def root_of(path: str) -> str:
    """The field that a path belongs to: ``parts`` for ``parts.detections``, ``frames.parts`` for a path in frames."""
    return ".".join(path.split(".")[: 2 if path.startswith(FRAMES_PREFIX) else 1])


def renamed(edits: Sequence[AnyEdit], names: Mapping[str, str | None]) -> list[AnyEdit]:
    """Edits under the current names of their fields; edits of deleted fields (None) are left out."""
    result = []
    for edit in edits:
        root = root_of(edit.path)
        now = names.get(root, root)
        if now is not None:
            result.append(edit if now == root else replace(edit, path=now + edit.path[len(root) :]))
    return result


def apply(
    dataset: fo.Dataset, edits: Sequence[AnyEdit], *, undo: bool = False, names: Mapping[str, str | None] = _SAME
) -> Written:
    """Apply edits, or undo them in reverse order; returns how many MongoDB matched, by purpose.

    Args:
        names: field at the time of the edits → its name now, None where it is gone; others have kept theirs.
    """
    todays = renamed(edits, names)
    written = write_fills(dataset, [edit for edit in todays if isinstance(edit, Fill)], undo=undo)
    single = [edit for edit in todays if isinstance(edit, Edit)]
    if undo:
        single = [edit.inverse() for edit in reversed(single)]
    for purpose in dict.fromkeys(edit.purpose for edit in single):
        written[purpose] += _update(dataset, [edit for edit in single if edit.purpose == purpose])
    written["delete"] += _restore(dataset, single, names) + _delete(dataset, single)
    _show(dataset, todays, undo=undo)
    return written


def _from_document(document: dict[str, Any]) -> AnyEdit:
    if "stamp" not in document:
        return Edit(**document)
    return _FILLS[document.get("form", Fill.FORM)].from_document(document)


def _show(dataset: fo.Dataset, edits: Sequence[AnyEdit], *, undo: bool) -> None:
    """Refresh samples in memory, and the datasets that FiftyOne generated for views, after a write."""
    for in_frames in (False, True):
        some = [edit for edit in edits if edit.path.startswith(FRAMES_PREFIX) == in_frames]
        if not some:
            continue
        ids: dict[str, None] = {}
        for edit in some:
            ids.update(dict.fromkeys([edit.sample] if isinstance(edit, Edit) else as_names(edit.ids)))
        if in_frames:
            fofr.Frame._reload_docs(dataset._frame_collection_name, frame_ids=list(ids))
        else:
            fos.Sample._reload_docs(dataset._sample_collection_name, sample_ids=list(ids))
        added = any(_adds(edit, undo=undo) for edit in some if isinstance(edit, Edit))
        fields = {root.removeprefix(FRAMES_PREFIX) for root in roots(some)}
        show_in_generated_views(dataset, list(ids), fields, added=added, of_frames=in_frames)


def _adds(edit: Edit, *, undo: bool) -> bool:
    """Whether the edit adds or restores a sample or an object."""
    before, after = (edit.after, edit.before) if undo else (edit.before, edit.after)
    is_object = edit.kind == "sample" or not {"bounding_box", "points", "support"}.isdisjoint(after or {})
    return is_object and edit.kind != "attributes" and before is None and after is not None


# --- single samples --------------------------------------------------------------------------------------------------


def _update(dataset: fo.Dataset, edits: Sequence[Edit]) -> int:
    matched = 0
    for in_frames in (False, True):
        mine = [edit for edit in edits if edit.kind != "sample" and edit.path.startswith(FRAMES_PREFIX) == in_frames]
        if not mine:
            continue
        collection = stored_path(dataset, mine[0].path)[0]
        local = [replace(edit, path=stored_path(dataset, edit.path)[1]) for edit in mine] if in_frames else mine
        containers = [_container(edit) for edit in local if edit.kind == "element" and edit.after is not None]
        if containers:
            bulk_write(collection, containers, labels=True)
        matched += bulk_write(collection, [_UPDATES[edit.kind](edit) for edit in local], labels=True)
    return matched


def _update_value(edit: Edit) -> UpdateOne:
    """Write the field only if its value is still the one from before."""
    before = {edit.path: None} if edit.before is None else _same_label(edit.path, edit.before)
    return UpdateOne({"_id": ObjectId(edit.sample), **before}, {"$set": {edit.path: edit.after, **modified_now()}})


def _container(edit: Edit) -> UpdateOne:
    """Create the list that a label will be added to, if it is missing."""
    parent, leaf = edit.path.rsplit(".", 1)
    return UpdateOne({"_id": ObjectId(edit.sample), parent: None}, {"$set": {parent: empty_list(leaf)}})


def _update_element(edit: Edit) -> UpdateOne:
    """Push a document into a list that does not have it, or pull it if it is still the same."""
    sample = {"_id": ObjectId(edit.sample)}
    if edit.after is None:
        assert edit.before is not None
        same = {edit.path: {"$elemMatch": {"_id": edit.before["_id"], "label": edit.before.get("label")}}}
        out = taking_out(edit.path, {"_id": edit.before["_id"]}, with_list=edit.fresh)
        return UpdateOne({**sample, **same}, out)
    absent = {f"{edit.path}._id": {"$ne": edit.after["_id"]}}
    if edit.path.endswith(".classifications"):
        absent[f"{edit.path}.label"] = {"$ne": edit.after["label"]}
    each: dict[str, Any] = {"$each": [edit.after]}
    if edit.position is not None:
        each["$position"] = edit.position
    return UpdateOne({**sample, **absent}, {"$push": {edit.path: each}, "$set": modified_now()})


def _update_attributes(edit: Edit) -> UpdateOne:
    """Write attributes of one object whose label is still the one from before."""
    assert edit.element is not None
    assert edit.before is not None
    assert edit.after is not None
    label = edit.before.get("label")
    still = {"$in": [None, ""]} if label in (None, "") else label
    identity = {"_id": ObjectId(edit.element), "label": still}
    if edit.position is None:
        where = {f"{edit.path}.{name}": value for name, value in identity.items()}
        target = edit.path
    else:
        where = {edit.path: {"$elemMatch": identity}}
        target = f"{edit.path}.$"
    values = {f"{target}.{name}": value for name, value in edit.after.items()}
    return UpdateOne({"_id": ObjectId(edit.sample), **where}, {"$set": {**values, **modified_now()}})


_UPDATES = {"value": _update_value, "element": _update_element, "attributes": _update_attributes}


def _same_label(path: str, document: dict[str, Any]) -> dict[str, Any]:
    if "_id" not in document:  # a list of labels has no ID, so all of it must be the same
        return {f"{path}.{name}": value for name, value in document.items()}
    return {f"{path}._id": document["_id"], f"{path}.label": document.get("label")}


# --- whole samples ---------------------------------------------------------------------------------------------------


def _restore(dataset: fo.Dataset, edits: Sequence[Edit], names: Mapping[str, str | None]) -> int:
    documents = [edit.after for edit in edits if edit.kind == "sample" and edit.after is not None]
    if not documents:
        return 0
    dataset.reload()
    fields = {field.db_field or name for name, field in dataset.get_field_schema().items()}
    todays = [_in_todays_schema(fields, document, names) for document in documents]
    result = dataset._sample_collection.bulk_write(
        [UpdateOne({"_id": document["_id"]}, {"$setOnInsert": document}, upsert=True) for document in todays]
    )
    dataset.reload()
    return int(result.upserted_count)


def _delete(dataset: fo.Dataset, edits: Sequence[Edit]) -> int:
    deleted = {edit.sample: edit.before for edit in edits if edit.kind == "sample" and edit.after is None}
    unchanged = _unchanged(dataset, deleted) if deleted else []
    if unchanged:
        dataset.delete_samples(unchanged)
    return len(unchanged)


def _unchanged(dataset: fo.Dataset, expected: dict[str, dict[str, Any] | None]) -> list[str]:
    """The samples that still exist and are unchanged since their deletion was prepared."""
    present = dataset._sample_collection.find(
        {"_id": {"$in": [ObjectId(sample) for sample in expected]}}, {"last_modified_at": 1}
    )
    return [
        str(document["_id"])
        for document in present
        if document.get("last_modified_at") == (expected[str(document["_id"])] or {}).get("last_modified_at")
    ]


def _in_todays_schema(fields: Set[str], document: dict[str, Any], names: Mapping[str, str | None]) -> dict[str, Any]:
    """A deleted sample adapted to the current fields: some renamed, deleted ones left out, new ones empty."""
    todays = {names.get(name, name): value for name, value in document.items()}
    kept = {name: value for name, value in todays.items() if name is not None and (name[0] == "_" or name in fields)}
    return {**{name: None for name in fields if not name.startswith("_")}, **kept}
