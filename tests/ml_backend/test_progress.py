"""Progress of a stage is a share of the whole, and stopping passes through."""

import pytest
from labelscape.ml_backend.errors import Cancelled, Refusal
from labelscape.ml_backend.progress import no_progress, part_of, step_of


def test_a_stage_reports_its_share_of_the_whole():
    reports = []
    stage = part_of(lambda fraction, message: reports.append((fraction, message)), 0.5, 1.0)
    stage(0.0, "begin")
    stage(1.0, "end")
    assert reports == [(0.5, "begin"), (1.0, "end")]


def test_steps_share_the_whole_equally():
    reports = []
    for step in range(4):
        step_of(lambda fraction, message: reports.append(fraction), step, 4)(1.0, "")
    assert reports == [0.25, 0.5, 0.75, 1.0]


def test_stopping_passes_through_nested_stages():
    def stop(fraction, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        part_of(part_of(stop, 0, 0.5), 0, 1)(0.1, "")


def test_without_anybody_to_tell_a_stage_reports_to_nobody():
    assert part_of(None, 0, 1) is no_progress


def test_a_refusal_is_still_a_value_error_for_callers_in_python():
    assert issubclass(Refusal, ValueError)
    assert not issubclass(Cancelled, ValueError)
