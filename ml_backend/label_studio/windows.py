"""Windows of recordings and time series: cut from what a task shows, labeled by regions, and merged into regions.

Where a label config asks for regions of a recording or a series, its windows are the items that are embedded, labeled,
and suggested for. In the dataset they are boxes over the card, from its top to its bottom.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..analysis.windows import Segment, label_windows, merge_windows, window_spans
from ..embedding.base import UnreadableMedium
from ..embedding.series.reading import SHORTEST, read_table
from ..embedding.series.times import Times
from ..errors import Refusal
from ..store.medium_fields import DURATION, RATE
from .config import Control
from .objects import TaskObject
from .regions import Region, Result
from .series_times import series_times
from .spans import NOTHING, Cut

_DECIMALS = 6  # of seconds


def cut_windows(control: Control, fields: Mapping[str, Any], cut: Cut) -> Result:
    """The windows of what a task shows, as items that `window_regions` reads.

    Args:
        fields: those of the task's sample, see `task_media.obtain`.

    Raises:
        UnreadableMedium: it is empty, a window would be too short, or the times of a series cannot be read.
    """
    duration = float(fields.get(DURATION) or 0.0)
    try:
        spans = window_spans(duration, cut.length, cut.hop)
    except Refusal as error:
        raise UnreadableMedium(str(error).rstrip(".")) from None
    if control.kind == "timeserieslabels":
        edges, written = _edges_of_series(control.task_object, str(fields["series"]), fields.get(RATE), spans)
    else:
        edges, written = np.round(spans, _DECIMALS), None
    return [
        {
            "id": f"{start:.3f}-{end:.3f}",
            "value": {
                "x": start / duration,
                "width": (end - start) / duration,
                "start": float(edges[row, 0]),
                "end": float(edges[row, 1]),
                **({} if written is None else {"from": written[row][0], "to": written[row][1]}),
            },
        }
        for row, (start, end) in enumerate(spans.tolist())
    ]


def window_regions(control: Control, windows: Result, result: Result | None) -> list[Region]:
    """The windows of a task as regions, each with the class that a result gives it, a result of `Control.own`.

    A window has the class of the regions that cover most of it, if they cover half of it; `NOTHING` where no region
    touches it. A region shorter than a window counts as one window around its middle. ``result`` None: nobody has
    checked.
    """
    labels = [None] * len(windows) if result is None else _labels(control, windows, result)
    return [
        Region(
            id=str(window["id"]),
            box=(window["value"]["x"], 0.0, window["value"]["width"], 1.0),
            label=label if label in control.classes else None,
            rotation=0.0,
            original_width=None,
            original_height=None,
            unknown="" if label is None or label in control.classes else label,
        )
        for window, label in zip(windows, labels, strict=True)
    ]


def region_items(
    control: Control, windows: Result, labels: Mapping[str, str], scores: Mapping[str, float] | None = None
) -> Result:
    """Regions of windows with the same class side by side, as items of a result; those of `NOTHING` are none.

    Args:
        labels: id of a window → its class; others have none.
        scores: id of a window → the confidence in its class; that of a region is the mean of its windows.
    """
    given = [labels.get(str(window["id"])) for window in windows]
    segments = merge_windows(
        _spans(windows),
        [None if label == NOTHING else label for label in given],
        None if scores is None else [scores.get(str(window["id"])) for window in windows],
    )
    return [_item(control, windows, segment) for segment in segments]


def kept_items(control: Control, windows: Result, labels: Mapping[str, str], items: Result) -> Result:
    """The regions of a result that still agree with the labels of their windows; the others must be replaced."""
    return [
        item
        for item in items
        if all(
            labels.get(region.id) == region.stated
            for region in window_regions(control, windows, [item])
            if region.stated not in (None, NOTHING)
        )
    ]


def _edges_of_series(
    task_object: TaskObject, path: str, rate: float | None, spans: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[tuple[str, str]] | None]:
    """Start and end of windows (n, 2) as the series' own times, and how the file writes them, if those are dates."""
    table = read_table(path)
    rows = np.round(spans * (rate or 1.0)).astype(int)
    few = int((rows[:, 1] - rows[:, 0]).min(initial=SHORTEST))
    if few < SHORTEST:
        length = float(spans[0, 1] - spans[0, 0])
        raise UnreadableMedium(
            f"a window of {length:g} s has {few} of its moments, and at least {SHORTEST} are needed: make "
            "“window_seconds” in the settings longer"
        )
    times = series_times(task_object, table) or Times(np.arange(len(table), dtype=float), (), None)
    rows = np.minimum(rows, len(table) - 1)
    written = [(times.written[start], times.written[end]) for start, end in rows.tolist()] if times.written else None
    return times.values[rows], written


def _labels(control: Control, windows: Result, result: Result) -> list[str | None]:
    spans = _spans(windows)
    length = float((spans[:, 1] - spans[:, 0]).max(initial=0.0))
    renamed = dict(control.renamed)
    segments = [
        _widened(item["value"], renamed.get(name, name), length)
        for item in result
        for name in item["value"][control.kind][:1]
    ]
    touched = np.zeros(len(spans), bool)
    for segment in segments:
        touched |= (spans[:, 0] < segment.end) & (segment.start < spans[:, 1])
    return [
        label if label is not None or is_touched else NOTHING
        for label, is_touched in zip(label_windows(spans, segments), touched.tolist(), strict=True)
    ]


def _widened(value: Mapping[str, Any], label: str, length: float) -> Segment:
    start, end = value["start"], value["end"]
    lacking = max(length - (end - start), 0.0) / 2
    return Segment(start - lacking, end + lacking, label)


def _spans(windows: Result) -> NDArray[np.float64]:
    return np.array([[window["value"]["start"], window["value"]["end"]] for window in windows], float).reshape(-1, 2)


def _item(control: Control, windows: Result, segment: Segment) -> dict[str, Any]:
    value: dict[str, Any] = {"start": segment.start, "end": segment.end, control.kind: [segment.label]}
    more: dict[str, Any] = {}
    if control.kind == "timeserieslabels":
        value |= {"instant": False, **_as_written(windows, segment)}
    else:
        value["channel"] = 0
        more["original_length"] = max(window["value"]["end"] for window in windows)
    name = f"{segment.start}/{segment.end}/{segment.label}".encode("utf-8", "replace")
    item = control.item(value) | more | {"id": hashlib.blake2b(name, digest_size=6).hexdigest()}
    return item if segment.confidence is None else item | {"score": round(segment.confidence, 4)}


def _as_written(windows: Sequence[Mapping[str, Any]], segment: Segment) -> dict[str, str]:
    """The edges of a region as the file writes them, where those are dates."""
    values = [window["value"] for window in windows]
    written = {round(edges["start"], 6): edges["from"] for edges in values if "from" in edges}
    written |= {round(edges["end"], 6): edges["to"] for edges in values if "to" in edges}
    return {"start": written[segment.start], "end": written[segment.end]} if written else {}
