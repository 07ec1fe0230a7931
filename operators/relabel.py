"""Menu entry “Relabel”: give items the better label proposed by “find wrong labels”, pending until saved."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.queue import relabel
from ..ml_backend.errors import Refusal
from ..ml_backend.progress import Progress
from ..ml_backend.store.scores import read_words
from ..ml_backend.wording import count
from .asking import ask_label_field, ask_patches, chosen_label_field, chosen_patches, labels_of, target_items
from .running import LabelscapeOperator, Outcome


class Relabel(LabelscapeOperator):
    """Set the better labels on the selection."""

    operator_name = "relabel"
    label = "Labelscape: relabel"
    description = "Give the selected samples the better labels proposed by “find wrong labels”; pending until you save"
    icon = "published_with_changes"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Say how many labels would change."""
        patches_field = ask_patches(ctx, inputs, "What to relabel")
        items = target_items(ctx, patches_field)
        field = ask_label_field(ctx, inputs, patches_field)
        better = read_words(ctx.dataset, items, "mislabel_suggestion")
        labels = labels_of(ctx, items, field)
        changed = sum(
            name is not None and (code < 0 or labels.classes[code] != name)
            for name, code in zip(better, labels.codes.tolist(), strict=True)
        )
        if not changed:
            raise Refusal(
                "No better label is known for the selection: run “Labelscape: find wrong labels” first, then "
                "select from the top of its list."
            )
        inputs.view(
            "target",
            types.Notice(label=f"{changed:,} of {count(len(items), 'label')} will be replaced."),
        )

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Set the labels, pending until saved."""
        patches_field = chosen_patches(ctx)
        items = target_items(ctx, patches_field)
        field = chosen_label_field(ctx, patches_field).name
        report = relabel(ctx.dataset, items.ids.tolist(), field=field, patches_field=patches_field)
        return Outcome(report.sentence())
