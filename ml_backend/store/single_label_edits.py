"""Edits of fields with one label per sample or frame: grouped by class, so that MongoDB writes many at once."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import bson
import fiftyone as fo
import numpy as np

from .column_updates import among
from .edits import AnyEdit, Edit
from .fills import OF_AN_ANNOTATION, Fill
from .items import stored_path
from .label_documents import Plan, confirms, is_meant, label_document, may_overwrite
from .labels import LabelField
from .pending_columns import FieldChanges, pending_label
from .raw_batches import ANY_TIME, ID_AT, ID_END, DecodedFields, read_encoded, read_table
from .seen import was_changed

READ_AT_ONCE = 50_000
SCANNED_FROM = 0.2  # above this share of the samples, reading all is faster than looking up each
_LABEL_AT = ID_END + 1 + len("label\x00")
_OID = "S12"


@dataclass(frozen=True, eq=False)
class PresentLabels:
    """The labels that samples ``ids`` (m,) have now: as BSON, and of each the class, the origin, and the annotator."""

    ids: np.ndarray
    encoded: list[bytes]
    names: list[Any]
    origins: list[Any]
    annotators: list[Any]

    def take(self, places: Sequence[int]) -> "PresentLabels":
        """Some of these labels."""
        every = (self.encoded, self.names, self.origins, self.annotators)
        columns = [[column[place] for place in places] for column in every]
        return PresentLabels(self.ids[places], *columns)


def single_label_edits(
    dataset: fo.Dataset, field: LabelField, changes: FieldChanges, plan: Plan, labeled_at: datetime
) -> Iterator[AnyEdit]:
    """Edits that clear and set the pending labels of a field; labels that may not be overwritten become conflicts."""
    for start in range(0, len(changes.cleared), READ_AT_ONCE):
        rows = slice(start, start + READ_AT_ONCE)
        present = present_labels(dataset, field.path, changes.cleared[rows])
        yield from clearing_edits(field.path, present.take(_to_clear(changes, rows, present, plan)))
    labeled = _labeled_ids(dataset, field.path, len(changes.ids))
    groupable = with_distinct_tails(changes.ids)
    by_class = np.lexsort((changes.followed, changes.codes))
    for start in range(0, len(by_class), READ_AT_ONCE):
        rows_of_block = by_class[start : start + READ_AT_ONCE]
        ids = changes.ids[rows_of_block]
        present = present_labels(dataset, field.path, ids if labeled is None else ids[np.isin(ids, labeled)])
        yield from _block(field, changes, rows_of_block, present, groupable, plan, labeled_at)


def _to_clear(changes: FieldChanges, rows: slice, present: PresentLabels, plan: Plan) -> list[int]:
    """The places of the present labels that some clearings mean; those that were changed since become conflicts."""
    places = places_of(present.ids, changes.cleared[rows])
    seen, which = changes.cleared_seen[rows][places].tolist(), changes.which[rows][places].tolist()
    meant = []
    for place, (name, origin) in enumerate(zip(present.names, present.origins, strict=True)):
        if not is_meant(origin, which[place]):
            continue
        if was_changed(seen[place], name, origin):
            plan.keep(present.ids[place : place + 1], name, "clear", present.annotators[place])
        else:
            meant.append(place)
    return meant


def clearing_edits(path: str, labels: PresentLabels) -> Iterator[Fill]:
    """Edits that empty a field of the labels that are there."""
    if len(labels.ids):
        yield Fill(path, labels.ids, None, stamp(), "clear", before=labels.encoded)


def present_labels(dataset: fo.Dataset, path: str, ids: np.ndarray) -> PresentLabels:
    """The labels of those samples that have a value in the field; they are not decoded, which would triple the time."""
    collection, local = stored_path(dataset, path)
    project = {"label": f"${local}", "name": f"${local}.label", "origin": f"${local}.labelscape"}
    project["annotator"] = f"${local}.annotator"
    documents: list[bytes] = []
    encoded: list[bytes] = []
    facts: list[dict[str, Any]] = []
    decoded = DecodedFields()
    for start in range(0, len(ids), READ_AT_ONCE):
        query = {"_id": among(ids[start : start + READ_AT_ONCE]), local: {"$ne": None}}
        for document in read_encoded(collection, [{"$match": query}, {"$project": project}]):
            end = _LABEL_AT + int.from_bytes(document[_LABEL_AT : _LABEL_AT + 4], "little")
            documents.append(document[ID_AT:ID_END])
            encoded.append(document[_LABEL_AT:end])
            facts.append(decoded[document[end:]])
    names, origins, annotators = ([fact.get(name) for fact in facts] for name in ("name", "origin", "annotator"))
    return PresentLabels(np.frombuffer(b"".join(documents), _OID), encoded, names, origins, annotators)


def _labeled_ids(dataset: fo.Dataset, path: str, count: int) -> np.ndarray | None:
    """The ids (m,) of all samples that have a value in the field, where ``count`` samples are so many that it pays."""
    collection, local = stored_path(dataset, path)
    if count < SCANNED_FROM * collection.estimated_document_count():
        return None
    stages: list[dict[str, Any]] = [{"$match": {local: {"$ne": None}}}, {"$project": {"_id": 1}}]
    table = read_table(collection, stages, ID_END + 1)[:, ID_AT:ID_END]
    return np.frombuffer(table.tobytes(), _OID)


def places_of(some: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The position of each of ``some`` in ``ids``, which contain them."""
    order = np.argsort(ids)
    places: np.ndarray = order[np.searchsorted(ids, some, sorter=order)]
    return places


def _block(
    field: LabelField,
    changes: FieldChanges,
    rows: np.ndarray,
    present: PresentLabels,
    groupable: np.ndarray,
    plan: Plan,
    labeled_at: datetime,
) -> Iterator[AnyEdit]:
    """The edits of some rows, which are sorted by class and origin; ``present`` are the labels they have."""
    rows_present = rows[places_of(present.ids, changes.ids[rows])]
    replaced: dict[int, bytes] = {}
    columns = (rows_present.tolist(), present.encoded, present.names, present.origins, present.annotators)
    seen = changes.seen[rows_present].tolist()
    for row, encoded, name, origin, annotator, before in zip(*columns, seen, strict=True):
        if _may_replace(changes, row, name, origin, annotator, before, plan):
            replaced[row] = encoded
    empty = rows[~np.isin(rows, rows_present)]
    yield from _fills(field.path, changes, empty[groupable[empty]], {}, labeled_at)
    yield from _fills(field.path, changes, rows[groupable[rows] & np.isin(rows, list(replaced))], replaced, labeled_at)
    alone: dict[int, bytes | None] = {**dict.fromkeys(empty.tolist()), **replaced}
    for row, before in alone.items():
        if not groupable[row]:
            label = pending_label(changes, row)
            existing = None if before is None else bson.decode(before, ANY_TIME)
            yield Edit(
                "value", label.item, field.path, existing, _in_place_of(existing, label_document(label, labeled_at))
            )


def _in_place_of(existing: dict[str, Any] | None, document: dict[str, Any]) -> dict[str, Any]:
    """A label with the tags and own attributes of the one that is there, as `fills` writes those of many samples."""
    if existing is None:
        return document
    kept = {name: value for name, value in existing.items() if name not in OF_AN_ANNOTATION}
    return {**kept, **document, "tags": existing.get("tags") or []}


def _may_replace(
    changes: FieldChanges, row: int, name: Any, origin: Any, annotator: Any, seen: int, plan: Plan
) -> bool:
    """Whether a label may replace the existing one; records a conflict if it may not."""
    fresh = changes.names[changes.codes[row]]
    if name == fresh:
        return confirms(pending_label(changes, row), origin)
    if was_changed(seen, name, origin) or (name and not may_overwrite(changes, row, origin)):
        plan.keep(changes.ids[row : row + 1], name, "label", annotator, label=fresh)
        return False
    return True


def _fills(
    path: str, changes: FieldChanges, rows: np.ndarray, before: dict[int, bytes], labeled_at: datetime
) -> Iterator[Fill]:
    """One fill for each class and origin of these rows, which are sorted by them."""
    kinds = 2 * changes.codes[rows] + changes.followed[rows]
    for some in np.split(rows, np.flatnonzero(np.diff(kinds)) + 1):
        if not len(some):
            continue
        document = label_document(pending_label(changes, int(some[0])), labeled_at)
        del document["_id"]
        labels = [before[row] for row in some.tolist()] if before else []
        fill = Fill(path, changes.ids[some], document, stamp(), before=labels)
        yield with_columns(fill, changes, some) if changes.followed[some[0]] else fill


def with_columns(fill: Fill, changes: FieldChanges, rows: np.ndarray) -> Fill:
    """The fill with the values that differ from sample to sample, if labels come from neighbors."""
    assert fill.document is not None
    shared = fill.document | {"confidence": None, "anchor": None, "labelscape_confidence": None}
    return replace(fill, document=shared, confidence=changes.confidence[rows], anchors=changes.anchors[rows])


def with_distinct_tails(ids: np.ndarray) -> np.ndarray:
    """(n,) whether the last eight bytes of an id, which its label's id is made of, are unique among these."""
    tails = np.frombuffer(ids.tobytes(), np.uint8).reshape(-1, 12)[:, 4:]
    _, first = np.unique(np.ascontiguousarray(tails).view(np.uint64).ravel(), return_index=True)
    distinct = np.zeros(len(ids), bool)
    distinct[first] = True
    return distinct


def stamp() -> str:
    """A prefix of eight digits for the ids of many labels; not the time of a real id, so that it is unique."""
    return f"{0x80 | secrets.randbits(7):02x}{secrets.token_hex(3)}"
