"""Menu entry “Label neighbors”: label the selection and its neighbors, pending until saved."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.label_neighbors import NeighborPreview, label_neighbors, preview_neighbors
from ..ml_backend.progress import Progress
from ..ml_backend.wording import count, percent
from .asking import (
    ask_embeddings,
    ask_label,
    ask_label_field,
    ask_precision,
    chosen_embeddings,
    chosen_label_field,
    embedded_patches_field,
    show_media,
    target_items,
)
from .running import LabelscapeOperator, Outcome

_SHOWN = 6


class LabelNeighbors(LabelscapeOperator):
    """Set a pending label on the selection and the unlabeled neighbors it reaches."""

    operator_name = "label_neighbors"
    label = "Labelscape: label neighbors"
    description = "Label the selection and its unlabeled neighbors in embedding space; pending until you save"
    icon = "scatter_plot"
    delegable = False
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the label and how far it reaches, and show the least certain neighbors it would label."""
        embeddings = ask_embeddings(ctx, inputs)
        patches_field = embedded_patches_field(ctx, embeddings)
        items = target_items(ctx, patches_field)
        field = ask_label_field(ctx, inputs, patches_field)
        ask_label(ctx, inputs, field)
        ask_precision(inputs)
        inputs.bool("by_number", default=False, label="Set the number of neighbors")
        if ctx.params.get("by_number"):
            inputs.int(
                "reach",
                default=20,
                min=0,
                label="Reach",
                description="How many neighbors to label, the most confident first",
            )
        if ctx.params.get("label"):
            preview = _preview(ctx, items.ids.tolist())
            _show(ctx, inputs, preview)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Set the labels, pending until saved."""
        embeddings = chosen_embeddings(ctx)
        patches_field = embedded_patches_field(ctx, embeddings)
        report = label_neighbors(
            ctx.dataset,
            target_items(ctx, patches_field).ids.tolist(),
            ctx.params["label"],
            embeddings=embeddings,
            field=chosen_label_field(ctx, patches_field).name,
            reach=_reach(ctx),
            precision=float(ctx.params.get("precision", 0.95)),
        )
        return Outcome(report.sentence())


def _reach(ctx: Any) -> int | None:
    return int(ctx.params.get("reach", 20)) if ctx.params.get("by_number") else None


def _preview(ctx: Any, ids: list[str]) -> NeighborPreview:
    embeddings = chosen_embeddings(ctx)
    return preview_neighbors(
        ctx.dataset,
        ids,
        ctx.params["label"],
        embeddings=embeddings,
        field=chosen_label_field(ctx, embedded_patches_field(ctx, embeddings)).name,
        reach=_reach(ctx),
        precision=float(ctx.params.get("precision", 0.95)),
    )


def _show(ctx: Any, inputs: types.Object, preview: NeighborPreview) -> None:
    taken = preview.confidence[: preview.reach]
    if not taken:
        inputs.view("reached", types.Notice(label=f"Reaches no neighbors. {preview.why}"))
        return
    inputs.view(
        "reached",
        types.Notice(
            label=f"Reaches {count(len(taken), 'unlabeled neighbor')}, confidence {percent(min(taken))} to "
            f"{percent(max(taken))}. "
            f"{preview.why}"
        ),
    )
    least_certain = preview.ids[: preview.reach][-_SHOWN:]
    patches_field = embedded_patches_field(ctx, chosen_embeddings(ctx))
    show_media(ctx, inputs, "least_sure", "The least certain", least_certain, taken[-_SHOWN:], patches_field)
