"""Which process holds a lock, and whether it still runs."""

import subprocess
import sys

from labelscape.ml_backend.store.holders import has_ended, is_this_process, this_process


def test_this_process_is_itself_and_runs():
    assert is_this_process(this_process())
    assert not has_ended(this_process())


def test_a_process_that_exited_has_ended():
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    holder = {**this_process(), "process": process.pid}
    assert not is_this_process(holder)
    assert has_ended(holder)


def test_of_a_process_elsewhere_nothing_is_known():
    assert not has_ended({**this_process(), "host": "another"})
    assert not is_this_process({**this_process(), "host": "another"})


def test_a_process_of_another_user_runs():
    assert not has_ended({**this_process(), "process": 1})
