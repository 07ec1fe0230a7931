"""A change of segments happens as a whole or not at all."""

from contextlib import suppress
from dataclasses import replace

import pytest
from labelscape.ml_backend.actions.segments import create_segment
from labelscape.ml_backend.store.segment_records import find_segment, load_segment, write_segment
from labelscape.ml_backend.store.segment_snapshots import all_or_nothing
from labelscape.ml_backend.store.segments import add_members, member_ids, remove_members, save_segment


class Failure(BaseException):
    """Even something that is not an Exception, such as Ctrl+C, leaves nothing half done."""


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(5)


@pytest.fixture
def segment(dataset):
    create_segment(dataset, dataset.values("id")[:2], name="pair", kind="data organization")
    return load_segment(dataset, "pair")


def members(dataset, segment):
    return sorted(member_ids(dataset, segment).tolist())


def test_a_change_that_fails_leaves_members_and_record_as_they_were(dataset, segment):
    ids = dataset.values("id")

    with suppress(Failure), all_or_nothing(dataset, segment):
        add_members(dataset, segment, ids[2:4], None)
        remove_members(dataset, segment, ids[:1], None)
        write_segment(dataset, replace(segment, note="half done"))
        raise Failure

    assert members(dataset, segment) == sorted(ids[:2])
    assert load_segment(dataset, "pair") == segment


def test_a_change_that_succeeds_stays(dataset, segment):
    with all_or_nothing(dataset, segment):
        add_members(dataset, segment, dataset.values("id")[2:4], None)

    assert len(members(dataset, segment)) == 4


def test_a_segment_that_the_failed_change_made_is_gone(dataset, segment):
    new = replace(segment, slug="new", name="new", sizes=[])

    with suppress(Failure), all_or_nothing(dataset, segment, new=new):
        write_segment(dataset, new)
        add_members(dataset, new, dataset.values("id"), None)
        save_segment(dataset, new)
        raise Failure

    dataset.reload()
    assert find_segment(dataset, "new") is None
    assert members(dataset, new) == []
    assert new.view_name not in dataset.list_saved_views()
    assert members(dataset, segment) == sorted(dataset.values("id")[:2])
