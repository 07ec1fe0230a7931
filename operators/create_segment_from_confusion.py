"""Menu entry “Create segment from confusion”: keep what predictions get wrong, at chosen thresholds."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.confusion import MEMBERS, WHATS
from ..ml_backend.actions.confusion_segments import create_segment_from_confusion
from .asking import ask_target
from .confusion_forms import PAIR, chosen_fields, chosen_outcomes, chosen_thresholds, comparable_fields, show_count
from .running import LabelscapeOperator, Outcome, Progress, target_view
from .segment_forms import ask_new_segment, relabeling_step

_MEMBERS = {
    "labels": "The labels (for unlabeled objects, the prediction)",
    "predictions": "The predictions (for missed objects, the label)",
    "both": "Both",
    "samples": "The whole samples",
}


class CreateSegmentFromConfusion(LabelscapeOperator):
    """Compare labels with predictions in the view and create a segment from one kind of error."""

    operator_name = "create_segment_from_confusion"
    label = "Labelscape: create segment from confusion"
    description = "Compare labels with predictions, and create a segment from one kind of error or one pair of classes"
    icon = "rule"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for fields, thresholds, kind of error, and name."""
        truth_fields, prediction_fields = comparable_fields(ctx)
        ask_target(ctx, inputs, "Compare")
        inputs.enum("truth_field", truth_fields, default=truth_fields[0], required=True, label="Label field")
        inputs.enum(
            "prediction_field", prediction_fields, default=prediction_fields[0], required=True, label="Predictions"
        )
        inputs.float(
            "iou", default=0.5, min=0, max=1, label="IoU", description="Lowest overlap of a matched pair; boxes only"
        )
        inputs.float(
            "confidence",
            default=0.0,
            min=0,
            max=1,
            label="Confidence",
            description="Lowest confidence of a prediction",
        )
        inputs.enum("what", [*WHATS, PAIR], default="confusions", label="What to keep")
        if ctx.params.get("what") == PAIR:
            inputs.str("truth_class", label="Class of the label", description="Empty = no label")
            inputs.str("predicted_class", label="Predicted class", description="Empty = no prediction")
        show_count(ctx, inputs)
        members = types.Choices()
        for name in MEMBERS:
            members.add_choice(name, label=_MEMBERS[name])
        inputs.enum("members", members.values(), view=members, default="labels", label="Members")
        ask_new_segment(inputs)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Compare, and keep the chosen kind of error as a segment."""
        progress(0.1, "Comparing labels with predictions")
        truth_field, prediction_field = chosen_fields(ctx)
        iou, confidence = chosen_thresholds(ctx)
        report = create_segment_from_confusion(
            target_view(ctx),
            truth_field=truth_field,
            prediction_field=prediction_field,
            iou=iou,
            confidence=confidence,
            choice=chosen_outcomes(ctx),
            name=ctx.params["name"],
            kind=ctx.params.get("kind", "data quality"),
            note=ctx.params.get("note") or "",
            members=ctx.params.get("members", "labels"),
        )
        steps = [relabeling_step(report.segment)]
        return Outcome(report.sentence(), reload_dataset=True, next_steps=steps)
