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
from .fingerprints import copy_fingerprints, forget_datasets_that_are_gone
from .settings import adopt_lancedb_uri

_IDENTITY = "labelscape.identity"  # MongoDB collection: a random name of this database
# What backends call the place of an index's vectors. That of `mongodb` lies in the dataset itself and is cloned.
_PLACES = {
    "lancedb": "table_name",
    "pgvector": "table_name",
    "qdrant": "collection_name",
    "milvus": "collection_name",
    "pinecone": "index_name",
    "redis": "index_name",
    "elasticsearch": "index_name",
    "mosaic": "index_name",
}


def table_name(dataset: fo.Dataset, key: str) -> str:
    """The name of a table of vectors, unique even among databases that share the folder.

    Two processes that start the same embeddings at once get the same one.
    """
    return f"{_prefix()}{dataset._doc.id}-{hashlib.blake2b(key.encode(), digest_size=6).hexdigest()}"


def spare_table_name(dataset: fo.Dataset, key: str) -> str:
    """A new name of a table that does not exist yet."""
    return f"{table_name(dataset, key)}-{uuid.uuid4().hex[:8]}"


def own_table(dataset: fo.Dataset, key: str) -> None:
    """Give embeddings a separate table before a write, if a clone shares theirs.

    Raises:
        Refusal: a clone shares the vectors in a backend whose tables Labelscape cannot copy.
    """
    sharing = _runs_that_share(dataset, key)
    if not sharing:
        return
    config = dataset.get_brain_info(key).config
    if config.method != "lancedb":
        raise Refusal(
            f"The embeddings '{key}' share their vectors in {config.method} with the dataset this one is a clone of "
            "(or with its clone): compute them under a new name, so that both keep theirs."
        )
    fresh = spare_table_name(dataset, key)
    _copy_table(config.table_name, fresh)
    point_to_table(dataset, key, fresh)
    copy_fingerprints(sharing[0]["_dataset_id"], sharing[0]["key"], dataset, key)


def leave_shared_table(dataset: fo.Dataset, key: str) -> None:
    """Before a run is deleted, release vectors that another dataset still uses."""
    if _runs_that_share(dataset, key):
        point_to_table(dataset, key, spare_table_name(dataset, key))


def point_to_table(dataset: fo.Dataset, key: str, name: str) -> None:
    """Make embeddings use another table, whether it exists or not."""
    run = dataset._doc.brain_methods[key]
    place = _PLACES[str(run.config["cls"]).rsplit(".", 1)[-1].removesuffix("SimilarityConfig").lower()]
    run.config = {**run.config, place: name}
    run.save()
    dataset._brain_cache.pop(key, None)


def drop_abandoned_tables() -> int:
    """Drop the LanceDB tables of this database whose dataset was deleted and that no run uses; return how many."""
    import lancedb

    forget_datasets_that_are_gone()
    connection = get_db_conn()
    database = lancedb.connect(adopt_lancedb_uri())
    ours = re.compile(rf"{re.escape(_prefix())}([0-9a-f]{{24}})-")
    datasets = {str(one) for one in connection["datasets"].distinct("_id")}
    used = set(connection["runs"].distinct("config.table_name"))
    abandoned = [
        name
        for name in database.table_names()
        if (match := ours.match(name)) and match[1] not in datasets and name not in used
    ]
    for name in abandoned:
        database.drop_table(name, ignore_missing=True)
    return len(abandoned)


def _runs_that_share(dataset: fo.Dataset, key: str) -> list[dict[str, Any]]:
    """Run documents of other datasets that use the same table of vectors."""
    config = dataset.get_brain_info(key).config
    place = _PLACES.get(config.method)
    name = None if place is None else getattr(config, place, None)
    if name is None:
        return []
    query = {f"config.{place}": name, "config.cls": config.cls, "_dataset_id": {"$ne": dataset._doc.id}}
    return list(get_db_conn()["runs"].find(query, {"_dataset_id": 1, "key": 1}).sort("timestamp", 1))


def _copy_table(name: str, fresh: str) -> None:
    import lancedb

    database = lancedb.connect(adopt_lancedb_uri())
    if name in database.table_names():
        database.create_table(fresh, database.open_table(name).search().limit(None).to_arrow())


def _prefix() -> str:
    return f"labelscape-{_database_identity()[:8]}-"


def _database_identity() -> str:
    record = get_db_conn()[_IDENTITY].find_one_and_update(
        {"_id": "database"},
        {"$setOnInsert": {"name": uuid.uuid4().hex, "made": str(ObjectId())}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    return str(record["name"])
