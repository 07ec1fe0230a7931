"""Matrix products take fewer threads for a while, and as many as before afterwards."""

import threading

import numpy as np
import scipy.linalg
from labelscape.ml_backend.analysis.blas import few_blas_threads
from threadpoolctl import threadpool_info, threadpool_limits


def threads() -> set[int]:
    assert np.dot(np.eye(2), scipy.linalg.inv(np.eye(2))).any()  # both libraries are loaded
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_the_number_of_threads_returns_when_all_of_several_callers_are_done() -> None:
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with few_blas_threads():
            entered.set()
            leave.wait(60)

    with threadpool_limits(64, user_api="blas"):
        before = threads()
        helper = threading.Thread(target=other)
        with few_blas_threads():
            few = threads()
            helper.start()
            assert entered.wait(60)
        leave.set()
        helper.join()
        after = threads()

    assert max(few) < max(before)
    assert after == before
