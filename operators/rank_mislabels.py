"""Menu entry “Find wrong labels”: rank labels by the evidence against them."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.rank import rank_mislabels
from .asking import (
    ask_embeddings,
    ask_label_field,
    ask_target,
    chosen_embeddings,
    chosen_label_field,
    embedded_patches_field,
    show_coverage,
)
from .next_steps import DELETE, RELABEL, SEGMENT, SEND, closing, next_steps
from .running import LabelscapeOperator, Outcome, Progress, target_view


class RankMislabels(LabelscapeOperator):
    """Score how likely each label is to be wrong."""

    operator_name = "rank_mislabels"
    label = "Labelscape: find wrong labels"
    description = "Score how strongly neighbors and a classifier disagree with each label, and propose a better one"
    icon = "rule"
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for embeddings and label field."""
        ask_target(ctx, inputs, "Rank")
        embeddings = ask_embeddings(ctx, inputs)
        show_coverage(ctx, inputs, embeddings)
        ask_label_field(ctx, inputs, embedded_patches_field(ctx, embeddings))

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Rank and show."""
        embeddings = chosen_embeddings(ctx)
        field = chosen_label_field(ctx, embedded_patches_field(ctx, embeddings)).name
        ranking = rank_mislabels(target_view(ctx), embeddings=embeddings, field=field, progress=progress)
        steps = next_steps(ranking, RELABEL, SEND, SEGMENT, DELETE)
        return closing(ranking, ranking.message, steps)
