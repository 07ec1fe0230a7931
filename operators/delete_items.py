"""Menu entry “Delete selected”: mark samples or objects for deletion, pending until you save."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.actions.queue import delete_items
from ..ml_backend.progress import Progress
from ..ml_backend.wording import agree, count
from .asking import ask_patches, chosen_patches, target_items
from .running import LabelscapeOperator, Outcome


class DeleteItems(LabelscapeOperator):
    """Mark the selection for deletion."""

    operator_name = "delete_items"
    label = "Labelscape: delete selected"
    description = "Delete the selected samples or objects; pending until you save, and the save can be undone"
    icon = "delete"
    risk = RiskLevel.HIGH
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Say how many items would be deleted."""
        patches_field = ask_patches(ctx, inputs, "What to delete")
        items = target_items(ctx, patches_field)
        marked = count(len(items), items.noun)
        they = agree(len(items), "it").capitalize()
        label = f"{marked} will be marked for deletion. {they} will be deleted when you save; media files stay."
        inputs.view("consequence", types.Warning(label=label))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Mark the items for deletion."""
        patches_field = chosen_patches(ctx)
        items = target_items(ctx, patches_field)
        return Outcome(delete_items(ctx.dataset, items.ids.tolist(), patches_field=patches_field).sentence())
