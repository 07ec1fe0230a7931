"""Of two who move the head of the saves, one notices the other; taking back pending changes counts as moving it."""

import fiftyone as fo
import pytest
from fiftyone.operators.store import ExecutionStore
from labelscape.ml_backend.store.save_head import HEAD, applied, claim, is_unfinished, move, parse, top, touch


@pytest.fixture
def store():
    dataset = fo.Dataset()
    yield ExecutionStore.create("test", dataset._doc.id)
    dataset.delete()


@pytest.mark.parametrize("first", [None, applied("a")])
def test_only_one_of_two_moves_it(store, first):
    assert first is None or move(store, None, first)
    assert claim(store, first, "b:prepared")
    assert not claim(store, first, "c:prepared")
    assert not move(store, first, "c:prepared")
    assert parse(store.get(HEAD)) == ("b", "prepared")


@pytest.mark.parametrize("first", [None, applied("a")])
def test_what_is_taken_back_after_a_look_makes_whoever_looked_look_again(store, first):
    assert first is None or move(store, None, first)
    looks = []

    def look():
        looks.append(store.get(HEAD))
        if len(looks) < 3:
            touch(store)

    assert claim(store, first, "b:prepared", look)
    assert len(looks) == 3
    assert {parse(one) for one in looks} == {parse(first)}


def test_a_look_that_finds_something_taken_back_leaves_the_head(store):
    def look():
        raise LookupError

    with pytest.raises(LookupError):
        claim(store, None, "b:prepared", look)
    assert store.get(HEAD) is None


@pytest.mark.parametrize("state", ["prepared", "undoing"])
def test_touch_returns_a_save_that_is_being_written_and_leaves_it_alone(store, state):
    move(store, None, f"a:{state}")
    assert top(touch(store)) == "a"
    assert store.get(HEAD) == f"a:{state}"
    assert is_unfinished(store.get(HEAD))
    assert not is_unfinished(applied(None))
