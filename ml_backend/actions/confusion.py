"""Compare labels with predictions, and choose the outcomes of interest."""

import json
from dataclasses import dataclass
from typing import Literal, get_args

import fiftyone as fo
import numpy as np
from fiftyone.core.collections import SampleCollection

from ..analysis.confusion import Matches, Outcomes, Pairs, candidate_pairs
from ..errors import Refusal
from ..store.evaluation_columns import EvaluationColumns, read_evaluation
from ..store.segment_origins import Cell

What = Literal["false positives", "false negatives", "confusions", "true positives"]
Members = Literal["labels", "predictions", "both", "samples"]
WHATS: tuple[What, ...] = get_args(What)
MEMBERS: tuple[Members, ...] = get_args(Members)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Labels and predictions of a view with all pairs that overlap; thresholds are given to `match`.

    ``view`` has the stages of the compared view, as JSON; None = the whole dataset.
    """

    columns: EvaluationColumns
    pairs: Pairs
    view: str | None

    def match(self, *, iou: float = 0.5, confidence: float = 0.0, top_k: int = 1) -> Matches:
        """Match at these thresholds."""
        return self.pairs.match(iou=iou, confidence=confidence, top_k=top_k)

    def class_code(self, name: str | None) -> int:
        """The number of a class; -1 for None.

        Raises:
            Refusal: neither field holds this class.
        """
        if name is None:
            return -1
        if name not in self.columns.classes:
            listing = ", ".join(self.columns.classes[:20])
            raise Refusal(f"'{name}' is not a class of the two fields, which have: {listing}.")
        return self.columns.classes.index(name)


@dataclass(frozen=True)
class Choice:
    """The outcomes to choose: kinds of outcome, or cells of the matrix as (label, prediction) class names.

    None stands for no label or no prediction, which no class name can express.
    """

    outcomes: tuple[What, ...] = ()
    cells: tuple[Cell, ...] = ()


def evaluate(samples: SampleCollection, *, truth_field: str, prediction_field: str) -> Evaluation:
    """Compare two fields of a view: boxes or masks as matched pairs (COCO's rules), or the classes of samples.

    Raises:
        Refusal: fields that cannot be compared.
    """
    columns = read_evaluation(samples, truth_field=truth_field, prediction_field=prediction_field)
    pairs = candidate_pairs(columns.truth.objects, columns.predictions.objects, n_classes=len(columns.classes))
    stages = samples._serialize() if isinstance(samples, fo.DatasetView) else None
    return Evaluation(columns, pairs, json.dumps(stages) if stages else None)


def choose(evaluation: Evaluation, matches: Matches, choice: Choice) -> Outcomes:
    """The outcomes that match any part of a choice, once each, in their order.

    Raises:
        Refusal: an unknown kind of error or class.
    """
    outcomes = matches.outcomes
    chosen = np.zeros(len(outcomes), bool)
    truth, predicted = outcomes.truth_class, outcomes.predicted_class
    for what in choice.outcomes:
        if what == "false positives":
            chosen |= truth < 0
        elif what == "false negatives":
            chosen |= predicted < 0
        elif what == "confusions":
            chosen |= (truth >= 0) & (predicted >= 0) & (truth != predicted)
        elif what == "true positives":
            chosen |= (truth >= 0) & (truth == predicted)
        else:
            raise Refusal(f"'{what}' is not a kind of outcome: choose {', '.join(WHATS)}.")
    for truth_name, predicted_name in choice.cells:
        truth_code, predicted_code = evaluation.class_code(truth_name), evaluation.class_code(predicted_name)
        chosen |= (truth == truth_code) & (predicted == predicted_code)
    return outcomes.take(chosen)


def outcome_ids(evaluation: Evaluation, outcomes: Outcomes, members: Members) -> dict[str | None, list[str]]:
    """IDs to add to a segment, by patches field; None = whole samples.

    "labels" takes the label of a pair or, without a label, the prediction; "predictions" does the reverse. In
    classification, a sample has no objects, so the sample itself is always the member.

    Raises:
        Refusal: unknown members.
    """
    columns = evaluation.columns
    if as_members(members) == "samples" or columns.kind == "classification":
        return {None: columns.sample_ids[np.unique(samples_of(evaluation, outcomes))].tolist()}
    has_truth, has_prediction = outcomes.truth >= 0, outcomes.prediction >= 0
    truth_rows = outcomes.truth[has_truth if members != "predictions" else has_truth & ~has_prediction]
    prediction_rows = outcomes.prediction[has_prediction if members != "labels" else has_prediction & ~has_truth]
    ids_by_field = {
        columns.truth.field: columns.truth.ids[truth_rows].tolist(),
        columns.predictions.field: columns.predictions.ids[prediction_rows].tolist(),
    }
    return {name: ids for name, ids in ids_by_field.items() if ids}


def samples_of(evaluation: Evaluation, outcomes: Outcomes) -> np.ndarray:
    """(m,) number of the sample that contains each outcome."""
    truth, predictions = evaluation.columns.truth.objects.sample, evaluation.columns.predictions.objects.sample
    in_truth = truth[outcomes.truth] if len(truth) else np.full(len(outcomes), -1)
    in_predictions = predictions[outcomes.prediction] if len(predictions) else np.full(len(outcomes), -1)
    return np.where(outcomes.truth >= 0, in_truth, in_predictions)


def as_members(name: str) -> Members:
    """Check which objects of an outcome should become members of a segment.

    Raises:
        Refusal: an unknown kind of members.
    """
    if name not in MEMBERS:
        raise Refusal(f"'{name}' cannot be members: choose {', '.join(MEMBERS)}.")
    return name


def as_what(name: str) -> What:
    """Check a kind of outcome.

    Raises:
        Refusal: an unknown kind of outcome.
    """
    if name not in WHATS:
        raise Refusal(f"'{name}' is not a kind of outcome: choose {', '.join(WHATS)}.")
    return name
