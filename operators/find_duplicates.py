"""Menu entry “Find duplicates”: group exact and near duplicates, and find groups that leak across a split."""

from typing import Any

import fiftyone as fo
from fiftyone.operators import types

from ..ml_backend.actions.queue import delete_items
from ..ml_backend.actions.rank import find_duplicates
from .asking import ask_embeddings, ask_target, chosen_embeddings, show_coverage
from .next_steps import DELETE, SEGMENT, closing, next_steps
from .running import LabelscapeOperator, Outcome, Progress, target_view

_NO_SPLIT = "none"


class FindDuplicates(LabelscapeOperator):
    """Group duplicates."""

    operator_name = "find_duplicates"
    label = "Labelscape: find duplicates"
    description = (
        "Group exact and near duplicates, including across a split, and optionally mark all but one for deletion"
    )
    icon = "content_copy"
    on_grid = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the threshold, the split to check, and whether to mark copies for deletion."""
        ask_target(ctx, inputs, "Search")
        embeddings = ask_embeddings(ctx, inputs)
        show_coverage(ctx, inputs, embeddings)
        inputs.bool("automatic", default=True, label="Choose the threshold automatically")
        if not ctx.params.get("automatic", True):
            inputs.float(
                "threshold",
                default=0.02,
                min=0.0,
                max=2.0,
                label="Highest cosine distance of near duplicates",
            )
        texts = list(ctx.dataset.get_field_schema(ftype=fo.StringField))
        inputs.enum(
            "split",
            [_NO_SPLIT, "tags", *(name for name in texts if name != "filepath")],
            default=_NO_SPLIT,
            label="Look for leaks across",
            description="The tags or the field that contain “train”, “validation”, and “test”",
        )
        inputs.bool("delete", default=False, label="Mark all but one of each group for deletion (pending until saved)")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Search, show the groups, and mark copies for deletion if that was chosen."""
        params = ctx.params
        embeddings = chosen_embeddings(ctx)
        automatic = params.get("automatic", True)
        split = params.get("split", _NO_SPLIT)
        samples = target_view(ctx)
        ranking = find_duplicates(
            samples,
            embeddings=embeddings,
            threshold=None if automatic else float(params["threshold"]),
            split=None if split == _NO_SPLIT else split,
            progress=progress,
        )
        message = ranking.message
        ways = [SEGMENT, DELETE]
        if params.get("delete") and ranking.suspects:
            queued = delete_items(ctx.dataset, ranking.suspects, patches_field=ranking.patches_field)
            message += " " + queued.sentence()
            ways.remove(DELETE)
        return closing(ranking, message, next_steps(ranking, *ways))
