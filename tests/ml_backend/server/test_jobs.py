"""Jobs in the background: their progress, how they end, and how they are stopped."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.progress import Progress
from labelscape.ml_backend.server.jobs import Busy, Job, JobBoard, Once, Outcome


@pytest.fixture
def board() -> Iterator[JobBoard]:
    made = JobBoard()
    yield made
    made.close()


def ended(board: JobBoard, job: Job) -> Job:
    deadline = time.monotonic() + 60
    while (now := board.find(job.project, job.id)) is None or now.ended is None:
        assert time.monotonic() < deadline, "the job did not end"
        time.sleep(0.01)
    return now


def raising(error: Exception) -> Callable[[Progress], Outcome]:
    def work(_: Progress) -> Outcome:
        raise error

    return work


def test_a_job_ends_with_its_outcome(board: JobBoard) -> None:
    done = ended(board, board.start(3, "suggest_labels", "7", lambda progress: Outcome("Done.", {"labels": 2})))
    assert (done.state, done.outcome) == ("done", Outcome("Done.", {"labels": 2}))


def test_a_refusal_is_shown_and_a_bug_is_not(board: JobBoard) -> None:
    refused = ended(board, board.start(3, "undo", "7", raising(Refusal("There is nothing to undo."))))
    broken = ended(board, board.start(3, "undo", "7", raising(KeyError("a secret"))))
    assert refused.outcome == Outcome("There is nothing to undo.")
    assert broken.outcome == Outcome("Internal error; see the backend's log.")
    assert refused.state == broken.state == "failed"


def test_a_cancelled_job_stops_at_its_next_report(board: JobBoard) -> None:
    began, go_on = threading.Event(), threading.Event()

    def work(progress: Progress) -> Outcome:
        progress(0.4, "Counting")
        began.set()
        go_on.wait(60)
        progress(0.5, "Counting on")
        return Outcome("Counted.")

    job = board.start(3, "rank_outliers", "7", work)
    began.wait(60)
    running = board.find(3, job.id)
    assert running is not None
    assert (running.state, running.fraction, running.message) == ("running", 0.4, "Counting")
    board.cancel(3, job.id)
    go_on.set()
    assert ended(board, job).state == "cancelled"


def test_a_job_is_known_in_its_own_project_only(board: JobBoard) -> None:
    job = board.start(3, "undo", "7", lambda progress: Outcome("Undid it."))
    assert board.find(4, job.id) is None
    assert board.cancel(4, job.id) is None
    assert ended(board, job).state == "done"


def test_more_jobs_than_may_wait_are_refused(board: JobBoard) -> None:
    go_on = threading.Event()

    def work(_: Progress) -> Outcome:
        go_on.wait(60)
        return Outcome("Done.")

    for _ in range(20):
        board.start(3, "undo", "7", work)
    with pytest.raises(Busy, match="try again"):
        board.start(3, "undo", "7", work)
    go_on.set()


def test_a_start_that_is_repeated_with_its_key_is_the_same_job(board: JobBoard) -> None:
    done: list[str] = []

    def work(_: Progress) -> Outcome:
        done.append("once")
        return Outcome("Done.")

    first = board.start(3, "suggest_labels", "7", work, Once("key", b"1, 2"))
    assert board.start(3, "suggest_labels", "7", work, Once("key", b"1, 2")).id == first.id
    ended(board, first)
    again = board.start(3, "suggest_labels", "7", work, Once("key", b"1, 2"))
    assert (again.id, again.outcome) == (first.id, Outcome("Done."))
    assert done == ["once"]
    others = [
        board.start(3, "suggest_labels", "7", work, Once("another key", b"1, 2")),
        board.start(3, "suggest_labels", "8", work, Once("key", b"1, 2")),
        board.start(4, "suggest_labels", "7", work, Once("key", b"1, 2")),
        board.start(3, "suggest_labels", "7", work),
    ]
    assert len({job.id for job in [first, *others]}) == 5


@pytest.mark.parametrize(("action", "request_"), [("suggest_labels", b"3"), ("undo", b"1, 2")])
def test_the_key_of_another_request_is_refused(board: JobBoard, action: str, request_: bytes) -> None:
    board.start(3, "suggest_labels", "7", lambda _: Outcome("Done."), Once("key", b"1, 2"))
    with pytest.raises(Refusal, match="already used for another request"):
        board.start(3, action, "7", lambda _: Outcome("Done."), Once("key", request_))


def test_jobs_that_ended_are_forgotten_with_their_keys_where_there_are_many(board: JobBoard) -> None:
    first = board.start(3, "undo", "7", lambda _: Outcome("Done."), Once("0", b""))
    for number in range(1, 1_002):
        job = board.start(3, "undo", "7", lambda _: Outcome("Done."), Once(str(number), b""))
        while (now := board.find(3, job.id)) is None or now.ended is None:
            time.sleep(0)
    assert board.start(3, "undo", "7", lambda _: Outcome("Done."), Once("1001", b"")).id == job.id
    assert board.start(3, "undo", "7", lambda _: Outcome("Done."), Once("0", b"")).id != first.id
    assert board.find(3, first.id) is None
