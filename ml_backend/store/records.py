"""Records of FiftyOne's execution store: many read with one query, ids and numbers packed as text.

FiftyOne's server passes every record through `json.dumps` (1.22, MongoDB without a replica set), and one that fails
stops the notifications of all plugins: so everything written to that store is JSON.
"""

import base64
import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from fiftyone.core.odm.database import get_db_conn
from fiftyone.operators.store import ExecutionStore

from ..errors import Refusal

_COLLECTION = "execution_store"
_ID_BYTES = 12


def read_records(dataset: fo.Dataset, store: str, *, prefix: str = "") -> dict[str, Any]:
    """Key → value of all records of a store of this dataset whose key starts with ``prefix``, sorted by key."""
    query = {
        "store_name": store,
        "dataset_id": dataset._doc.id,
        "key": {"$gte": prefix, "$lt": f"{prefix}\uffff"},  # the record of the store itself has no key
    }
    documents = get_db_conn()[_COLLECTION].find(query, {"key": 1, "value": 1}).sort("key", 1)
    return {record["key"]: record["value"] for record in documents}


def read_some(dataset: fo.Dataset, store: str, keys: Sequence[str]) -> dict[str, Any]:
    """Key → value of the records of these keys; unknown keys are left out."""
    query = {"store_name": store, "dataset_id": dataset._doc.id, "key": {"$in": list(keys)}}
    return {record["key"]: record["value"] for record in get_db_conn()[_COLLECTION].find(query)}


def list_keys(dataset: fo.Dataset, store: str) -> list[str]:
    """The keys of all records of a store of this dataset, sorted."""
    query = {"store_name": store, "dataset_id": dataset._doc.id, "key": {"$ne": "__store__"}}
    documents = get_db_conn()[_COLLECTION].find(query, {"key": 1})
    return sorted(record["key"] for record in documents if record.get("key"))


def delete_records(dataset: fo.Dataset, store: str, keys: Sequence[str]) -> None:
    """Delete the records of these keys; unknown keys are ignored."""
    if keys:
        query = {"store_name": store, "dataset_id": dataset._doc.id, "key": {"$in": list(keys)}}
        get_db_conn()[_COLLECTION].delete_many(query)


@contextmanager
def restored_on_failure(dataset: fo.Dataset, keys: Mapping[str, Sequence[str]]) -> Iterator[None]:
    """If the block fails, make these records (store → keys) what they were; a key that ends in "/" means all below."""
    named = [
        {"store_name": store, "key": {"$regex": f"^{re.escape(key)}"} if key.endswith("/") else key}
        for store, some in keys.items()
        for key in some
    ]
    query = {"dataset_id": dataset._doc.id, "$or": named}
    collection = get_db_conn()[_COLLECTION]
    before = list(collection.find(query))
    try:
        yield
    except BaseException:
        collection.delete_many(query)
        if before:
            collection.insert_many(before)
        raise


def as_oids(ids: Sequence[str] | np.ndarray) -> np.ndarray:
    """Ids in hexadecimal as (n,) byte strings of 12 bytes, in their order.

    Raises:
        Refusal: one of them is not an id of FiftyOne's.
    """
    names = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
    try:
        if any(len(name) != 2 * _ID_BYTES for name in names):
            raise ValueError("an id has 24 digits")
        return np.frombuffer(bytes.fromhex("".join(names)), f"S{_ID_BYTES}")
    except ValueError:
        wrong = next(name for name in names if not ObjectId.is_valid(name))
        raise Refusal(f"“{wrong}” is not the id of a sample or an object.") from None


def as_names(oids: np.ndarray) -> list[str]:
    """Ids as `as_oids` gives them, in hexadecimal."""
    text = oids.tobytes().hex()
    return [text[start : start + 2 * _ID_BYTES] for start in range(0, len(text), 2 * _ID_BYTES)]


def as_object_ids(oids: np.ndarray) -> list[ObjectId]:
    """Ids as `as_oids` gives them, as MongoDB takes them."""
    raw = oids.tobytes()
    return [ObjectId(raw[start : start + _ID_BYTES]) for start in range(0, len(raw), _ID_BYTES)]


def pack(array: np.ndarray) -> str:
    """The bytes of an array as text, which JSON can hold; `unpack` needs the dtype."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def unpack(text: str, dtype: str) -> np.ndarray:
    """The array (n,) that was packed as text."""
    return np.frombuffer(base64.b64decode(text), dtype)


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
