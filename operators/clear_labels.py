"""Menu entry “Clear labels”: remove labels (pending until saved) or suggestions (can be undone)."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.actions.queue import clear_labels, count_clearable
from ..ml_backend.actions.suggest import clear_suggestions
from ..ml_backend.errors import Refusal
from ..ml_backend.progress import Progress
from ..ml_backend.wording import count
from .asking import ask_label_field, ask_patches, ask_target, chosen_label_field, chosen_patches
from .running import LabelscapeOperator, Outcome, target_view

_WHICH = {
    "neighbors": "Only labels that came from neighbors",
    "ours": "All labels set in Labelscape, including those set by hand",
    "suggestions": "Only suggestions; labels stay",
    "all": "All labels of the field, including imported ones",
}


class ClearLabels(LabelscapeOperator):
    """Remove labels from the selection, the view, or the dataset."""

    operator_name = "clear_labels"
    label = "Labelscape: clear labels"
    description = "Remove labels (pending until you save) or suggestions of the selection, the view, or the dataset"
    icon = "label_off"
    risk = RiskLevel.HIGH

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which labels to clear, and for confirmation."""
        ask_target(ctx, inputs, "Clear")
        patches_field = ask_patches(ctx, inputs, "Labels of")
        field = ask_label_field(ctx, inputs, patches_field)
        which = types.RadioGroup()
        for name, text in _WHICH.items():
            which.add_choice(name, label=text)
        inputs.enum("which", which.values(), view=which, default="neighbors", label="What to clear")
        counts = count_clearable(target_view(ctx), field=field.name, patches_field=patches_field)
        inputs.view("consequence", types.Warning(label=f"In '{field.name}' here: {counts.sentence()}"))
        confirmed = inputs.bool("sure", default=False, label="Yes, clear them", required=True)
        if ctx.params.get("sure") is False:
            confirmed.invalid = True
            confirmed.error_message = "Select this to confirm"

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Clear."""
        if not ctx.params.get("sure"):
            raise Refusal("Not confirmed: select “Yes, clear them” to clear labels.")
        patches_field = chosen_patches(ctx)
        which = ctx.params.get("which", "neighbors")
        if which == "suggestions":
            cleared = clear_suggestions(target_view(ctx), patches_field=patches_field)
            return Outcome(f"Cleared {count(cleared, 'suggestion')}; “Undo” restores them.", reload_samples=True)
        field = chosen_label_field(ctx, patches_field).name
        return Outcome(clear_labels(target_view(ctx), field=field, patches_field=patches_field, which=which).sentence())
