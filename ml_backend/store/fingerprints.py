"""Fingerprints of the embedded media, so that only new and changed media are embedded again."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone.core.odm.database import get_db_conn
from pymongo import DeleteMany, ReplaceOne
from pymongo.collection import Collection

_COLLECTION = "labelscape.embedded"
_WRITE_AT_ONCE = 10_000


def read_fingerprints(dataset: fo.Dataset, key: str) -> dict[str, str]:
    """Item id → fingerprint of the medium that its vector was computed from."""
    records = _collection().find(_owner(dataset, key), {"item": 1, "fingerprint": 1})
    return {record["item"]: record["fingerprint"] for record in records}


def write_fingerprints(dataset: fo.Dataset, key: str, ids: Sequence[str], marks: Sequence[str]) -> None:
    """Store the fingerprints of the media that the vectors of these items were computed from."""
    owner = _owner(dataset, key)
    writes = [
        ReplaceOne({**owner, "item": item}, {**owner, "item": item, "fingerprint": mark}, upsert=True)
        for item, mark in zip(ids, marks, strict=True)
    ]
    for start in range(0, len(writes), _WRITE_AT_ONCE):
        _collection().bulk_write(writes[start : start + _WRITE_AT_ONCE], ordered=False)


def forget_fingerprints(dataset: fo.Dataset, key: str, ids: Sequence[str] | None = None) -> None:
    """Drop the fingerprints of these items, or of all items of the embeddings."""
    owner = _owner(dataset, key)
    if ids is None:
        _collection().bulk_write([DeleteMany(owner)])
        return
    for start in range(0, len(ids), _WRITE_AT_ONCE):
        chosen = list(ids[start : start + _WRITE_AT_ONCE])
        _collection().bulk_write([DeleteMany({**owner, "item": {"$in": chosen}})])


def rename_fingerprints(dataset: fo.Dataset, key: str, new_key: str) -> None:
    """Move the fingerprints of renamed embeddings to their new key."""
    _collection().update_many(_owner(dataset, key), {"$set": {"key": new_key}})


def copy_fingerprints(source: ObjectId, source_key: str, dataset: fo.Dataset, key: str) -> None:
    """Copy the fingerprints of another dataset."""
    records = list(_collection().find({"dataset": source, "key": source_key}, {"item": 1, "fingerprint": 1}))
    write_fingerprints(
        dataset, key, [record["item"] for record in records], [record["fingerprint"] for record in records]
    )


def forget_datasets_that_are_gone() -> None:
    """Drop the fingerprints of deleted datasets."""
    known = set(get_db_conn()["datasets"].distinct("_id"))
    gone = [dataset for dataset in _collection().distinct("dataset") if dataset not in known]
    if gone:
        _collection().bulk_write([DeleteMany({"dataset": {"$in": gone}})])


def _owner(dataset: fo.Dataset, key: str) -> dict[str, Any]:
    return {"dataset": dataset._doc.id, "key": key}


@lru_cache(maxsize=1)
def _indexed(database: str) -> bool:
    get_db_conn()[_COLLECTION].create_index([("dataset", 1), ("key", 1), ("item", 1)], unique=True)
    return True


def _collection() -> Collection:
    connection = get_db_conn()
    _indexed(connection.name)
    collection: Collection = connection[_COLLECTION]
    return collection
