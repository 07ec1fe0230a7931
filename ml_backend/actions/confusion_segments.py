"""Segments of a model's confusions: create them, add to them, and rebuild them from new predictions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np
from fiftyone.core.collections import SampleCollection

from ..analysis.confusion import Objects, Outcomes, candidate_pairs
from ..errors import Refusal
from ..store.evaluation_columns import EvaluationColumns, LabelColumns
from ..store.segment_origins import ConfusionRule
from ..store.segment_records import Segment, load_segment
from ..store.segment_snapshots import all_or_nothing
from ..store.segments import member_ids
from ..wording import agree, count
from .confusion import Choice, Evaluation, Members, as_members, as_what, choose, evaluate, outcome_ids
from .segments import SegmentReport, add_to_segment, create_segment

_SAME_OBJECT_IOU = 0.5
_LARGEST_VIEW = 1_000_000  # characters; MongoDB's limit is 16 MB per record
_NO_OUTCOMES = "There are no such errors at these thresholds: lower the IoU or the confidence, or choose another kind."


@dataclass(frozen=True)
class Remake:
    """A rebuilt segment, compared with the previous one: members that stayed, left, or are new.

    ``lost`` members of the previous one are no longer in the dataset (their field was rewritten) and cannot be
    compared.
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
        text = (
            f"“{self.name_before}” had {count(self.before, 'member')}; the same rule finds {self.after:,} now: "
            f"{self.stayed:,} stayed, {gone:,} {agree(gone, 'is')} gone, {new:,} {agree(new, 'is')} new."
        )
        if self.lost:
            text += (
                f" {self.lost:,} cannot be compared: {agree(self.lost, 'it')} {agree(self.lost, 'is')} no longer "
                "in the dataset."
            )
        return text if self.report is None else f"{text} Kept as “{self.report.segment.name}”."


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
    """Compare two fields of a view and make a segment of the chosen outcomes.

    Args:
        choice: kinds of outcome and cells of the matrix
        members: "labels" (a prediction where there is no label), "predictions" (the reverse), "both", or "samples"

    Raises:
        Refusal: fields that cannot be compared, no such outcome at these thresholds, or a name that is taken.
    """
    evaluation = evaluate(samples, truth_field=truth_field, prediction_field=prediction_field)
    outcomes = choose(evaluation, evaluation.match(iou=iou, confidence=confidence), choice)
    rule = rule_of(evaluation, iou=iou, confidence=confidence, choice=choice, members=members)
    return keep(samples._root_dataset, evaluation, outcomes, name=name, kind=kind, note=note, rule=rule)


def keep(
    dataset: fo.Dataset,
    evaluation: Evaluation,
    outcomes: Outcomes,
    *,
    name: str,
    kind: str,
    note: str,
    rule: ConfusionRule,
) -> SegmentReport:
    """Create a segment from outcomes; it covers both fields when both have members.

    Raises:
        Refusal: no outcomes, an unknown kind, or a name that is taken.
    """
    if not len(outcomes):
        raise Refusal(_NO_OUTCOMES)
    (field, ids), *rest = outcome_ids(evaluation, outcomes, as_members(rule.members)).items()
    report = create_segment(dataset, ids, name=name, kind=kind, note=note, patches_field=field, made_by=rule)
    with all_or_nothing(dataset, new=report.segment):
        return _add_rest(dataset, report, rest)


def keep_in(
    dataset: fo.Dataset, evaluation: Evaluation, outcomes: Outcomes, *, slug: str, members: Members
) -> SegmentReport:
    """Add outcomes to an existing segment; a segment of samples takes their samples.

    Raises:
        Refusal: no outcomes or no such segment.
    """
    if not len(outcomes):
        raise Refusal(_NO_OUTCOMES)
    segment = load_segment(dataset, slug)
    (field, ids), *rest = outcome_ids(evaluation, outcomes, members if segment.fields else "samples").items()
    with all_or_nothing(dataset, segment):
        return _add_rest(dataset, add_to_segment(dataset, ids, slug=slug, patches_field=field), rest)


def rule_of(
    evaluation: Evaluation, *, iou: float, confidence: float, choice: Choice, members: Members, by_hand: bool = False
) -> ConfusionRule:
    """The rule by which a segment was made, from which `remake_segment` rebuilds it.

    Args:
        by_hand: only some of the outcomes were taken, so that the rule alone does not give the segment
    """
    columns = evaluation.columns
    too_large = len(evaluation.view or "") > _LARGEST_VIEW
    return ConfusionRule(
        truth_field=columns.truth.field,
        prediction_field=columns.predictions.field,
        iou=iou,
        confidence=confidence,
        whats=choice.whats,
        cells=choice.cells,
        members=members,
        samples=len(columns.sample_ids),
        view=None if too_large else evaluation.view,
        too_large=too_large,
        by_hand=by_hand,
    )


def remake_segment(
    dataset: fo.Dataset, *, slug: str, prediction_field: str | None = None, name: str | None = None
) -> Remake:
    """Rebuild a segment of a confusion with the same rule on current predictions, and compare.

    Labels and samples are compared by id; predictions of another field by class and overlap (IoU of 0.5 or more).

    Args:
        prediction_field: default: the one it was made from
        name: of the new segment; None = compare only, make none

    Raises:
        Refusal: the segment was not made from a confusion, or its view is no longer stored.
    """
    segment = load_segment(dataset, slug)
    rule = remakable_rule(segment)
    if rule is None:
        raise Refusal(f"“{segment.name}” was not made from a confusion, so there is no rule from which to rebuild it.")
    samples = _same_samples(dataset, segment, rule)
    field = prediction_field or rule.prediction_field
    evaluation = evaluate(samples, truth_field=rule.truth_field, prediction_field=field)
    choice = Choice(tuple(as_what(what) for what in rule.whats), rule.cells)
    outcomes = choose(evaluation, evaluation.match(iou=rule.iou, confidence=rule.confidence), choice)
    ids_now = outcome_ids(evaluation, outcomes, as_members(rule.members))
    ids_before = {target: set(member_ids(dataset, segment, target).tolist()) for target in segment.targets}
    stayed = _count_stayed(samples, rule, ids_before, evaluation, ids_now)
    report = None
    if name is not None:
        again = rule_of(
            evaluation, iou=rule.iou, confidence=rule.confidence, choice=choice, members=as_members(rule.members)
        )
        again = replace(again, remade_from=segment.slug)
        report = keep(dataset, evaluation, outcomes, name=name, kind=segment.kind, note=segment.note, rule=again)
    present = sum(len(ids) for ids in ids_before.values())
    return Remake(
        report=report,
        name_before=segment.name,
        before=max(segment.size, present),
        after=sum(len(ids) for ids in ids_now.values()),
        stayed=stayed,
        lost=max(segment.size - present, 0),
    )


def remakable_rule(segment: Segment) -> ConfusionRule | None:
    """The rule that reproduces a segment; None if a person chose its members."""
    rule = segment.made_by
    return rule if isinstance(rule, ConfusionRule) and not rule.by_hand else None


def _count_stayed(
    samples: SampleCollection,
    rule: ConfusionRule,
    before: Mapping[str | None, set[str]],
    evaluation: Evaluation,
    now: Mapping[str | None, list[str]],
) -> int:
    stayed = 0
    for target, ids in now.items():
        if target in before:
            stayed += len(before[target].intersection(ids))
        elif before.get(rule.prediction_field):
            old = evaluate(samples, truth_field=rule.truth_field, prediction_field=rule.prediction_field)
            stayed += _found_again(old, before[rule.prediction_field], evaluation, set(ids))
    return stayed


def _add_rest(dataset: fo.Dataset, report: SegmentReport, rest: list[tuple[str | None, list[str]]]) -> SegmentReport:
    given, added = report.given, report.added
    for field, ids in rest:
        report = add_to_segment(dataset, ids, slug=report.segment.slug, patches_field=field)
        given, added = given + report.given, added + report.added
    return SegmentReport(report.segment, given=given, added=added)


def _same_samples(dataset: fo.Dataset, segment: Segment, rule: ConfusionRule) -> SampleCollection:
    """The samples that a segment was made from: the dataset, or the view by its stages (filters may match others)."""
    if rule.too_large:
        raise Refusal(
            f"“{segment.name}” was made from a view with too many selected samples to store: "
            "show them again and create a new segment from the confusion."
        )
    return dataset if rule.view is None else fo.DatasetView._build(dataset, json.loads(rule.view))


def _found_again(old: Evaluation, old_ids: set[str], new: Evaluation, new_ids: set[str]) -> int:
    """Count the old objects that overlap a new one of the same class."""
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
