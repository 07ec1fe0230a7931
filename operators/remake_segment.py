"""Menu entry “Rebuild segment”: apply its rule to new predictions and compare."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.confusion_segments import remakable_rule, remake_segment
from ..ml_backend.errors import Refusal
from ..ml_backend.store.evaluation_columns import evaluation_fields
from ..ml_backend.store.segment_records import Segment
from .running import LabelscapeOperator, Outcome, Progress
from .segment_forms import ask_segment, chosen_segment, existing_segments


class RemakeSegment(LabelscapeOperator):
    """Rebuild a segment made from a confusion, with predictions of the same or another field."""

    operator_name = "remake_segment"
    label = "Labelscape: rebuild segment"
    description = "Apply the rule of a segment to new predictions, and compare: which members stayed, left, or are new"
    icon = "published_with_changes"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for the segment, the predictions, and whether to keep the result."""
        segments = _from_confusions(ctx)
        ask_segment(inputs, segments)
        rule = remakable_rule(chosen_segment(ctx, segments))
        assert rule is not None
        inputs.view("rule", types.Notice(label=chosen_segment(ctx, segments).sentence()))
        kinds = evaluation_fields(ctx.dataset).values()
        fields = [name for names in kinds if rule.truth_field in names for name in names if name != rule.truth_field]
        inputs.enum("prediction_field", fields, default=rule.prediction_field, label="Predictions")
        inputs.str("name", label="Name of the new segment", description="Empty = only compare")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Rebuild it and compare."""
        progress(0.1, "Comparing labels with predictions")
        remake = remake_segment(
            ctx.dataset,
            slug=chosen_segment(ctx, _from_confusions(ctx)).slug,
            prediction_field=ctx.params.get("prediction_field"),
            name=ctx.params.get("name") or None,
        )
        return Outcome(remake.sentence(), reload_dataset=remake.report is not None)


def _from_confusions(ctx: Any) -> list[Segment]:
    segments = [segment for segment in existing_segments(ctx) if remakable_rule(segment) is not None]
    if not segments:
        raise Refusal("No segment was made from a confusion: run “Labelscape: create segment from confusion” first.")
    return segments
