"""Regions of recordings and series are read in one form, whatever a result contains."""

import math

from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.label_studio.spans import own_spans

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
EDGES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6) | st.just("2.5")


def region(start, end, labels=("speech",), **more):
    return {"from_name": "kind", "to_name": "audio", "value": {"start": start, "end": end, "labels": labels}, **more}


@given(JSON)
def test_garbage_is_left_out(result):
    assert isinstance(own_spans(result, ["kind"], "labels"), list)


@given(EDGES, EDGES, JSON)
def test_a_region_that_is_read_has_finite_edges_in_order(start, end, labels):
    for span in own_spans([region(start, end, labels)], ["kind"], "labels"):
        assert math.isfinite(span["value"]["start"])
        assert math.isfinite(span["value"]["end"])
        assert span["value"]["start"] <= span["value"]["end"]
        assert all(isinstance(one, str) and one for one in span["value"]["labels"])


def test_edges_drawn_from_right_to_left_are_put_in_order():
    (span,) = own_spans([region(3, "1.5")], ["kind"], "labels")
    assert (span["value"]["start"], span["value"]["end"]) == (1.5, 3.0)


def test_regions_of_another_control_are_not_read_and_those_without_an_id_are_told_apart():
    result = [region(0, 1, from_name="other"), region(0, 1), region(1, 2), region(2, 3, id="own")]
    assert [span["id"] for span in own_spans(result, ["kind"], "labels")] == ["#1", "#2", "own"]


def test_a_class_given_twice_counts_once():
    (span,) = own_spans([region(0, 1, ["speech", "noise", "speech"])], ["kind"], "labels")
    assert span["value"]["labels"] == ["speech", "noise"]


def test_dates_of_a_series_become_milliseconds():
    (span,) = own_spans([region("1970-01-02", "1970-01-01")], ["kind"], "labels", "%Y-%m-%d")
    assert (span["value"]["start"], span["value"]["end"]) == (0, 86_400_000)
