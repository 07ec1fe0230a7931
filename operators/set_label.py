"""Menu entry “Set label”: give the selected samples or objects a label, pending until saved."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.queue import set_label
from ..ml_backend.progress import Progress
from ..ml_backend.wording import agree, count
from .asking import (
    ask_label,
    ask_label_field,
    ask_patches,
    chosen_label_field,
    chosen_patches,
    labels_of,
    target_items,
)
from .running import LabelscapeOperator, Outcome


class SetLabel(LabelscapeOperator):
    """Set one pending label on the selection."""

    operator_name = "set_label"
    label = "Labelscape: set label"
    description = "Give the selected samples or objects a label; pending until you save"
    icon = "label"
    delegable = False
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the field and the label, and say how many items are already labeled."""
        patches_field = ask_patches(ctx, inputs, "What to label")
        items = target_items(ctx, patches_field)
        field = ask_label_field(ctx, inputs, patches_field, items.parts)
        ask_label(ctx, inputs, field)
        labeled = int((labels_of(ctx, items, field).codes >= 0).sum())
        selected = count(len(items), items.noun)
        inputs.view("target", types.Notice(label=f"{selected} selected, {labeled:,} already labeled."))
        if labeled and field.kind != "classifications":
            inputs.bool(
                "replace",
                default=False,
                label=f"Replace other labels of the {labeled:,} that {agree(labeled, 'is')} already labeled",
            )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Set the label, pending until saved."""
        patches_field = chosen_patches(ctx)
        items = target_items(ctx, patches_field)
        report = set_label(
            ctx.dataset,
            items.ids.tolist(),
            ctx.params["label"],
            field=chosen_label_field(ctx, patches_field, items.parts).name,
            patches_field=patches_field,
            replace=bool(ctx.params.get("replace")),
        )
        return Outcome(report.sentence())
