"""Menu entry “Create segment from confusion”: keep what predictions get wrong, at thresholds of one's choice."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.confusion import MEMBERS, WHATS, Choice, create_segment_from_confusion
from ..ml_backend.store.evaluation_columns import evaluation_fields
from .running import LabelscapeOperator, Outcome, Progress, target_view
from .segment_forms import ask_new_segment

_PAIR = "one pair of classes"
_MEMBERS = {
    "labels": "The labels (a prediction where there is no label)",
    "predictions": "The predictions (a label where there is none)",
    "both": "Both",
    "samples": "The whole samples",
}


class CreateSegmentFromConfusion(LabelscapeOperator):
    """Compare labels with predictions in the view and make a segment of one kind of error."""

    operator_name = "create_segment_from_confusion"
    label = "Labelscape: create segment from confusion"
    description = "Compare labels with predictions and keep the false positives, misses, confusions or a class pair"
    icon = "rule"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask for fields, thresholds, kind of error and name."""
        truth_fields, prediction_fields = comparable_fields(ctx)
        inputs.view_target(ctx, action_description="Compare")
        inputs.enum("truth_field", truth_fields, default=truth_fields[0], required=True, label="Label field")
        inputs.enum(
            "prediction_field", prediction_fields, default=prediction_fields[0], required=True, label="Predictions"
        )
        inputs.float("iou", default=0.5, min=0, max=1, label="IoU", description="Least overlap of a pair; boxes only")
        inputs.float("confidence", default=0.0, min=0, max=1, label="Confidence", description="Least of a prediction")
        inputs.enum("what", [*WHATS, _PAIR], default="confusions", label="What to keep")
        if ctx.params.get("what") == _PAIR:
            inputs.str("truth_class", required=True, label="Class of the label", description="(no label) for none")
            inputs.str(
                "predicted_class",
                required=True,
                label="Class of the prediction",
                description="(no prediction) for none",
            )
        members = types.Choices()
        for name in MEMBERS:
            members.add_choice(name, label=_MEMBERS[name])
        inputs.enum("members", members.values(), view=members, default="labels", label="What goes in")
        ask_new_segment(inputs)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Compare and keep."""
        params = ctx.params
        truth_fields, prediction_fields = comparable_fields(ctx)
        what = params.get("what", "confusions")
        pair = (params.get("truth_class"), params.get("predicted_class"))
        choice = Choice(cells=(pair,)) if what == _PAIR else Choice((what,))
        progress(0.1, "Comparing labels with predictions")
        report = create_segment_from_confusion(
            target_view(ctx),
            truth_field=params.get("truth_field") or truth_fields[0],
            prediction_field=params.get("prediction_field") or prediction_fields[0],
            name=params["name"],
            kind=params.get("kind", "data quality"),
            note=params.get("note") or "",
            iou=float(params.get("iou", 0.5)),
            confidence=float(params.get("confidence", 0)),
            choice=choice,
            members=params.get("members", "labels"),
        )
        return Outcome(report.sentence(), reload_dataset=True)


def comparable_fields(ctx: Any) -> tuple[list[str], list[str]]:
    """Label fields, and prediction fields that go with the one chosen; likely ones first."""
    fields = evaluation_fields(ctx.dataset)
    usable = [names for names in fields.values() if len(names) >= 2]
    if not usable:
        raise ValueError("Two fields of one kind are needed: one with labels, one with predictions (boxes or classes).")
    labels = sorted((name for names in usable for name in names), key=lambda name: name != "ground_truth")
    chosen = ctx.params.get("truth_field") or labels[0]
    partners = next((names for names in usable if chosen in names), usable[0])
    others = sorted((name for name in partners if name != chosen), key=lambda name: "predict" not in name)
    return labels, others
