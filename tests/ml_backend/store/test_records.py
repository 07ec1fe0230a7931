"""Records of many kinds are read with one query; ids and numbers are packed as text that JSON can hold."""

import json
from datetime import datetime, timedelta

import numpy as np
import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.records import (
    as_names,
    as_object_ids,
    as_oids,
    delete_records,
    list_keys,
    moment,
    open_store,
    pack,
    read_records,
    read_some,
    time_of_key,
    timely_key,
    unpack,
)

names = st.lists(st.binary(min_size=12, max_size=12).map(bytes.hex), max_size=6)


@settings(deadline=None)
@given(names)
def test_ids_survive_the_way_to_bytes_and_back(ids):
    oids = as_oids(ids)

    assert as_names(oids) == ids
    assert as_object_ids(oids) == [ObjectId(one) for one in ids]
    assert as_names(as_oids(np.asarray(ids, "U24"))) == ids
    assert as_names(unpack(pack(oids), "S12")) == ids


@pytest.mark.parametrize("wrong", ["x" * 24, "0" * 23, "", "0" * 48])
def test_what_is_no_id_is_named(wrong):
    with pytest.raises(Refusal, match=f"“{wrong}” is not the id of a sample or an object"):
        as_oids(["0" * 24, wrong])


def test_two_wrong_ids_whose_lengths_add_up_are_refused():
    with pytest.raises(Refusal, match="“0{23}” is not the id"):
        as_oids(["0" * 23, "0" * 25])


@settings(deadline=None)
@given(hnp.arrays(np.float64, st.integers(0, 5)))
def test_numbers_survive_json(numbers):
    np.testing.assert_array_equal(unpack(json.loads(json.dumps(pack(numbers))), "<f8"), numbers)


def test_keys_sort_by_time_and_tell_it():
    keys = [timely_key() for _ in range(50)]

    assert keys == sorted(keys)
    assert len(set(keys)) == 50
    assert abs(time_of_key(keys[-1]) - datetime.utcnow()) < timedelta(minutes=10)
    assert moment().microsecond % 1000 == 0


def test_records_are_read_by_prefix_in_the_order_of_their_keys_and_of_this_dataset_alone(make_digits_dataset):
    dataset, other = make_digits_dataset(1), make_digits_dataset(1)
    for key in ("b/2", "a/1", "b/1", "b0"):
        open_store(dataset, "labelscape.test").set(key, key.upper())
    open_store(other, "labelscape.test").set("b/3", "theirs")
    open_store(dataset, "labelscape.other").set("b/4", "elsewhere")

    assert list(read_records(dataset, "labelscape.test", prefix="b/").items()) == [("b/1", "B/1"), ("b/2", "B/2")]
    assert list_keys(dataset, "labelscape.test") == ["a/1", "b/1", "b/2", "b0"]
    assert read_some(dataset, "labelscape.test", ["b0", "gone"]) == {"b0": "B0"}

    delete_records(dataset, "labelscape.test", ["b/1", "gone"])
    delete_records(dataset, "labelscape.test", [])
    assert list_keys(dataset, "labelscape.test") == ["a/1", "b/2", "b0"]
    assert list_keys(other, "labelscape.test") == ["b/3"]
