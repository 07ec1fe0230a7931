"""Labels of many samples or frames in one field, as columns: written and undone by a few updates instead of one each.

As with other edits, only what is still as it was before is written, so that writing twice is the same as once, and
what a person changed meanwhile stays.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import fiftyone as fo
import numpy as np
from pymongo import UpdateMany

from .column_updates import ROWS_PER_UPDATE, Expression, among, column, column_of_documents, modified_now, of_row
from .items import FRAMES_PREFIX, stored_path
from .own_writes import bulk_write
from .records import as_names

if TYPE_CHECKING:
    from typing import Self

Purpose = Literal["label", "clear", "delete"]
Written = Counter[str]  # purpose → how many edits MongoDB matched
_OID = "S12"
_DTYPES = {
    "ids": _OID,
    "elements": _OID,
    "anchors": _OID,
    "confidence": "<f8",
    "positions": "<i4",
    "twin_counts": "<i4",
}
IDS_PER_UPDATE = 50_000  # of equal labels
BYTES_PER_PIECE = 4_000_000  # of labels that were there before
_NO_ANCHOR = "0" * 24
OF_AN_ANNOTATION = ("annotator", "annotation")  # attributes that do not apply to another label


def no_numbers() -> np.ndarray:
    """An empty column of numbers."""
    return np.empty(0)


def no_ids() -> np.ndarray:
    """An empty column of ids."""
    return np.empty(0, _OID)


@dataclass(frozen=True, eq=False)
class Fill:
    """One class for many samples in one field, or no label any more, with what was there before.

    Attributes:
        path: the label field.
        ids: (n,) "S12", the samples.
        document: the label without its id; None clears the field. Its ``labeled_at`` is unique to the save: an undo
            changes only what still has this time and this label.
        stamp: eight hexadecimal digits, the first half of the label ids; the second is the last eight bytes of the
            sample's id, which all differ.
        purpose: what the samples count as in reports of the save.
        confidence: (n,) 0 to 1, if the labels come from neighbors; empty otherwise.
        anchors: (n,) "S12", the labeled samples that they come from; empty otherwise.
        before: (n,) the previous labels, as BSON; empty if the field had no value.
    """

    FORM: ClassVar[str] = "labels"  # how records of a save tell the classes apart

    path: str
    ids: np.ndarray
    document: dict[str, Any] | None
    stamp: str = ""
    purpose: Purpose = "label"
    confidence: np.ndarray = dataclass_field(default_factory=no_numbers)
    anchors: np.ndarray = dataclass_field(default_factory=no_ids)
    before: Sequence[bytes] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: slice) -> Self:
        """The same for some of the samples."""
        columns = [name for name in vars(self) if name in _DTYPES or name == "before"]
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})

    def pieces(self) -> Iterator[Self]:
        """The same in parts that fit into one update of equal labels, or a few megabytes of previous labels."""
        ends = [*range(IDS_PER_UPDATE, len(self), IDS_PER_UPDATE), len(self)]
        if self.before:
            sizes = np.cumsum([len(label) for label in self.before])
            ends = np.unique([*ends, *(np.flatnonzero(np.diff(sizes // BYTES_PER_PIECE)) + 1)]).tolist()
        for start, end in zip([0, *ends], ends, strict=False):
            yield self.take(slice(start, end))

    def as_document(self) -> dict[str, Any]:
        """The fill as a document of MongoDB."""
        columns = {
            name: getattr(self, name).astype(dtype).tobytes() for name, dtype in _DTYPES.items() if name in vars(self)
        }
        return {**vars(self), **columns, "before": b"".join(self.before), "form": self.FORM}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read a fill as `as_document` wrote it."""
        names = [field.name for field in fields(cls)]
        columns = {name: np.frombuffer(document.get(name, b""), _DTYPES[name]) for name in names if name in _DTYPES}
        others = {name: document[name] for name in names if name in document and name not in columns}
        return cls(**{**others, **columns, "before": _split(document.get("before", b""))})

    def updates(self, *, undo: bool) -> Iterator[UpdateMany]:
        """The updates that write it, or undo it; ``path`` is the one inside the documents of the collection."""
        return _undoing(self) if undo else _filling(self)

    def parts(self, *, alike: bool) -> Iterator[Self]:
        """The same in parts for one update each, which can hold more samples if the same is written for all."""
        size = IDS_PER_UPDATE if alike else ROWS_PER_UPDATE
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size))


def write_fills(dataset: fo.Dataset, fills: Sequence[Fill], *, undo: bool = False) -> Written:
    """Write fills, or undo them from the last to the first; returns how many samples MongoDB matched, by purpose."""
    updates: defaultdict[tuple[Purpose, bool], list[UpdateMany]] = defaultdict(list)
    for fill in reversed(fills) if undo else fills:
        in_frames = fill.path.startswith(FRAMES_PREFIX)
        local = replace(fill, path=stored_path(dataset, fill.path)[1])
        updates[fill.purpose, in_frames] += local.updates(undo=undo)
    written: Written = Counter()
    for (purpose, in_frames), some in updates.items():
        collection = dataset._frame_collection if in_frames else dataset._sample_collection
        written[purpose] += bulk_write(collection, some, labels=True)
    return written


def label_of(part: Fill, document: dict[str, Any]) -> Expression:
    """The label that each sample gets, with an id of its own."""
    digits = {"$concat": [part.stamp, {"$substrBytes": [{"$toString": "$_id"}, 8, 16]}]}
    own = {"$toObjectId": digits}
    shared = {"$literal": {"_id": None, **document}}
    if not len(part.confidence):
        return {"$setField": {"field": "_id", "input": shared, "value": own}}
    differing = {"_id": own, **columns_of(part, ("confidence", "anchor", "labelscape_confidence"))}
    return of_row(part.ids, {"$mergeObjects": [shared, differing]})


def columns_of(part: Fill, names: Sequence[str]) -> dict[str, Expression]:
    """Attribute → its value from sample to sample, inside `of_row`; for labels from neighbors."""
    anchors = [None if anchor == _NO_ANCHOR else anchor for anchor in as_names(part.anchors)]
    return {name: column(anchors if name == "anchor" else part.confidence.tolist()) for name in names}


def _filling(fill: Fill) -> Iterator[UpdateMany]:
    for part in fill.parts(alike=not len(fill.confidence) and not fill.before):
        still: Expression = {part.path: None}
        if part.before:
            still = {"$expr": of_row(part.ids, {"$eq": [f"${part.path}", column_of_documents(part.before)]})}
        label = None if part.document is None else label_of(part, part.document)
        yield _update(part, still, _in_place_of(part.path, label) if label and part.before else label)


def _in_place_of(path: str, label: Expression) -> Expression:
    """The label with the tags and own attributes of the one that is there; who annotated that one is not kept."""
    there = f"${path}"
    merged: Expression = {"$mergeObjects": [there, label, {"tags": {"$ifNull": [f"{there}.tags", []]}}]}
    for name in OF_AN_ANNOTATION:
        merged = {"$unsetField": {"field": name, "input": merged}}
    return merged


def _undoing(fill: Fill) -> Iterator[UpdateMany]:
    for part in fill.parts(alike=not fill.before):
        names = ("label", "labeled_at")
        same = {f"{part.path}.{name}": part.document[name] for name in names} if part.document else {part.path: None}
        yield _update(part, same, of_row(part.ids, column_of_documents(part.before)) if part.before else None)


def _update(part: Fill, where: Expression, label: Expression | None) -> UpdateMany:
    """The update of one part; emptying a field needs no expression, and costs a fifth less."""
    setting = {"$set": {part.path: label, **modified_now()}}
    return UpdateMany({"_id": among(part.ids), **where}, setting if label is None else [setting])


def _split(encoded: bytes) -> list[bytes]:
    """BSON documents that were joined: each starts with its size."""
    parts = []
    start = 0
    while start < len(encoded):
        end = start + int.from_bytes(encoded[start : start + 4], "little")
        parts.append(encoded[start:end])
        start = end
    return parts
