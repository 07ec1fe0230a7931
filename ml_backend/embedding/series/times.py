"""The times of a series: the column that holds them, as numbers, and the sampling rate that follows from them."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..base import UnreadableMedium

_MILLISECONDS = 1000.0
# Directives of d3's time formats that Python writes differently.
_PYTHON = {"%L": "%f", "%e": "%d", "%Z": "%z"}


@dataclass(frozen=True)
class Times:
    """The time of each moment, ascending (n,) float64: a number of the file, or a date in milliseconds since 1970.

    ``written`` are the dates as the file has them, empty for numbers. ``rate`` is the sampling rate in Hz, if numbers
    are taken as seconds; None if the times do not increase.
    """

    values: NDArray[np.float64]
    written: tuple[str, ...]
    rate: float | None


def times_of_column(column: pd.Series, time_format: str = "") -> Times:
    """The times in a column of a table.

    Args:
        time_format: how dates are written, in the notation of d3 (``%Y-%m-%d %H:%M:%S.%L``); "" = they are numbers.

    Raises:
        UnreadableMedium: a time is missing, cannot be read, or is before the one above it.
    """
    if time_format and not _counts(time_format):
        parsed = pd.to_datetime(column.astype(str), format=_as_python(time_format), utc=True, errors="coerce")
        zero = pd.Timestamp(0, tz="UTC")
        values = ((parsed - zero) / pd.Timedelta(milliseconds=1)).to_numpy(np.float64, na_value=np.nan)
    else:
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        values = numbers * (_MILLISECONDS if time_format == "%s" else 1.0)
    if not np.isfinite(values).all():
        how = f"written as {time_format}" if time_format else "numbers"
        raise UnreadableMedium(f"its column '{column.name}' has times that are not {how}")
    steps = np.diff(values)
    if (steps < 0).any():
        raise UnreadableMedium(f"the times in its column '{column.name}' do not increase")
    step = float(np.median(steps)) if len(steps) else 0.0
    per_second = _MILLISECONDS if time_format else 1.0
    written = tuple(column.astype(str)) if time_format else ()
    return Times(values, written, per_second / step if step > 0 else None)


def parse_time(value: Any, time_format: str = "") -> float:
    """One time as a number, like `times_of_column`.

    Raises:
        UnreadableMedium: it is none.
    """
    try:
        if isinstance(value, bool) or value is None:
            raise ValueError("no time")
        if not isinstance(value, str):
            return float(value)
        if not time_format or _counts(time_format):
            return float(value) * (_MILLISECONDS if time_format == "%s" else 1.0)
        read = datetime.strptime(value, _as_python(time_format))
        return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp() * _MILLISECONDS
    except (TypeError, ValueError, OverflowError):
        raise UnreadableMedium(f"{value!r} is not a time") from None


def _counts(time_format: str) -> bool:
    """Whether the format is a count of milliseconds or seconds since 1970."""
    return time_format in ("%Q", "%s")


def _as_python(time_format: str) -> str:
    for theirs, ours in _PYTHON.items():
        time_format = time_format.replace(theirs, ours)
    return time_format
