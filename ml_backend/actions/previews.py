"""What a panel shows for a sample whose picture is a card: sound to play, channels to zoom, the whole text."""

from dataclasses import dataclass

import fiftyone as fo
import numpy as np

from ..embedding.base import Media, UnreadableMedium
from ..embedding.registry import Modality
from ..embedding.series.reading import Series, read_one
from ..errors import Refusal
from ..store.items import as_ids, items_of
from ..store.media import UnusableItem, list_media
from ..store.medium_fields import RATE, medium_field

MOST_POINTS = 4000


@dataclass(frozen=True)
class Channel:
    """The name and the values of a channel; a long one is reduced to its minimum and maximum per stretch."""

    name: str
    values: list[float]


@dataclass(frozen=True)
class Preview:
    """A sample's original medium.

    Attributes:
        path: the file of a recording or series; None for a text.
        text: the whole text; None for the others.
        start, end: the window in seconds, if the sample is one.
        sampling_rate: in Hz, where it is known.
        times: of the values of the channels, in seconds (or moments, without a sampling rate) from the file's start.
        channels: of a series.
    """

    kind: Modality
    path: str | None = None
    text: str | None = None
    start: float | None = None
    end: float | None = None
    sampling_rate: float | None = None
    times: tuple[float, ...] = ()
    channels: tuple[Channel, ...] = ()


def read_preview(
    dataset: fo.Dataset, sample: str, *, start: float | None = None, end: float | None = None
) -> Preview | None:
    """The original medium of a sample; None if it is the sample's own file.

    Args:
        start, end: the stretch of a series to read again, in seconds, for zooming.

    Raises:
        Refusal: the sample is gone, or its medium cannot be read.
    """
    carried = medium_field(dataset)
    if carried is None:
        return None
    items = items_of(dataset, as_ids([sample]))
    (medium,) = list_media(dataset, items) if len(items) else (UnusableItem("", "the sample was deleted"),)
    if isinstance(medium, UnusableItem):
        raise Refusal(f"This sample cannot be shown: {medium.reason}.")
    if carried.kind == "text":
        return Preview("text", text=medium.text)
    span = medium.span or (None, None)
    if carried.kind == "audio":
        (rate,) = dataset.select(sample).values(RATE) if dataset.has_field(RATE) else (None,)
        return Preview("audio", path=medium.path, start=span[0], end=span[1], sampling_rate=rate)
    return _series(medium, span, start, end)


def _series(
    medium: Media, window: tuple[float | None, float | None], start: float | None, end: float | None
) -> Preview:
    try:
        series = read_one(medium)
    except UnreadableMedium as reason:
        raise Refusal(f"This sample cannot be shown: {reason}.") from reason
    rate = series.rate or 1.0
    offset = window[0] or 0.0
    total = series.values.shape[1]
    first = 0 if start is None else min(max(int((start - offset) * rate), 0), total - 2)
    last = total if end is None else min(max(int(np.ceil((end - offset) * rate)) + 1, first + 2), total)
    rows = _rows(series, first, last)
    times = tuple((offset + rows / rate).round(6).tolist())
    channels = tuple(
        Channel(name, values[rows].tolist()) for name, values in zip(series.names, series.values, strict=True)
    )
    return Preview("series", medium.path, None, window[0], window[1], series.rate, times, channels)


def _rows(series: Series, first: int, last: int) -> np.ndarray:
    """The moments to show: all, or for long stretches, those with the channels' extremes in each part."""
    length = last - first
    if length <= MOST_POINTS:
        return np.arange(first, last)
    parts = max(MOST_POINTS // (2 * len(series.values)), 1)
    starts = np.linspace(first, last, parts, endpoint=False).astype(int)
    size = -(-length // parts)
    kept = {first, last - 1}
    for channel in series.values:
        table = np.lib.stride_tricks.sliding_window_view(np.pad(channel, (0, size), mode="edge"), size)[starts]
        kept.update((starts + table.argmin(axis=1)).tolist(), (starts + table.argmax(axis=1)).tolist())
    rows = np.array(sorted(kept))
    return rows[rows < last]
