"""Labels added to or removed from the lists of many samples, as columns: written and undone by a few updates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pymongo import UpdateMany

from .column_updates import Expression, among, column, column_of_documents, column_of_ids, modified_now, of_row
from .fills import Fill, label_of, no_ids
from .records import as_object_ids

if TYPE_CHECKING:
    from typing import Self


def _no_integers() -> np.ndarray:
    return np.empty(0, np.int32)


@dataclass(frozen=True, eq=False)
class JoiningFill(Fill):
    """One class that joins the lists of labels of many samples; a list that has the class stays as it is.

    An undo takes out the label that has the class and the time of ``document``, and where there was no list before
    (``fresh``), the list too once it is empty.
    """

    FORM: ClassVar[str] = "joining"

    fresh: bool = False

    def updates(self, *, undo: bool) -> Iterator[UpdateMany]:
        """The updates that write it, or undo it."""
        assert self.document is not None
        name = self.document["label"]
        for part in self.parts(alike=undo or not len(self.confidence)):
            if undo:
                written = {"label": name, "labeled_at": self.document["labeled_at"]}
                where = {"_id": among(part.ids), part.path: {"$elemMatch": written}}
                yield UpdateMany(where, taking_out(part.path, written, with_list=part.fresh))
            else:
                where = {"_id": among(part.ids), f"{part.path}.label": {"$ne": name}}
                joined = {"$concatArrays": [_list_at(part.path), [label_of(part, self.document)]]}
                yield UpdateMany(where, [{"$set": {**_with_list(part.path, joined), **modified_now()}}])


@dataclass(frozen=True, eq=False)
class RemovingFill(Fill):
    """One class that leaves the lists of many samples, one label of each at most.

    ``before`` (n,) are the labels, ``elements`` (n,) their ids, ``positions`` (n,) their places in the lists, and
    ``name`` their class. An undo brings back those whose class is not in the list again; ``twins`` are the ids (bytes
    of 12, joined) of the labels of samples that had the class several times, whether they left or stayed: none of them
    keeps another from coming back. ``twin_counts`` (n,) says how many of them each sample has; records of earlier
    versions are without.
    """

    FORM: ClassVar[str] = "removing"

    elements: np.ndarray = dataclass_field(default_factory=no_ids)
    positions: np.ndarray = dataclass_field(default_factory=_no_integers)
    name: str | None = None
    twins: bytes = b""
    twin_counts: np.ndarray = dataclass_field(default_factory=_no_integers)

    def take(self, rows: slice) -> Self:
        """The same for some of the samples, with their twins alone: an update that names all of them takes long."""
        taken = super().take(rows)
        if not len(self.twin_counts):
            return taken
        ends = self.elements.dtype.itemsize * np.cumsum([0, *self.twin_counts.tolist()])
        start, stop, _ = rows.indices(len(self))
        return replace(taken, twins=self.twins[ends[start] : ends[stop]])

    def updates(self, *, undo: bool) -> Iterator[UpdateMany]:
        """The updates that write it, or undo it."""
        for part in self.parts(alike=False):
            twins = as_object_ids(np.frombuffer(part.twins, part.elements.dtype))
            again = {"$not": {"$elemMatch": {"label": part.name, "_id": {"$nin": twins}}}}
            label = {part.path: again} if undo else {f"{part.path}.label": part.name}
            there = {"$gt": [{"$size": part._filtered(meant=True)}, 0]}
            exact = {"$not": [_has(part)]} if undo else there
            where = {"_id": among(part.ids), **label, "$expr": of_row(part.ids, exact)}
            new = _with_list(part.path, of_row(part.ids, part._restored() if undo else part._filtered(meant=False)))
            yield UpdateMany(where, [{"$set": {**new, **modified_now()}}])

    def _filtered(self, *, meant: bool) -> Expression:
        """The labels of a sample that this fill removes, or the others; inside `of_row`."""
        own_id = {"$eq": ["$$one._id", column_of_ids(self.elements)]}
        own_name = {"$eq": [{"$ifNull": ["$$one.label", None]}, {"$literal": self.name}]}
        both: Expression = {"$and": [own_id, own_name]}
        condition = both if meant else {"$not": [both]}
        return {"$filter": {"input": _list_at(self.path), "as": "one", "cond": condition}}

    def _restored(self) -> Expression:
        """The labels of a sample, with the removed one back at its place; inside `of_row`."""
        label = {"$let": {"vars": {"label": column_of_documents(self.before)}, "in": ["$$label"]}}
        rest = {"$slice": ["$$list", "$$place", {"$add": [{"$size": "$$list"}, 1]}]}
        parts: Sequence[Any] = [{"$slice": ["$$list", "$$place"]}, label, rest]
        variables = {"list": _list_at(self.path), "place": column(self.positions.tolist())}
        return {"$let": {"vars": variables, "in": {"$concatArrays": parts}}}


def taking_out(path: str, label: dict[str, Any], *, with_list: bool) -> Any:
    """The update that takes labels with these attributes out of the list at ``path``.

    Args:
        with_list: whether the field is emptied if nothing else is in it then.
    """
    if not with_list:
        return {"$pull": {path: label}, "$set": modified_now()}
    same = {"$and": [{"$eq": [f"$$one.{name}", {"$literal": value}]} for name, value in label.items()]}
    rest = _with_list(path, {"$filter": {"input": _list_at(path), "as": "one", "cond": {"$not": [same]}}})
    field, leaf = path.rsplit(".", 1)
    empty = {"$eq": [rest[field], {"$literal": empty_list(leaf)}]}
    return [{"$set": {field: {"$cond": [empty, None, rest[field]]}, **modified_now()}}]


def empty_list(leaf: str) -> dict[str, Any]:
    """The document of a field of labels with nothing in it: ``Detections`` for ``detections``."""
    return {"_cls": leaf.capitalize(), leaf: []}


def _has(part: RemovingFill) -> Expression:
    """Whether a sample has the label's id in its list, whatever class it has now; inside `of_row`."""
    return {"$in": [column_of_ids(part.elements), {"$ifNull": [f"${part.path}._id", []]}]}


def _list_at(path: str) -> Expression:
    return {"$ifNull": [f"${path}", []]}


def _with_list(path: str, labels: Expression) -> dict[str, Expression]:
    """The field with these labels as its list; it is made where there is none."""
    field, leaf = path.rsplit(".", 1)
    return {field: {"$mergeObjects": [empty_list(leaf), f"${field}", {leaf: labels}]}}
