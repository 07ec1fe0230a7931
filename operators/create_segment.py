"""Menu entry “Create segment”: name a group of samples or objects, or add to one there is."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.segments import add_to_segment, create_segment
from ..ml_backend.store.items import Items
from ..ml_backend.store.segment_origins import Selected
from ..ml_backend.store.segment_records import noun_of_members
from ..ml_backend.wording import plural
from .asking import ask_patches, chosen_patches
from .running import LabelscapeOperator, Outcome, Progress
from .segment_forms import ask_new_segment, ask_segment, relabeling_step, segment_items, segments_of


class CreateSegment(LabelscapeOperator):
    """Make a segment of the selection, or of the view."""

    operator_name = "create_segment"
    label = "Labelscape: create segment"
    description = "Name the selected samples or objects as a group with a kind and a note, or add them to one"
    icon = "bookmark_add"
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask what goes in, and for a new segment or one there is."""
        patches_field = ask_patches(ctx, inputs, "What goes in")
        items = segment_items(ctx, patches_field)
        nouns = plural(noun_of_members(patches_field))
        inputs.view("target", types.Notice(label=f"{len(items):,} {nouns} go in; they get a tag and nothing else."))
        there = segments_of(ctx, noun_of_members(patches_field))
        if there:
            inputs.bool("existing", default=False, label="Add to a segment there is")
        if there and ctx.params.get("existing"):
            ask_segment(inputs, there)
        else:
            ask_new_segment(inputs)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Make or fill the segment."""
        patches_field = chosen_patches(ctx)
        items: Items = segment_items(ctx, patches_field)
        if ctx.params.get("existing"):
            report = add_to_segment(
                ctx.dataset, items.ids.tolist(), slug=ctx.params["segment"], patches_field=patches_field
            )
        else:
            report = create_segment(
                ctx.dataset,
                items.ids.tolist(),
                name=ctx.params["name"],
                kind=ctx.params.get("kind", "data quality"),
                note=ctx.params.get("note") or "",
                patches_field=patches_field,
                made_by=Selected("selection" if ctx.selected or ctx.selected_labels else "view"),
            )
        steps = [relabeling_step(report.segment)]
        return Outcome(report.sentence(), reload_dataset=True, next_steps=steps)
