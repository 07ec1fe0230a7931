"""Saving as one act: prepared as a record, applied, undoable; an interrupted one is finished later.

A record lists edits with what was there before and what comes after. It is written to FiftyOne's execution
store first; one atomic key then says "prepared". From that moment the save happens, whatever crashes: an edit
applied twice is the same as once, because it only touches what is still as it was before.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import bson
import fiftyone as fo
from bson import ObjectId
from fiftyone.operators.store import ExecutionStore
from pymongo import UpdateOne

from .pending import forget_acts

_STORE = "labelscape.saves"
_HEAD = "head"
_BYTES_PER_RECORD = 8_000_000  # MongoDB holds 16 MB a document
UNDO_SECONDS = 7 * 24 * 3600

EditKind = Literal["value", "element", "attributes", "sample"]


@dataclass(frozen=True)
class Edit:
    """One change of one sample in MongoDB; swapping ``before`` and ``after`` undoes it.

    value: the whole document of the field at ``path``; None = no label.
    element: one document of the list at ``path``, at ``position``; None = not in the list.
    attributes: some attributes of the document ``element`` in the list (or the single document) at ``path``.
    sample: the whole sample; None = deleted.
    """

    kind: EditKind
    sample: str
    path: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    element: str | None = None
    position: int | None = None

    def inverse(self) -> "Edit":
        """The edit that undoes this one."""
        return Edit(self.kind, self.sample, self.path, self.after, self.before, self.element, self.position)


@dataclass(frozen=True)
class SaveRecord:
    """What is known of the last save: its id, what it was, how many edits it made, and when (UTC)."""

    id: str
    title: str
    state: str
    count: int
    at: datetime


def read_head(dataset: fo.Dataset) -> str | None:
    """What tells saves apart: read it before the edits are made, and `commit` notices a save in between."""
    recover(dataset)
    head: str | None = _store(dataset).get(_HEAD)
    return head


def commit(
    dataset: fo.Dataset, edits: Sequence[Edit], title: str, *, head: str | None, acts: Sequence[str] = ()
) -> SaveRecord:
    """Make all edits as one act that can be undone; ``acts`` are the pending acts it settles.

    Without an edit only the acts are settled, and the save before can still be undone.

    Raises:
        ValueError: another save of this dataset was made at the same moment; nothing was changed.
    """
    store = _store(dataset)
    save_id = uuid.uuid4().hex
    now = datetime.utcnow()
    if not edits:
        forget_acts(dataset, acts)
        return SaveRecord(save_id, title, "applied", 0, now)
    chunks = 0
    for part in _records(edits):
        store.set(f"{save_id}:{chunks}", part, ttl=UNDO_SECONDS)
        chunks += 1
    meta = {
        "title": title,
        "chunks": chunks,
        "count": len(edits),
        "acts": list(acts),
        "at": now,
    }
    store.set(f"{save_id}:meta", meta, ttl=UNDO_SECONDS)
    if not _move_head(store, head, f"{save_id}:prepared"):
        _forget(store, save_id)
        raise ValueError("Another save was made at the same moment: look at the result, then save again.")
    if head is not None:
        _forget(store, head.split(":")[0])
    recover(dataset)
    return SaveRecord(save_id, title, "applied", len(edits), now)


def recover(dataset: fo.Dataset) -> bool:
    """Finish a save or an undo that was interrupted; returns whether there was one."""
    store = _store(dataset)
    head = store.get(_HEAD)
    if head is None:
        return False
    save_id, state = head.split(":")
    if state not in ("prepared", "undoing"):
        return False
    meta = store.get(f"{save_id}:meta")
    if meta is None:  # interrupted more than seven days ago, and its record has expired
        store.delete(_HEAD)
        return False
    forward = state == "prepared"
    numbers = range(meta["chunks"]) if forward else reversed(range(meta["chunks"]))
    for number in numbers:
        edits = [Edit(**record) for record in store.get(f"{save_id}:{number}") or []]
        apply_edits(dataset, edits if forward else [edit.inverse() for edit in reversed(edits)])
    forget_acts(dataset, meta["acts"])
    _move_head(store, head, f"{save_id}:{'applied' if forward else 'undone'}")
    return True


def last_save(dataset: fo.Dataset) -> SaveRecord | None:
    """The last save, while it can still be undone; None when there is none."""
    recover(dataset)
    store = _store(dataset)
    head = store.get(_HEAD)
    if head is None:
        return None
    save_id, state = head.split(":")
    meta = store.get(f"{save_id}:meta")
    if meta is None or state != "applied":
        return None
    return SaveRecord(save_id, meta["title"], state, meta["count"], meta["at"])


def undo(dataset: fo.Dataset) -> SaveRecord:
    """Undo the last save; what a person changed since then stays as it is.

    Raises:
        ValueError: there is nothing to undo, or it is too long ago.
    """
    record = last_save(dataset)
    if record is None:
        raise ValueError("There is no save to undo: none was made in the last seven days, or it is undone already.")
    store = _store(dataset)
    if not _move_head(store, f"{record.id}:applied", f"{record.id}:undoing"):
        raise ValueError("Another tab is saving or undoing at this moment: try again.")
    recover(dataset)
    return record


def apply_edits(dataset: fo.Dataset, edits: Sequence[Edit]) -> None:
    """Make edits without a record to undo them by: each touches only what is still as it was before."""
    updates = [update for edit in edits if edit.kind != "sample" for update in _UPDATES[edit.kind](edit)]
    if updates:
        dataset._bulk_write(updates, ids=list({edit.sample for edit in edits}), ordered=True)
    restored = [edit for edit in edits if edit.kind == "sample" and edit.after is not None]
    if restored:
        dataset.reload()
        documents = [_in_todays_schema(dataset, edit.after) for edit in restored if edit.after]
        dataset._sample_collection.bulk_write(
            [UpdateOne({"_id": document["_id"]}, {"$setOnInsert": document}, upsert=True) for document in documents]
        )
        dataset.reload()
    deleted = {edit.sample: edit.before for edit in edits if edit.kind == "sample" and edit.after is None}
    if deleted:
        dataset.delete_samples(_unchanged(dataset, deleted))


def _unchanged(dataset: fo.Dataset, expected: dict[str, dict[str, Any] | None]) -> list[str]:
    """Those of the samples that are there and as they were when their deletion was prepared."""
    held = dataset._sample_collection.find(
        {"_id": {"$in": [ObjectId(sample) for sample in expected]}}, {"last_modified_at": 1}
    )
    return [
        str(document["_id"])
        for document in held
        if document.get("last_modified_at") == (expected[str(document["_id"])] or {}).get("last_modified_at")
    ]


def _in_todays_schema(dataset: fo.Dataset, document: dict[str, Any]) -> dict[str, Any]:
    """A deleted sample as it fits now: fields deleted since are left out, new ones are empty."""
    fields = {field.db_field or name for name, field in dataset.get_field_schema().items()}
    kept = {name: value for name, value in document.items() if name.startswith("_") or name in fields}
    return {**{name: None for name in fields if not name.startswith("_")}, **kept}


def _update_value(edit: Edit) -> list[UpdateOne]:
    """Write the field only where it still holds what was there before."""
    before = {edit.path: None} if edit.before is None else _same_label(edit.path, edit.before)
    return [UpdateOne({"_id": ObjectId(edit.sample), **before}, {"$set": {edit.path: edit.after, **_now()}})]


def _update_element(edit: Edit) -> list[UpdateOne]:
    """Push a document into a list that lacks it, or pull it where it is still the same."""
    sample = {"_id": ObjectId(edit.sample)}
    if edit.after is None:
        assert edit.before is not None
        same = {edit.path: {"$elemMatch": {"_id": edit.before["_id"], "label": edit.before.get("label")}}}
        pull = {"$pull": {edit.path: {"_id": edit.before["_id"]}}, "$set": _now()}
        return [UpdateOne({**sample, **same}, pull)]
    parent, leaf = edit.path.rsplit(".", 1)
    container = {"_cls": leaf.capitalize(), leaf: []}
    absent = {f"{edit.path}._id": {"$ne": edit.after["_id"]}}
    if leaf == "classifications":
        absent[f"{edit.path}.label"] = {"$ne": edit.after["label"]}
    each: dict[str, Any] = {"$each": [edit.after]}
    if edit.position is not None:
        each["$position"] = edit.position
    return [
        UpdateOne({**sample, parent: None}, {"$set": {parent: container}}),
        UpdateOne({**sample, **absent}, {"$push": {edit.path: each}, "$set": _now()}),
    ]


def _update_attributes(edit: Edit) -> list[UpdateOne]:
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
    return [UpdateOne({"_id": ObjectId(edit.sample), **where}, {"$set": {**values, **_now()}})]


_UPDATES = {"value": _update_value, "element": _update_element, "attributes": _update_attributes}


def _same_label(path: str, document: dict[str, Any]) -> dict[str, Any]:
    """What finds a label that was not changed; of a list of labels, which has no id, all of it has to be the same."""
    if "_id" not in document:
        return {f"{path}.{name}": value for name, value in document.items()}
    return {f"{path}._id": document["_id"], f"{path}.label": document.get("label")}


def _now() -> dict[str, datetime]:
    return {"last_modified_at": datetime.utcnow()}


def _records(edits: Sequence[Edit]) -> Iterator[list[dict[str, Any]]]:
    """Edits as dictionaries, in lists small enough for one MongoDB document."""
    part: list[dict[str, Any]] = []
    size = 0
    for edit in edits:
        record = dict(vars(edit))
        size += len(bson.encode(record))
        if part and size > _BYTES_PER_RECORD:
            yield part
            part, size = [], len(bson.encode(record))
        part.append(record)
    if part:
        yield part


def _move_head(store: ExecutionStore, expected: str | None, value: str) -> bool:
    if expected is None:
        return bool(store.set_if_absent(_HEAD, value))
    return bool(store.compare_and_set(_HEAD, expected, value))


def _forget(store: ExecutionStore, save_id: str) -> None:
    for key in store._store_service.list_keys(_STORE):
        if key.startswith(f"{save_id}:"):
            store.delete(key)


def _store(dataset: fo.Dataset) -> ExecutionStore:
    return ExecutionStore.create(_STORE, dataset._doc.id)
