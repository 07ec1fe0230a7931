"""Field values of a million samples as arrays, straight from MongoDB in documents of a fixed size.

FiftyOne's own ``values()`` decodes every document into Python objects: 7 to 12 s for a label column of a million
samples. Here MongoDB turns each value into a number, and NumPy reads the reply as it came: 1.2 s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import fiftyone as fo
import numpy as np
from fiftyone.core.fields import BooleanField, FloatField, IntField, ListField, StringField

from ....ml_backend.errors import Refusal
from ....ml_backend.store.items import FRAMES_PREFIX
from ....ml_backend.store.raw_batches import read_table

Expression = Any
NumberType = Literal["<i4", "<f8"]
Kind = Literal["categorical", "numeric"]
MAX_CLASSES = 0xFFFF - 1
_MAX_CLASS_BYTES = 8_000_000  # they travel inside one MongoDB command, which holds 16 MB
_BSON_TYPE = {"<i4": 16, "<f8": 1}
_HIDDEN = ("id", "filepath", "created_at", "last_modified_at", "labeled_at")
_HIDDEN_LEAVES = ("id", "anchor", "anchors", "path", "index", "instance")


@dataclass(frozen=True)
class Fetched:
    """IDs (m,) as 12 bytes ("S12"), and one number per item for each requested expression."""

    ids: np.ndarray
    columns: dict[str, np.ndarray]


@dataclass(frozen=True)
class FieldSource:
    """A field to color by: its path, what it holds, and the lists on its path, of which only first values are used."""

    path: str
    kind: Kind
    lists: int
    boolean: bool = False

    @property
    def listed(self) -> bool:
        """Whether only the first of several values is shown."""
        return self.lists > 0

    @property
    def stored(self) -> str:
        """The path in the documents of its collection: frames have one of their own."""
        return self.path.removeprefix(FRAMES_PREFIX)

    @property
    def expression(self) -> Expression:
        """The value of the field in MongoDB's terms."""
        return first_of(self.stored, self.lists) if self.listed else f"${self.stored}"


def fetch(
    collection: Any,
    root: str | None,
    expressions: Mapping[str, tuple[Expression, NumberType]],
    *,
    stages: Sequence[Mapping[str, Any]] = (),
) -> Fetched:
    """Read one number per sample, or per object below ``root``, for each expression.

    Args:
        expressions: name → what MongoDB computes, and the type that it always has
        stages: what comes before, such as a filter
    """
    identity: dict[str, Any] = {"_id": 1 if root is None else f"${root}._id"}
    spec = identity | {name: expression for name, (expression, _) in expressions.items()}
    pipeline = [*stages, *objects_of(root), {"$project": spec}]
    layout = [("length", "<i4"), ("type_", "u1"), ("name_", "S4"), ("id", "S12")]
    for name, (_, number) in expressions.items():
        layout += [(f"type_{name}", "u1"), (f"name_{name}", f"S{len(name) + 1}"), (name, number)]
    record = np.dtype([*layout, ("end", "u1")])
    rows = read_table(collection, pipeline, record.itemsize).view(record)[:, 0]
    _check_layout(rows, record.itemsize, {name: number for name, (_, number) in expressions.items()})
    return Fetched(rows["id"].copy(), {name: rows[name].copy() for name in expressions})


def fetch_ids(view: fo.core.collections.SampleCollection, root: str | None) -> np.ndarray:
    """Ids (m,) "S12" of the samples of a view, or of the objects below ``root`` that it shows."""
    stages = view._pipeline() if isinstance(view, fo.DatasetView) else []
    return fetch(view._dataset._sample_collection, root, {}, stages=stages).ids


def distinct_classes(
    collection: Any, root: str | None, source: FieldSource, stages: Sequence[Mapping[str, Any]] = ()
) -> list[Any]:
    """The different values of a categorical field, sorted.

    Raises:
        Refusal: more of them than a map can tell apart.
    """
    group = [{"$group": {"_id": source.expression}}, {"$limit": MAX_CLASSES + 2}]
    records = collection.aggregate([*stages, *objects_of(root), *group], allowDiskUse=True)
    values = [record["_id"] for record in records if record["_id"] not in (None, "")]
    if len(values) > MAX_CLASSES or sum(len(str(value)) for value in values) > _MAX_CLASS_BYTES:
        raise Refusal(
            f"“{source.path}” has more than {min(len(values), MAX_CLASSES):,} different values, too many to color or "
            "write on the map: choose another field."
        )
    return sorted(values, key=str)


def code_of(source: FieldSource, classes: Sequence[Any]) -> tuple[Expression, NumberType]:
    """Position of the value in ``classes``, -1 where it has none of them."""
    return {"$indexOfArray": [{"$literal": list(classes)}, source.expression]}, "<i4"


def number_of(source: FieldSource) -> tuple[Expression, NumberType]:
    """The value as a float, NaN where there is none."""
    missing = float("nan")
    return {"$convert": {"input": source.expression, "to": "double", "onError": missing, "onNull": missing}}, "<f8"


def first_of(path: str, lists: int = 1) -> Expression:
    """The value at a path, or the first of those in its lists, however nested; nothing where all are empty."""
    values: Expression = f"${path}"
    for _ in range(lists - 1):
        values = _flat(values)
    first = {"$arrayElemAt": ["$$value", 0]}
    return {"$let": {"vars": {"value": values}, "in": {"$cond": [{"$isArray": "$$value"}, first, "$$value"]}}}


def _flat(values: Expression) -> Expression:
    """The elements of the lists inside a list, as one list."""
    joined = {"$concatArrays": ["$$value", {"$cond": [{"$isArray": "$$this"}, "$$this", ["$$this"]]}]}
    flat = {"$reduce": {"input": "$$values", "initialValue": [], "in": joined}}
    return {"$let": {"vars": {"values": values}, "in": {"$cond": [{"$isArray": "$$values"}, flat, "$$values"]}}}


def objects_of(root: str | None) -> list[dict[str, Any]]:
    """Stages that make each object below ``root`` a document of its own."""
    return [] if root is None else [{"$unwind": f"${root}"}]


def field_source(dataset: fo.Dataset, path: str, root: str | None) -> FieldSource:
    """Describe a field; raises a Refusal if there is no such field, or it cannot be shown on a map."""
    field = dataset.get_field(path)
    if field is None:
        raise Refusal(f"The field “{path}” no longer exists in this dataset: choose another one.")
    kind = _kind(field)
    if kind is None:
        raise Refusal(f"“{path}” holds {type(field).__name__}, which cannot be shown as colors: choose another field.")
    leaf = field.field if isinstance(field, ListField) else field
    return FieldSource(path, kind, _count_lists(dataset, path, root), isinstance(leaf, BooleanField))


def shown_fields(dataset: fo.Dataset, root: str | None, *, in_frames: bool = False) -> list[FieldSource]:
    """Every field of the samples, or frames, and of the objects below ``root``, that can be shown on a map."""
    sources = []
    prefix = FRAMES_PREFIX if in_frames else ""
    schema = dataset.get_frame_field_schema(flat=True) if in_frames else dataset.get_field_schema(flat=True)
    for local, field in schema.items():
        path = f"{prefix}{local}"
        leaf = path.rsplit(".", 1)[-1]
        if local in _HIDDEN or path.startswith("metadata.") or leaf.startswith("_"):
            continue
        if "." in path and leaf in _HIDDEN_LEAVES:
            continue
        kind = _kind(field)
        if kind is not None:
            sources.append(FieldSource(path, kind, _count_lists(dataset, path, root)))
    return sources


def _kind(field: fo.core.fields.Field) -> Kind | None:
    if isinstance(field, ListField):
        return "categorical" if isinstance(field.field, StringField | BooleanField) else None
    if isinstance(field, StringField | BooleanField) and type(field) is not fo.ObjectIdField:
        return "categorical"
    return "numeric" if isinstance(field, FloatField | IntField) else None


def _count_lists(dataset: fo.Dataset, path: str, root: str | None) -> int:
    """The number of lists on a path, not counting the one of the objects themselves; ``root`` is the stored path."""
    if path.startswith(FRAMES_PREFIX):
        root = None if root is None else f"{FRAMES_PREFIX}{root}"
    parts = path.split(".")
    prefixes = [".".join(parts[: end + 1]) for end in range(len(parts))]
    return sum(prefix != root and isinstance(dataset.get_field(prefix), ListField) for prefix in prefixes)


def _check_layout(rows: np.ndarray, size: int, numbers: Mapping[str, str]) -> None:
    sound = (rows["length"] == size).all() and (rows["type_"] == 7).all()
    for name, number in numbers.items():
        sound = sound and (rows[f"type_{name}"] == _BSON_TYPE[number]).all()
        sound = sound and (rows[f"name_{name}"] == name.encode()).all()
    if not sound:
        raise RuntimeError(f"MongoDB's documents are not laid out as asked: {bytes(rows[:1].tobytes())!r}")
