"""Menu entry “Create function”: save a search under a name; it scores everything, including samples added later."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.functions import create_function
from ..ml_backend.actions.search import Scope, preview_search
from .running import LabelscapeOperator, NextStep, Outcome, Progress
from .search_forms import ask_query, ask_threshold, chosen_query, chosen_threshold


class CreateFunction(LabelscapeOperator):
    """Save a search under a name."""

    operator_name = "create_function"
    label = "Labelscape: create function"
    description = "Save a search under a name: it scores every sample, including new ones, in its own field"
    icon = "functions"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for name and query, and for the threshold while looking at the samples around it."""
        inputs.str("name", required=True, label="Name", description="Its scores go to the field fn_<name>")
        query = ask_query(ctx, inputs)
        ask_threshold(ctx, inputs, Scope(ctx.dataset), query)
        inputs.str("note", label="Note", view=types.TextFieldView())

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Save and score."""
        query, threshold = chosen_query(ctx), chosen_threshold(ctx)
        if threshold is None:
            threshold = preview_search(Scope(ctx.dataset), query).threshold
        run = create_function(
            ctx.dataset,
            query,
            name=ctx.params.get("name") or "",
            threshold=threshold,
            note=ctx.params.get("note") or "",
            progress=progress,
        )
        steps = [NextStep("Show its matches …", "open_function", {"function": run.function.slug})]
        shown = (run.function.field,) if run.function.patches_field is None else ()
        return Outcome(run.sentence(), reload_dataset=True, shown_fields=shown, next_steps=steps)
