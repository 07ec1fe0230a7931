"""What this process writes is counted apart for labels and for other things, also when a write fails."""

import pytest
from fiftyone.core.odm.database import get_db_conn
from labelscape.ml_backend.store.own_writes import bulk_write, own_writes
from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError


@pytest.fixture
def collection(database):
    made = get_db_conn()["labelscape.test_own_writes"]
    made.drop()
    yield made
    made.drop()


def test_updates_are_counted_and_matches_are_returned(collection):
    labels, others = own_writes(collection.name)
    collection.insert_one({"_id": 1})
    updates = [UpdateOne({"_id": number}, {"$set": {"x": 1}}) for number in (1, 2)]
    assert bulk_write(collection, updates, labels=True) == 1
    assert bulk_write(collection, updates[:1], labels=False) == 1
    assert own_writes(collection.name) == (labels + 2, others + 1)


def test_a_write_that_fails_is_counted_so_that_labels_are_read_again(collection):
    labels, others = own_writes(collection.name)
    with pytest.raises(BulkWriteError):
        bulk_write(collection, [InsertOne({"_id": 1}), InsertOne({"_id": 1})], labels=True)
    assert own_writes(collection.name) == (labels + 2, others)
