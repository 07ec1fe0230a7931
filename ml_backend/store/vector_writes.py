"""The writes to the vectors of embeddings, so that what was computed from them reads only those that changed.

Recording starts with the first `vectors_since`. A write that was not recorded, such as one of another program, shows in
the version of the table: afterwards, everything counts as changed.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import fiftyone as fo
import numpy as np
from fiftyone.core.odm.database import get_db_conn
from pymongo import ReturnDocument
from pymongo.collection import Collection

from .embedding_records import drop_records_of_deleted_datasets, owner, records_of
from .items import as_ids
from .vector_table import VectorTable

_HEADS = "labelscape.vector_heads"  # one for each recorded table: its version after the last recorded write
_IDS_PER_RECORD = 50_000  # MongoDB's limit is 16 MB per document


@dataclass(frozen=True)
class Moment:
    """A moment in the recorded writes to embeddings: after the write ``number`` of a ``record`` without gaps."""

    record: str
    number: int


def vectors_since(
    dataset: fo.Dataset, key: str, table: VectorTable, earlier: Moment | None
) -> tuple[Moment, np.ndarray | None]:
    """The present moment, and the ids (n,) whose vectors were written or removed since an ``earlier`` one.

    None instead of ids: any vector may have changed. Vectors that are read afterwards are of this moment or newer.
    """
    head, version = get_db_conn()[_HEADS].find_one({"_id": _head_id(dataset, key)}), _version_of(table)
    if head is None or head["version"] != version or head.get("writers"):
        return _start(dataset, key, version), None
    present = Moment(head["record"], head["number"])
    if earlier is None or earlier.record != present.record:
        return present, None
    later = {**owner(dataset, key), "record": present.record, "number": {"$gt": earlier.number}}
    ids = [item for write in _writes().find(later, {"ids": 1}) for item in write["ids"]]
    return present, np.unique(as_ids(ids))


@contextmanager
def recorded_write(
    dataset: fo.Dataset, key: str, table: VectorTable, ids: Sequence[str] | np.ndarray = ()
) -> Iterator[None]:
    """Record the ids whose vectors the block writes or removes; without ids, that it changes none.

    Two writes at the same time count as not recorded: the version of the table does not tell what each of them did.
    """
    heads, head_id = get_db_conn()[_HEADS], _head_id(dataset, key)
    begun = heads.find_one_and_update({"_id": head_id}, {"$inc": {"writers": 1}})
    before = _version_of(table)
    yield
    if begun is None:
        return
    ours = {"_id": head_id, "record": begun["record"]}
    head = heads.find_one_and_update(ours, {"$inc": {"number": 1}}, return_document=ReturnDocument.AFTER)
    if head is None:
        return
    names = as_ids(ids).tolist()
    for start in range(0, len(names), _IDS_PER_RECORD):
        part = {"record": head["record"], "number": head["number"], "ids": names[start : start + _IDS_PER_RECORD]}
        _writes().insert_one({**owner(dataset, key), **part})
    # Last, and only by a single writer: one that is killed before, or another one at the same time, leaves a gap.
    alone = {**ours, "version": before, "writers": 1}
    heads.update_one(alone, {"$set": {"version": _version_of(table), "writers": 0}})


def forget_writes(dataset: fo.Dataset, key: str) -> None:
    """Stop recording the writes to embeddings until the next `vectors_since`."""
    get_db_conn()[_HEADS].delete_one({"_id": _head_id(dataset, key)})
    _writes().delete_many(owner(dataset, key))


def forget_writes_of_datasets_that_are_gone() -> None:
    """Drop what was recorded for deleted datasets."""
    for collection in (get_db_conn()[_HEADS], _writes()):
        drop_records_of_deleted_datasets(collection)


def _start(dataset: fo.Dataset, key: str, version: str) -> Moment:
    forget_writes(dataset, key)
    start = Moment(uuid.uuid4().hex, 0)
    head = {**owner(dataset, key), "record": start.record, "number": start.number, "version": version, "writers": 0}
    get_db_conn()[_HEADS].replace_one({"_id": _head_id(dataset, key)}, head, upsert=True)
    return start


def _head_id(dataset: fo.Dataset, key: str) -> str:
    return f"{dataset._doc.id} {key}"


def _version_of(table: VectorTable) -> str:
    return f"{table.name} {table.version()}"


def _writes() -> Collection:
    return records_of("labelscape.vector_writes", "number")
