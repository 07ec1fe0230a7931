"""From what a model confuses to a segment: compare labels with predictions, choose errors, keep them, do it again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import fiftyone as fo
import numpy as np
from fiftyone.core.collections import SampleCollection

from ..analysis.confusion import Matches, Objects, Outcomes, Pairs, candidate_pairs
from ..store.evaluation_columns import EvaluationColumns, LabelColumns, read_evaluation
from ..store.segments import Segment, load_segment, member_ids
from .segments import SegmentReport, add_to_segment, create_segment

What = Literal["false positives", "false negatives", "confusions", "true positives"]
Members = Literal["labels", "predictions", "both", "samples"]
WHATS: tuple[What, ...] = get_args(What)
MEMBERS: tuple[Members, ...] = get_args(Members)
NO_LABEL = "(no label)"
NO_PREDICTION = "(no prediction)"
_SAME_OBJECT_IOU = 0.5
_LARGEST_VIEW = 1_000_000  # characters; MongoDB holds 16 MB a record
_TOO_LARGE = "too large"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Labels and predictions of a view with all pairs that overlap; thresholds are chosen at `match`.

    ``view`` are the stages of the view that was compared, as JSON; None = the whole dataset.
    """

    columns: EvaluationColumns
    pairs: Pairs
    view: str | None

    def match(self, *, iou: float = 0.5, confidence: float = 0.0, top_k: int = 1) -> Matches:
        """Match at these thresholds."""
        return self.pairs.match(iou=iou, confidence=confidence, top_k=top_k)

    def class_code(self, name: str, nothing: str) -> int:
        """The number of a class; -1 for ``nothing``.

        Raises:
            ValueError: neither field holds this class.
        """
        if name == nothing:
            return -1
        if name not in self.columns.classes:
            listing = ", ".join(self.columns.classes[:20])
            raise ValueError(f"'{name}' is no class of the two fields; some that are: {listing}, or {nothing}.")
        return self.columns.classes.index(name)


@dataclass(frozen=True)
class Choice:
    """Which outcomes are meant: kinds of error, or cells of the matrix as (label, prediction) class names."""

    whats: tuple[What, ...] = ()
    cells: tuple[tuple[str, str], ...] = ()

    def sentence(self) -> str:
        """In words, for a record."""
        pairs = [f"label {truth}, prediction {prediction}" for truth, prediction in self.cells]
        return "; ".join([*self.whats, *pairs])


def evaluate(samples: SampleCollection, *, truth_field: str, prediction_field: str) -> Evaluation:
    """Compare two fields of a view: boxes or masks as matched pairs (COCO's rules), or the classes of samples.

    Raises:
        ValueError: fields that cannot be compared.
    """
    columns = read_evaluation(samples, truth_field=truth_field, prediction_field=prediction_field)
    pairs = candidate_pairs(columns.truth.objects, columns.predictions.objects, n_classes=len(columns.classes))
    stages = samples._serialize() if isinstance(samples, fo.DatasetView) else None
    return Evaluation(columns, pairs, json.dumps(stages) if stages else None)


def choose(evaluation: Evaluation, matches: Matches, choice: Choice) -> Outcomes:
    """The outcomes that are meant by any part of a choice, once each, in their order.

    Raises:
        ValueError: an unknown kind of error or class.
    """
    outcomes = matches.outcomes
    wanted = np.zeros(len(outcomes), bool)
    truth, predicted = outcomes.truth_class, outcomes.predicted_class
    for what in choice.whats:
        if what == "false positives":
            wanted |= truth < 0
        elif what == "false negatives":
            wanted |= predicted < 0
        elif what == "confusions":
            wanted |= (truth >= 0) & (predicted >= 0) & (truth != predicted)
        elif what == "true positives":
            wanted |= (truth >= 0) & (truth == predicted)
        else:
            raise ValueError(f"'{what}' is no kind of outcome: choose {', '.join(WHATS)}.")
    for truth_name, predicted_name in choice.cells:
        truth_code = evaluation.class_code(truth_name, NO_LABEL)
        predicted_code = evaluation.class_code(predicted_name, NO_PREDICTION)
        wanted |= (truth == truth_code) & (predicted == predicted_code)
    return outcomes.take(wanted)


def outcome_ids(evaluation: Evaluation, outcomes: Outcomes, members: Members) -> dict[str | None, list[str]]:
    """Ids to put into a segment, by patches field; None = whole samples.

    "labels" takes the label of a pair and, where there is none, the prediction; "predictions" the reverse. In
    classification a sample has no objects, so it is always the sample.

    Raises:
        ValueError: unknown members.
    """
    columns = evaluation.columns
    if members not in MEMBERS:
        raise ValueError(f"'{members}' cannot be members: choose {', '.join(MEMBERS)}.")
    if members == "samples" or columns.kind == "classification":
        return {None: columns.sample_ids[np.unique(samples_of(evaluation, outcomes))].tolist()}
    has_truth, has_prediction = outcomes.truth >= 0, outcomes.prediction >= 0
    truth_rows = outcomes.truth[has_truth if members != "predictions" else has_truth & ~has_prediction]
    prediction_rows = outcomes.prediction[has_prediction if members != "labels" else has_prediction & ~has_truth]
    found = {
        columns.truth.field: columns.truth.ids[truth_rows].tolist(),
        columns.predictions.field: columns.predictions.ids[prediction_rows].tolist(),
    }
    return {name: ids for name, ids in found.items() if ids}


def samples_of(evaluation: Evaluation, outcomes: Outcomes) -> np.ndarray:
    """(m,) number of the sample each outcome lies in."""
    truth, predictions = evaluation.columns.truth.objects.sample, evaluation.columns.predictions.objects.sample
    in_truth = truth[outcomes.truth] if len(truth) else np.full(len(outcomes), -1)
    in_predictions = predictions[outcomes.prediction] if len(predictions) else np.full(len(outcomes), -1)
    return np.where(outcomes.truth >= 0, in_truth, in_predictions)


def create_segment_from_confusion(
    samples: SampleCollection,
    *,
    truth_field: str,
    prediction_field: str,
    name: str,
    kind: str = "data quality",
    note: str = "",
    iou: float = 0.5,
    confidence: float = 0.0,
    choice: Choice,
    members: Members = "labels",
) -> SegmentReport:
    """Compare two fields of a view and make a segment of the errors that are meant.

    Args:
        choice: kinds of error and cells of the matrix
        members: "labels" (a prediction where there is no label), "predictions" (the reverse), "both" or "samples"

    Raises:
        ValueError: fields that cannot be compared, no such error at these thresholds, or a name that is taken.
    """
    evaluation = evaluate(samples, truth_field=truth_field, prediction_field=prediction_field)
    outcomes = choose(evaluation, evaluation.match(iou=iou, confidence=confidence), choice)
    how = made_by(evaluation, iou=iou, confidence=confidence, choice=choice, members=members)
    return keep(samples._root_dataset, evaluation, outcomes, name=name, kind=kind, note=note, members=members, how=how)


def keep(
    dataset: fo.Dataset,
    evaluation: Evaluation,
    outcomes: Outcomes,
    *,
    name: str,
    kind: str,
    note: str,
    members: Members,
    how: Mapping[str, Any],
) -> SegmentReport:
    """Make a segment of outcomes; a segment of both fields when both have members.

    Raises:
        ValueError: no outcomes, an unknown kind, or a name that is taken.
    """
    if not len(outcomes):
        raise ValueError("No such error at these thresholds: lower IoU or confidence, or choose another kind.")
    (field, ids), *rest = outcome_ids(evaluation, outcomes, members).items()
    report = create_segment(dataset, ids, name=name, kind=kind, note=note, patches_field=field, made_by=how)
    return _and_more(dataset, report, rest)


def keep_in(
    dataset: fo.Dataset, evaluation: Evaluation, outcomes: Outcomes, *, slug: str, members: Members
) -> SegmentReport:
    """Put outcomes into a segment there is; one of samples takes their samples.

    Raises:
        ValueError: no outcomes or no such segment.
    """
    if not len(outcomes):
        raise ValueError("No such error at these thresholds: lower IoU or confidence, or choose another kind.")
    held = load_segment(dataset, slug)
    wanted: Members = members if held.fields else "samples"
    (field, ids), *rest = outcome_ids(evaluation, outcomes, wanted).items()
    return _and_more(dataset, add_to_segment(dataset, ids, slug=slug, patches_field=field), rest)


def made_by(
    evaluation: Evaluation, *, iou: float, confidence: float, choice: Choice, members: Members
) -> dict[str, Any]:
    """The record of how a segment was made, from which `remake_segment` makes it again."""
    columns = evaluation.columns
    return {
        "by": "confusion",
        "truth_field": columns.truth.field,
        "prediction_field": columns.predictions.field,
        "iou": iou,
        "confidence": confidence,
        "whats": list(choice.whats),
        "cells": [list(cell) for cell in choice.cells],
        "members": members,
        "samples": len(columns.sample_ids),
        "view": _TOO_LARGE if len(evaluation.view or "") > _LARGEST_VIEW else evaluation.view,
    }


@dataclass(frozen=True)
class Remake:
    """A segment made again, compared with the one before: what stayed in it, what is gone, what is new.

    ``lost`` members of the one before are no longer in the dataset (their field was written anew), so that
    nothing can be said of them.
    """

    report: SegmentReport | None
    name_before: str
    before: int
    after: int
    stayed: int
    lost: int

    def sentence(self) -> str:
        """The closing message."""
        gone, new = self.before - self.stayed - self.lost, self.after - self.stayed
        told = f"“{self.name_before}” had {self.before:,}, now there are {self.after:,}: "
        told += f"{self.stayed:,} stayed, {gone:,} are gone, {new:,} are new."
        if self.lost:
            told += f" {self.lost:,} cannot be compared: they are no longer in the dataset."
        return told if self.report is None else f"{told} Kept as “{self.report.segment.name}”."


def remake_segment(
    dataset: fo.Dataset, *, slug: str, prediction_field: str | None = None, name: str | None = None
) -> Remake:
    """Make a segment of a confusion again, by the same rules on predictions of today, and compare.

    Labels and samples are compared by id; predictions of another field by class and overlap (IoU of 0.5 or more).

    Args:
        prediction_field: default: the one it was made from
        name: of the new segment; None = compare alone, make none

    Raises:
        ValueError: the segment was not made from a confusion, or from a view that is not kept.
    """
    segment = load_segment(dataset, slug)
    how = segment.made_by
    if how.get("by") != "confusion":
        raise ValueError(f"“{segment.name}” was not made from a confusion, so there is no rule to make it again by.")
    fields = {"truth_field": how["truth_field"], "prediction_field": prediction_field or how["prediction_field"]}
    choice = Choice(tuple(how["whats"]), tuple((truth, predicted) for truth, predicted in how["cells"]))
    samples = _same_samples(dataset, segment)
    evaluation = evaluate(samples, **fields)
    outcomes = choose(evaluation, evaluation.match(iou=how["iou"], confidence=how["confidence"]), choice)
    fresh = outcome_ids(evaluation, outcomes, how["members"])
    held = {target: set(member_ids(dataset, segment, target).tolist()) for target in segment.targets}
    stayed = 0
    for target, ids in fresh.items():
        if target in held:
            stayed += len(held[target].intersection(ids))
        elif held.get(how["prediction_field"]):
            old = evaluate(samples, truth_field=how["truth_field"], prediction_field=how["prediction_field"])
            stayed += _found_again(old, held[how["prediction_field"]], evaluation, set(ids))
    report = None
    if name is not None:
        recorded = made_by(
            evaluation, iou=how["iou"], confidence=how["confidence"], choice=choice, members=how["members"]
        )
        report = keep(
            dataset,
            evaluation,
            outcomes,
            name=name,
            kind=segment.kind,
            note=segment.note,
            members=how["members"],
            how={**recorded, "again": segment.slug},
        )
    present = sum(len(ids) for ids in held.values())
    return Remake(
        report=report,
        name_before=segment.name,
        before=max(segment.size, present),
        after=sum(len(ids) for ids in fresh.values()),
        stayed=stayed,
        lost=max(segment.size - present, 0),
    )


def _and_more(dataset: fo.Dataset, report: SegmentReport, rest: list[tuple[str | None, list[str]]]) -> SegmentReport:
    asked, added = report.asked, report.added
    for field, ids in rest:
        report = add_to_segment(dataset, ids, slug=report.segment.slug, patches_field=field)
        asked, added = asked + report.asked, added + report.added
    return SegmentReport(report.segment, asked=asked, added=added)


def _same_samples(dataset: fo.Dataset, segment: Segment) -> SampleCollection:
    """What the segment was made from: the dataset, or the view by its stages (a filter may find others now)."""
    view = segment.made_by.get("view")
    if view == _TOO_LARGE:
        raise ValueError(
            f"“{segment.name}” was made from a view of too many chosen samples to keep: "
            "show them again and create a new segment from the confusion."
        )
    return dataset if view is None else fo.DatasetView._build(dataset, json.loads(view))


def _found_again(old: Evaluation, old_ids: set[str], new: Evaluation, new_ids: set[str]) -> int:
    """How many old objects lie where a new one of the same class does."""
    classes = {name: code for code, name in enumerate(sorted({*old.columns.classes, *new.columns.classes}))}
    before = _part(old.columns, old.columns.predictions, old_ids, classes)
    after = _part(new.columns, new.columns.predictions, new_ids, classes)
    matches = candidate_pairs(before, after, n_classes=len(classes)).match(iou=_SAME_OBJECT_IOU, classwise=True)
    return len(matches.true_positives())


def _part(columns: EvaluationColumns, side: LabelColumns, ids: set[str], classes: Mapping[str, int]) -> Objects:
    rows = np.flatnonzero(np.isin(side.ids, list(ids)))
    codes = np.array([classes[name] for name in columns.classes], int)
    label = side.objects.label[rows]
    return Objects(
        sample=side.objects.sample[rows],
        label=np.where(label >= 0, codes[label], -1),
        box=None if side.objects.box is None else side.objects.box[rows],
        confidence=side.objects.confidence[rows],
    )
