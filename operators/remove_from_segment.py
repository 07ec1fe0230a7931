"""Menu entry “Remove from segment”: remove the selection from a segment; it stays in the dataset."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.segments import remove_from_segment
from ..ml_backend.wording import agree, count
from .running import LabelscapeOperator, Outcome, Progress
from .segment_forms import ask_segment, chosen_segment, existing_segments, segment_items


class RemoveFromSegment(LabelscapeOperator):
    """Remove the selection from a segment."""

    operator_name = "remove_from_segment"
    label = "Labelscape: remove from segment"
    description = "Remove the selected samples or objects from a segment; they stay in the dataset"
    icon = "bookmark_remove"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which segment, and say how many items are selected."""
        segments = existing_segments(ctx)
        ask_segment(inputs, segments)
        chosen = chosen_segment(ctx, segments)
        selected = sum(len(segment_items(ctx, name)) for name in chosen.targets)
        what = f"{count(selected, chosen.noun)} {agree(selected, 'is')} selected"
        inputs.view("target", types.Notice(label=f"{what}. Nothing is removed from the dataset."))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Remove."""
        segment = chosen_segment(ctx, existing_segments(ctx))
        removed, size = 0, segment.size
        for name in segment.targets:
            report = remove_from_segment(
                ctx.dataset, segment_items(ctx, name).ids.tolist(), slug=segment.slug, patches_field=name
            )
            removed, size = removed - report.added, report.segment.size
        message = f"Removed {count(removed, segment.noun)} from “{segment.name}”, which now has {size:,}."
        return Outcome(message, reload_dataset=True)
