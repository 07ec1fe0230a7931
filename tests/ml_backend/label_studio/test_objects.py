"""The objects of a label config: what is read, what is refused with a reason, and where the data is looked up."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.label_studio.objects import nested_under, read_object, reason_against, value_at

KEYS = st.lists(st.text(min_size=1, max_size=5).filter(lambda key: "." not in key), min_size=1, max_size=4)


@given(KEYS, st.integers())
def test_what_is_nested_under_a_key_is_found_there(parts, value):
    key = ".".join(parts)
    assert value_at(nested_under(key, value), key) == value


@given(st.none() | st.integers() | st.text() | st.lists(st.integers()), st.text(max_size=5))
def test_data_that_hold_no_keys_have_no_value(data, key):
    assert value_at(data, key) is None


def test_a_key_with_a_dot_wins_over_nesting():
    assert value_at({"a.b": 1, "a": {"b": 2}}, "a.b") == 1


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ('<Image name="i" value="$image"/>', ""),
        ('<Image name="i" value="$meta.url"/>', ""),
        ('<Table name="t" value="$table"/>', "on Table “t”"),
        ('<Image name="i" valueList="$images"/>', "on Image “i”, which shows a list (valueList)"),
        ('<Image name="i" value="https://host/$name"/>', "is not one key of the task's data"),
        ('<Image name="i"/>', "is not one key of the task's data"),
    ],
)
def test_an_object_is_read_or_refused_with_a_reason(xml, words):
    reason = reason_against(ElementTree.fromstring(xml))
    assert words in reason
    assert bool(reason) == bool(words)


def test_a_series_is_read_with_its_channels_and_times():
    element = ElementTree.fromstring(
        '<TimeSeries name="s" value="$csv" valueType="url" timeColumn="at" timeFormat="%Y"><Channel column="x"/>'
        '<MultiChannel><Channel column="y"/><Channel column="x"/></MultiChannel></TimeSeries>'
    )
    shown = read_object(element)
    assert (shown.modality, shown.key, shown.by_address, shown.is_inline) == ("series", "csv", True, False)
    assert (shown.channels, shown.time_column, shown.time_format) == (("x", "y"), "at", "%Y")
