"""What panels inside Label Studio read: the map of a project, the neighbors of a task, and what to label next."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..actions.next_best import next_to_label
from ..embedding.base import Media
from ..errors import Refusal
from ..label_studio.ledger import TaskRecord
from ..label_studio.mirror import EMBEDDINGS, Mirror, counting, labeling_of_result
from ..store.embeddings import list_embeddings, locate
from ..store.functions import list_functions
from ..store.items import Items, as_ids
from ..store.maps import list_maps, load_map
from ..store.medium_fields import CARRIED
from ..store.scores import score_path
from ..store.segment_records import SEGMENT_KINDS
from ..store.segments import list_segments
from ..store.session import open_session
from ..store.suggestions import Suggestion, read_suggestions
from .project_model import MAP
from .selected_tasks import check_embedded, check_whole_images
from .sync import ProjectSync

_DECIMALS = 4
Document = dict[str, Any]


def describe_project(project: ProjectSync) -> Document:
    """What forms need to know: the classes, and the project's progress."""
    with project.lock:
        mirror = project.opened()
        records = mirror.ledger.read().values()
        return {
            "project": project.project,
            "control": mirror.control.from_name,
            "classes": list(mirror.control.classes),
            "boxes": bool(mirror.control.boxes),
            "multi": mirror.control.multi,
            "tasks": len(records),
            "with_sample": sum(bool(record.sample) for record in records),
            "labeled": sum(record.is_annotated for record in records),
            "embedded": EMBEDDINGS in list_embeddings(mirror.dataset),
            "mapped": MAP in list_maps(mirror.dataset),
            "precision": project.settings.precision,
            "segment_kinds": list(SEGMENT_KINDS),
            "segments": [
                {"name": one.name, "kind": one.kind, "size": one.size} for one in list_segments(mirror.dataset)
            ],
            "functions": [one.name for one in list_functions(mirror.dataset)],
            "problem": project.status.problem or project.status.note,
        }


def map_of(project: ProjectSync) -> Document:
    """The map as columns, one value per task: coordinates, label, prediction, annotator, and scores.

    Raises:
        Refusal: there is no map yet, or it is one of boxes
    """
    with project.lock:
        mirror = project.opened()
        check_whole_images(mirror, "The map")
        if MAP not in list_maps(mirror.dataset):
            raise Refusal(
                "There is no map of this project yet: the backend computes it when nobody has annotated for a while."
            )
        shown = load_map(mirror.dataset, MAP)
        records = {record.sample: record for record in mirror.ledger.read().values() if record.sample}
        rows = [row for row, sample in enumerate(shown.items.ids.tolist()) if sample in records]
        samples = shown.items.ids[rows].tolist()
        suggestions = _suggestions(mirror, samples)
        scores = {name: _scores(mirror, name, samples) for name in ("outlier_score", "mislabel_score")}
    ordered = [records[sample] for sample in samples]
    return {
        "tasks": [record.task for record in ordered],
        "x": _rounded(shown.points[rows, 0]),
        "y": _rounded(shown.points[rows, 1]),
        "labels": [_label(mirror, record) for record in ordered],
        "predictions": [None if one is None else one.label for one in suggestions],
        "confidence": [None if one is None else round(one.confidence, _DECIMALS) for one in suggestions],
        "annotators": [_annotator(mirror, record) for record in ordered],
        "outlier": scores["outlier_score"],
        "mislabel": scores["mislabel_score"],
        "classes": list(mirror.control.classes),
    }


def neighbors_of_task(project: ProjectSync, task: int, number: int) -> Document:
    """The nearest tasks of a task, nearest first, with their labels, predictions, and media.

    Raises:
        Refusal: the task has no embedding (yet)
    """
    with project.lock:
        mirror = project.opened()
        check_embedded(mirror)
        check_whole_images(mirror, "The neighbors of a task")
        session = open_session(mirror.dataset, EMBEDDINGS)
        record = mirror.ledger.read([task]).get(task)
        row = -1 if record is None else int(locate(as_ids([record.sample]), session.embeddings.items.ids)[0])
        if record is None or row < 0:
            raise Refusal(f"Task {task} has no embedding yet: the backend reads new tasks within a minute.")
        near = session.neighbors.indices[row][:number]
        distances = session.neighbors.distances[row][:number]
        samples = session.embeddings.items.ids[near].tolist()
        records = {one.sample: one for one in mirror.ledger.of_samples(samples).values()}
        suggestions = dict(zip(samples, _suggestions(mirror, samples), strict=True))
        titles = _titles(mirror, samples)
    return {
        "task": task,
        "label": _label(mirror, record),
        "neighbors": [
            _neighbor(mirror, records[sample], suggestions[sample], float(distance)) | {"title": titles.get(sample, "")}
            for sample, distance in zip(samples, distances, strict=True)
            if sample in records
        ],
    }


def next_tasks(project: ProjectSync, number: int) -> Document:
    """The unlabeled tasks that are most informative to label, best first.

    Raises:
        Refusal: there are no embeddings yet
    """
    with project.lock:
        mirror = project.opened()
        check_embedded(mirror)
        check_whole_images(mirror, "The next-best task")
        samples = next_to_label(mirror.dataset, embeddings=EMBEDDINGS, field=mirror.field, count=number)
        tasks = {record.sample: record.task for record in mirror.ledger.of_samples(samples).values()}
    return {"tasks": [tasks[sample] for sample in samples if sample in tasks]}


def _neighbor(mirror: Mirror, record: TaskRecord, suggestion: Suggestion | None, distance: float) -> Document:
    return {
        "task": record.task,
        "distance": round(distance, _DECIMALS),
        "label": _label(mirror, record),
        "prediction": None if suggestion is None else suggestion.label,
        "confidence": None if suggestion is None else round(suggestion.confidence, _DECIMALS),
        "media": record.media if mirror.control.shown.modality == "image" else "",
    }


def _titles(mirror: Mirror, samples: Sequence[str]) -> dict[str, str]:
    """Sample → the beginning of its text, or the name of its file; none for images, which are shown directly."""
    kind = mirror.control.shown.modality
    if kind == "image":
        return {}
    field = kind if kind in CARRIED else "filepath"
    ids, values = mirror.dataset.select(list(samples)).values(["id", field])
    media = [Media("", text=value or "") if kind == "text" else Media(value or "") for value in values]
    return {sample: medium.title for sample, medium in zip(ids, media, strict=True)}


def _label(mirror: Mirror, record: TaskRecord) -> str | None:
    annotation = counting(mirror, mirror.seen(record))
    if annotation is None:
        return None
    labels = [label for _, label in labeling_of_result(mirror.control, annotation.result)]
    return ", ".join(labels) if labels else None


def _annotator(mirror: Mirror, record: TaskRecord) -> int | None:
    annotation = counting(mirror, mirror.seen(record))
    return None if annotation is None else annotation.by


def _suggestions(mirror: Mirror, samples: list[str]) -> list[Suggestion | None]:
    ids = as_ids(samples)
    return read_suggestions(mirror.dataset, Items(ids, ids))


def _scores(mirror: Mirror, name: str, samples: list[str]) -> list[float | None]:
    path = score_path(mirror.dataset, mirror.patches_field, name)
    if mirror.dataset.get_field(path) is None:
        return [None] * len(samples)
    known: Mapping[str, float | None] = dict(zip(*mirror.dataset.values(["id", path]), strict=True))
    values = (known.get(sample) for sample in samples)
    return [None if value is None else round(value, _DECIMALS) for value in values]


def _rounded(values: np.ndarray) -> list[float]:
    rounded: list[float] = np.round(values.astype(float), _DECIMALS).tolist()
    return rounded
