"""Regions of recordings and time series in results: normalized when read, with their times as numbers."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..embedding.base import UnreadableMedium
from ..embedding.series.times import parse_time

WINDOW_KINDS = ("labels", "timeserieslabels")  # types of items that are about a stretch of a recording or series
NOTHING = "(nothing)"  # the class of windows that somebody checked and that are in no region


@dataclass(frozen=True)
class Cut:
    """How recordings and series are cut: ``length`` and ``hop`` of windows, in seconds.

    Of a series whose sampling rate is unknown, one moment counts as one second.
    """

    length: float = 1.0
    hop: float = 1.0


SIDE_BY_SIDE = Cut()


def own_spans(result: Any, names: Collection[str], kind: str, time_format: str = "") -> list[dict[str, Any]]:
    """The regions of the control with one of these names, in one form; ``kind`` is the type of its items.

    Start and end are numbers, in order: seconds of a recording; of a series, the values of its time column, dates as
    milliseconds. A region without a usable start and end is left out. Nothing here raises.

    Args:
        time_format: how a series writes its times, see `parse_time`.
    """
    listed = result if isinstance(result, list | tuple) else []
    spans = []
    for number, item in enumerate(listed):
        if not isinstance(item, Mapping) or item.get("from_name") not in names:
            continue
        value = item.get("value")
        if not isinstance(value, Mapping) or (edges := _edges(value, time_format)) is None:
            continue
        labels = [str(label) for label in _listed(value.get(kind)) if isinstance(label, str) and label]
        spans.append(
            {
                "from_name": str(item["from_name"]),
                "to_name": str(item.get("to_name") or ""),
                "type": kind,
                "id": str(item.get("id") or f"#{number}"),
                "value": {"start": edges[0], "end": edges[1], kind: list(dict.fromkeys(labels))},
            }
        )
    return spans


def _edges(value: Mapping[str, Any], time_format: str) -> tuple[float, float] | None:
    try:
        start, end = (parse_time(value.get(name), time_format) for name in ("start", "end"))
    except UnreadableMedium:
        return None
    if not (math.isfinite(start) and math.isfinite(end)):
        return None
    return min(start, end), max(start, end)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
