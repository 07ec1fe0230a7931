"""Menu entry “Edit segment”: another name, kind or note."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.segments import rename_segment
from ..ml_backend.store.segment_records import SEGMENT_KINDS
from .running import LabelscapeOperator, Outcome, Progress
from .segment_forms import ask_segment, chosen_segment, some_segments


class EditSegment(LabelscapeOperator):
    """Give a segment another name, kind or note."""

    operator_name = "edit_segment"
    label = "Labelscape: edit segment"
    description = "Rename a segment, change its kind or its note; tag and saved view follow"
    icon = "edit"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask what to change."""
        segments = some_segments(ctx)
        ask_segment(inputs, segments)
        chosen = chosen_segment(ctx, segments)
        inputs.str("name", label="New name", description=f"Empty = “{chosen.name}” as it is")
        inputs.enum("kind", list(SEGMENT_KINDS), label="New kind", description=f"Empty = {chosen.kind} as it is")
        inputs.str("note", label="New note", description=f"Empty = as it is: {chosen.note or 'no note'}")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Change it."""
        changes = {name: ctx.params.get(name) or None for name in ("name", "kind", "note")}
        changed = rename_segment(ctx.dataset, slug=chosen_segment(ctx, some_segments(ctx)).slug, **changes)
        return Outcome(changed.sentence(), reload_dataset=True)
