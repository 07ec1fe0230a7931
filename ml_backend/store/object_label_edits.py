"""Edits of the labels of objects, grouped by class and by the label that is there: MongoDB writes many at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import bson
import fiftyone as fo
import numpy as np

from .column_updates import among, rounds_of
from .edits import AnyEdit
from .fills import Fill, Purpose
from .items import stored_path
from .label_documents import Plan, confirms, is_meant, may_overwrite, provenance
from .labels import PROVENANCE_ATTRIBUTES, LabelField
from .object_fills import ObjectFill
from .pending_columns import FieldChanges, pending_label
from .raw_batches import ANY_TIME, ID_AT, ID_END, DecodedFields, read_encoded
from .seen import was_changed
from .single_label_edits import places_of

READ_AT_ONCE = 50_000
_OID = "S12"
_ATTRIBUTES = ("label", *PROVENANCE_ATTRIBUTES)
_ELEMENT_AT = ID_END + 1 + len("element\x00")
_BEFORE_AT = _ELEMENT_AT + 12 + 1 + len("before\x00")


@dataclass(frozen=True, eq=False)
class PresentObjects:
    """Objects ``elements`` (m,) of the samples ``samples`` (m,): attributes as BSON, what these say, and annotators."""

    samples: np.ndarray
    elements: np.ndarray
    before: list[bytes]
    facts: list[dict[str, Any]]
    annotators: list[Any]

    def take(self, places: Sequence[int]) -> "PresentObjects":
        """Some of these objects."""
        before, facts = [self.before[place] for place in places], [self.facts[place] for place in places]
        annotators = [self.annotators[place] for place in places]
        return PresentObjects(self.samples[places], self.elements[places], before, facts, annotators)


def object_label_edits(
    dataset: fo.Dataset, field: LabelField, changes: FieldChanges, plan: Plan, leaving: np.ndarray, labeled_at: datetime
) -> Iterator[AnyEdit]:
    """Edits that clear and set the pending labels of objects, but not of those in samples that are ``leaving`` (n,)."""
    for start in range(0, len(changes.cleared), READ_AT_ONCE):
        ids, which = (column[start : start + READ_AT_ONCE] for column in (changes.cleared, changes.which))
        present = _present_objects(dataset, field, ids, leaving)
        places = places_of(present.elements, ids)
        seen = changes.cleared_seen[start : start + READ_AT_ONCE][places]
        yield from _clearing(field, present.take(_to_clear(present, which[places], seen, plan)))
    by_class = np.lexsort((changes.followed, changes.codes))
    for start in range(0, len(by_class), READ_AT_ONCE):
        rows = by_class[start : start + READ_AT_ONCE]
        present = _present_objects(dataset, field, changes.ids[rows], leaving)
        yield from _setting(
            field, changes, rows[places_of(present.elements, changes.ids[rows])], present, plan, labeled_at
        )


def _to_clear(present: PresentObjects, which: np.ndarray, seen: np.ndarray, plan: Plan) -> list[int]:
    """The places of the labels that some clearings (m,) mean; those that were changed since become conflicts."""
    meant = []
    for place, (fact, kind, before) in enumerate(zip(present.facts, which.tolist(), seen.tolist(), strict=True)):
        if not fact["label"] or not is_meant(fact["labelscape"], kind):
            continue
        if was_changed(before, fact["label"], fact["labelscape"]):
            plan.keep(present.elements[place : place + 1], fact["label"], "clear", present.annotators[place])
        else:
            meant.append(place)
    return meant


def _clearing(field: LabelField, present: PresentObjects) -> Iterator[Fill]:
    by_name: dict[Any, list[int]] = {}
    for place, fact in enumerate(present.facts):
        by_name.setdefault(fact["label"], []).append(place)
    empty = dict.fromkeys(_ATTRIBUTES)
    for name, places in by_name.items():
        for some in _in_rounds(np.asarray(places), present):
            yield _fill(field, present.take(some.tolist()), name, empty, "clear")


def _setting(
    field: LabelField,
    changes: FieldChanges,
    rows: np.ndarray,
    present: PresentObjects,
    plan: Plan,
    labeled_at: datetime,
) -> Iterator[Fill]:
    """The edits of rows of the changes, ``rows[i]`` for the object at place i; they are sorted by class and origin."""
    groups: dict[tuple[int, bool, Any], list[int]] = {}
    columns = (rows, changes.codes[rows], changes.followed[rows], changes.seen[rows])
    for place, (row, code, followed, seen) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        fact = present.facts[place]
        name, origin = fact["label"], fact["labelscape"]
        fresh = changes.names[code]
        if name == fresh and not confirms(pending_label(changes, row), origin):
            continue
        changed = was_changed(seen, name, origin) if name else False
        if name and name != fresh and (changed or not may_overwrite(changes, row, origin)):
            plan.keep(present.elements[place : place + 1], name, "label", present.annotators[place], label=fresh)
        else:
            groups.setdefault((code, followed, name), []).append(place)
    for (_, followed, name), places in groups.items():
        label = pending_label(changes, int(rows[places[0]]))
        document = {"label": label.label, **provenance(label, labeled_at)}
        for some in _in_rounds(np.asarray(places), present):
            confidence, anchors = (changes.confidence[rows[some]], changes.anchors[rows[some]])
            more = {"confidence": confidence, "anchors": anchors} if followed else {}
            yield _fill(field, present.take(some.tolist()), name, document, **more)


def _fill(
    field: LabelField,
    present: PresentObjects,
    name: Any,
    document: dict[str, Any],
    purpose: Purpose = "label",
    **columns: np.ndarray,
) -> ObjectFill:
    listed = field.path != field.name
    more: dict[str, Any] = {"elements": present.elements, "name": name, "listed": listed, **columns}
    return ObjectFill(field.path, present.samples, document, purpose=purpose, before=present.before, **more)


def _in_rounds(places: np.ndarray, present: PresentObjects) -> Iterator[np.ndarray]:
    """Split these places into parts with at most one object per sample."""
    rounds = rounds_of(present.samples[places])
    for number in range(int(rounds.max(initial=-1)) + 1):
        yield places[rounds == number]


def _present_objects(dataset: fo.Dataset, field: LabelField, ids: np.ndarray, leaving: np.ndarray) -> PresentObjects:
    """The objects with these ids (n,), except those of samples that are ``leaving``; only attributes are read."""
    collection, local = stored_path(dataset, field.path)
    match = {"$match": {f"{local}._id": among(ids)}}
    before = {name: {"$ifNull": [f"${local}.{name}", None]} for name in _ATTRIBUTES}
    project = {"$project": {"element": f"${local}._id", "before": before, "annotator": f"${local}.annotator"}}
    unwound: list[dict[str, Any]] = [{"$unwind": f"${local}"}, match] if field.path != field.name else []
    gone = {item.tobytes() for item in leaving.view("V12")}
    samples: list[bytes] = []
    elements: list[bytes] = []
    documents: list[bytes] = []
    annotators: list[str | None] = []
    decoded = DecodedFields()
    for document in read_encoded(collection, [match, *unwound, project]):
        if document[ID_AT:ID_END] not in gone:
            samples.append(document[ID_AT:ID_END])
            elements.append(document[_ELEMENT_AT : _ELEMENT_AT + 12])
            end = _BEFORE_AT + int.from_bytes(document[_BEFORE_AT : _BEFORE_AT + 4], "little")
            documents.append(document[_BEFORE_AT:end])
            annotators.append(decoded[document[end:]].get("annotator"))
    known = {encoded: bson.decode(encoded, ANY_TIME) for encoded in dict.fromkeys(documents)}
    in_samples, present = (np.frombuffer(b"".join(column), _OID) for column in (samples, elements))
    return PresentObjects(in_samples, present, documents, [known[encoded] for encoded in documents], annotators)
