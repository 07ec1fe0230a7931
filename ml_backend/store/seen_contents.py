"""What people edit in a sample or an object, as a number: a deletion leaves what somebody changed since it was queued.

Labels, boxes, masks, tags, and attributes count; computed values and labels that a model made do not. One number cannot
tell which field changed: deleting a label field holds back the deletions that were queued before.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import fiftyone as fo
import numpy as np

from .column_updates import Expression, among
from .items import FRAMES_PREFIX, label_path, stored_path
from .pending import NOTHING_SEEN, OID
from .predictions import is_own_predictions_field
from .raw_batches import ID_AT, ID_END, read_encoded
from .seen import number_of
from .suggestions import is_suggestions_field

_AT_ONCE = 50_000


def seen_contents(dataset: fo.Dataset, patches_field: str | None, ids: np.ndarray) -> np.ndarray:
    """(n,) uint64: what people edit in samples, or objects of a field, as a number; NOTHING_SEEN for what is gone.

    Our own scores and suggestions, and what evaluations of FiftyOne's write, are left out.
    """
    if patches_field is None:
        collection, key, root = dataset._sample_collection, "_id", None
        content: Any = {"tags": {"$ifNull": ["$tags", None]}, "labels": _labels_of_samples(dataset)}
    else:
        collection, root = stored_path(dataset, label_path(dataset, patches_field))
        key, content = f"{root}._id", {"label": _attributes(f"${root}", _derived(dataset, patches_field))}
    numbers: dict[bytes, int] = {}
    for start in range(0, len(ids), _AT_ONCE):
        match = {"$match": {key: among(ids[start : start + _AT_ONCE])}}
        unwound: list[dict[str, Any]] = [] if root is None else [match, {"$unwind": f"${root}"}]
        stages = [*unwound, match, {"$project": {"_id": f"${key}", "content": content}}]
        for document in read_encoded(collection, stages):
            numbers[document[ID_AT:ID_END]] = number_of(document[ID_END:])
    missing = NOTHING_SEEN
    return np.fromiter((numbers.get(item, missing) for item in _keys(ids)), np.uint64, len(ids))


def _keys(ids: np.ndarray) -> Iterator[bytes]:
    raw = np.ascontiguousarray(ids, OID).tobytes()
    return (raw[start : start + 12] for start in range(0, len(raw), 12))


def _derived(dataset: fo.Dataset, name: str) -> list[str]:
    """Attributes of the labels in a field that say nothing of what a person did there.

    They are our scores and suggestions, those of FiftyOne's evaluations, and the id, which is new whenever a label is
    written again.
    """
    schema = dataset.get_field_schema(flat=True)
    in_frames = dataset.get_frame_field_schema(flat=True) or {}
    schema |= {f"{FRAMES_PREFIX}{path}": field for path, field in in_frames.items()}
    inside = f"{label_path(dataset, name)}."
    named = [(path.removeprefix(inside), field) for path, field in schema.items() if path.startswith(inside)]
    ours = {leaf for leaf, field in named if (field.info or {}).get("labelscape")}
    evaluated = {f"{key}{end}" for key in dataset.list_evaluations() for end in ("", "_id", "_iou")}
    return sorted({"_id"} | ours | evaluated)


def _labels_of_samples(dataset: fo.Dataset) -> Expression:
    """The labels that people set in a sample, without the empty fields, so that a new field changes nothing.

    Each label is judged by itself: one of another sample must not decide what counts here.
    """
    fields = []
    for name in dataset.get_field_schema(embedded_doc_type=fo.Label):
        if not is_own_predictions_field(dataset, name) and not is_suggestions_field(dataset, name):
            kind, left_out = dataset.get_field(name).document_type, _derived(dataset, name)
            leaf = getattr(kind, "_LABEL_LIST_FIELD", None)
            fields.append(_list(f"${name}.{leaf}", left_out) if leaf else _of_people(f"${name}", left_out))
    return {"$filter": {"input": fields, "as": "one", "cond": {"$ne": ["$$one", []]}}}


def _list(path: str, left_out: Sequence[str]) -> Expression:
    each = {"$map": {"input": path, "as": "label", "in": _of_people("$$label", left_out)}}
    people = {"$filter": {"input": each, "as": "one", "cond": {"$ne": ["$$one", []]}}}
    return {"$cond": [{"$isArray": [path]}, people, []]}


def _of_people(label: str, left_out: Sequence[str]) -> Expression:
    """The attributes of a label, none of one with a model's confidence or logits: what Labelscape saves is marked."""
    given = [{"$ne": [{"$ifNull": [f"{label}.{name}", None]}, None]} for name in ("confidence", "logits")]
    unmarked = {"$eq": [{"$ifNull": [f"{label}.labelscape", None]}, None]}
    return {"$cond": [{"$and": [{"$or": given}, unmarked]}, [], _attributes(label, left_out)]}


def _attributes(label: str, left_out: Sequence[str]) -> Expression:
    """The attributes of a label by name; FiftyOne writes them in any order, and leaves out empty ones or not."""
    counts = {"$and": [{"$not": [{"$in": ["$$one.k", left_out]}]}, {"$ne": ["$$one.v", None]}]}
    given = {"$filter": {"input": {"$objectToArray": label}, "as": "one", "cond": counts}}
    ordered = {"$sortArray": {"input": given, "sortBy": {"k": 1}}}
    return {"$cond": [{"$eq": [{"$type": label}, "object"]}, ordered, []]}
