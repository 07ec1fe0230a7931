"""Labels of many objects, or confirmations of labels in lists, as columns: written and undone by a few updates."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, ClassVar

import bson
import numpy as np
from pymongo import UpdateMany

from .column_updates import Expression, among, column_of_documents, column_of_ids, modified_now, of_row
from .fills import Fill, columns_of, no_ids
from .raw_batches import ANY_TIME


@dataclass(frozen=True, eq=False)
class ObjectFill(Fill):
    """The same attributes for many objects at ``path``, at most one of each sample; with what was there before.

    ``elements`` (n,) are the ids of the objects, in lists if they are ``listed``. ``document`` are the attributes,
    ``before`` (n,) those that were there, and ``name`` the label that all of them have had, None or "" for none. An
    object is written while it has that label, and an undo changes one that still has the label and the time of
    ``document``.
    """

    FORM: ClassVar[str] = "objects"

    elements: np.ndarray = dataclass_field(default_factory=no_ids)
    name: str | None = None
    listed: bool = True

    def updates(self, *, undo: bool) -> Iterator[UpdateMany]:
        """The updates that write it, or undo it; MongoDB matches a sample for each object."""
        alike = len(set(self.before)) == 1 if undo else not len(self.confidence)
        for part in self.parts(alike=alike):
            where = {"_id": among(part.ids), **part._of_objects(part._written if undo else part._still)}
            if alike:
                values = bson.decode(part.before[0], ANY_TIME) if undo else part._attributes
                yield UpdateMany(where, {"$set": part._in_place(values)})
            else:
                yield UpdateMany(where, [{"$set": {part.path: part._changed(undo=undo), **modified_now()}}])

    @property
    def _attributes(self) -> dict[str, Any]:
        assert self.document is not None
        return self.document

    @property
    def _still(self) -> dict[str, Any]:
        return {"label": self.name or {"$in": [None, ""]}}

    @property
    def _written(self) -> dict[str, Any]:
        label = self._attributes["label"]
        if not label:
            return {"label": {"$in": [None, ""]}}
        return {"label": label, "labeled_at": self._attributes["labeled_at"]}

    def _of_objects(self, condition: dict[str, Any]) -> dict[str, Any]:
        """The condition that a sample has one of the objects, as ``condition`` says."""
        condition = {"_id": among(self.elements), **condition}
        if self.listed:
            return {self.path: {"$elemMatch": condition}}
        return {f"{self.path}.{name}": value for name, value in condition.items()}

    def _in_place(self, values: dict[str, Any]) -> dict[str, Any]:
        target = f"{self.path}.$" if self.listed else self.path
        return {f"{target}.{name}": value for name, value in values.items()} | modified_now()

    def _changed(self, *, undo: bool) -> Expression:
        """The objects of a sample, with the attributes of this fill's object changed."""
        if undo:
            values = column_of_documents(self.before)
        else:
            differing = columns_of(self, ("anchor", "labelscape_confidence"))
            values = {"$mergeObjects": [{"$literal": self._attributes}, differing]}
        if not self.listed:
            return of_row(self.ids, {"$mergeObjects": [f"${self.path}", values]})
        meant = {"$eq": ["$$one._id", column_of_ids(self.elements)]}
        changed = {"$cond": [meant, {"$mergeObjects": ["$$one", values]}, "$$one"]}
        return of_row(self.ids, {"$map": {"input": f"${self.path}", "as": "one", "in": changed}})
