"""The queue of long jobs: in order, with progress, stoppable, with readable errors."""

import threading
import time

import pytest
from labelscape.ml_backend.errors import Refusal
from labelscape.operators.jobs import JobQueue, Outcome


def wait(job):
    deadline = time.monotonic() + 120
    while job.open and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not job.open
    return job.describe()


def test_runs_happen_one_after_another_in_their_order():
    queue = JobQueue()
    seen, gate = [], threading.Event()

    def work(name):
        def deed(progress):
            gate.wait(120)
            seen.append(name)
            return Outcome(f"did {name}")

        return deed

    jobs = [queue.start(name, work(name)) for name in ("first", "second", "third")]
    assert [job.describe()["status"] for job in jobs[1:]] == ["queued", "queued"]
    gate.set()
    ended = [wait(job) for job in jobs]
    assert seen == ["first", "second", "third"]
    assert [(end["status"], end["message"], end["progress"]) for end in ended] == [
        ("done", f"did {name}", 1.0) for name in seen
    ]


def test_a_run_is_stopped_at_its_next_sign_of_progress_and_a_waiting_one_never_begins():
    queue = JobQueue()
    begun = threading.Event()

    def endless(progress):
        while True:
            begun.set()
            progress(0.5, "half")
            time.sleep(0.005)

    running, waiting = queue.start("running", endless), queue.start("waiting", endless)
    begun.wait(120)
    queue.cancel(waiting.id)
    queue.cancel(running.id)
    assert wait(running)["status"] == wait(waiting)["status"] == "cancelled"
    with pytest.raises(Refusal, match="already finished"):
        queue.cancel(running.id)


def test_errors_end_a_run_in_words_without_a_traceback():
    ended = []
    queue = JobQueue()
    queue.on_end = ended.append

    def unhappy(progress):
        raise Refusal("No labels: set some first.")

    def broken(progress):
        raise KeyError("inner secret")

    told, hidden = (wait(queue.start(name, deed)) for name, deed in (("a", unhappy), ("Ranking", broken)))
    assert (told["status"], told["message"]) == ("failed", "No labels: set some first.")
    assert hidden["message"] == "Ranking: internal error (KeyError); see the server's log."
    while len(ended) < 2:
        time.sleep(0.005)


def test_only_the_last_few_ended_runs_are_listed():
    queue = JobQueue()
    for number in range(9):
        wait(queue.start(str(number), lambda progress: Outcome("done")))
    assert [job.title for job in queue.listing()] == ["4", "5", "6", "7", "8"]
