"""A save that fails, is stopped, or meets another action happens completely or not at all."""

import contextlib
import time

import pytest
from fiftyone.core.odm.database import get_db_conn
from labelscape.ml_backend.actions.queue import (
    clear_labels,
    delete_items,
    set_label,
)
from labelscape.ml_backend.actions.save import discard_changes, save_changes
from labelscape.ml_backend.actions.undo import list_undo_steps, undo_last
from labelscape.ml_backend.errors import Cancelled, Refusal
from labelscape.ml_backend.store import save_records, saves
from labelscape.ml_backend.store.pending_changes import pending_changes

from .boxed_digits import names, state


@pytest.fixture
def dataset(boxed_digits):
    return boxed_digits


def fail_at(monkeypatch, number):
    """Let the write of this number, counted from 1, fail after it was made."""
    made = 0

    def failing(write):
        def wrapped(*args, **options):
            nonlocal made
            result = write(*args, **options)
            made += 1
            if made == number:
                raise ConnectionError("the database went away")
            return result

        return wrapped

    store = type(saves.ExecutionStore.create("probe"))
    for name in ("set", "set_if_absent", "compare_and_set"):
        monkeypatch.setattr(store, name, failing(getattr(store, name)))
    monkeypatch.setattr(saves, "write_record", failing(saves.write_record))


@pytest.mark.parametrize("number", range(1, 12))
def test_a_save_that_fails_at_any_write_is_whole_or_not_at_all(dataset, monkeypatch, number):
    ids = dataset.values("id")
    before = state(dataset)
    set_label(dataset, ids[:5], "x", replace=True)
    delete_items(dataset, [ids[6]])
    with monkeypatch.context() as patch:
        fail_at(patch, number)
        with contextlib.suppress(ConnectionError):
            save_changes(dataset)
    if saves.last_save(dataset) is None:
        assert state(dataset) == before
        assert len(pending_changes(dataset)) == 6
        assert get_db_conn()[save_records.RECORDS].count_documents({"dataset": dataset._doc.id}) == 0
    else:
        after = state(dataset)
        assert [after[item][0] for item in ids[:5]] == ["x"] * 5
        assert ids[6] not in after
        assert len(pending_changes(dataset)) == 0


@pytest.mark.parametrize("act", ["label", "clear", "delete", "discard"])
def test_an_action_that_fails_leaves_nothing_pending(dataset, monkeypatch, act):
    ids = dataset.values("id")
    set_label(dataset, ids[4:5], "x")
    before = pending_changes(dataset)
    acts = {
        "label": lambda: set_label(dataset, ids[5:7], "y"),
        "clear": lambda: clear_labels(dataset, which="all"),
        "delete": lambda: delete_items(dataset, ids[:2]),
        "discard": lambda: discard_changes(dataset),
    }
    with monkeypatch.context() as patch:
        fail_at(patch, 1)
        with pytest.raises(ConnectionError):
            acts[act]()
    assert pending_changes(dataset).sentence() == before.sentence()


def test_a_save_can_be_stopped_until_it_is_committed_and_then_happens(dataset):
    ids = dataset.values("id")
    set_label(dataset, ids[4:8], "x")

    def stop(fraction, message, /):
        raise Cancelled

    with pytest.raises(Cancelled):
        save_changes(dataset, stop)
    assert len(pending_changes(dataset)) == 4
    assert names(dataset)[ids[4]] is None

    def stop_late(fraction, message, /):
        if message.startswith("Wrote"):
            raise Cancelled

    assert save_changes(dataset, stop_late).labels == 4


def test_while_a_save_is_written_elsewhere_another_one_says_so_and_nothing_is_lost(dataset, monkeypatch):
    ids = dataset.values("id")
    set_label(dataset, ids[4:5], "x")
    apply = saves.apply

    def meanwhile(*args, **options):
        set_label(dataset, ids[5:6], "y")
        with pytest.raises(Refusal, match="save or undo is in progress"):
            save_changes(dataset)
        return apply(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(saves, "apply", meanwhile)
        assert save_changes(dataset).labels == 1
    assert pending_changes(dataset).sentence() == "1 label pending."


@pytest.mark.parametrize("take_back", [undo_last, discard_changes], ids=["undo", "discard"])
def test_what_is_undone_or_discarded_while_a_save_is_prepared_is_not_saved(dataset, take_back):
    before = names(dataset)
    set_label(dataset, dataset.values("id")[3:6], "lion")

    def in_another_tab(_fraction, message):
        if message.startswith("Prepared"):
            take_back(dataset)

    with pytest.raises(Refusal, match="were undone or discarded while they were being saved"):
        save_changes(dataset, in_another_tab)

    assert names(dataset) == before
    assert len(pending_changes(dataset)) == 0


@pytest.mark.parametrize("take_back", [undo_last, discard_changes], ids=["undo", "discard"])
def test_what_is_being_written_can_no_longer_be_undone_or_discarded_as_pending(dataset, take_back):
    ids = dataset.values("id")[3:6]
    set_label(dataset, ids, "lion")
    refused = []

    def in_another_tab(_fraction, message):
        if message.startswith("Wrote"):
            with pytest.raises(Refusal, match="was just saved|in progress") as refusal:
                take_back(dataset)
            refused.append(refusal)

    assert save_changes(dataset, in_another_tab).labels == 3

    assert refused
    assert [names(dataset)[one] for one in ids] == ["lion"] * 3


def test_a_save_killed_after_its_commit_is_finished_before_anything_is_discarded(dataset, monkeypatch):
    ids = dataset.values("id")[3:6]
    set_label(dataset, ids, "lion")
    with monkeypatch.context() as patch:
        patch.setattr(saves, "apply", killed)
        with pytest.raises(KeyboardInterrupt):
            save_changes(dataset)

    assert discard_changes(dataset) == 0

    assert [names(dataset)[one] for one in ids] == ["lion"] * 3
    assert list_undo_steps(dataset)[0].title == "save of 3 changes"


def killed(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("chosen", [False, True], ids=["all", "some"])
def test_a_discard_leaves_what_a_machine_with_a_late_clock_queues_after_it(dataset, monkeypatch, chosen):
    ids = dataset.values("id")[3:6]
    set_label(dataset, ids, "lion")
    discard_changes(dataset, ids if chosen else None)
    with monkeypatch.context() as patch:
        behind = time.time_ns() - 60_000_000_000
        patch.setattr(time, "time_ns", lambda: behind)
        set_label(dataset, ids[1:], "zebra")

    assert {one.item: one.label for one in pending_changes(dataset).labels} == dict.fromkeys(ids[1:], "zebra")
    assert save_changes(dataset).labels == 2
