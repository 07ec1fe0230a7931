"""Work that may hang: nobody waits for it longer than they want."""

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late

import pytest
from labelscape.ml_backend.server.attempts import Attempts

WAIT = 60.0


def test_a_caller_who_waits_gets_the_result_and_the_next_call_does_the_work_again() -> None:
    attempts, results = Attempts[str](), iter(["first", "second"])
    assert [attempts.wait(3, lambda: next(results), WAIT) for _ in range(2)] == ["first", "second"]


def test_work_that_hangs_is_waited_for_no_longer_than_wanted_and_joined_by_the_next_call() -> None:
    attempts, begun, end = Attempts[str](), [], threading.Event()

    def hang() -> str:
        begun.append(1)
        end.wait(WAIT)
        return "done"

    assert [attempts.wait(3, hang, 0.01) for _ in range(3)] == [None, None, None]
    assert attempts.wait(4, lambda: "another", WAIT) == "another"
    assert len(begun) == 1
    end.set()
    assert attempts.wait(3, hang, WAIT) == "done"


@pytest.mark.parametrize("error", [ValueError("refused"), TimeoutError("of the work itself")])
def test_a_caller_who_waits_gets_the_error_and_the_next_call_tries_again(error: Exception) -> None:
    attempts = Attempts[str]()

    def fail() -> str:
        raise error

    with pytest.raises(type(error), match=str(error)):
        attempts.wait(3, fail, WAIT)
    assert attempts.wait(3, lambda: "done", WAIT) == "done"


@pytest.mark.parametrize("outcome", ["done", ValueError("refused")])
def test_work_that_ends_just_when_the_wait_is_over_counts(outcome: object, monkeypatch: pytest.MonkeyPatch) -> None:
    end, result = threading.Event(), Future.result

    def late(future: "Future[str]", timeout: float | None = None) -> str:
        """As `Future.result` where the thread that waits goes on only after the work has ended."""
        try:
            return result(future, timeout)
        except Late:
            end.set()
            result(future, WAIT) if isinstance(outcome, str) else future.exception(WAIT)
            raise

    def work() -> str:
        end.wait(WAIT)
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    monkeypatch.setattr(Future, "result", late)
    attempts = Attempts[str]()
    if isinstance(outcome, str):
        assert attempts.wait(3, work, 0.01) == outcome
    else:
        with pytest.raises(ValueError, match="refused"):
            attempts.wait(3, work, 0.01)


def test_work_whose_thread_cannot_start_leaves_nothing_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = Attempts[str]()

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            attempts.wait(3, lambda: "never", WAIT)
    assert attempts.wait(3, lambda: "done", 1.0) == "done"
