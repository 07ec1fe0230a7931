"""Windows of long recordings: where they lie, and how their labels become segments of the recording and vice versa."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal

_MOST_WINDOWS = 1_000_000
_TOUCHING = 1e-6  # seconds


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording with one label: ``start`` and ``end`` in seconds, the mean confidence of its windows.

    ``confidence`` is None if no window has one.
    """

    start: float
    end: float
    label: str
    confidence: float | None = None


def window_spans(duration: float, length: float, hop: float) -> NDArray[np.float64]:
    """Start and end in seconds (n, 2) of windows of one length over a recording, in order.

    The last window ends with the recording, so nothing is left out; a recording shorter than ``length`` is one window.

    Raises:
        Refusal: a length or hop that is not above 0, a hop longer than the length, or more than a million windows.
    """
    if not (length > 0 and hop > 0):
        raise Refusal(f"The length of a window is {length:g} s and the hop {hop:g} s; both must be above 0.")
    if hop > length:
        raise Refusal(f"The hop of {hop:g} s is longer than a window of {length:g} s: parts would be left out.")
    if duration <= length:
        return np.array([[0.0, duration]]) if duration > 0 else np.empty((0, 2))
    if duration / hop > _MOST_WINDOWS:
        raise Refusal(f"A recording of {duration:,.0f} s has more than {_MOST_WINDOWS:,} windows: choose a longer hop.")
    starts = np.arange(0, duration - length + _TOUCHING, hop)
    if duration - (starts[-1] + length) > _TOUCHING:
        starts = np.append(starts, duration - length)
    return np.column_stack([starts, starts + length])


def merge_windows(
    spans: ArrayLike, labels: Sequence[str | None], confidence: Sequence[float | None] | None = None
) -> list[Segment]:
    """Segments of one recording from its labeled windows (n, 2): neighbors with the same label become one.

    Where windows overlap, each moment has the label of most windows over it, at a tie that of the window whose center
    is nearest. Unlabeled windows (None) contribute nothing.
    """
    table = np.asarray(spans, float).reshape(-1, 2)
    rows = [row for row, label in enumerate(labels) if label is not None]
    if not rows:
        return []
    rows.sort(key=lambda row: float(table[row, 0]))
    longest = float((table[rows, 1] - table[rows, 0]).max())
    begins, ends, middles = table[rows, 0].tolist(), table[:, 1].tolist(), table.mean(axis=1).tolist()
    edges = np.unique(np.round(table[rows], 6)).tolist()
    segments: list[tuple[float, float, str, set[int]]] = []
    for start, end in pairwise(edges):
        middle = (start + end) / 2
        first, last = bisect_left(begins, middle - longest - _TOUCHING), bisect_right(begins, middle + _TOUCHING)
        over = [row for row in rows[first:last] if middle <= ends[row] + _TOUCHING]
        if not over:
            continue
        label = _vote(over, middles, labels, middle)
        voters = [row for row in over if labels[row] == label]
        if segments and segments[-1][2] == label and abs(segments[-1][1] - start) < _TOUCHING:
            begin, _, _, before = segments[-1]
            before.update(voters)
            segments[-1] = (begin, end, label, before)
        else:
            segments.append((start, end, label, set(voters)))
    return [Segment(start, end, label, _mean(confidence, voters)) for start, end, label, voters in segments]


def label_windows(spans: ArrayLike, segments: Sequence[Segment]) -> list[str | None]:
    """The label of each window (n, 2) by the segments of its recording: that which covers most, if it covers half."""
    labels: list[str | None] = []
    for start, end in np.asarray(spans, float).reshape(-1, 2).tolist():
        covered: Counter[str] = Counter()
        for segment in segments:
            covered[segment.label] += max(min(end, segment.end) - max(start, segment.start), 0.0)
        label, most = covered.most_common(1)[0] if covered else ("", 0.0)
        labels.append(label if most >= (end - start) / 2 > 0 else None)
    return labels


def _vote(over: list[int], middles: list[float], labels: Sequence[str | None], middle: float) -> str:
    votes = Counter(labels[row] for row in over)
    most = max(votes.values())
    nearest = min((row for row in over if votes[labels[row]] == most), key=lambda row: abs(middles[row] - middle))
    return str(labels[nearest])


def _mean(confidence: Sequence[float | None] | None, rows: set[int]) -> float | None:
    if confidence is None:
        return None
    known = [value for row in rows if (value := confidence[row]) is not None]
    return float(np.mean(known)) if known else None
