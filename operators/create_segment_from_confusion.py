"""Menu entry “Create segment from confusion”: keep what predictions get wrong, at chosen thresholds."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.confusion import (
    MEMBERS,
    WHATS,
    Choice,
    choose,
    evaluate,
)
from ..ml_backend.actions.confusion_segments import create_segment_from_confusion
from ..ml_backend.errors import Refusal
from ..ml_backend.store.evaluation_columns import evaluation_fields
from ..ml_backend.wording import count
from .asking import ask_target
from .running import LabelscapeOperator, Outcome, Progress, target_view
from .segment_forms import ask_new_segment, relabeling_step

_PAIR = "one pair of classes"
_COUNTED_AUTOMATICALLY = 2_000  # samples; with 20 objects each, counting takes about half a second
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
        inputs.enum("what", [*WHATS, _PAIR], default="confusions", label="What to keep")
        if ctx.params.get("what") == _PAIR:
            inputs.str("truth_class", label="Class of the label", description="Empty = no label")
            inputs.str("predicted_class", label="Predicted class", description="Empty = no prediction")
        _show_count(ctx, inputs)
        members = types.Choices()
        for name in MEMBERS:
            members.add_choice(name, label=_MEMBERS[name])
        inputs.enum("members", members.values(), view=members, default="labels", label="Members")
        ask_new_segment(inputs)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Compare, and keep the chosen kind of error as a segment."""
        progress(0.1, "Comparing labels with predictions")
        truth_field, prediction_field = _fields(ctx)
        iou, confidence = _thresholds(ctx)
        report = create_segment_from_confusion(
            target_view(ctx),
            truth_field=truth_field,
            prediction_field=prediction_field,
            iou=iou,
            confidence=confidence,
            choice=_choice(ctx),
            name=ctx.params["name"],
            kind=ctx.params.get("kind", "data quality"),
            note=ctx.params.get("note") or "",
            members=ctx.params.get("members", "labels"),
        )
        steps = [relabeling_step(report.segment)]
        return Outcome(report.sentence(), reload_dataset=True, next_steps=steps)


def _show_count(ctx: Any, inputs: types.Object) -> None:
    """Say how many items the segment would have; in a large view only on request, because this reads all labels."""
    samples = target_view(ctx)
    if len(samples) > _COUNTED_AUTOMATICALLY:
        inputs.bool("count", default=False, label="Count the members first", description="Reads all labels of the view")
        if not ctx.params.get("count"):
            return
    truth_field, prediction_field = _fields(ctx)
    iou, confidence = _thresholds(ctx)
    evaluation = evaluate(samples, truth_field=truth_field, prediction_field=prediction_field)
    number = len(choose(evaluation, evaluation.match(iou=iou, confidence=confidence), _choice(ctx)))
    view = types.Notice if number else types.Warning
    inputs.view("found", view(label=f"{number:,} of them in {count(len(samples), 'sample')}."))


def _fields(ctx: Any) -> tuple[str, str]:
    truth_fields, prediction_fields = comparable_fields(ctx)
    return (
        ctx.params.get("truth_field") or truth_fields[0],
        ctx.params.get("prediction_field") or prediction_fields[0],
    )


def _thresholds(ctx: Any) -> tuple[float, float]:
    iou, confidence = ctx.params.get("iou"), ctx.params.get("confidence")
    return 0.5 if iou is None else float(iou), float(confidence or 0)


def _choice(ctx: Any) -> Choice:
    what = ctx.params.get("what", "confusions")
    pair = (ctx.params.get("truth_class") or None, ctx.params.get("predicted_class") or None)
    return Choice(cells=(pair,)) if what == _PAIR else Choice((what,))


def comparable_fields(ctx: Any) -> tuple[list[str], list[str]]:
    """Label fields, and prediction fields of the same kind as the chosen one; likely ones first."""
    fields = evaluation_fields(ctx.dataset)
    usable = [names for names in fields.values() if len(names) >= 2]
    if not usable:
        raise Refusal(
            "Two fields of the same kind are needed: one with labels, one with predictions (boxes or classes)."
        )
    labels = sorted((name for names in usable for name in names), key=lambda name: name != "ground_truth")
    chosen = ctx.params.get("truth_field") or labels[0]
    partners = next((names for names in usable if chosen in names), usable[0])
    others = sorted((name for name in partners if name != chosen), key=lambda name: "predict" not in name)
    return labels, others
