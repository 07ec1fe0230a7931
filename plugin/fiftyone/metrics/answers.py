"""The answers of the panel `model_metrics` to its front end (metrics/contract.ts), as plain values."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from ....ml_backend.actions.confusion import Choice, Evaluation, samples_of
from ....ml_backend.actions.confusion_segments import Remake, remakable_rule
from ....ml_backend.analysis.confusion import Matches, Outcomes
from ....ml_backend.errors import Refusal
from ....ml_backend.store.segment_origins import RuleRun
from ....ml_backend.store.segment_records import Segment
from .comparisons import Comparison

Order = Literal["none", "confidence", "iou low", "iou high", "pair"]


def report_of(comparison: Comparison, matches: Matches) -> dict[str, Any]:
    """Matrix and metrics at the thresholds of the matches."""
    columns = comparison.evaluation.columns
    counts = matches.matrix()
    rows, places = np.nonzero(counts)
    metrics = matches.metrics()
    per_class = ("precision", "recall", "f1", "support", "average_precision")
    truth = columns.truth.objects
    return {
        "evaluation": comparison.token,
        "kind": columns.kind,
        "truth_field": columns.truth.field,
        "prediction_field": columns.predictions.field,
        "classes": columns.classes,
        "samples": len(columns.sample_ids),
        "labels": int(((truth.label >= 0) & ~truth.crowd).sum()),
        "predictions": int((columns.predictions.objects.label >= 0).sum()),
        "scored": columns.predictions.scored,
        "guesses": _most_guesses(comparison.evaluation),
        "mask_pairs": comparison.evaluation.pairs.mask_pairs,
        "cells": {
            "rows": _pack(rows),
            "columns": _pack(places),
            "counts": _pack(counts[rows, places]),
        },
        "per_class": {name: _numbers(getattr(metrics, name)) for name in per_class},
        "weighted": {
            "precision": metrics.weighted_precision,
            "recall": metrics.weighted_recall,
            "f1": metrics.weighted_f1,
            "map": _number(metrics.mean_average_precision),
        },
        "totals": {
            "true positives": len(matches.true_positives()),
            "confusions": len(matches.confusions()),
            "false positives": len(matches.false_positives()),
            "false negatives": len(matches.false_negatives()),
        },
    }


def choice_of(params: Mapping[str, Any]) -> Choice:
    """The cells and kinds of outcome a message names."""
    return Choice(tuple(params.get("whats", ())), tuple((truth, guess) for truth, guess in params.get("cells", ())))


def ordered(outcomes: Outcomes, order: str) -> Outcomes:
    """Sort outcomes as a tab shows them; equal ones stay in their order.

    Raises:
        Refusal: an unknown order.
    """
    if order not in get_args(Order):
        raise Refusal(f"'{order}' is not an order: choose one of {', '.join(get_args(Order))}.")
    if order == "confidence":
        return outcomes.by_confidence()
    if order == "iou low":
        return outcomes.by_iou()
    if order == "iou high":
        return outcomes.take(np.argsort(-np.nan_to_num(outcomes.iou, nan=-1.0), kind="stable"))
    if order == "pair":
        return outcomes.take(np.lexsort((outcomes.predicted_class, outcomes.truth_class)))
    return outcomes


def picked(outcomes: Outcomes, rows: Sequence[Sequence[int]] | None, without: Sequence[Sequence[int]] = ()) -> Outcomes:
    """The outcomes named by their rows (label, prediction), None = all of them, except those in ``without``."""
    pairs = list(zip(outcomes.truth.tolist(), outcomes.prediction.tolist(), strict=True))
    dropped = {(int(truth), int(prediction)) for truth, prediction in without}
    chosen = set(pairs) if rows is None else {(int(truth), int(prediction)) for truth, prediction in rows}
    return outcomes.take(np.array([pair in chosen and pair not in dropped for pair in pairs], bool))


def items_of(evaluation: Evaluation, outcomes: Outcomes) -> list[dict[str, Any]]:
    """Each outcome with its picture, boxes and classes."""
    columns = evaluation.columns
    sample = samples_of(evaluation, outcomes).tolist()
    truth_box, prediction_box = columns.truth.objects.box, columns.predictions.objects.box

    def box(boxes: np.ndarray | None, row: int) -> list[float] | None:
        return None if boxes is None or row < 0 else [float(number) for number in boxes[row]]

    def name(code: int) -> str | None:
        return columns.classes[code] if code >= 0 else None

    return [
        {
            "rows": [truth, prediction],
            "sample_id": str(columns.sample_ids[sample[i]]),
            "image": columns.filepaths[sample[i]],
            "truth_box": box(truth_box, truth),
            "prediction_box": box(prediction_box, prediction),
            "truth_class": name(int(outcomes.truth_class[i])),
            "predicted_class": name(int(outcomes.predicted_class[i])),
            "iou": _number(outcomes.iou[i]),
            "confidence": _number(outcomes.confidence[i]),
        }
        for i, (truth, prediction) in enumerate(zip(outcomes.truth.tolist(), outcomes.prediction.tolist(), strict=True))
    ]


def segment_info(segment: Segment) -> dict[str, Any]:
    """A segment as the panel lists it."""
    return {
        "slug": segment.slug,
        "name": segment.name,
        "kind": segment.kind,
        "note": segment.note,
        "noun": segment.noun,
        "size": segment.size,
        "sizes": [[f"{at:%Y-%m-%dT%H:%M:%SZ}", size] for at, size in segment.sizes],
        "origin": segment.origin(),
        "can_remake": remakable_rule(segment) is not None,
        "runs": [run_info(run) for run in segment.runs],
    }


def run_info(run: RuleRun) -> dict[str, Any]:
    """What the rule of a segment found at a time, as the panel plots it."""
    return {
        "at": f"{run.at:%Y-%m-%dT%H:%M:%SZ}",
        "field": run.prediction_field,
        "members": run.members,
        "precision": run.precision,
        "recall": run.recall,
        "f1": run.f1,
    }


def remake_info(remake: Remake, shown_at_once: int) -> dict[str, Any]:
    """A comparison of a segment with what its rule finds now, and the members that differ, as the grid shows them."""
    return {
        "stayed": remake.stayed,
        "lost": remake.lost,
        "gone": sum(map(len, remake.gone.values())),
        "new": sum(map(len, remake.new.values())),
        "gone_ids": _by_field(remake.gone, shown_at_once),
        "new_ids": _by_field(remake.new, shown_at_once),
        "runs": [run_info(run) for run in remake.runs],
    }


def _by_field(ids: Mapping[str | None, Sequence[str]], shown_at_once: int) -> dict[str, list[str]]:
    """Field → IDs, "" = whole samples."""
    return {field or "": list(some[:shown_at_once]) for field, some in ids.items() if some}


def _most_guesses(evaluation: Evaluation) -> int:
    if not evaluation.pairs.is_classification or not len(evaluation.columns.predictions.ids):
        return 1
    return int(np.bincount(evaluation.columns.predictions.objects.sample).max())


def _pack(numbers: np.ndarray) -> str:
    return base64.b64encode(numbers.astype("<u4").tobytes()).decode()


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _numbers(values: np.ndarray) -> list[float | None]:
    return [_number(value) for value in np.asarray(values, float).tolist()]
