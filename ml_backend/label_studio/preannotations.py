"""Pre-annotations of tasks: the suggestions of a task's sample, or of the boxes in it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..store.items import Items, as_ids, list_items
from ..store.suggestions import Suggestion, read_suggestions
from .ledger import Labeling, TaskRecord, as_labeling
from .mirror import Mirror, regions_of
from .windows import region_items

_DECIMALS = 4


@dataclass(frozen=True)
class Preannotation:
    """Classes proposed for a task, the confidence of each (0..1, calibrated), and the lowest confidence."""

    labeling: Labeling
    scores: Mapping[tuple[str, str], float]
    score: float
    sure: bool


def preannotations(mirror: Mirror, records: Sequence[TaskRecord]) -> dict[int, Preannotation]:
    """Task → its pre-annotation, by all controls that are filled in; tasks without a suggestion are left out."""
    by_control: dict[int, list[Preannotation]] = defaultdict(list)
    for view in mirror.control_views:
        for task, proposed in _by_one_control(view, records).items():
            by_control[task].append(proposed)
    return {task: _together(proposed) for task, proposed in by_control.items()}


def _by_one_control(mirror: Mirror, records: Sequence[TaskRecord]) -> dict[int, Preannotation]:
    by_sample = _of_boxes(mirror, records) if mirror.control.boxes else _of_images(mirror, records)
    return {
        record.task: _joined(by_sample[record.sample], mirror.control.classes)
        for record in records
        if record.sample and by_sample.get(record.sample) and not record.is_annotated
    }


def _together(proposed: Sequence[Preannotation]) -> Preannotation:
    """The proposals of several controls for a task as one, as certain as the least certain of them."""
    return Preannotation(
        labeling=as_labeling(pair for part in proposed for pair in part.labeling),
        scores={pair: score for part in proposed for pair, score in part.scores.items()},
        score=min(part.score for part in proposed),
        sure=all(part.sure for part in proposed),
    )


def as_prediction(mirror: Mirror, record: TaskRecord, proposed: Preannotation, version: str) -> dict[str, Any]:
    """A pre-annotation in Label Studio's prediction format; a box whose class is not filled in gets none.

    Windows with the same class side by side become one region.
    """
    control = mirror.control
    if control.windows:
        scores = {place: score for (place, _), score in proposed.scores.items()}
        result = region_items(control, record.candidates, dict(proposed.labeling), scores)
    elif control.boxes:
        labels, scores = dict(proposed.labeling), {place: score for (place, _), score in proposed.scores.items()}
        result = [
            control.box(region, labels.get(region.id), scores.get(region.id)) for region in regions_of(mirror, record)
        ]
    else:
        result = [item for view in mirror.control_views for item in view.choice(proposed.labeling)]
    return {"result": result, "score": proposed.score, "model_version": version}


def _of_images(mirror: Mirror, records: Sequence[TaskRecord]) -> dict[str, list[tuple[str, Suggestion]]]:
    ids = as_ids([record.sample for record in records if record.sample])
    suggestions = read_suggestions(mirror.dataset, Items(ids, ids), mirror.suggestions)
    return {
        sample: [(mirror.place, suggestion)]
        for sample, suggestion in zip(ids.tolist(), suggestions, strict=True)
        if suggestion is not None and not suggestion.confidences.keys().isdisjoint(mirror.control.classes)
    }


def _of_boxes(mirror: Mirror, records: Sequence[TaskRecord]) -> dict[str, list[tuple[str, Suggestion]]]:
    view = mirror.dataset.select([record.sample for record in records if record.sample])
    items = list_items(view, mirror.field)
    regions = [region for of_sample in view.values(f"{mirror.field}.detections.region") for region in of_sample or []]
    by_sample = defaultdict(list)
    suggestions = read_suggestions(mirror.dataset, items)
    for sample, region, suggestion in zip(items.sample_ids.tolist(), regions, suggestions, strict=True):
        if region is None or suggestion is None:  # Label Studio does not know a box that was drawn here
            continue
        if not suggestion.confidences.keys().isdisjoint(mirror.control.classes):
            by_sample[sample].append((region, suggestion))
    return by_sample


def _joined(parts: Sequence[tuple[str, Suggestion]], classes: Sequence[str]) -> Preannotation:
    scores = {
        (place, label): round(min(max(confidence, 0.0), 1.0), _DECIMALS)
        for place, suggestion in parts
        for label, confidence in suggestion.confidences.items()
        if label in classes
    }
    sure = all(suggestion.sure for _, suggestion in parts)
    return Preannotation(as_labeling(scores), scores, min(scores.values()), sure)
