"""Menu entry “Accept suggestions”: queue suggestions as labels, those of the selection or all sure ones."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.suggest import accept_suggestions
from ..ml_backend.store.items import list_items
from ..ml_backend.store.suggestions import read_suggestions
from .asking import ask_label_field, ask_patches, chosen_label_field, chosen_patches, show_media
from .running import LabelscapeOperator, Outcome, Progress, target_view

_SHOWN = 6


class AcceptSuggestions(LabelscapeOperator):
    """Queue suggestions as labels."""

    operator_name = "accept_suggestions"
    label = "Labelscape: accept suggestions"
    description = "Queue suggestions as labels: those of the selection, or all sure ones of the view"
    icon = "done_all"
    delegable = False
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Say how many, and show the least sure of them."""
        patches_field = ask_patches(ctx, inputs, "Suggestions for")
        ask_label_field(ctx, inputs, patches_field)
        chosen = _chosen(ctx, patches_field)
        if not chosen:
            raise ValueError("There is no suggestion to accept here: run “Labelscape: suggest labels” first.")
        weakest = sorted(chosen.items(), key=lambda pair: pair[1])[:_SHOWN]
        inputs.view("count", types.Notice(label=f"{len(chosen):,} suggestions will be queued as labels."))
        confidences = [confidence for _, confidence in weakest]
        show_media(
            ctx,
            inputs,
            "least_sure",
            "The least sure of them",
            [item for item, _ in weakest],
            confidences,
            patches_field,
        )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Queue them."""
        patches_field = chosen_patches(ctx)
        field = chosen_label_field(ctx, patches_field).name
        ids = list(_chosen(ctx, patches_field))
        report = accept_suggestions(ctx.dataset, ids, field=field, patches_field=patches_field)
        return Outcome(report.sentence())


def _chosen(ctx: Any, patches_field: str | None) -> dict[str, float]:
    """Item → confidence: every suggestion of the selection, the sure ones of a view or the dataset."""
    items = list_items(target_view(ctx), patches_field)
    held = read_suggestions(ctx.dataset, items)
    return {
        item: suggestion.confidence
        for item, suggestion in zip(items.ids.tolist(), held, strict=True)
        if suggestion is not None and (suggestion.sure or ctx.selected)
    }
