"""The method that reads the original medium of a sample whose picture is a card: sound, time series, or text."""

from typing import Any

import numpy as np

from ....ml_backend.actions.previews import Preview, read_preview
from ..component_panel import Answer, Method
from .calls import Call, answers
from .column_files import pack
from .selection import checked_rows

MEDIUMS: dict[str, Method] = {}


@answers(MEDIUMS)
def medium(call: Call) -> Answer:
    """`Medium` of a row; of a series, only a stretch of it where one is named, read again in full detail."""
    rows = call.rows()
    row = checked_rows(np.asarray([call.params["row"]]), len(rows))
    start, end = call.params.get("start"), call.params.get("end")
    preview = read_preview(call.dataset, rows.sample_names(row)[0], start=start, end=end)
    return {"medium": None if preview is None else _described(preview)}


def _described(preview: Preview) -> dict[str, Any]:
    return {
        "kind": preview.kind,
        "file": preview.path,
        "text": preview.text,
        "start": preview.start,
        "end": preview.end,
        "sampling_rate": preview.sampling_rate,
        "times": pack(np.asarray(preview.times), "<f4"),
        "channels": [
            {"name": channel.name, "values": pack(np.asarray(channel.values), "<f4")} for channel in preview.channels
        ],
    }
