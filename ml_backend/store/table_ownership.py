"""Which table of vectors belongs to which dataset: unique names, a copy for a clone, and no leftovers.

FiftyOne's `clone()` (1.22) copies similarity runs but not the tables they name, which lie outside MongoDB, and deleting
a dataset deletes its runs but not their tables.
"""

import hashlib
import re
import uuid
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone.core.odm.database import get_db_conn
from pymongo import ReturnDocument

from ..errors import Refusal
from .backends import BACKENDS, place_of
from .fingerprints import copy_fingerprints, forget_datasets_that_are_gone
from .settings import DEFAULT_BACKEND
from .vector_writes import forget_writes_of_datasets_that_are_gone

_PREFIX = "labelscape"
_IDENTITY = "labelscape.identity"  # MongoDB collection: a random name of this database
# What the backends that FiftyOne alone drives call the place of an index's vectors. That of `mongodb` lies in the
# dataset itself and is cloned.
_OTHER_PLACES = {
    "pinecone": "index_name",
    "redis": "index_name",
    "elasticsearch": "index_name",
    "mosaic": "index_name",
}


def table_name(dataset: fo.Dataset, key: str, backend: str = DEFAULT_BACKEND) -> str:
    """The name of a table of vectors, unique even among databases that share the folder or server.

    Two processes that start the same embeddings at once get the same one.
    """
    return _name(dataset, hashlib.blake2b(key.encode(), digest_size=6).hexdigest(), backend)


def spare_table_name(dataset: fo.Dataset, backend: str = DEFAULT_BACKEND) -> str:
    """A name that no table has yet."""
    return _name(dataset, uuid.uuid4().hex[:12], backend)


def _name(dataset: fo.Dataset, unique: str, backend: str) -> str:
    separator = BACKENDS[backend].separator if backend in BACKENDS else "-"
    return separator.join((_PREFIX, _database_identity()[:8], str(dataset._doc.id), unique))


def own_table(dataset: fo.Dataset, key: str) -> None:
    """Give embeddings a separate table before a write, if a clone shares theirs.

    Raises:
        Refusal: a clone shares the vectors in a backend whose tables Labelscape cannot copy.
    """
    sharing = _runs_that_share(dataset, key)
    if not sharing:
        return
    config = dataset.get_brain_info(key).config
    backend = BACKENDS.get(config.method)
    if backend is None:
        raise Refusal(
            f"The embeddings '{key}' share their vectors in {config.method} with the dataset this one is a clone of "
            "(or with its clone): compute them under a new name, so that both keep theirs."
        )
    fresh = spare_table_name(dataset, config.method)
    backend.tables().copy(getattr(config, backend.place), fresh)
    point_to_table(dataset, key, fresh)
    copy_fingerprints(sharing[0]["_dataset_id"], sharing[0]["key"], dataset, key)


def leave_shared_table(dataset: fo.Dataset, key: str) -> None:
    """Before a run is deleted, release vectors that another dataset still uses."""
    if _runs_that_share(dataset, key):
        point_to_table(dataset, key, spare_table_name(dataset, dataset.get_brain_info(key).config.method))


def point_to_table(dataset: fo.Dataset, key: str, name: str) -> None:
    """Make embeddings use another table, whether it exists or not."""
    run = dataset._doc.brain_methods[key]
    method = dataset.get_brain_info(key).config.method
    run.config = {**run.config, **(place_of(method, name) or {_OTHER_PLACES[method]: name})}
    run.save()
    dataset._brain_cache.pop(key, None)


def drop_abandoned_tables(backend: str = DEFAULT_BACKEND) -> int:
    """Drop the tables of this database whose dataset was deleted and that no run uses; return how many."""
    forget_datasets_that_are_gone()
    forget_writes_of_datasets_that_are_gone()
    if backend not in BACKENDS:
        return 0
    kind = BACKENDS[backend]
    connection, tables = get_db_conn(), kind.tables()
    ours = re.compile(rf"{_PREFIX}[-_]{_database_identity()[:8]}[-_]([0-9a-f]{{24}})[-_]")
    datasets = {str(dataset_id) for dataset_id in connection["datasets"].distinct("_id")}
    used = set(connection["runs"].distinct(f"config.{kind.place}"))
    abandoned = [
        name for name in tables.names() if (match := ours.match(name)) and match[1] not in datasets and name not in used
    ]
    for name in abandoned:
        tables.drop(name)
    return len(abandoned)


def _runs_that_share(dataset: fo.Dataset, key: str) -> list[dict[str, Any]]:
    """Run documents of other datasets that use the same table of vectors."""
    config = dataset.get_brain_info(key).config
    place = BACKENDS[config.method].place if config.method in BACKENDS else _OTHER_PLACES.get(config.method)
    name = None if place is None else getattr(config, place, None)
    if name is None:
        return []
    query = {f"config.{place}": name, "config.cls": config.cls, "_dataset_id": {"$ne": dataset._doc.id}}
    return list(get_db_conn()["runs"].find(query, {"_dataset_id": 1, "key": 1}).sort("timestamp", 1))


def _database_identity() -> str:
    record = get_db_conn()[_IDENTITY].find_one_and_update(
        {"_id": "database"},
        {"$setOnInsert": {"name": uuid.uuid4().hex, "made": str(ObjectId())}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    return str(record["name"])
