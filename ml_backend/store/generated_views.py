"""Views of patches, frames, and clips: FiftyOne (1.22) generates a dataset for each of them once, and reuses it.

What is written to the samples themselves does not reach these datasets, and a patch that is saved there later would
bring its old label back. So they are brought up to date with each of our writes, or deleted if that is not possible;
FiftyOne recreates a deleted one, under the same name, when its view is shown next.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import fiftyone.core.sample as fos
from bson import ObjectId
from fiftyone.core.odm.database import get_db_conn
from pymongo import DeleteOne, UpdateOne

GENERATED = {"$regex": r"^(patches|frames|clips)\."}
_SAMPLES_AT_ONCE = 5_000
_MANY = 50_000  # samples above which regenerating a view is faster than updating it
_WANTED = {"name": 1, "sample_collection_name": 1, "sample_fields.name": 1}
_LOOKED_AT = 20  # documents checked to recognize the samples of a view
_LISTS = {
    "Detections": "detections",
    "Polylines": "polylines",
    "Keypoints": "keypoints",
    "Classifications": "classifications",
    "TemporalDetections": "detections",
}


@dataclass(frozen=True)
class _Generated:
    """A dataset that FiftyOne generated for a view: of objects (``evaluation``: of matched pairs), frames, or clips."""

    name: str
    collection: str
    fields: frozenset[str]

    @property
    def of_frames(self) -> bool:
        """Whether its fields are those of frames, which may have the names of fields of the samples."""
        return "frame_number" in self.fields

    @property
    def frame_key(self) -> str:
        """The key of the frame in its documents: ``_id`` if they are frames rather than objects in frames."""
        return "_frame_id" if "frame_id" in self.fields else "_id"

    @property
    def evaluation(self) -> bool:
        """Whether its documents are pairs of an evaluation, whose lists contain some of the objects of a sample."""
        return {"type", "iou"} <= self.fields


def show_in_generated_views(
    dataset: fo.Dataset, samples: Sequence[str], fields: AbstractSet[str], *, added: bool, of_frames: bool = False
) -> None:
    """Update the datasets that FiftyOne generated for views of a dataset to the current state of these samples.

    Args:
        samples: their ids, or those of frames with ``of_frames``.
        fields: the fields that were written; "" stands for the samples themselves.
        added: objects or samples came (back), for which a generated dataset may have no document.
    """
    made = list(get_db_conn().datasets.find({"sample_collection_name": GENERATED}, _WANTED))
    if not made:
        return
    ids = [ObjectId(sample) for sample in samples]
    for generated in _of_this(dataset, ids, made):
        if added or len(ids) > _MANY:
            fo.delete_dataset(generated.name)
            continue
        for start in range(0, len(ids), _SAMPLES_AT_ONCE):
            part = ids[start : start + _SAMPLES_AT_ONCE]
            _update(dataset, generated, part, fields & generated.fields, of_frames=of_frames)
        fos.Sample._reload_docs(generated.collection)


def _of_this(dataset: fo.Dataset, samples: Sequence[ObjectId], made: Sequence[dict[str, Any]]) -> Iterator[_Generated]:
    """The generated datasets that were made from samples of this dataset."""
    connection = get_db_conn()
    mine = set(samples)
    for document in made:
        collection = connection[document["sample_collection_name"]]
        some = [shown.get("_sample_id") for shown in collection.find({}, {"_sample_id": 1}).limit(_LOOKED_AT)]
        if not mine.isdisjoint(some) or dataset._sample_collection.find_one({"_id": {"$in": some}}, {"_id": 1}):
            fields = frozenset(field["name"] for field in document.get("sample_fields") or [])
            yield _Generated(document["name"], document["sample_collection_name"], fields)


def _update(
    dataset: fo.Dataset,
    generated: _Generated,
    ids: Sequence[ObjectId],
    fields: AbstractSet[str],
    *,
    of_frames: bool,
) -> None:
    collection = get_db_conn()[generated.collection]
    source = dataset._frame_collection if of_frames else dataset._sample_collection
    key = generated.frame_key if of_frames else "_sample_id"
    projection = dict.fromkeys(fields, 1) or {"_id": 1}
    current = {each["_id"]: each for each in source.find({"_id": {"$in": list(ids)}}, projection)}
    writes: list[DeleteOne | UpdateOne] = []
    for document in collection.find({key: {"$in": list(ids)}}):
        sample = current.get(document[key])
        known = sample is not None and generated.of_frames == of_frames
        values = _values(generated, document, sample, fields) if known and sample is not None else {}
        if sample is None or values is None:
            writes.append(DeleteOne({"_id": document["_id"]}))
        elif values:
            writes.append(UpdateOne({"_id": document["_id"]}, {"$set": values}))
    if writes:
        collection.bulk_write(writes, ordered=False)


def _values(
    generated: _Generated, document: dict[str, Any], sample: dict[str, Any], fields: AbstractSet[str]
) -> dict[str, Any] | None:
    """The update that a document of a generated dataset needs to match its sample; None if its object was deleted."""
    values = {}
    for field in fields:
        shown, now = document.get(field), sample.get(field)
        if not generated.evaluation and not _holds(shown, document["_id"]):
            value = now  # a whole field that the view carries along
        else:
            value = _same_objects(shown, now)
            if _holds(shown, document["_id"]) and not _holds(value, document["_id"]):
                return None
        if value != shown:
            values[field] = value
    return values


def _same_objects(shown: Any, now: Any) -> Any:
    """The current objects that a document shows, without deleted ones."""
    by_id = {element["_id"]: element for element in _elements(now)}
    leaf = _leaf(shown)
    if leaf is not None:
        kept = [by_id[element["_id"]] for element in shown.get(leaf) or [] if element["_id"] in by_id]
        return {**shown, leaf: kept}
    counterpart = None if shown is None else by_id.get(shown.get("_id"))
    if counterpart is not None and shown["_cls"] != counterpart["_cls"]:
        # A view of clips shows each temporal detection as a classification, without its support.
        attributes = {name: value for name, value in counterpart.items() if name != "support"}
        return {"logits": None, **attributes, "_cls": shown["_cls"]}
    return counterpart


def _holds(value: Any, element: ObjectId) -> bool:
    return any(label.get("_id") == element for label in _elements(value))


def _elements(value: Any) -> list[dict[str, Any]]:
    """The labels of a field: those of a list, or the single one."""
    leaf = _leaf(value)
    if leaf is not None:
        return list(value.get(leaf) or [])
    return [value] if isinstance(value, dict) else []


def _leaf(value: Any) -> str | None:
    """The name of the list in a field of several labels; None for one label, or none."""
    if not isinstance(value, dict):
        return None
    return _LISTS.get(str(value.get("_cls")))
