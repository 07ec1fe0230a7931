"""Menu entry “Undo”: undo the last save, clearing, rejection, or segment deletion, or several of them."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.undo import list_undo_steps, undo_last, undo_through
from ..ml_backend.errors import Refusal
from ..ml_backend.progress import Progress
from .running import LabelscapeOperator, Outcome

_SHOWN = 20


class UndoSave(LabelscapeOperator):
    """Undo the last action, or several."""

    operator_name = "undo_save"
    label = "Labelscape: undo"
    description = (
        "Undo saves, cleared labels, rejections, and segment deletions, latest first; changes you made since then stay"
    )
    icon = "undo"
    queued = False
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """List what can be undone."""
        steps = list_undo_steps(ctx.dataset, pending=False)[:_SHOWN]
        if not steps:
            raise Refusal(
                "There is no save to undo: there was none in the last seven days, or all have already been undone."
            )
        choices = types.RadioGroup()
        for number, step in enumerate(steps):
            alone = "" if number == 0 else f", and the {number} above" if number > 1 else ", and the one above"
            choices.add_choice(step.key, label=f"{step.title}{alone}")
        inputs.enum("through", choices.values(), view=choices, default=steps[0].key, label="What to undo")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Undo."""
        through = ctx.params.get("through")
        if through is None:
            done = undo_last(ctx.dataset, pending=False, progress=progress)
        else:
            done = undo_through(ctx.dataset, through, pending=False, progress=progress)
        return Outcome(done, reload_dataset=True, reload_samples=True)
