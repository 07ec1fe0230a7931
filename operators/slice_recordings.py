"""Menu entry “Slice recordings”: create a dataset from the windows of long recordings or series."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.import_media import slice_recordings
from .running import LabelscapeOperator, Outcome, Progress


class SliceRecordings(LabelscapeOperator):
    """Slice recordings into windows."""

    operator_name = "slice_recordings"
    label = "Labelscape: slice recordings into windows"
    description = "Create a dataset in which every window of a recording or time series is a separate sample"
    icon = "content_cut"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for length, hop, and name."""
        inputs.float("length", default=1.0, min=0.001, required=True, label="Length of a window in seconds")
        inputs.float(
            "hop", min=0.001, label="Seconds from one window to the next", description="Empty = windows side by side"
        )
        inputs.str("name", default=f"{ctx.dataset.name}-windows", required=True, label="Name of the new dataset")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Slice."""
        params = ctx.params
        hop = params.get("hop")
        report = slice_recordings(
            ctx.dataset,
            length=float(params["length"]),
            hop=None if hop is None else float(hop),
            name=params.get("name") or "",
            progress=progress,
        )
        return Outcome(report.sentence())
