"""Menu entry “Delete segment”: its tag, saved view and record go; its samples and objects stay."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.actions.segments import delete_segment
from .running import LabelscapeOperator, Outcome, Progress
from .segment_forms import ask_segment, chosen_segment, some_segments


class DeleteSegment(LabelscapeOperator):
    """Delete a segment."""

    operator_name = "delete_segment"
    label = "Labelscape: delete segment"
    description = "Delete a segment with its tag, saved view and record; its samples and objects stay"
    icon = "bookmark_border"
    risk = RiskLevel.HIGH
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which one, and say what goes and what stays."""
        segments = some_segments(ctx)
        ask_segment(inputs, segments)
        chosen = chosen_segment(ctx, segments)
        told = (
            f"Tag, saved view and record of “{chosen.name}” go; “undo save” brings them back. Its {chosen.size:,} "
            f"{chosen.noun}s stay."
        )
        inputs.view("consequence", types.Warning(label=told))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Delete it."""
        gone = delete_segment(ctx.dataset, slug=ctx.params["segment"])
        return Outcome(f"Deleted the segment “{gone.name}”; its {gone.noun}s stay.", reload_dataset=True)
