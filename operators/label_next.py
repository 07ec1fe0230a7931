"""Menu entry “Label next”: show the few unlabeled samples or objects that are most informative to label."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.next_best import label_next
from .asking import (
    ask_embeddings,
    ask_label_field,
    chosen_embeddings,
    chosen_label_field,
    embedded_patches_field,
    show_coverage,
)
from .running import LabelscapeOperator, Outcome, Progress

_NINE = 9


class LabelNext(LabelscapeOperator):
    """Show what to label next."""

    operator_name = "label_next"
    label = "Labelscape: label next"
    description = "Show the most informative unlabeled samples: uncertain, representative of many others, and diverse"
    icon = "school"
    queued = False
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the embeddings, the label field, and how many samples to show."""
        embeddings = ask_embeddings(ctx, inputs)
        show_coverage(ctx, inputs, embeddings)
        ask_label_field(ctx, inputs, embedded_patches_field(ctx, embeddings))
        inputs.int("count", default=_NINE, min=1, max=500, label="How many")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Choose and show them."""
        embeddings = chosen_embeddings(ctx)
        patches_field = embedded_patches_field(ctx, embeddings)
        field = chosen_label_field(ctx, patches_field).name
        chosen = label_next(
            ctx.dataset,
            embeddings=embeddings,
            field=field,
            count=int(ctx.params.get("count", _NINE)),
            progress=progress,
        )
        return Outcome(chosen.message, view=chosen.view)
