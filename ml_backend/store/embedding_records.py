"""Our own collections of records about embeddings, each by the dataset and the key of the embeddings."""

from functools import lru_cache
from typing import Any

import fiftyone as fo
from fiftyone.core.odm.database import get_db_conn
from pymongo.collection import Collection


def owner(dataset: fo.Dataset, key: str) -> dict[str, Any]:
    """What all records of some embeddings have in common."""
    return {"dataset": dataset._doc.id, "key": key}


def records_of(name: str, field: str, *, unique: bool = False) -> Collection:
    """The collection of this name, with an index on the dataset, the key, and a field of its records."""
    connection = get_db_conn()
    _ensure_index(connection.name, name, field, unique)
    collection: Collection = connection[name]
    return collection


def drop_records_of_deleted_datasets(collection: Collection) -> None:
    """Drop the records of datasets that no longer exist."""
    known = get_db_conn()["datasets"].distinct("_id")
    collection.delete_many({"dataset": {"$nin": known}})


@lru_cache(maxsize=8)
def _ensure_index(database: str, name: str, field: str, unique: bool) -> None:
    get_db_conn()[name].create_index([("dataset", 1), ("key", 1), (field, 1)], unique=unique)
