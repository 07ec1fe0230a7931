"""Find the existing labels in the database that new pending labels would overwrite, or may."""

from collections.abc import Iterator, Sequence
from typing import Any

import fiftyone as fo
import numpy as np

from .items import FRAMES_PREFIX, stored_path
from .label_documents import Conflict
from .labels import LabelField
from .raw_batches import ID_AT, ID_END, DecodedFields, read_encoded
from .records import as_names, as_object_ids
from .seen import LabelsThere

_OID = "S12"
_IDS_PER_QUERY = 100_000
_SCANNED_FROM = 0.2  # share of the samples above which reading all of them is faster than looking up each one


def find_conflicts(dataset: fo.Dataset, field: LabelField, ids: np.ndarray, label: str) -> list[Conflict]:
    """The items ``ids`` (12 bytes each) that have a label other than this one; the database returns no others."""
    present = labels_there(dataset, field, ids, [label])
    return conflicts_with(present, ids, np.zeros(len(ids), np.int32), [label])


def conflicts_with(present: LabelsThere, ids: np.ndarray, codes: np.ndarray, names: Sequence[str]) -> list[Conflict]:
    """The items whose label there differs from the pending one: ``names[codes[i]]`` for ``ids[i]`` (12 bytes)."""
    if not len(present.ids) or not len(ids):
        return []
    order = np.argsort(ids, kind="stable")
    rows = order[np.minimum(np.searchsorted(ids, present.ids, sorter=order), len(ids) - 1)]
    columns = (as_names(present.ids), codes[rows].tolist(), (ids[rows] == present.ids).tolist(), present.names)
    return [
        Conflict(item, names[code], existing)
        for item, code, known, existing in zip(*columns, strict=True)
        if known and existing and existing != names[code]
    ]


def labels_there(dataset: fo.Dataset, field: LabelField, ids: np.ndarray, meant: Sequence[str] = ()) -> LabelsThere:
    """The labels other than ``meant`` that these items have, and possibly others.

    “Checked, nothing there” counts as one. In a field of several labels per item, a new label replaces none.
    """
    if field.kind == "classifications" or not len(ids):
        return LabelsThere(np.empty(0, _OID), [], [])
    labeled = [row for query in _queries(dataset, field, ids) for row in _labeled(dataset, field, query, meant)]
    items, labels, origins = zip(*labeled, strict=True) if labeled else ((), (), ())
    return LabelsThere(np.asarray(items, _OID), list(labels), list(origins))


def _queries(dataset: fo.Dataset, field: LabelField, ids: np.ndarray) -> Iterator[dict[str, Any]]:
    """Queries that together match every one of these items, and possibly others."""
    collection, path = stored_path(dataset, field.path)
    if field.kind == "classification" and len(ids) > _SCANNED_FROM * collection.estimated_document_count():
        yield {}
        return
    key = "_id" if field.kind == "classification" else f"{path}._id"
    for start in range(0, len(ids), _IDS_PER_QUERY):
        yield {key: {"$in": as_object_ids(ids[start : start + _IDS_PER_QUERY])}}


def _labeled(
    dataset: fo.Dataset, field: LabelField, query: dict[str, Any], meant: Sequence[str]
) -> Iterator[tuple[bytes, str | None, str | None]]:
    """Id, label, and origin of the items that match a query and have a label not in ``meant``, or were checked."""
    collection, path = stored_path(dataset, field.path)
    key = "_id" if field.kind == "classification" else f"{path}._id"
    labeled = {f"{path}.label": {"$nin": [None, "", *meant]}}
    checked = {f"{path}.labelscape": "human", f"{path}.label": {"$in": [None, ""]}}
    same = {"$match": {**query, **({"$or": [labeled, checked]} if field.kind == "classification" else labeled)}}
    listed = field.kind == "patch" and path != field.name.removeprefix(FRAMES_PREFIX)
    # On a list, “none of these labels” would be a condition on all of its objects together.
    stages: list[dict[str, Any]] = [{"$match": query}, {"$unwind": f"${path}"}, same] if listed else [same]
    stages += [{"$project": {"_id": f"${key}", "label": f"${path}.label", "origin": f"${path}.labelscape"}}]
    decoded = DecodedFields()
    for document in read_encoded(collection, stages):
        fact = decoded[document[ID_END:]]
        yield document[ID_AT:ID_END], fact.get("label"), fact.get("origin")
