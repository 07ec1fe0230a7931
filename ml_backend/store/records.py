"""Records of FiftyOne's execution store read many at a time: one query, not one a record."""

import time
import uuid
from datetime import datetime
from typing import Any

import fiftyone as fo
from fiftyone.core.odm.database import get_db_conn
from fiftyone.operators.store import ExecutionStore

_COLLECTION = "execution_store"


def read_records(dataset: fo.Dataset, store: str, *, prefix: str = "") -> dict[str, Any]:
    """Key → value of all records of a store of this dataset whose key starts with ``prefix``, sorted by key."""
    query = {
        "store_name": store,
        "dataset_id": dataset._doc.id,
        "key": {"$gte": prefix, "$lt": f"{prefix}\uffff"},  # the record of the store itself has no key
    }
    found = get_db_conn()[_COLLECTION].find(query, {"key": 1, "value": 1}).sort("key", 1)
    return {record["key"]: record["value"] for record in found}


def timely_key() -> str:
    """A key of its own that sorts by the time it was made."""
    return f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"


def time_of_key(key: str) -> datetime:
    """When a `timely_key` was made, in UTC."""
    return datetime.utcfromtimestamp(int(key.split("-")[0]) / 1e9)


def open_store(dataset: fo.Dataset, name: str) -> ExecutionStore:
    """A store of this dataset by its name."""
    return ExecutionStore.create(name, dataset._doc.id)


def moment() -> datetime:
    """Now in UTC, to the millisecond that MongoDB keeps."""
    now = datetime.utcnow()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
