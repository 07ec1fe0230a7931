"""Menu entry “Create segment”: name a group of samples or objects, or add to an existing one."""

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
    """Create a segment from the selection or the view."""

    operator_name = "create_segment"
    label = "Labelscape: create segment"
    description = (
        "Save the selected samples or objects as a named group with a kind and a note, or add them to an existing one"
    )
    icon = "bookmark_add"
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask what to add, and whether to a new segment or an existing one."""
        patches_field = ask_patches(ctx, inputs, "What to add")
        items = segment_items(ctx, patches_field)
        nouns = plural(noun_of_members(patches_field))
        inputs.view(
            "target", types.Notice(label=f"{len(items):,} {nouns} will be added; they get a tag and nothing else.")
        )
        existing = segments_of(ctx, noun_of_members(patches_field))
        if existing:
            inputs.bool("existing", default=False, label="Add to an existing segment")
        if existing and ctx.params.get("existing"):
            ask_segment(inputs, existing)
        else:
            ask_new_segment(inputs)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Create the segment, or add to it."""
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
