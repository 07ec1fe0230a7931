"""Fingerprints of the embedded media, so that only new and changed media are embedded again."""

from collections.abc import Sequence

import fiftyone as fo
from bson import ObjectId
from pymongo import DeleteMany, ReplaceOne
from pymongo.collection import Collection

from .embedding_records import drop_records_of_deleted_datasets, owner, records_of

_WRITE_AT_ONCE = 10_000


def read_fingerprints(dataset: fo.Dataset, key: str) -> dict[str, str]:
    """Item id → fingerprint of the medium that its vector was computed from."""
    records = _fingerprints().find(owner(dataset, key), {"item": 1, "fingerprint": 1})
    return {record["item"]: record["fingerprint"] for record in records}


def write_fingerprints(dataset: fo.Dataset, key: str, ids: Sequence[str], marks: Sequence[str]) -> None:
    """Store the fingerprints of the media that the vectors of these items were computed from."""
    ours = owner(dataset, key)
    writes = [
        ReplaceOne({**ours, "item": item}, {**ours, "item": item, "fingerprint": mark}, upsert=True)
        for item, mark in zip(ids, marks, strict=True)
    ]
    for start in range(0, len(writes), _WRITE_AT_ONCE):
        _fingerprints().bulk_write(writes[start : start + _WRITE_AT_ONCE], ordered=False)


def forget_fingerprints(dataset: fo.Dataset, key: str, ids: Sequence[str] | None = None) -> None:
    """Drop the fingerprints of these items, or of all items of the embeddings."""
    ours = owner(dataset, key)
    if ids is None:
        _fingerprints().bulk_write([DeleteMany(ours)])
        return
    for start in range(0, len(ids), _WRITE_AT_ONCE):
        chosen = list(ids[start : start + _WRITE_AT_ONCE])
        _fingerprints().bulk_write([DeleteMany({**ours, "item": {"$in": chosen}})])


def rename_fingerprints(dataset: fo.Dataset, key: str, new_key: str) -> None:
    """Move the fingerprints of renamed embeddings to their new key."""
    _fingerprints().update_many(owner(dataset, key), {"$set": {"key": new_key}})


def copy_fingerprints(source: ObjectId, source_key: str, dataset: fo.Dataset, key: str) -> None:
    """Copy the fingerprints of another dataset."""
    records = list(_fingerprints().find({"dataset": source, "key": source_key}, {"item": 1, "fingerprint": 1}))
    write_fingerprints(
        dataset, key, [record["item"] for record in records], [record["fingerprint"] for record in records]
    )


def forget_datasets_that_are_gone() -> None:
    """Drop the fingerprints of deleted datasets."""
    drop_records_of_deleted_datasets(_fingerprints())


def _fingerprints() -> Collection:
    return records_of("labelscape.embedded", "item", unique=True)
