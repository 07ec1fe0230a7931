"""Edits of fields with one label a sample, or a frame: grouped by class, so that MongoDB writes many at once."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import bson
import fiftyone as fo
import numpy as np
from bson.codec_options import CodecOptions, DatetimeConversion

from .edits import AnyEdit, Edit
from .fills import Fill
from .items import stored_path
from .label_documents import Conflict, Plan, confirms, is_meant, label_document
from .labels import LabelField
from .pending_changes import FieldChanges, pending_label
from .records import as_names, as_object_ids

_READ_AT_ONCE = 50_000
_OID = "S12"
# Labels are put back as they were, even with a time that Python does not know.
_ANY_TIME = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


@dataclass(frozen=True, eq=False)
class _Present:
    """The labels that some rows of the pending changes have now: ``labels[i]`` at ``rows[i]``."""

    rows: np.ndarray
    labels: list[dict[str, Any]]


def single_label_edits(
    dataset: fo.Dataset, field: LabelField, changes: FieldChanges, plan: Plan, now: datetime
) -> Iterator[AnyEdit]:
    """Edits that clear and set the pending labels of a field; labels that may not be overwritten become conflicts."""
    for start in range(0, len(changes.cleared), _READ_AT_ONCE):
        rows = np.arange(start, min(start + _READ_AT_ONCE, len(changes.cleared)))
        present = _present(dataset, field.path, changes.cleared, rows)
        meant = [
            place
            for place, (which, label) in enumerate(zip(changes.which[present.rows], present.labels, strict=True))
            if is_meant(label.get("labelscape"), which)
        ]
        meant_labels = [present.labels[place] for place in meant]
        yield from clearing_edits(field.path, changes.cleared[present.rows[meant]], meant_labels)
    groupable = _with_distinct_tails(changes.ids)
    by_class = np.lexsort((changes.followed, changes.codes))
    for start in range(0, len(by_class), _READ_AT_ONCE):
        rows = by_class[start : start + _READ_AT_ONCE]
        yield from _block(dataset, field, changes, rows, groupable, plan, now)


def clearing_edits(path: str, ids: np.ndarray, labels: list[dict[str, Any]]) -> Iterator[Fill]:
    """Edits that empty a field; ``labels[i]`` is what the sample ``ids[i]`` (12 bytes) has there now."""
    if labels:
        yield Fill(path, ids, None, _stamp(), "clear", before=[bson.encode(label) for label in labels])


def present_labels(dataset: fo.Dataset, path: str, ids: np.ndarray) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """The ids (m,) of those samples that have a value in the field, and the values."""
    collection, local = stored_path(dataset, path)
    found: list[bytes] = []
    labels: list[dict[str, Any]] = []
    for start in range(0, len(ids), _READ_AT_ONCE):
        query = {"_id": {"$in": as_object_ids(ids[start : start + _READ_AT_ONCE])}, local: {"$ne": None}}
        stages: list[dict[str, Any]] = [{"$match": query}, {"$project": {"label": f"${local}"}}]
        for document in collection.with_options(codec_options=_ANY_TIME).aggregate(stages):
            found.append(document["_id"].binary)
            labels.append(document["label"])
    return np.asarray(found, _OID), labels


def _present(dataset: fo.Dataset, path: str, ids: np.ndarray, rows: np.ndarray) -> _Present:
    found, labels = present_labels(dataset, path, ids[rows])
    order = np.argsort(ids[rows])
    return _Present(rows[order[np.searchsorted(ids[rows], found, sorter=order)]], labels)


def _block(
    dataset: fo.Dataset,
    field: LabelField,
    changes: FieldChanges,
    rows: np.ndarray,
    groupable: np.ndarray,
    plan: Plan,
    now: datetime,
) -> Iterator[AnyEdit]:
    """The edits of some rows, which are sorted by class and origin."""
    present = _present(dataset, field.path, changes.ids, rows)
    replaced: dict[int, dict[str, Any]] = {}
    for row, existing in zip(present.rows.tolist(), present.labels, strict=True):
        if _may_replace(changes, row, existing, plan):
            replaced[row] = existing
    empty = rows[~np.isin(rows, present.rows)]
    yield from _fills(field.path, changes, empty[groupable[empty]], {}, now)
    yield from _fills(field.path, changes, rows[groupable[rows] & np.isin(rows, list(replaced))], replaced, now)
    alone = dict.fromkeys(empty.tolist()) | replaced
    for row in (row for row in alone if not groupable[row]):
        label = pending_label(changes, row)
        yield Edit("value", label.item, field.path, alone[row], label_document(label, now))


def _may_replace(changes: FieldChanges, row: int, existing: dict[str, Any], plan: Plan) -> bool:
    """Whether a label is written over the one that is there; notes a conflict where it may not."""
    name, fresh = existing.get("label"), changes.names[changes.codes[row]]
    if name == fresh:
        return confirms(pending_label(changes, row), existing)
    if name and not changes.replace[row]:
        plan.conflicts.append(Conflict(as_names(changes.ids[row : row + 1])[0], fresh, name))
        return False
    return True


def _fills(
    path: str, changes: FieldChanges, rows: np.ndarray, before: dict[int, dict[str, Any]], now: datetime
) -> Iterator[Fill]:
    """One fill for each class and origin of these rows, which are sorted by them."""
    kinds = 2 * changes.codes[rows] + changes.followed[rows]
    for some in np.split(rows, np.flatnonzero(np.diff(kinds)) + 1):
        if not len(some):
            continue
        document = label_document(pending_label(changes, int(some[0])), now)
        del document["_id"]
        labels = [bson.encode(before[row]) for row in some.tolist()] if before else []
        fill = Fill(path, changes.ids[some], document, _stamp(), before=labels)
        yield _with_columns(fill, changes, some) if changes.followed[some[0]] else fill


def _with_columns(fill: Fill, changes: FieldChanges, rows: np.ndarray) -> Fill:
    """The fill with what differs from sample to sample where labels come from neighbors."""
    assert fill.document is not None
    shared = fill.document | {"confidence": None, "anchor": None, "labelscape_confidence": None}
    return replace(fill, document=shared, confidence=changes.confidence[rows], anchors=changes.anchors[rows])


def _with_distinct_tails(ids: np.ndarray) -> np.ndarray:
    """(n,) whether the last eight bytes of an id, of which the id of its label is made, are its own among these."""
    tails = np.frombuffer(ids.tobytes(), np.uint8).reshape(-1, 12)[:, 4:]
    _, first = np.unique(np.ascontiguousarray(tails).view(np.uint64).ravel(), return_index=True)
    distinct = np.zeros(len(ids), bool)
    distinct[first] = True
    return distinct


def _stamp() -> str:
    """A prefix of eight digits for the ids of many labels; not the time of a real id, so that it is unique."""
    return f"{0x80 | secrets.randbits(7):02x}{secrets.token_hex(3)}"
