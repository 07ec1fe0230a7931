"""Menu entry “Delete segment”: delete its tag, saved view, and record; its samples and objects stay."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.actions.segments import delete_segment
from ..ml_backend.wording import plural
from .running import LabelscapeOperator, Outcome, Progress
from .segment_forms import ask_segment, chosen_segment, existing_segments


class DeleteSegment(LabelscapeOperator):
    """Delete a segment."""

    operator_name = "delete_segment"
    label = "Labelscape: delete segment"
    description = "Delete a segment with its tag, saved view, and record; its samples and objects stay"
    icon = "bookmark_border"
    risk = RiskLevel.HIGH
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which segment to delete, and say what is deleted and what stays."""
        segments = existing_segments(ctx)
        ask_segment(inputs, segments)
        chosen = chosen_segment(ctx, segments)
        consequence = (
            f"Tag, saved view, and record of “{chosen.name}” will be deleted; you can undo this. Its {chosen.size:,} "
            f"{plural(chosen.noun)} stay."
        )
        inputs.view("consequence", types.Warning(label=consequence))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Delete it."""
        deleted = delete_segment(ctx.dataset, slug=ctx.params["segment"])
        return Outcome(f"Deleted the segment “{deleted.name}”; its {plural(deleted.noun)} stay.", reload_dataset=True)
