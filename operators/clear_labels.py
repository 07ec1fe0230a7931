"""Menu entry “Clear labels”: take labels or suggestions away, after asking; can be undone."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.actions.save import clear_labels
from ..ml_backend.actions.suggest import clear_suggestions
from .asking import ask_label_field, ask_patches, chosen_label_field, chosen_patches
from .running import LabelscapeOperator, Outcome, Progress, target_view

_WHICH = {
    "neighbors": "Only labels that followed a neighbor's",
    "ours": "All labels set through Labelscape, by hand too",
    "suggestions": "Only suggestions; no label is touched",
    "all": "All labels of the field, imported ones too",
}


class ClearLabels(LabelscapeOperator):
    """Take labels away from the selection, the view or the dataset."""

    operator_name = "clear_labels"
    label = "Labelscape: clear labels"
    description = "Take labels or suggestions away: all, only Labelscape's, only neighbors', only suggestions"
    icon = "label_off"
    risk = RiskLevel.HIGH

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which, and for a confirmation."""
        inputs.view_target(ctx, action_description="Clear")
        patches_field = ask_patches(ctx, inputs, "Labels of")
        ask_label_field(ctx, inputs, patches_field)
        which = types.RadioGroup()
        for name, text in _WHICH.items():
            which.add_choice(name, label=text)
        inputs.enum("which", which.values(), view=which, default="neighbors", label="What to clear")
        size = len(target_view(ctx))
        inputs.view("consequence", types.Warning(label=f"Clears labels of up to {size:,} samples; can be undone."))
        sure = inputs.bool("sure", default=False, label="Yes, clear them", required=True)
        if ctx.params.get("sure") is False:
            sure.invalid = True
            sure.error_message = "Tick to confirm"

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Clear."""
        if not ctx.params.get("sure"):
            raise ValueError("Not confirmed: tick “Yes, clear them” to clear labels.")
        patches_field = chosen_patches(ctx)
        which = ctx.params.get("which", "neighbors")
        if which == "suggestions":
            cleared = clear_suggestions(target_view(ctx), patches_field=patches_field)
            return Outcome(f"Cleared {cleared:,} suggestions.", reload_samples=True)
        field = chosen_label_field(ctx, patches_field).name
        cleared = clear_labels(target_view(ctx), field=field, patches_field=patches_field, which=which)
        message = f"Cleared {cleared:,} labels of '{field}'; “Undo save” brings them back."
        return Outcome(message, reload_dataset=True, reload_samples=True)
