"""What is undone or discarded while a save is committed is saved or undone, and never both."""

import pytest
from fiftyone.operators.store import ExecutionStore
from labelscape.ml_backend.actions.queue import set_label
from labelscape.ml_backend.actions.save import discard_changes, save_changes
from labelscape.ml_backend.actions.undo import undo_last
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.pending_changes import pending_changes

from .boxed_digits import names


@pytest.fixture
def dataset(boxed_digits):
    return boxed_digits


def at_the_commit(monkeypatch, deed):
    """Do something at the last moment before a save is committed, when it has looked at all that it looks at."""
    done = []

    def before(original):
        def replacement(store, key, *values, **options):
            if not done and str(values[-1]).endswith(":prepared"):
                done.append(deed())
            return original(store, key, *values, **options)

        return replacement

    for name in ("set_if_absent", "compare_and_set"):
        monkeypatch.setattr(ExecutionStore, name, before(getattr(ExecutionStore, name)))
    return done


@pytest.mark.parametrize("earlier_saves", [0, 1])
@pytest.mark.parametrize("take_back", [undo_last, discard_changes], ids=["undo", "discard"])
def test_what_is_undone_or_discarded_at_the_moment_of_the_commit_is_not_saved(
    dataset, monkeypatch, take_back, earlier_saves
):
    for item in dataset.values("id")[6 : 6 + earlier_saves]:
        set_label(dataset, [item], "tiger")
        save_changes(dataset)
    before = names(dataset)
    set_label(dataset, dataset.values("id")[3:6], "lion")
    done = at_the_commit(monkeypatch, lambda: take_back(dataset))

    with pytest.raises(Refusal, match="were undone or discarded while they were being saved"):
        save_changes(dataset)

    assert len(done) == 1
    assert names(dataset) == before
    if take_back is discard_changes:
        undo_last(dataset)
        assert save_changes(dataset).labels == 3
    assert len(pending_changes(dataset)) == 0


def test_a_later_change_undone_at_the_moment_of_the_commit_does_not_keep_the_others_from_being_saved(
    dataset, monkeypatch
):
    ids = dataset.values("id")
    set_label(dataset, ids[3:6], "lion")

    def label_and_undo():
        set_label(dataset, ids[6:7], "tiger")
        return undo_last(dataset)

    done = at_the_commit(monkeypatch, label_and_undo)

    assert save_changes(dataset).labels == 3

    assert done == ["Undid: label 1 sample “tiger”."]
    assert [names(dataset)[one] for one in ids[3:7]] == ["lion", "lion", "lion", None]
    assert undo_last(dataset).startswith("Undid: save of 3 changes")
