"""Menu entry “Merge segments”: move the members of one segment into another."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.segments import merge_segments
from ..ml_backend.errors import Refusal
from ..ml_backend.wording import plural
from .running import LabelscapeOperator, Outcome, Progress
from .segment_forms import ask_segment, chosen_segment, existing_segments


class MergeSegments(LabelscapeOperator):
    """Merge two segments into one."""

    operator_name = "merge_segments"
    label = "Labelscape: merge segments"
    description = "Move the members of one segment into another, and delete the first segment"
    icon = "merge"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which segment to merge into which."""
        segments = existing_segments(ctx)
        ask_segment(inputs, segments, label="Segment to merge and delete")
        chosen = chosen_segment(ctx, segments)
        others = [segment for segment in segments if segment.noun == chosen.noun and segment.slug != chosen.slug]
        if not others:
            raise Refusal(f"There is no other segment of {plural(chosen.noun)} into which to merge “{chosen.name}”.")
        ask_segment(inputs, others, name="into", label="Segment to merge into")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Merge."""
        report = merge_segments(ctx.dataset, slugs=[ctx.params["segment"]], into=ctx.params["into"])
        return Outcome(report.sentence(), reload_dataset=True)
