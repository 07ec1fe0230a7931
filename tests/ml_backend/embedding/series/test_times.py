"""The times of a series: numbers and dates, read alike from a column and one by one."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.embedding.base import UnreadableMedium
from labelscape.ml_backend.embedding.series.times import parse_time, times_of_column

DATES = st.datetimes(pd.Timestamp("1700-01-01").to_pydatetime(), pd.Timestamp("2200-01-01").to_pydatetime())
FORMAT = "%Y-%m-%d %H:%M:%S.%L"


@given(st.lists(DATES, min_size=1, max_size=5))
def test_a_column_and_one_value_are_read_alike(dates):
    written = [date.strftime("%Y-%m-%d %H:%M:%S.%f") for date in sorted(dates)]
    column = times_of_column(pd.Series(written, name="at"), FORMAT)
    assert column.written == tuple(written)
    np.testing.assert_allclose(column.values, [parse_time(one, FORMAT) for one in written], atol=0.01, rtol=0)


@pytest.mark.parametrize(
    ("column", "time_format", "rate"),
    [
        ([0.0, 0.5, 1.0], "", 2.0),
        (["0", "0.5", "1.0"], "", 2.0),
        ([1000, 1500, 2000], "%Q", 2.0),
        ([10, 11, 12], "%s", 1.0),
        (["12:00:00", "12:00:10", "12:00:20"], "%H:%M:%S", 0.1),
        ([3, 3, 3], "", None),
        ([3], "", None),
    ],
)
def test_the_sampling_rate_follows_from_the_times(column, time_format, rate):
    assert times_of_column(pd.Series(column), time_format).rate == (rate and pytest.approx(rate))


@pytest.mark.parametrize(
    ("column", "time_format", "words"),
    [
        ([0, None, 1], "", "times that are not numbers"),
        (["soon", "later"], "", "times that are not numbers"),
        (["2020-01-01", "yesterday"], "%Y-%m-%d", "written as %Y-%m-%d"),
        ([2, 1], "", "do not increase"),
        ([0, math.inf], "", "times that are not numbers"),
    ],
)
def test_times_that_cannot_be_read_are_named(column, time_format, words):
    with pytest.raises(UnreadableMedium, match=words):
        times_of_column(pd.Series(column, name="at"), time_format)


@given(
    st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.integers()), st.sampled_from(["", "%Q", FORMAT])
)
def test_one_value_is_a_number_or_refused(value, time_format):
    try:
        number = parse_time(value, time_format)
    except UnreadableMedium:
        return
    assert isinstance(number, float)
