"""Menu entry “Clear explorer”: a checklist of maps, embeddings, and suggestions to clear, with their sizes."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.actions.clear import Clearable, clear_explorer, clearable
from ..ml_backend.errors import Refusal
from ..ml_backend.progress import Progress
from .running import LabelscapeOperator, Outcome


class ClearExplorer(LabelscapeOperator):
    """Clear the chosen parts of the explorer."""

    operator_name = "clear_explorer"
    label = "Labelscape: clear explorer"
    description = "Delete the maps, embeddings, and suggestions that you choose; labels and samples stay"
    icon = "cleaning_services"
    risk = RiskLevel.HIGH
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """List what can be cleared, with sizes, and ask for confirmation if clearing it cannot be undone."""
        parts = clearable(ctx.dataset)
        if not parts:
            raise Refusal("This dataset has no maps, embeddings, or suggestions: there is nothing to clear.")
        for part in parts:
            inputs.bool(_name(part), default=False, label=part.sentence())
        if any(ctx.params.get(_name(part)) and not part.undoable for part in parts):
            confirmed = inputs.bool("sure", default=False, label="Yes, delete what cannot be undone", required=True)
            if not ctx.params.get("sure"):
                confirmed.invalid = True
                confirmed.error_message = "Select this to confirm"

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Clear the chosen parts."""
        chosen = [part for part in clearable(ctx.dataset) if ctx.params.get(_name(part))]
        if not ctx.params.get("sure") and not all(part.undoable for part in chosen):
            raise Refusal("Not confirmed: select “Yes, delete what cannot be undone”.")
        report = clear_explorer(ctx.dataset, chosen)
        return Outcome(report.sentence(), reload_dataset=True, reload_samples=True)


def _name(part: Clearable) -> str:
    """The form parameter of a part."""
    return f"{part.kind}_{part.key}"
