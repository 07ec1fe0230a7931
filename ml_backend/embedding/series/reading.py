"""Read time series: CSV, Parquet, or .npy files with a row for each moment and a column for each channel."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..base import Media, UnreadableMedium
from ..image.reading import read_bytes

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".npy")
SHORTEST = 8  # moments; fewer have neither a shape nor a spectrum
_MOST_BYTES = 512_000_000
_TIMES = ("time", "timestamp", "t", "seconds", "sec", "datetime", "date", "index", "time_s", "time (s)", "unnamed: 0")
_MOST_MISSING = 0.5

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Series:
    """Channels (c, t) float32 without gaps, their names, and the sampling rate in Hz; None if it is unknown."""

    values: Values
    names: tuple[str, ...]
    rate: float | None

    @property
    def duration(self) -> float:
        """Length in seconds; in moments if the sampling rate is unknown."""
        return float(self.values.shape[1] / (self.rate or 1.0))


def read_series(path: str, media: Sequence[Media]) -> list[Series | UnreadableMedium]:
    """The channels of each window of one file; the file is read once.

    Gaps are filled by linear interpolation.

    Returns:
        In the place of a window that cannot be read, the reason: no such file, not a table, missing columns, no
        numbers, fewer than eight moments, or more gaps than values.
    """
    try:
        table = read_table(path)
    except UnreadableMedium as error:
        return [error for _ in media]
    return [_attempt(table, medium) for medium in media]


def read_one(medium: Media) -> Series:
    """The channels of one medium.

    Raises:
        UnreadableMedium: it cannot be read; see `read_series`.
    """
    (series,) = read_series(medium.path, [medium])
    if isinstance(series, UnreadableMedium):
        raise series
    return series


def _attempt(table: pd.DataFrame, medium: Media) -> Series | UnreadableMedium:
    try:
        return _window(table, medium)
    except UnreadableMedium as error:
        return error


def _window(table: pd.DataFrame, medium: Media) -> Series:
    names = _channel_names(table, medium.columns)
    rate = medium.rate or _rate_of(table)
    if rate is not None and not (np.isfinite(rate) and rate > 0):
        raise UnreadableMedium(f"its sampling rate is {rate:g} Hz, which is not a positive number")
    first, last = 0, len(table)
    if medium.span is not None:
        first, last = (round(edge * (rate or 1.0)) for edge in medium.span)
    rows = table.iloc[max(first, 0) : last]
    if len(rows) < SHORTEST:
        where = "" if medium.span is None else f" between {medium.span[0]:g} and {medium.span[1]:g} s"
        raise UnreadableMedium(f"the series has {len(rows)} moments{where}; at least {SHORTEST} are needed")
    columns = [_filled(rows[name].to_numpy(np.float64, na_value=np.nan), name) for name in names]
    return Series(np.stack(columns).astype(np.float32), names, rate)


def _channel_names(table: pd.DataFrame, requested: Sequence[str]) -> tuple[str, ...]:
    numeric = [str(name) for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
    if requested:
        chosen = tuple(column_named(table, name) for name in requested)
        texts = [name for name in chosen if name not in numeric]
        if texts:
            raise UnreadableMedium(f"its column '{texts[0]}' contains no numbers")
        return chosen
    channels = tuple(name for name in numeric if name.strip().lower() not in _TIMES)
    if not channels:
        raise UnreadableMedium("it has no numeric column besides the time")
    return channels


def column_named(table: pd.DataFrame, requested: str) -> str:
    """A column by its name, whatever the case of its letters, or by its number from 0 on.

    Raises:
        UnreadableMedium: there is no such column.
    """
    names = [str(name) for name in table.columns]
    if requested in names:
        return requested
    alike = [name for name in names if name.strip().lower() == requested.strip().lower()]
    if not alike and requested.isdecimal() and int(requested) < len(names):
        alike = [names[int(requested)]]
    if not alike:
        raise UnreadableMedium(f"it has no column '{requested}'; it has: {', '.join(names)}")
    return alike[0]


def _rate_of(table: pd.DataFrame) -> float | None:
    """The sampling rate by a column of times in seconds or dates; None if there is none with equal, growing steps."""
    for name in table.columns:
        if str(name).strip().lower() not in _TIMES[:7]:
            continue
        column = table[name]
        if not pd.api.types.is_numeric_dtype(column):
            column = pd.to_datetime(column, errors="coerce", format="mixed")
            column = (column - column.iloc[0]).dt.total_seconds() if len(column) else column
        steps = np.diff(column.to_numpy(np.float64, na_value=np.nan))
        step = float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0
        if step > 0:
            return 1 / step
    return None


def _filled(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    known = np.isfinite(values)
    if known.mean() < 1 - _MOST_MISSING:
        share = round(100 * float(1 - known.mean()))
        raise UnreadableMedium(f"{share} % of its column '{name}' are gaps or not numbers")
    if known.all():
        return values
    rows = np.arange(len(values))
    return np.asarray(np.interp(rows, rows[known], values[known]))


def read_table(path: str) -> pd.DataFrame:
    """All columns of a file, by name.

    Raises:
        UnreadableMedium: no such file, not a table, or too large.
    """
    size = Path(path).stat().st_size if Path(path).is_file() else 0
    if size > _MOST_BYTES:
        raise UnreadableMedium(f"the file has {size:,} bytes, more than the {_MOST_BYTES:,} allowed for a series")
    data = read_bytes(path)
    ending = Path(path).suffix.lower()
    try:
        if ending == ".npy":
            return _array_table(np.load(io.BytesIO(data), allow_pickle=False))
        if ending == ".parquet":
            return pd.read_parquet(io.BytesIO(data))
        if ending == ".json":
            return pd.DataFrame(json.loads(data)).rename(columns=str)
        return _text_table(data)
    except UnreadableMedium:
        raise
    except Exception as error:  # the readers of pandas, pyarrow, and NumPy raise many kinds
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnreadableMedium(f"it is not a table that can be read ({reason})") from None


def _array_table(values: NDArray[Any]) -> pd.DataFrame:
    if values.ndim not in (1, 2) or values.dtype.kind not in "fiub":
        raise UnreadableMedium(
            f"the array is of shape {values.shape} and type {values.dtype}; it must hold numbers, a row for each "
            "moment and a column for each channel"
        )
    table = values.reshape(len(values), -1)
    return pd.DataFrame(table, columns=[f"channel {number}" for number in range(1, table.shape[1] + 1)])


def _text_table(data: bytes) -> pd.DataFrame:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    header = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=header.count)
    decimal = "," if separator == ";" and "," in text else "."
    headless = all(_is_number(cell, decimal) for cell in header.strip().split(separator))
    table = pd.read_csv(
        io.StringIO(text), sep=separator, decimal=decimal, header=None if headless else "infer", skipinitialspace=True
    )
    if headless:
        return table.rename(columns={number: f"channel {number + 1}" for number in table.columns})
    return table.rename(columns=str)


def _is_number(cell: str, decimal: str) -> bool:
    try:
        float(cell.strip().strip('"').replace(decimal, ".") or "nan")
    except ValueError:
        return False
    return True
