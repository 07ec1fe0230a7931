"""Menu entry “Rank outliers”: rank items by how unusual they are, with the reason in words."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.rank import rank_outliers
from .asking import (
    ask_embeddings,
    ask_label_field,
    ask_target,
    chosen_embeddings,
    chosen_label_field,
    embedded_patches_field,
    show_coverage,
)
from .next_steps import DELETE, SEGMENT, SEND, SET_LABEL, closing, next_steps
from .running import LabelscapeOperator, Outcome, Progress, target_view


class RankOutliers(LabelscapeOperator):
    """Score how unusual each item is."""

    operator_name = "rank_outliers"
    label = "Labelscape: rank outliers"
    description = "Score how unusual each sample is, with the reason, and show the most unusual first"
    icon = "troubleshoot"
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the embeddings and whether to use labels."""
        ask_target(ctx, inputs, "Rank")
        embeddings = ask_embeddings(ctx, inputs)
        show_coverage(ctx, inputs, embeddings)
        inputs.bool(
            "use_labels",
            default=True,
            label="Use existing labels",
            description="If on, samples far from their own class, or inside another one, also count as outliers",
        )
        if ctx.params.get("use_labels", True):
            ask_label_field(ctx, inputs, embedded_patches_field(ctx, embeddings))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Rank and show."""
        embeddings = chosen_embeddings(ctx)
        field = None
        if ctx.params.get("use_labels", True):
            field = chosen_label_field(ctx, embedded_patches_field(ctx, embeddings)).name
        ranking = rank_outliers(target_view(ctx), embeddings=embeddings, field=field, progress=progress)
        steps = next_steps(ranking, SET_LABEL, SEND, SEGMENT, DELETE)
        return closing(ranking, ranking.message, steps)
