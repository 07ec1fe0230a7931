"""Menu entry “Edit function”: change examples, threshold, name, or note; also rebuilds a stale function."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.functions import edit_function, rename_function
from ..ml_backend.actions.search import Scope, preview_search, with_marks
from ..ml_backend.store.searches import Query
from .asking import embedded_patches_field
from .function_forms import ask_function, chosen_function, existing_functions
from .running import LabelscapeOperator, Outcome, Progress
from .search_forms import LIKE, UNLIKE, chosen_threshold, describe_examples, selected_ids, show_hits

_SHOWN = 6


class EditFunction(LabelscapeOperator):
    """Change a function."""

    operator_name = "edit_function"
    label = "Labelscape: edit function"
    description = (
        "Add the selection as examples, or change the threshold, name, or note; everything is then scored again"
    )
    icon = "edit"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask what to change, and show the samples around the threshold."""
        function = ask_function(ctx, inputs, existing_functions(ctx)).function
        inputs.view("examples", types.Notice(label=f"Made from {describe_examples(function.query)}."))
        ticked = selected_ids(ctx, embedded_patches_field(ctx, function.query.embeddings))
        if ticked:
            roles = types.RadioGroup(orientation="horizontal")
            for role in (LIKE, UNLIKE):
                roles.add_choice(role, label=role)
            label = f"Add the {len(ticked):,} selected as {'an example' if len(ticked) == 1 else 'examples'} of"
            inputs.enum("role", roles.values(), view=roles, default=LIKE, label=label)
        threshold = chosen_threshold(ctx)
        threshold = function.threshold if threshold is None else threshold
        inputs.float(
            "threshold",
            default=function.threshold,
            min=0.0,
            max=1.0,
            view=types.SliderView(min=0.0, max=1.0),
            label="Threshold",
        )
        preview = preview_search(Scope(ctx.dataset), _query(ctx, function.query), threshold=threshold, shown=_SHOWN)
        inputs.view("matches", types.Notice(label=f"{preview.matches:,} of {preview.total:,} match."))
        show_hits(ctx, inputs, "above", "Just above the threshold: these match", preview.above, preview.patches_field)
        show_hits(ctx, inputs, "below", "Just below it: these do not", preview.below, preview.patches_field)
        inputs.str("name", label="New name", description=f"Empty = keep “{function.name}”")
        inputs.str("note", label="New note", description=f"Empty = keep the current note: {function.note or 'none'}")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Change it and score everything again."""
        function = chosen_function(ctx, existing_functions(ctx)).function
        run = edit_function(
            ctx.dataset,
            function.slug,
            query=_query(ctx, function.query),
            threshold=chosen_threshold(ctx),
            note=ctx.params.get("note") or None,
            progress=progress,
        )
        message = run.sentence()
        if ctx.params.get("name"):
            renamed = rename_function(ctx.dataset, function.slug, ctx.params["name"])
            message += f" It is now called “{renamed.name}”, and its field “{renamed.field}”."
        return Outcome(message, reload_dataset=True)


def _query(ctx: Any, query: Query) -> Query:
    ticked = selected_ids(ctx, embedded_patches_field(ctx, query.embeddings))
    side = "negatives" if ctx.params.get("role", LIKE) == UNLIKE else "positives"
    return with_marks(query, **{side: ticked})
