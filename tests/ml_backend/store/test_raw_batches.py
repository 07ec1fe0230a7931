"""MongoDB's replies are cut into documents where they begin, however many there are."""

import bson
import numpy as np
import pytest
from fiftyone.core.odm.database import get_db_conn
from labelscape.ml_backend.store.raw_batches import ID_END, DecodedFields, read_encoded, read_table

ORDERED = [{"$sort": {"_id": 1}}]


@pytest.fixture
def collection(database):
    made = get_db_conn()["labelscape.test_raw_batches"]
    made.drop()
    yield made
    made.drop()


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 100, 1001])
def test_documents_of_one_size_are_the_rows_of_a_table(collection, count):
    documents = [{"_id": number, "x": float(number)} for number in range(count)]
    if documents:
        collection.insert_many(documents)
    size = len(bson.encode({"_id": 0, "x": 0.0}))
    table = read_table(collection, ORDERED, size)
    assert table.shape == (count, size)
    assert [bson.decode(row.tobytes()) for row in table] == documents
    assert table.dtype == np.uint8


def test_documents_of_another_size_are_not_read_as_something_else(collection):
    collection.insert_many([{"_id": number, "x": float(number)} for number in range(3)])
    with pytest.raises(RuntimeError, match="documents that are not 10000 bytes long"):
        read_table(collection, ORDERED, 10_000)


@pytest.mark.parametrize("count", [0, 1, 11, 101])
def test_documents_of_any_size_are_read_one_by_one(collection, count):
    documents = [{"_id": number, "text": "x" * number} for number in range(count)]
    if documents:
        collection.insert_many(documents)
    assert [bson.decode(each) for each in read_encoded(collection, ORDERED)] == documents


def test_what_ends_a_document_is_decoded_once_for_equal_bytes():
    decoded = DecodedFields()
    ends = [bson.encode({"_id": bson.ObjectId(), "label": label, "n": None})[ID_END:] for label in "aba"]
    assert [decoded[end] for end in ends] == [{"label": label, "n": None} for label in "aba"]
    assert decoded[ends[0]] is decoded[ends[2]]
    assert len(decoded) == 2
