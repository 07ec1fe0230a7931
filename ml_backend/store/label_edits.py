"""Turn pending changes into edits of the current documents in MongoDB."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import fiftyone as fo
import numpy as np
from bson import ObjectId

from .edits import AnyEdit, Edit
from .fills import Purpose
from .items import FRAMES, FRAMES_PREFIX, every_sample, label_path, list_items, stored_path
from .label_documents import Plan
from .labels import LabelField, has_label_field, label_columns
from .multi_label_edits import multi_label_edits
from .object_label_edits import object_label_edits
from .pending_columns import FieldChanges
from .records import as_names, as_oids
from .single_label_edits import clearing_edits, present_labels, single_label_edits
from .suggestions import suggestion_name, suggestion_path

_READ_AT_ONCE = 10_000
_MATCHED_AT_ONCE = 100_000
_Object = tuple[str, int | None, dict[str, Any]]  # sample id, position in its list (None = not in a list), document


def label_edits(
    dataset: fo.Dataset, field: LabelField, changes: FieldChanges, plan: Plan, *, leaving: np.ndarray
) -> Iterator[AnyEdit]:
    """Edits that clear and set the pending labels of a field; labels that may not be overwritten become conflicts.

    A pending label equal to the one that is there needs no edit. Items that are gone are left out, and so is
    everything in samples that are ``leaving`` (n,), because a sample is deleted as it was when the deletion was queued.
    """
    now, plan = datetime.utcnow(), plan.of_field(changes.field)
    if field.kind == "patch":
        yield from object_label_edits(dataset, field, changes, plan, leaving, now)
        return
    if field.kind == "classifications":
        yield from multi_label_edits(dataset, field, changes, plan, now)
        return
    yield from single_label_edits(dataset, field, changes, plan, now)


def deletion_edits(dataset: fo.Dataset, deleted: Mapping[str | None, np.ndarray]) -> Iterator[Edit]:
    """Edits that delete samples, or objects inside samples, and keep what is needed to restore them.

    Objects of samples that are deleted go with them.
    """
    samples = deleted.get(None, np.empty(0, "S12"))
    leaving = set(as_names(samples))
    for field, items in deleted.items():
        if field is None:
            continue
        path = label_path(dataset, field)
        # From the back, so that positions stay valid while objects of a sample are added and removed.
        for sample, position, element in reversed(_objects(dataset, path, as_names(items))):
            if sample not in leaving:
                kind: Literal["value", "element"] = "value" if position is None else "element"
                yield Edit(kind, sample, path, element, None, position=position, purpose="delete")
    for item, document in _read(dataset, as_names(samples), None):
        yield Edit("sample", item, "", document, None, purpose="delete")


def clearable_items(samples: fo.core.collections.SampleCollection, field: LabelField) -> tuple[np.ndarray, np.ndarray]:
    """Ids (n,) of the labeled items of a view, and who set the label (n,): "human", "neighbors", or "imported".

    An item with several labels is listed once per label.
    """
    samples = every_sample(samples)
    if not has_label_field(samples, field):
        return np.empty(0, "S12"), np.empty(0, "U9")
    root, ids_path, attributes = label_columns(samples, field)
    ids, names, *origins = samples.values([ids_path, *(f"{root}.{attribute}" for attribute in attributes)])
    labeled = [
        (item, origin)
        for item, name, origin in _rows_of(ids, names, origins[0] if origins else None)
        if item is not None and name
    ]
    who = np.asarray([origin if origin in ("human", "neighbors") else "imported" for _, origin in labeled], "U9")
    return as_oids([item for item, _ in labeled]), who


def clearable_counts(samples: fo.core.collections.SampleCollection, field: LabelField) -> Counter[str]:
    """How many labels `clearable_items` would list, by who set them, counted by the database."""
    samples = every_sample(samples)
    if not has_label_field(samples, field):
        return Counter()
    root, _, attributes = label_columns(samples, field)
    in_frames = root.startswith(FRAMES_PREFIX)
    parts = root.split(".")
    paths = [".".join(parts[: end + 1]) for end in range(len(parts))]
    stages: list[dict[str, Any]] = [{"$unwind": f"${path}"} for path in paths]  # what is no list stays as it is
    stages.append({"$match": {f"{root}.label": {"$nin": [None, ""]}}})
    origin = f"${root}.labelscape" if "labelscape" in attributes else None
    stages.append({"$group": {"_id": origin, "number": {"$sum": 1}}})
    origins = Counter[str]()
    for group in samples._aggregate(post_pipeline=stages, attach_frames=in_frames):
        origins[group["_id"] if group["_id"] in ("human", "neighbors") else "imported"] += group["number"]
    return origins


def suggestion_clearing_edits(
    samples: fo.core.collections.SampleCollection, patches_field: str | None
) -> Iterator[AnyEdit]:
    """Edits that remove the suggestions of a view."""
    dataset = samples._root_dataset
    if dataset.get_field(suggestion_path(dataset, patches_field)) is None:
        return
    if patches_field in (None, FRAMES):
        path, whole = suggestion_path(dataset, patches_field), list_items(samples, patches_field)
        yield from clearing_edits(path, present_labels(dataset, path, as_oids(whole.ids)))
        return
    ids = list_items(samples, patches_field).ids.tolist()
    path, name = label_path(dataset, str(patches_field)), suggestion_name(dataset, patches_field)
    for sample, position, element in _objects(dataset, path, ids):
        if element.get(name) is not None:
            values = {"label": element.get("label"), name: None}
            yield attribute_edit(sample, path, position, element, values, purpose="clear")


def attribute_edit(
    sample: str,
    path: str,
    position: int | None,
    element: dict[str, Any],
    values: dict[str, Any],
    *,
    purpose: Purpose = "label",
) -> Edit:
    """The edit that sets attributes of a label to these values; ``element`` is the current label."""
    before = {name: element.get(name) for name in values}
    element_id = str(element["_id"])
    return Edit("attributes", sample, path, before, values, element=element_id, position=position, purpose=purpose)


def read_documents(dataset: fo.Dataset, ids: Iterable[str], fields: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """Sample id → its document in MongoDB, whole or in part; deleted samples are left out."""
    return dict(_read(dataset, ids, fields))


# --- objects ---------------------------------------------------------------------------------------------------------


def _objects(dataset: fo.Dataset, path: str, ids: Sequence[str]) -> list[_Object]:
    """The objects with these ids, in the order of their samples; deleted ones are left out."""
    collection, local = stored_path(dataset, path)
    chosen_ids = {ObjectId(item) for item in ids}
    every = list(chosen_ids)
    objects: dict[ObjectId, _Object] = {}  # a sample with objects in two parts of the ids is read twice
    for start in range(0, len(every), _MATCHED_AT_ONCE):
        query = {f"{local}._id": {"$in": every[start : start + _MATCHED_AT_ONCE]}}
        for document in collection.find(query, {local: 1}):
            value: Any = document
            for part in local.split("."):
                value = value[part]
            elements = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for position, element in elements:
                if element["_id"] in chosen_ids:
                    objects[element["_id"]] = (str(document["_id"]), position, element)
    return list(objects.values())


# --- what labels are made of -----------------------------------------------------------------------------------------


def _rows_of(ids: Sequence[Any], names: Sequence[Any], origins: Sequence[Any] | None) -> Iterator[tuple[Any, Any, Any]]:
    """(item, label, who set it) from columns, of which some are nested: objects of a sample, labels of an item.

    Several labels of the frames of videos are nested twice.
    """
    nested = any(isinstance(name, list) for name in names)
    for place, (item, name) in enumerate(zip(ids, names, strict=True)):
        origin = None if origins is None else origins[place]
        if not nested:
            yield item, name, origin
            continue
        each = name or []
        items = item if isinstance(item, list) else [item] * len(each)
        yield from _rows_of(items, each, origin)


def _read(
    dataset: fo.Dataset, ids: Iterable[str], fields: Sequence[str] | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    chosen_ids = [ObjectId(item) for item in ids]
    projection = None if fields is None else dict.fromkeys(fields, 1)
    for start in range(0, len(chosen_ids), _READ_AT_ONCE):
        query = {"_id": {"$in": chosen_ids[start : start + _READ_AT_ONCE]}}
        for document in dataset._sample_collection.find(query, projection):
            yield str(document["_id"]), document
