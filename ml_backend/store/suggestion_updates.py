"""Updates that write the suggestions of many items at once: of samples or frames, or of objects in them."""

from collections.abc import Iterator, Sequence
from typing import Any

import fiftyone as fo
import numpy as np
from pymongo import UpdateMany

from .column_updates import (
    ROWS_PER_UPDATE,
    Expression,
    among,
    column_of_documents,
    column_of_ids,
    modified_now,
    of_row,
    rounds_of,
)
from .items import FRAMES, is_list_field, label_path, stored_path

_IDS_PER_UPDATE = 50_000  # that lose their suggestions


def suggestion_updates(
    dataset: fo.Dataset,
    field: str | None,
    homes: np.ndarray,
    items: np.ndarray,
    documents: Sequence[bytes | None],
    *,
    name: str,
) -> Iterator[UpdateMany]:
    """Updates that set the suggestion of each item to its document, as BSON, or to None.

    Args:
        field: the field of the objects or clips that the items are; None for samples, "frames" for frames.
        homes: (n,) ids of 12 bytes, the document of the collection that each item is, or is in.
        items: (n,) ids of 12 bytes.
        name: of the field or attribute that the suggestions are in.
    """
    empty = np.asarray([document is None for document in documents], bool)
    objects = field not in (None, FRAMES)
    rounds = rounds_of(homes) if objects else np.zeros(len(homes), np.int64)
    path = stored_path(dataset, label_path(dataset, str(field)))[1] if objects else ""
    listed = objects and is_list_field(dataset, str(field))
    for number in range(int(rounds.max(initial=-1)) + 1):
        for rows, size in (
            (np.flatnonzero((rounds == number) & empty), _IDS_PER_UPDATE),
            (np.flatnonzero((rounds == number) & ~empty), ROWS_PER_UPDATE),
        ):
            for start in range(0, len(rows), size):
                some = rows[start : start + size]
                encoded = [documents[row] for row in some.tolist()]
                written = [document for document in encoded if document]
                yield _update(path, homes[some], items[some], written, name, listed=listed)


def _update(
    path: str, homes: np.ndarray, items: np.ndarray, documents: Sequence[bytes], name: str, *, listed: bool
) -> UpdateMany:
    """The update of items in documents of their own; without suggestions to write, they all lose theirs."""
    where: dict[str, Any] = {"_id": among(homes)} | ({f"{path}._id": among(items)} if path else {})
    now = modified_now()
    if not documents:
        target = f"{path}.$.{name}" if listed else f"{path}.{name}".removeprefix(".")
        return UpdateMany(where, {"$set": {target: None, **now}})
    value = column_of_documents(documents)
    if listed:
        return UpdateMany(where, [{"$set": {path: of_row(homes, _in_list(path, items, name, value)), **now}}])
    target = f"{path}.{name}".removeprefix(".")
    return UpdateMany(where, [{"$set": {target: of_row(homes, value), **now}}])


def _in_list(path: str, items: np.ndarray, name: str, value: Expression) -> Expression:
    """The list of a document, with the suggestion set on the item of the row; inside `of_row`."""
    meant = {"$eq": ["$$one._id", column_of_ids(items)]}
    changed = {"$mergeObjects": ["$$one", {name: value}]}
    return {"$map": {"input": f"${path}", "as": "one", "in": {"$cond": [meant, changed, "$$one"]}}}
