"""Classes that a selection is likely to have: its suggestions, or else the labels near it."""

from collections import Counter

import numpy as np

from ....ml_backend.analysis.nearest_classes import nearest_classes
from ....ml_backend.errors import Refusal
from ....ml_backend.wording import count, percent
from ..component_panel import Answer, Method
from .calls import Call, answers
from .label_states import OPEN_SUGGESTIONS, LabelRows
from .map_rows import as_bytes
from .selection import selected_rows

LIKELY: dict[str, Method] = {}
_SHOWN = 3
_SECONDS = 1.5  # a dialog without a hint is better than a slow one


@answers(LIKELY)
def likely_classes(call: Call) -> Answer:
    """At most three classes for the selected rows, the likeliest first; none where nothing is known."""
    labels = call.labels()
    selected = selected_rows(call.params, len(labels.rows))
    selected = selected[labels.present[selected]]
    return {"classes": _suggested(labels, selected) or _nearest(call, labels, selected)}


def _suggested(labels: LabelRows, selected: np.ndarray) -> list[dict[str, str]]:
    is_open = selected[np.isin(labels.snapshot.states[selected], OPEN_SUGGESTIONS)]
    codes = labels.codes_with_suggestions()[is_open]
    counts = Counter(codes[codes >= 0].tolist())
    of = "" if len(selected) == 1 else f" for {{number:,}} of {count(len(selected), 'selected item')}"
    return [
        {"label": labels.snapshot.classes[code], "note": "suggested", "why": f"Suggested{of.format(number=number)}"}
        for code, number in counts.most_common(_SHOWN)
    ]


def _nearest(call: Call, labels: LabelRows, selected: np.ndarray) -> list[dict[str, str]]:
    try:
        session = call.board.sessions.session(call.dataset, labels.rows, seconds=_SECONDS)
    except Refusal:  # not ready yet, or a map of unknown origin: there is no hint then
        return []
    rows = labels.rows.locate(as_bytes(session.embeddings.items.ids))
    codes = np.where(rows >= 0, labels.snapshot.codes[rows], -1)
    nearest = nearest_classes(session.embeddings.vectors, codes, np.flatnonzero(np.isin(rows, selected)))
    return [
        {
            "label": labels.snapshot.classes[code],
            "note": percent(share),
            "why": f"{percent(share)} of the nearest labeled items have this label",
        }
        for code, share in nearest[:_SHOWN]
    ]
