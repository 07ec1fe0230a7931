"""One process writes a save at a time; another one takes over only when that one is dead or silent for long."""

from datetime import datetime, timedelta

import pytest
from fiftyone.operators.store import ExecutionStore
from labelscape.ml_backend.store.holders import this_process
from labelscape.ml_backend.store.save_writer import become_writer, release, renew


@pytest.fixture
def store(make_digits_dataset):
    made = ExecutionStore.create("labelscape_test_writer", make_digits_dataset(1)._doc.id)
    yield made
    made.clear()


def elsewhere(**changes):
    """A writer on another machine, of which nobody here can tell whether it still runs."""
    return this_process() | {"host": "another", "machine": "another", "at": datetime.utcnow().isoformat()} | changes


def test_a_writer_is_claimed_and_released(store):
    assert become_writer(store)
    renew(store)
    release(store)
    assert become_writer(store)


def test_a_writer_on_another_machine_is_waited_for_until_it_has_been_silent_for_long(store):
    store.set("writer", elsewhere())
    assert not become_writer(store)
    store.set("writer", elsewhere(at=(datetime.utcnow() - timedelta(minutes=5)).isoformat()))
    assert become_writer(store)


def test_what_an_earlier_save_of_this_process_left_is_taken_over(store):
    store.set("writer", this_process() | {"at": datetime.utcnow().isoformat()})
    assert become_writer(store)
