"""Media that could not be read are tried again, and reported with the reason."""

import pytest
from labelscape.ml_backend.label_studio.ledger import TaskRecord
from labelscape.ml_backend.server import media_retries
from labelscape.ml_backend.server.media_retries import MediaRetries
from labelscape.ml_backend.server.status import TaskProblem

RECORDS = {
    1: TaskRecord(1, "", "/a.png"),
    2: TaskRecord(2, "", "/b.png", refused="no image"),
    3: TaskRecord(3, "s", ""),
}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(media_retries, "time", made)
    return made


def due(retries: MediaRetries) -> list[int]:
    return [record.task for record in retries.due(RECORDS.values())]


def test_missing_media_are_tried_after_a_start_refused_ones_too(clock: Clock) -> None:
    assert due(MediaRetries(20.0)) == [1, 2]


def test_a_medium_is_tried_ever_more_seldom_but_never_given_up(clock: Clock) -> None:
    retries = MediaRetries(20.0)
    waits = []
    for _ in range(10):
        assert 2 in due(retries)
        retries.note(RECORDS, {2: "no image"})
        before = clock.now
        while 2 not in due(retries):
            clock.now += 5
        waits.append(clock.now - before)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (20, 600)


def test_a_medium_that_is_missing_for_weeks_is_still_tried(clock: Clock) -> None:
    retries = MediaRetries(20.0)
    for _ in range(3_000):
        retries.note(RECORDS, {1: "status 404"})
    clock.now += 600
    assert 1 in due(retries)


def test_the_first_wait_may_be_longer_than_the_longest_of_the_others(clock: Clock) -> None:
    retries = MediaRetries(3_600.0)
    retries.note(RECORDS, {1: "status 404"})
    clock.now += 3_599
    assert 1 not in due(retries)
    clock.now += 1
    assert 1 in due(retries)


def test_a_reason_is_reported_once_until_it_changes(clock: Clock) -> None:
    retries = MediaRetries(20.0)
    assert retries.note(RECORDS, {1: "status 500", 2: "no image"}) == [1, 2]
    assert retries.note(RECORDS, {1: "status 500", 2: "status 404"}) == [2]
    assert retries.problems() == [TaskProblem(1, "/a.png", "status 500"), TaskProblem(2, "/b.png", "status 404")]


def test_a_task_that_got_its_medium_or_another_address_is_no_problem_any_more(clock: Clock) -> None:
    retries = MediaRetries(20.0)
    retries.note(RECORDS, {1: "status 500", 2: "no image"})
    assert [record.task for record in retries.due([TaskRecord(1, "s1", "/a.png"), TaskRecord(2, "", "/c.png")])] == [2]
    assert retries.problems() == []
