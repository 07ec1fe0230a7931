"""Pending changes, and the labels to clear, as edits of what MongoDB holds now."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import fiftyone as fo
from bson import ObjectId

from .items import label_path, list_items
from .labels import PROVENANCE_ATTRIBUTES, LabelField
from .pending import PendingChanges, PendingLabel
from .saves import Edit
from .suggestions import FIELD, suggestion_path

Clear = Literal["all", "ours", "neighbors"]
_READ_AT_ONCE = 10_000
_PATCH_ATTRIBUTES = ("label", *PROVENANCE_ATTRIBUTES)


@dataclass(frozen=True)
class Conflict:
    """A pending label that would overwrite one that is there."""

    item: str
    label: str
    existing: str


def label_edits(
    dataset: fo.Dataset, field: LabelField, labels: Sequence[PendingLabel]
) -> tuple[list[Edit], list[Conflict]]:
    """Edits that give items their pending labels; labels that are there are kept and returned as conflicts.

    A pending label equal to the one that is there needs no edit. Items that are gone are left out.
    """
    if field.kind == "patch":
        return _patch_edits(dataset, field, labels)
    current = read_documents(dataset, [label.item for label in labels], [field.name])
    edits, conflicts = [], []
    now = datetime.utcnow()
    for label in labels:
        sample = current.get(label.item)
        if sample is None:
            continue
        held = sample.get(field.name)
        if field.kind == "classifications":
            edits += _joining_edits(field, label, (held or {}).get("classifications", []), now)
            continue
        existing = (held or {}).get("label")
        if existing == label.label and not _confirms(label, held or {}):
            continue
        if existing and existing != label.label and not label.replace:
            conflicts.append(Conflict(label.item, label.label, existing))
        else:
            edits.append(Edit("value", label.item, field.path, held, _label_document(label, now)))
    return edits, conflicts


def deletion_edits(dataset: fo.Dataset, changes: PendingChanges) -> list[Edit]:
    """Edits that delete samples, or objects inside samples, keeping what is needed to bring them back."""
    by_field: dict[str | None, list[str]] = defaultdict(list)
    for item, patches_field in changes.deletions.items():
        by_field[patches_field].append(item)
    edits = [
        Edit("sample", item, "", document, None)
        for item, document in read_documents(dataset, by_field.pop(None, []), None).items()
    ]
    for patches_field, items in by_field.items():
        assert patches_field is not None
        path = label_path(dataset, patches_field)
        # From the back, so that positions stay true while objects of one sample come and go.
        for sample, position, element in reversed(_objects(dataset, path, items)):
            kind: Literal["value", "element"] = "value" if position is None else "element"
            edits.append(Edit(kind, sample, path, element, None, position=position))
    return edits


def clearing_edits(samples: fo.core.collections.SampleCollection, field: LabelField, which: Clear) -> list[Edit]:
    """Edits that take labels away from a view: all, those Labelscape saved, or only those from neighbors."""
    dataset = samples._root_dataset
    if field.kind == "patch":
        root = field.name if samples._is_patches else field.path
        ids = [item for item in samples.values(f"{root}.id", unwind=True) if item is not None]
        return [
            attribute_edit(sample, field.path, position, element, dict.fromkeys(_PATCH_ATTRIBUTES))
            for sample, position, element in _objects(dataset, field.path, ids)
            if element.get("label") and _is_meant(element, which)
        ]
    edits = []
    for sample, document in read_documents(dataset, samples.values("id"), [field.name]).items():
        held = document.get(field.name)
        if held is None:
            continue
        if field.kind == "classification" and _is_meant(held, which):
            edits.append(Edit("value", sample, field.path, held, None))
        # From the back, so that an undo finds every position as it was.
        for position, element in reversed(list(enumerate(held.get("classifications", [])))):
            if _is_meant(element, which):
                edits.append(Edit("element", sample, field.path, element, None, position=position))
    return edits


def suggestion_clearing_edits(samples: fo.core.collections.SampleCollection, patches_field: str | None) -> list[Edit]:
    """Edits that take the suggestions of a view away."""
    dataset = samples._root_dataset
    if dataset.get_field(suggestion_path(dataset, patches_field)) is None:
        return []
    if patches_field is None:
        documents = read_documents(dataset, samples.values("id"), [FIELD])
        held = {sample: document.get(FIELD) for sample, document in documents.items()}
        return [Edit("value", sample, FIELD, value, None) for sample, value in held.items() if value is not None]
    path = label_path(dataset, patches_field)
    ids = list_items(samples, patches_field).ids.tolist()
    return [
        Edit(
            "attributes",
            sample,
            path,
            {"label": element.get("label"), FIELD: element[FIELD]},
            {"label": element.get("label"), FIELD: None},
            element=str(element["_id"]),
            position=position,
        )
        for sample, position, element in _objects(dataset, path, ids)
        if element.get(FIELD) is not None
    ]


def _patch_edits(
    dataset: fo.Dataset, field: LabelField, labels: Sequence[PendingLabel]
) -> tuple[list[Edit], list[Conflict]]:
    by_item = {label.item: label for label in labels}
    edits, conflicts = [], []
    now = datetime.utcnow()
    for sample, position, element in _objects(dataset, field.path, list(by_item)):
        label = by_item[str(element["_id"])]
        existing = element.get("label")
        if existing == label.label and not _confirms(label, element):
            continue
        if existing and existing != label.label and not label.replace:
            conflicts.append(Conflict(label.item, label.label, existing))
        else:
            values = {"label": label.label, **_provenance(label, now)}
            edits.append(attribute_edit(sample, field.path, position, element, values))
    return edits, conflicts


def _joining_edits(
    field: LabelField, label: PendingLabel, elements: Sequence[dict[str, Any]], now: datetime
) -> list[Edit]:
    """The edit that lets a label join those of a multi-label field; none where it is there already."""
    for position, element in enumerate(elements):
        if element.get("label") == label.label:
            values = {"label": label.label, **_provenance(label, now)}
            edit = attribute_edit(label.item, field.path, position, element, values)
            return [edit] if _confirms(label, element) else []
    return [Edit("element", label.item, field.path, None, _label_document(label, now))]


def attribute_edit(
    sample: str, path: str, position: int | None, element: dict[str, Any], values: dict[str, Any]
) -> Edit:
    """The edit that gives attributes of a label these values; ``element`` is the label as it is now."""
    before = {name: element.get(name) for name in values}
    return Edit("attributes", sample, path, before, values, element=str(element["_id"]), position=position)


def _confirms(label: PendingLabel, held: dict[str, Any]) -> bool:
    """Whether a person sets by hand what only followed a neighbor: from then on it is theirs."""
    return label.origin == "human" and held.get("labelscape") == "neighbors"


def _is_meant(document: dict[str, Any], which: Clear) -> bool:
    origin = document.get("labelscape")
    return which == "all" or (origin == "neighbors" if which == "neighbors" else origin is not None)


def _label_document(label: PendingLabel, now: datetime) -> dict[str, Any]:
    return {
        "_id": ObjectId(),
        "_cls": "Classification",
        "tags": [],
        "label": label.label,
        "confidence": label.confidence,
        "logits": None,
        **_provenance(label, now),
    }


def _provenance(label: PendingLabel, now: datetime) -> dict[str, Any]:
    return {
        "labelscape": label.origin,
        "anchor": label.anchor,
        "labelscape_confidence": label.confidence,
        "labeled_at": now,
    }


def read_documents(dataset: fo.Dataset, ids: Iterable[str], fields: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """Sample id → its document in MongoDB, whole or in part; samples that are gone are left out."""
    wanted = [ObjectId(item) for item in ids]
    projection = None if fields is None else dict.fromkeys(fields, 1)
    found = {}
    for start in range(0, len(wanted), _READ_AT_ONCE):
        query = {"_id": {"$in": wanted[start : start + _READ_AT_ONCE]}}
        found.update({str(doc["_id"]): doc for doc in dataset._sample_collection.find(query, projection)})
    return found


def _objects(dataset: fo.Dataset, path: str, ids: Sequence[str]) -> list[tuple[str, int | None, dict[str, Any]]]:
    """(sample id, position in its list, document) of objects by id; a single object has the position None."""
    wanted = {ObjectId(item) for item in ids}
    listing = list(wanted)
    found: list[tuple[str, int | None, dict[str, Any]]] = []
    for start in range(0, len(listing), _READ_AT_ONCE):
        query = {f"{path}._id": {"$in": listing[start : start + _READ_AT_ONCE]}}
        for document in dataset._sample_collection.find(query, {path: 1}):
            held: Any = document
            for part in path.split("."):
                held = held[part]
            elements = list(enumerate(held)) if isinstance(held, list) else [(None, held)]
            found.extend(
                (str(document["_id"]), position, element) for position, element in elements if element["_id"] in wanted
            )
    # A sample with objects in two parts of the listing was found twice.
    return list({element["_id"]: (sample, position, element) for sample, position, element in found}.values())
