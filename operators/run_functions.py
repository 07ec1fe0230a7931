"""Menu entry “Run functions”: embed new samples, place them on the maps, and score them with every function."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.new_data import update_dataset
from ..ml_backend.wording import count, listing
from .function_forms import existing_functions
from .running import LabelscapeOperator, NextStep, Outcome, Progress


class RunFunctions(LabelscapeOperator):
    """Bring functions up to date with the data."""

    operator_name = "run_functions"
    label = "Labelscape: run functions"
    description = "Embed new samples, place them on the maps, and score them with every function"
    icon = "update"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Say which functions will run."""
        statuses = existing_functions(ctx)
        names = listing([f"“{status.function.name}”" for status in statuses])
        label = f"{count(len(statuses), 'function')} will score new samples: {names}."
        inputs.view("functions", types.Notice(label=label))
        for status in statuses:
            if status.stale:
                inputs.view(f"stale_{status.function.slug}", types.Warning(label=status.sentence()))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Embed, place, and score."""
        report = update_dataset(ctx.dataset, progress=progress)
        steps = [
            NextStep(
                f"Show {count(run.new, 'new match')} of “{run.function.name}” …",
                "open_function",
                {"function": run.function.slug, "new_only": True},
            )
            for run in report.functions.runs
            if run.new
        ]
        return Outcome(report.sentence(), reload_dataset=True, next_steps=steps)
