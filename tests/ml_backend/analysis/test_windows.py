"""Windows cover a recording without a gap, and their labels become segments and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.analysis.windows import Segment, label_windows, merge_windows, window_spans
from labelscape.ml_backend.errors import Refusal


def test_windows_cover_the_recording_to_its_end():
    assert window_spans(2.5, 1.0, 0.5).tolist() == [[0, 1], [0.5, 1.5], [1, 2], [1.5, 2.5]]
    assert window_spans(2.3, 1.0, 1.0)[-1].tolist() == pytest.approx([1.3, 2.3])
    assert window_spans(0.4, 1.0, 0.5).tolist() == [[0, 0.4]]
    assert len(window_spans(0.0, 1.0, 0.5)) == 0


@pytest.mark.parametrize(("length", "hop"), [(0, 1), (1, 0), (1, -1), (1, 2), (float("nan"), 1)])
def test_windows_that_make_no_sense_are_refused(length, hop):
    with pytest.raises(Refusal):
        window_spans(10, length, hop)


@given(st.floats(0.01, 50), st.floats(0.05, 5), st.floats(0.1, 1))
def test_no_moment_is_left_out(duration, length, share):
    spans = window_spans(duration, length, length * share)
    assert spans[0, 0] == 0
    assert spans[-1, 1] == pytest.approx(duration, abs=1e-5)
    assert (spans[1:, 0] <= spans[:-1, 1] + 1e-6).all()


def test_neighboring_windows_of_a_label_become_one_segment():
    spans = window_spans(5, 1, 1)
    segments = merge_windows(spans, ["a", "a", None, "b", "a"], [0.8, 0.6, None, 0.9, 1.0])
    assert segments == [Segment(0, 2, "a", 0.7), Segment(3, 4, "b", 0.9), Segment(4, 5, "a", 1.0)]
    assert merge_windows(spans, [None] * 5) == []


def test_overlapping_windows_meet_in_the_middle_of_their_overlap():
    segments = merge_windows([(0, 1), (0.5, 1.5), (1, 2)], ["a", "b", "b"])
    assert [(one.label, one.start, one.end) for one in segments][-1] == ("b", pytest.approx(0.5, abs=0.5), 2)
    assert segments[0].label == "a"
    assert sum(one.end - one.start for one in segments) == pytest.approx(2)


@given(st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=12))
def test_labels_of_windows_side_by_side_survive_the_way_to_segments_and_back(labels):
    spans = window_spans(len(labels), 1, 1)
    assert label_windows(spans, merge_windows(spans, labels)) == labels


def test_a_hundred_thousand_windows_are_merged():
    spans = window_spans(50_000, 1, 0.5)
    labels = ["day" if row < len(spans) / 2 else "night" for row in range(len(spans))]
    first, second = merge_windows(spans, labels)
    assert (first.label, second.label) == ("day", "night")
    assert first.end == pytest.approx(25_000, abs=1)
    assert np.isclose(second.end, 50_000)
