"""Parts of the form of “Create segment from confusion”: fields, thresholds, and the outcomes to keep."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.confusion import Choice, choose, evaluate
from ..ml_backend.errors import Refusal
from ..ml_backend.store.evaluation_columns import evaluation_fields
from ..ml_backend.wording import count
from .running import target_view

PAIR = "one pair of classes"
_COUNTED_AUTOMATICALLY = 2_000  # samples; with 20 objects each, counting takes about half a second


def show_count(ctx: Any, inputs: types.Object) -> None:
    """Say how many items the segment would have; in a large view only on request, because this reads all labels."""
    samples = target_view(ctx)
    if len(samples) > _COUNTED_AUTOMATICALLY:
        inputs.bool("count", default=False, label="Count the members first", description="Reads all labels of the view")
        if not ctx.params.get("count"):
            return
    truth_field, prediction_field = chosen_fields(ctx)
    iou, confidence = chosen_thresholds(ctx)
    evaluation = evaluate(samples, truth_field=truth_field, prediction_field=prediction_field)
    number = len(choose(evaluation, evaluation.match(iou=iou, confidence=confidence), chosen_outcomes(ctx)))
    view = types.Notice if number else types.Warning
    inputs.view("found", view(label=f"{number:,} of them in {count(len(samples), 'sample')}."))


def chosen_fields(ctx: Any) -> tuple[str, str]:
    """The field of labels and the field of predictions in a form."""
    truth_fields, prediction_fields = comparable_fields(ctx)
    return (
        ctx.params.get("truth_field") or truth_fields[0],
        ctx.params.get("prediction_field") or prediction_fields[0],
    )


def chosen_thresholds(ctx: Any) -> tuple[float, float]:
    """The IoU and the confidence in a form."""
    iou, confidence = ctx.params.get("iou"), ctx.params.get("confidence")
    return 0.5 if iou is None else float(iou), float(confidence or 0)


def chosen_outcomes(ctx: Any) -> Choice:
    """The outcomes that a form keeps: one kind of error, or one pair of classes."""
    what = ctx.params.get("what", "confusions")
    pair = (ctx.params.get("truth_class") or None, ctx.params.get("predicted_class") or None)
    return Choice(cells=(pair,)) if what == PAIR else Choice((what,))


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
