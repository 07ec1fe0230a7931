"""Menu entry “Edit segment”: change its name, kind, or note."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.segments import rename_segment
from ..ml_backend.store.segment_records import SEGMENT_KINDS
from .running import LabelscapeOperator, Outcome, Progress
from .segment_forms import ask_segment, chosen_segment, existing_segments


class EditSegment(LabelscapeOperator):
    """Change the name, kind, or note of a segment."""

    operator_name = "edit_segment"
    label = "Labelscape: edit segment"
    description = "Change the name, kind, or note of a segment; its tag and saved view are renamed too"
    icon = "edit"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask what to change."""
        segments = existing_segments(ctx)
        ask_segment(inputs, segments)
        chosen = chosen_segment(ctx, segments)
        inputs.str("name", label="New name", description=f"Empty = keep “{chosen.name}”")
        inputs.enum("kind", list(SEGMENT_KINDS), label="New kind", description=f"Empty = keep “{chosen.kind}”")
        inputs.str("note", label="New note", description=f"Empty = keep the current note: {chosen.note or 'none'}")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Change it."""
        changes = {name: ctx.params.get(name) or None for name in ("name", "kind", "note")}
        changed = rename_segment(ctx.dataset, slug=chosen_segment(ctx, existing_segments(ctx)).slug, **changes)
        return Outcome(changed.sentence(), reload_dataset=True)
