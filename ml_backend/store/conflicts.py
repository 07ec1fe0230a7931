"""Find the existing labels in the database that new pending labels would overwrite, or may."""

from collections.abc import Iterator, Sequence
from typing import Any

import bson
import fiftyone as fo
import numpy as np

from .items import FRAMES_PREFIX, stored_path
from .label_documents import Conflict
from .labels import LabelField
from .raw_batches import ANY_TIME, ID_AT, ID_END, read_encoded
from .records import as_names, as_object_ids
from .seen import LabelsThere

_OID = "S12"
_IDS_PER_QUERY = 100_000
_SCANNED_FROM = 0.2  # share of the samples above which reading all of them is faster than looking up each one


def find_conflicts(dataset: fo.Dataset, field: LabelField, ids: np.ndarray, label: str) -> list[Conflict]:
    """The items ``ids`` (12 bytes each) that have another label than this one; the database returns no others."""
    there = labels_there(dataset, field, ids, [label])
    return conflicts_with(there, ids, np.zeros(len(ids), np.int32), [label])


def conflicts_with(there: LabelsThere, ids: np.ndarray, codes: np.ndarray, names: Sequence[str]) -> list[Conflict]:
    """The items whose label there differs from the pending one: ``names[codes[i]]`` for ``ids[i]`` (12 bytes)."""
    if not len(there.ids) or not len(ids):
        return []
    order = np.argsort(ids, kind="stable")
    rows = order[np.minimum(np.searchsorted(ids, there.ids, sorter=order), len(ids) - 1)]
    columns = (as_names(there.ids), codes[rows].tolist(), (ids[rows] == there.ids).tolist(), there.names)
    return [
        Conflict(item, names[code], existing)
        for item, code, known, existing in zip(*columns, strict=True)
        if known and existing and existing != names[code]
    ]


def labels_there(dataset: fo.Dataset, field: LabelField, ids: np.ndarray, meant: Sequence[str] = ()) -> LabelsThere:
    """The labels other than ``meant`` that these items have, and possibly others.

    “Checked, nothing there” is among them; several labels an item have none that another could replace.
    """
    if field.kind == "classifications" or not len(ids):
        return LabelsThere(np.empty(0, _OID), [], [])
    found = [one for query in _queries(dataset, field, ids) for one in _labeled(dataset, field, query, meant)]
    items, labels, origins = zip(*found, strict=True) if found else ((), (), ())
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
    """Id, label, and origin of the items that match a query and have a label, none of ``meant``, or were checked."""
    collection, path = stored_path(dataset, field.path)
    key = "_id" if field.kind == "classification" else f"{path}._id"
    labeled = {f"{path}.label": {"$nin": [None, "", *meant]}}
    checked = {f"{path}.labelscape": "human", f"{path}.label": {"$in": [None, ""]}}
    same = {"$match": {**query, **({"$or": [labeled, checked]} if field.kind == "classification" else labeled)}}
    listed = field.kind == "patch" and path != field.name.removeprefix(FRAMES_PREFIX)
    # Of a list, a condition on what is not there would mean all of its objects.
    stages: list[dict[str, Any]] = [{"$match": query}, {"$unwind": f"${path}"}, same] if listed else [same]
    stages += [{"$project": {"_id": f"${key}", "label": f"${path}.label", "origin": f"${path}.labelscape"}}]
    known: dict[bytes, tuple[str | None, str | None]] = {}  # by what follows the id: few kinds
    for document in read_encoded(collection, stages):
        rest = document[ID_END:]
        if rest not in known:
            fact = bson.decode((len(rest) + 4).to_bytes(4, "little") + rest, ANY_TIME)
            known[rest] = fact.get("label"), fact.get("origin")
        yield document[ID_AT:ID_END], *known[rest]
