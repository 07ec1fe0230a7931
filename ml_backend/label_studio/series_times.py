"""The times of a task's series, by the column that the label config names."""

import pandas as pd

from ..embedding.series.reading import column_named
from ..embedding.series.times import Times, times_of_column
from .objects import TaskObject


def series_times(task_object: TaskObject, table: pd.DataFrame) -> Times | None:
    """The times of a series by the column that the label config names; None if it names none.

    Raises:
        UnreadableMedium: there is no such column, or it does not hold times in order.
    """
    if not task_object.time_column:
        return None
    return times_of_column(table[column_named(table, task_object.time_column)], task_object.time_format)
