"""Menu entry “Delete”: ask for the deletion of the selected samples or objects, pending until it is saved."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.actions.queue import delete_items
from .asking import ask_patches, chosen_patches, target_items
from .running import LabelscapeOperator, Outcome, Progress


class DeleteItems(LabelscapeOperator):
    """Queue the deletion of what is selected."""

    operator_name = "delete_items"
    label = "Labelscape: delete selected"
    description = "Delete the selected samples or objects; pending until you save, and the save can be undone"
    icon = "delete"
    risk = RiskLevel.HIGH
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Say how many would go."""
        patches_field = ask_patches(ctx, inputs, "What to delete")
        items = target_items(ctx, patches_field)
        nouns = "objects" if patches_field else "samples"
        inputs.view(
            "consequence",
            types.Warning(
                label=f"{len(items):,} {nouns} will be marked for deletion. They go when you save; media files stay."
            ),
        )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Queue the deletion."""
        patches_field = chosen_patches(ctx)
        items = target_items(ctx, patches_field)
        return Outcome(delete_items(ctx.dataset, items.ids.tolist(), patches_field=patches_field).sentence())
