"""Menu entry “Suggest labels”: suggest labels for everything unlabeled, at a target precision."""

from typing import Any

import numpy as np
from fiftyone.operators import types

from ..ml_backend.actions.accept import accept_suggestions
from ..ml_backend.actions.suggest import suggest_labels
from ..ml_backend.store.items import list_items
from ..ml_backend.store.labels import check_evidence
from ..ml_backend.store.suggestions import suggestion_name
from ..ml_backend.wording import count
from .asking import (
    ask_embeddings,
    ask_label_field,
    ask_precision,
    ask_target,
    chosen_embeddings,
    chosen_label_field,
    embedded_patches_field,
    labels_of,
    show_coverage,
)
from .running import LabelscapeOperator, Outcome, Progress, target_view


class SuggestLabels(LabelscapeOperator):
    """Suggest labels for the unlabeled items of the selection, the view, or the dataset."""

    operator_name = "suggest_labels"
    label = "Labelscape: suggest labels"
    description = (
        "Suggest labels for unlabeled samples, each with a confidence; samples without a clear answer get none"
    )
    icon = "auto_awesome"
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Show the existing labels and ask for the target precision."""
        ask_target(ctx, inputs, "Suggest labels for")
        embeddings = ask_embeddings(ctx, inputs)
        show_coverage(ctx, inputs, embeddings)
        patches_field = embedded_patches_field(ctx, embeddings)
        field = ask_label_field(ctx, inputs, patches_field)
        items = list_items(target_view(ctx), patches_field)
        everything = labels_of(ctx, list_items(ctx.dataset, patches_field), field)
        unlabeled = int(labels_of(ctx, items, field).unlabeled.sum())
        check_evidence(everything, field)
        evidence = everything.members[~everything.followed, 1]
        counts = np.bincount(evidence, minlength=len(everything.classes))
        inputs.view(
            "evidence",
            types.Notice(
                label=f"{count(len(evidence), 'label')} of {count(len(counts), 'class')} (fewest: {counts.min():,} of "
                f"“{everything.classes[int(counts.argmin())]}”) are the evidence for "
                f"{count(unlabeled, 'unlabeled item')}."
            ),
        )
        ask_precision(inputs)
        inputs.bool("queue", default=False, label="Accept the confident suggestions right away (pending until saved)")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Suggest labels, and accept the confident ones if that was chosen."""
        embeddings = chosen_embeddings(ctx)
        patches_field = embedded_patches_field(ctx, embeddings)
        field = chosen_label_field(ctx, patches_field).name
        report = suggest_labels(
            target_view(ctx),
            embeddings=embeddings,
            field=field,
            precision=float(ctx.params.get("precision", 0.95)),
            progress=progress,
        )
        message = f"{report.outcome()}{report.elsewhere}"
        if ctx.params.get("queue") and report.sure:
            ids = list_items(target_view(ctx), patches_field).ids.tolist()
            queued = accept_suggestions(ctx.dataset, ids, field=field, patches_field=patches_field)
            message += " " + queued.sentence()
        view = None
        if patches_field is None and report.suggested:
            name = suggestion_name(ctx.dataset, None)
            view = target_view(ctx).exists(name).sort_by(f"{name}.confidence", reverse=True)
        return Outcome(message, reload_dataset=True, reload_samples=True, view=view, why=report.why)
