"""The times of a series come from the column that the label config names."""

import pandas as pd
import pytest
from labelscape.ml_backend.embedding.base import UnreadableMedium
from labelscape.ml_backend.label_studio.config import read_label_config
from labelscape.ml_backend.label_studio.series_times import series_times

TABLE = pd.DataFrame({"time": ["2026-01-01 00:00:00", "2026-01-01 00:00:01"], "value": [1.0, 2.0]})


def shown(time: str):
    labels = '<TimeSeriesLabels name="l" toName="ts"><Label value="a"/></TimeSeriesLabels>'
    series = f'<TimeSeries name="ts" value="$csv" {time}><Channel column="value"/></TimeSeries>'
    return read_label_config(f"<View>{labels}{series}</View>").task_object


def test_a_config_without_a_time_column_has_no_times():
    assert series_times(shown(""), TABLE) is None


def test_a_time_column_that_the_table_lacks_is_named():
    with pytest.raises(UnreadableMedium, match="no column 'when'"):
        series_times(shown('timeColumn="when"'), TABLE)


def test_the_times_of_the_column_are_read_in_its_format():
    assert series_times(shown('timeColumn="time" timeFormat="%Y-%m-%d %H:%M:%S"'), TABLE) is not None
