"""The queue of long jobs: in order, with progress, stoppable, with readable errors."""

import threading
import time

import pytest
from labelscape.ml_backend.errors import Cancelled, Refusal
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

    refused, hidden = (wait(queue.start(name, deed)) for name, deed in (("a", unhappy), ("Ranking", broken)))
    assert (refused["status"], refused["message"]) == ("failed", "No labels: set some first.")
    assert hidden["message"] == "Ranking: internal error (KeyError); see the server's log."
    while len(ended) < 2:
        time.sleep(0.005)


def test_how_a_result_came_about_is_told_apart_from_the_result_and_once_there_is_one():
    queue, gate = JobQueue(), threading.Event()

    def work(progress):
        gate.wait(120)
        return Outcome("Ranked 9.", why="Method: neighbors.")

    job = queue.start("Ranking", work)
    assert job.describe()["why"] == ""
    gate.set()
    ended = wait(job)
    assert (ended["message"], ended["why"]) == ("Ranked 9.", "Method: neighbors.")


def test_only_the_last_few_ended_runs_are_listed():
    queue = JobQueue()
    for number in range(9):
        wait(queue.start(str(number), lambda progress: Outcome("done")))
    assert [job.title for job in queue.listing()] == ["4", "5", "6", "7", "8"]


def test_work_done_now_waits_for_no_other_is_listed_only_if_it_takes_long_and_returns_its_result():
    queue = JobQueue()
    gate, listed = threading.Event(), []
    other = queue.start("other", lambda progress: Outcome(str(gate.wait(120))))

    def slow(progress):
        progress(0.5, "Wrote 5 of 10")
        listed.append([job.title for job in queue.listing()])
        while "Saving" not in [job.title for job in queue.listing()]:
            time.sleep(0.05)
        [saving] = [job.describe() for job in queue.listing() if job.title == "Saving"]
        listed.append((saving["progress"], saving["message"], saving["cancellable"]))
        return 42

    assert queue.run_now("Saving", slow) == 42
    assert listed == [["other"], (0.5, "Wrote 5 of 10", True)]
    assert [job.title for job in queue.listing()] == ["other"]
    gate.set()
    wait(other)


def test_work_done_now_can_be_stopped_until_it_says_otherwise_and_leaves_no_job():
    queue, messages = JobQueue(), []

    def stopped(progress):
        while True:
            for job in queue.listing():
                job.cancel()
            progress(0.1, "Prepared 10 changes")
            time.sleep(0.01)

    with pytest.raises(Cancelled):
        queue.run_now("Saving", stopped)

    def committed(progress):
        while not queue.listing():
            time.sleep(0.05)
        [job] = queue.listing()
        job.cancel()
        for done in (1, 2):
            with pytest.raises(Cancelled):
                progress(done / 2, f"Wrote {done} of 2")
            messages.append(job.describe()["message"])
        return "saved"

    assert queue.run_now("Saving", committed) == "saved"
    assert messages == ["Stopping…", "Wrote 2 of 2; it is too late to stop."]
    with pytest.raises(Refusal, match="Nothing is pending"):
        queue.run_now("Saving", lambda progress: refuse("Nothing is pending"))
    assert queue.listing() == []


def refuse(sentence):
    raise Refusal(sentence)
