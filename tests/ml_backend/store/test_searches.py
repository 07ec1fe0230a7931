"""The last search of a dataset is remembered whole, so that it can be refined or cleared."""

import json

import pytest
from fiftyone.operators.store import ExecutionStore
from labelscape.ml_backend.store.searches import LastSearch, Query, last_search, saved_search

QUERY = Query("emb", ("a" * 24,), ("b" * 24, "c" * 24), "red car", (0.5, 0.25), "car.png")
SEARCH = LastSearch(QUERY, ("1" * 24, "2" * 24), ("3" * 24, "3" * 24), "parts", None, 0.75)


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(1)


def test_a_search_is_read_back_as_it_was(dataset):
    assert last_search(dataset) is None
    with saved_search(dataset, LastSearch(Query("old"), (), (), None, None, 0.0)):
        pass

    with saved_search(dataset, SEARCH):
        pass

    assert last_search(dataset) == SEARCH
    assert hash(last_search(dataset).query) == hash(QUERY)  # fitted scorers are kept by their query


def test_its_results_are_items_in_their_order(dataset):
    items = SEARCH.items

    assert items.ids.tolist() == list(SEARCH.ids)
    assert items.sample_ids.tolist() == list(SEARCH.sample_ids)
    assert (items.patches_field, items.parts) == ("parts", None)


def test_the_record_is_json_as_the_hosts_server_needs_it(dataset):
    with saved_search(dataset, SEARCH):
        pass
    store = ExecutionStore.create("labelscape.searches", dataset._doc.id)

    assert store.list_keys() == ["last"]
    json.dumps(store.get("last"))
