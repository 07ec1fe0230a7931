"""Menu entry “Open segment”: show its members in the grid."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.store.segments import segment_view
from .running import LabelscapeOperator, Outcome, Progress
from .segment_forms import ask_segment, chosen_segment, existing_segments


class OpenSegment(LabelscapeOperator):
    """Show a segment."""

    operator_name = "open_segment"
    label = "Labelscape: open segment"
    description = "Show the members of a segment in the grid"
    icon = "bookmark"
    risk = RiskLevel.LOW
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which segment to open, and say how it was made."""
        segments = existing_segments(ctx)
        ask_segment(inputs, segments)
        inputs.view("facts", types.Notice(label=chosen_segment(ctx, segments).sentence()))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Show it."""
        segment = chosen_segment(ctx, existing_segments(ctx))
        return Outcome(segment.sentence(), view=segment_view(ctx.dataset, segment))
