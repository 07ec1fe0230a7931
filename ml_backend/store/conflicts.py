"""Find the existing labels in the database that new pending labels would overwrite."""

from collections.abc import Iterator, Sequence
from typing import Any

import fiftyone as fo
import numpy as np

from .items import FRAMES_PREFIX, stored_path
from .label_documents import Conflict
from .labels import LabelField
from .records import as_names, as_object_ids

_OID = "S12"
_IDS_PER_QUERY = 100_000
_SCANNED_FROM = 0.2  # share of the samples above which reading all of them is faster than looking up each one


def find_conflicts(
    dataset: fo.Dataset, field: LabelField, ids: np.ndarray, codes: np.ndarray | None, names: Sequence[str]
) -> list[Conflict]:
    """The items whose label differs from the pending one: ``names[codes[i]]`` for ``ids[i]`` (12 bytes).

    ``codes`` (n,) may be None where all are meant to have the one label of ``names``. The database returns labeled
    items alone, and of one class only those with another label.
    """
    if field.kind == "classifications" or not len(ids):
        return []
    codes = np.zeros(len(ids), np.int32) if codes is None else codes
    meant = [names[codes[0]]] if (codes == codes[0]).all() else []
    conflicts = [one for query in _queries(dataset, field, ids) for one in _labeled(dataset, field, query, meant)]
    if not conflicts:
        return []
    labeled = np.asarray([item for item, _ in conflicts], _OID)
    order = np.argsort(ids, kind="stable")
    rows = order[np.minimum(np.searchsorted(ids, labeled, sorter=order), len(ids) - 1)]
    columns = (as_names(labeled), codes[rows].tolist(), (ids[rows] == labeled).tolist(), conflicts)
    return [
        Conflict(item, names[code], existing)
        for item, code, known, (_, existing) in zip(*columns, strict=True)
        if known and existing != names[code]
    ]


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
) -> Iterator[tuple[bytes, str]]:
    """Id and label of the items that match a query and have a label, none of ``meant``."""
    collection, path = stored_path(dataset, field.path)
    key = "_id" if field.kind == "classification" else f"{path}._id"
    same = {"$match": {**query, f"{path}.label": {"$nin": [None, "", *meant]}}}
    listed = field.kind == "patch" and path != field.name.removeprefix(FRAMES_PREFIX)
    stages: list[dict[str, Any]] = [same, {"$unwind": f"${path}"}, same] if listed else [same]
    stages += [{"$project": {"_id": f"${key}", "label": f"${path}.label"}}]
    for one in collection.aggregate(stages):
        yield one["_id"].binary, one["label"]
