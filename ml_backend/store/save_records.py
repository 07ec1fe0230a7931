"""The data to apply and undo a save, in a separate MongoDB collection; it expires seven days after the save.

FiftyOne's execution store is not suitable: its server reads every record there as JSON.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import fiftyone as fo
from fiftyone.core.odm.database import get_db_conn
from pymongo import DeleteMany

RECORDS = "labelscape.save_records"
UNDO_SECONDS = 7 * 24 * 3600


def write_record(dataset: fo.Dataset, save: str, number: int, packed: bytes) -> None:
    """Store one part of a save."""
    expires_at = datetime.utcnow() + timedelta(seconds=UNDO_SECONDS)
    record = {"dataset": dataset._doc.id, "save": save, "number": number, "data": packed, "expires_at": expires_at}
    _collection().insert_one(record)


def read_records(dataset: fo.Dataset, save: str, *, backwards: bool = False) -> Iterator[bytes]:
    """The parts of a save in order, or in reverse order."""
    query = {"dataset": dataset._doc.id, "save": save}
    for record in list(_collection().find(query, {"number": 1}).sort("number", -1 if backwards else 1)):
        stored = _collection().find_one({"_id": record["_id"]})
        if stored is not None:
            yield stored["data"]


def forget_records(dataset: fo.Dataset, save: str) -> None:
    """Delete the parts of a save."""
    _collection().bulk_write([DeleteMany({"dataset": dataset._doc.id, "save": save})])


def _collection() -> Any:
    connection = get_db_conn()
    _indexed(connection.name)
    return connection[RECORDS]


@lru_cache(maxsize=1)
def _indexed(database: str) -> bool:
    collection = get_db_conn()[RECORDS]
    collection.create_index([("dataset", 1), ("save", 1), ("number", 1)], unique=True)
    collection.create_index("expires_at", expireAfterSeconds=0)
    return True
