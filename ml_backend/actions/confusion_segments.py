"""Segments of a model's confusions: create them, add to them, and rebuild them from new predictions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np
from fiftyone.core.collections import SampleCollection

from ..analysis.confusion import Objects, Outcomes, candidate_pairs
from ..errors import Refusal
from ..store.evaluation_columns import EvaluationColumns, LabelColumns
from ..store.records import moment
from ..store.segment_origins import ConfusionRule, RuleRun
from ..store.segment_records import Segment, load_segment, write_segment
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
    """A rebuilt segment, compared with the previous one.

    Attributes:
        report: of the segment that was made; None if nothing but a comparison was asked for.
        name_before: of the previous segment.
        before: its members.
        after: those that the rule finds now.
        stayed: those that are in both.
        gone: field → IDs of members that the rule does not find any longer; None = whole samples.
        new: field → IDs that only the rule now finds.
        lost: previous members that are no longer in the dataset (their field was rewritten) and cannot be compared.
        runs: what the rule found and how good the predictions were, over time; the last is the current one.
    """

    report: SegmentReport | None
    name_before: str
    before: int
    after: int
    stayed: int
    gone: Mapping[str | None, list[str]]
    new: Mapping[str | None, list[str]]
    lost: int
    runs: tuple[RuleRun, ...]

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
        if len(self.runs) > 1:
            text += f" F1 was {self.runs[-2].f1:.3f} and is {self.runs[-1].f1:.3f}."
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
    runs: Sequence[RuleRun] = (),
) -> SegmentReport:
    """Create a segment from outcomes; it covers both fields when both have members.

    Args:
        runs: earlier ones of the same rule

    Raises:
        Refusal: no outcomes, an unknown kind, or a name that is taken.
    """
    if not len(outcomes):
        raise Refusal(_NO_OUTCOMES)
    found = outcome_ids(evaluation, outcomes, as_members(rule.members))
    (field, ids), *rest = found.items()
    report = create_segment(dataset, ids, name=name, kind=kind, note=note, patches_field=field, made_by=rule)
    with all_or_nothing(dataset, new=report.segment):
        report = _add_rest(dataset, report, rest)
        segment = with_runs(dataset, report.segment, [*runs, _run_of(evaluation, rule, found)])
        return replace(report, segment=segment)


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
        outcomes=choice.outcomes,
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
    outcomes = choose(evaluation, evaluation.match(iou=rule.iou, confidence=rule.confidence), _choice_of(rule))
    ids_now = outcome_ids(evaluation, outcomes, as_members(rule.members))
    ids_before = {target: set(member_ids(dataset, segment, target).tolist()) for target in segment.targets}
    kept_before, kept_now = _stayed(samples, rule, ids_before, evaluation, ids_now)
    runs = [*_known_runs(samples, segment, rule, field), _run_of(evaluation, rule, ids_now)]
    report = None
    if name is not None:
        again = replace(_same_rule(evaluation, rule), remade_from=segment.slug)
        texts = {"name": name, "kind": segment.kind, "note": segment.note}
        report = keep(dataset, evaluation, outcomes, **texts, rule=again, runs=runs)
    runs = with_runs(dataset, segment, runs).runs
    present = sum(len(ids) for ids in ids_before.values())
    return Remake(
        report=report,
        name_before=segment.name,
        before=max(segment.size, present),
        after=sum(len(ids) for ids in ids_now.values()),
        stayed=sum(map(len, kept_now.values())),
        gone={target: sorted(ids - kept_before.get(target, set())) for target, ids in ids_before.items()},
        new={target: [one for one in ids if one not in kept_now.get(target, ())] for target, ids in ids_now.items()},
        lost=max(segment.size - present, 0),
        runs=tuple(runs),
    )


def with_runs(dataset: fo.Dataset, segment: Segment, runs: Sequence[RuleRun]) -> Segment:
    """The segment with these runs of its rule, written; one that found the same as the one before is left out."""
    changed = [run for number, run in enumerate(runs) if not number or not run.finds_the_same_as(runs[number - 1])]
    kept = replace(load_segment(dataset, segment.slug), runs=changed)
    write_segment(dataset, kept)
    return kept


def remakable_rule(segment: Segment) -> ConfusionRule | None:
    """The rule that reproduces a segment; None if a person chose its members."""
    rule = segment.made_by
    return rule if isinstance(rule, ConfusionRule) and not rule.by_hand else None


def _same_rule(evaluation: Evaluation, rule: ConfusionRule) -> ConfusionRule:
    """The rule applied to other predictions."""
    return rule_of(
        evaluation,
        iou=rule.iou,
        confidence=rule.confidence,
        choice=_choice_of(rule),
        members=as_members(rule.members),
    )


def _choice_of(rule: ConfusionRule) -> Choice:
    return Choice(tuple(as_what(what) for what in rule.outcomes), rule.cells)


def _run_of(evaluation: Evaluation, rule: ConfusionRule, members: Mapping[str | None, list[str]]) -> RuleRun:
    metrics = evaluation.match(iou=rule.iou, confidence=rule.confidence).metrics()
    return RuleRun(
        at=moment(),
        prediction_field=evaluation.columns.predictions.field,
        members=sum(map(len, members.values())),
        precision=metrics.weighted_precision,
        recall=metrics.weighted_recall,
        f1=metrics.weighted_f1,
    )


def _known_runs(samples: SampleCollection, segment: Segment, rule: ConfusionRule, field: str) -> list[RuleRun]:
    """The runs of the rule so far; of a segment without any, made by an earlier version, one on its own predictions."""
    if segment.runs or field == rule.prediction_field or not samples.has_field(rule.prediction_field):
        return segment.runs
    old = evaluate(samples, truth_field=rule.truth_field, prediction_field=rule.prediction_field)
    outcomes = choose(old, old.match(iou=rule.iou, confidence=rule.confidence), _choice_of(rule))
    return [replace(_run_of(old, rule, outcome_ids(old, outcomes, as_members(rule.members))), at=segment.created_at)]


def _stayed(
    samples: SampleCollection,
    rule: ConfusionRule,
    before: Mapping[str | None, set[str]],
    evaluation: Evaluation,
    now: Mapping[str | None, list[str]],
) -> tuple[dict[str | None, set[str]], dict[str | None, set[str]]]:
    """Which members stayed: their IDs before and now, which differ where predictions are of another field."""
    kept_before: dict[str | None, set[str]] = {}
    kept_now: dict[str | None, set[str]] = {}
    for target, ids in now.items():
        if target in before:
            kept_before[target] = kept_now[target] = before[target].intersection(ids)
        elif before.get(rule.prediction_field):
            old = evaluate(samples, truth_field=rule.truth_field, prediction_field=rule.prediction_field)
            pairs = _found_again(old, before[rule.prediction_field], evaluation, set(ids))
            kept_before[rule.prediction_field], kept_now[target] = pairs
    return kept_before, kept_now


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


def _found_again(old: Evaluation, old_ids: set[str], new: Evaluation, new_ids: set[str]) -> tuple[set[str], set[str]]:
    """The old objects that overlap a new one of the same class, and those new ones."""
    classes = {name: code for code, name in enumerate(sorted({*old.columns.classes, *new.columns.classes}))}
    before, after = _rows(old.columns.predictions, old_ids), _rows(new.columns.predictions, new_ids)
    pairs = candidate_pairs(
        _part(old.columns, old.columns.predictions, before, classes),
        _part(new.columns, new.columns.predictions, after, classes),
        n_classes=len(classes),
    )
    found = pairs.match(iou=_SAME_OBJECT_IOU, classwise=True).true_positives()
    return (
        set(old.columns.predictions.ids[before[found.truth]].tolist()),
        set(new.columns.predictions.ids[after[found.prediction]].tolist()),
    )


def _rows(side: LabelColumns, ids: set[str]) -> np.ndarray:
    return np.flatnonzero(np.isin(side.ids, list(ids)))


def _part(columns: EvaluationColumns, side: LabelColumns, rows: np.ndarray, classes: Mapping[str, int]) -> Objects:
    codes = np.array([classes[name] for name in columns.classes], int)
    label = side.objects.label[rows]
    return Objects(
        sample=side.objects.sample[rows],
        label=np.where(label >= 0, codes[label], -1),
        box=None if side.objects.box is None else side.objects.box[rows],
        confidence=side.objects.confidence[rows],
    )
