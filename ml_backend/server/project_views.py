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
from ..store.suggestions import read_suggestions
from .project_model import MAP
from .project_regions import items_in_mirror, labels_of, places_of, regions_of_samples
from .selected_tasks import check_embedded, tasks_of
from .sync import ProjectSync

_DECIMALS = 4
_REGIONS_A_TASK = 10  # considered for each next task, because regions of one task can be the most informative
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
                {"name": segment.name, "kind": segment.kind, "size": segment.size}
                for segment in list_segments(mirror.dataset)
            ],
            "functions": [function.name for function in list_functions(mirror.dataset)],
            "problem": project.status.problem or project.status.note,
        }


def map_of(project: ProjectSync) -> Document:
    """The map as columns, one value per task or region: coordinates, label, prediction, annotator, and scores.

    Raises:
        Refusal: there is no map yet
    """
    with project.lock:
        mirror = project.opened()
        if MAP not in list_maps(mirror.dataset):
            raise Refusal(
                "There is no map of this project yet: the backend computes it when nobody has annotated for a while."
            )
        shown = load_map(mirror.dataset, MAP)
        records = {record.sample: record for record in mirror.ledger.read().values() if record.sample}
        rows = [row for row, sample in enumerate(shown.items.sample_ids.tolist()) if sample in records]
        items = shown.items.take(np.asarray(rows, int))
        ordered = [records[sample] for sample in items.sample_ids.tolist()]
        labels = _labels(mirror, items, ordered)
        suggestions = read_suggestions(mirror.dataset, items)
        scores = {name: _scores(mirror, name, items) for name in ("outlier_score", "mislabel_score")}
    return {
        "tasks": [record.task for record in ordered],
        "regions": [] if mirror.patches_field is None else items.ids.tolist(),
        "x": _rounded(shown.points[rows, 0]),
        "y": _rounded(shown.points[rows, 1]),
        "labels": labels,
        "predictions": [None if suggestion is None else suggestion.label for suggestion in suggestions],
        "confidence": [
            None if suggestion is None else round(suggestion.confidence, _DECIMALS) for suggestion in suggestions
        ],
        "annotators": [_annotator(mirror, record) for record in ordered],
        "outlier": scores["outlier_score"],
        "mislabel": scores["mislabel_score"],
        "classes": list(mirror.control.classes),
    }


def neighbors_of_task(project: ProjectSync, task: int, number: int, region: str = "") -> Document:
    """The nearest tasks of a task, nearest first, with their labels, predictions, and media.

    In a project that labels regions: the task's regions, and the nearest regions of one of them, by default the first.

    Raises:
        Refusal: the task has no embedding (yet), or no such region
    """
    with project.lock:
        mirror = project.opened()
        check_embedded(mirror)
        session = open_session(mirror.dataset, EMBEDDINGS)
        record = mirror.ledger.read([task]).get(task)
        own = [] if record is None or not record.sample else _items_of(mirror, record)
        if record is not None and record.sample and not own:
            raise Refusal(f"Task {task} has no regions yet: draw one and submit it.")
        places = locate(as_ids(own), session.embeddings.items.ids).tolist()
        rows = {item: place for place, item in zip(places, own, strict=True) if place >= 0}
        if record is None or not rows:
            raise Refusal(f"Task {task} has no embedding yet: the backend reads new tasks within a minute.")
        row = rows.get(region or next(iter(rows)))
        if row is None:
            raise Refusal("The selected region no longer exists: open the task again.")
        all_items = session.embeddings.items
        near = _described(mirror, all_items.take(session.neighbors.indices[row][:number]))
        by_region = mirror.patches_field is not None
        regions = _described(mirror, all_items.take(np.array(list(rows.values())))) if by_region else []
        distances = np.round(session.neighbors.distances[row][:number].astype(float), _DECIMALS).tolist()
    return {
        "task": task,
        "region": str(all_items.ids[row]) if by_region else "",
        "regions": [region for region in regions if region is not None],
        "label": None if by_region else _label(mirror, record),
        "neighbors": [
            region | {"distance": distance}
            for region, distance in zip(near, distances, strict=True)
            if region is not None
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
        if mirror.patches_field is not None:
            return {"tasks": _next_of_regions(mirror, number)}
        items = next_to_label(mirror.dataset, embeddings=EMBEDDINGS, field=mirror.field, count=number)
        tasks = tasks_of(mirror, items)
    return {"tasks": [tasks[item] for item in items if item in tasks]}


def _next_of_regions(mirror: Mirror, number: int) -> list[int]:
    """The tasks without an annotation whose regions are most informative; in others a region may be left open."""
    left = {
        record.sample: record.task
        for record in mirror.ledger.read().values()
        if record.sample and not record.is_annotated
    }
    chosen: list[int] = []
    while left and len(chosen) < number:
        items = next_to_label(
            mirror.dataset,
            embeddings=EMBEDDINGS,
            field=mirror.field,
            among=left.keys(),
            count=(number - len(chosen)) * _REGIONS_A_TASK,
        )
        samples = list(dict.fromkeys(items_in_mirror(mirror, items).sample_ids.tolist()))
        if not samples:
            break
        chosen += [left.pop(sample) for sample in samples]
    return chosen[:number]


def _items_of(mirror: Mirror, record: TaskRecord) -> list[str]:
    """The sample of a task, or its regions, without those that were drawn in FiftyOne and are not in the task yet."""
    if mirror.patches_field is None:
        return [record.sample]
    items = regions_of_samples(mirror, [record.sample])
    placed = places_of(mirror, items)
    return [item for item in items.ids.tolist() if item in placed]


def _described(mirror: Mirror, items: Items) -> list[Document | None]:
    """What panels show of items; None for those that are in no task (any longer)."""
    samples = items.sample_ids.tolist()
    records = {record.sample: record for record in mirror.ledger.of_samples(dict.fromkeys(samples)).values()}
    titles = _titles(mirror, samples)
    places = {} if mirror.patches_field is None else places_of(mirror, items)
    known = [records.get(sample) for sample in samples]
    labels = _labels(mirror, items, known)
    is_image = mirror.control.task_object.modality == "image"
    described: list[Document | None] = []
    suggestions = read_suggestions(mirror.dataset, items)
    for item, record, label, suggestion in zip(items.ids.tolist(), known, labels, suggestions, strict=True):
        place = places.get(item)
        if record is None or (place is None and mirror.patches_field is not None):
            described.append(None)
            continue
        title = titles.get(record.sample, "")
        described.append(
            {
                "task": record.task,
                "label": label,
                "prediction": None if suggestion is None else suggestion.label,
                "confidence": None if suggestion is None else round(suggestion.confidence, _DECIMALS),
                "media": record.media if is_image else "",
                "title": f"{title}, {place.id} s" if title and place and mirror.control.windows else title,
                "region": "" if place is None else item,
                "box": None if place is None or not is_image else place.box,
            }
        )
    return described


def _titles(mirror: Mirror, samples: Sequence[str]) -> dict[str, str]:
    """Sample → the beginning of its text, or the name of its file; none for images, which are shown directly."""
    kind = mirror.control.task_object.modality
    if kind == "image":
        return {}
    field = kind if kind in CARRIED else "filepath"
    ids, values = mirror.dataset.select(list(samples)).values(["id", field])
    media = [Media("", text=value or "") if kind == "text" else Media(value or "") for value in values]
    return {sample: medium.title for sample, medium in zip(ids, media, strict=True)}


def _labels(mirror: Mirror, items: Items, records: Sequence[TaskRecord | None]) -> list[str | None]:
    """The label of each item: for a task, that of the annotation that counts; for a region, that of its object."""
    if mirror.patches_field is not None:
        return labels_of(mirror, items)
    return [None if record is None else _label(mirror, record) for record in records]


def _label(mirror: Mirror, record: TaskRecord) -> str | None:
    annotation = counting(mirror, mirror.record_for_control(record))
    if annotation is None:
        return None
    labels = [label for _, label in labeling_of_result(mirror.control, annotation.result)]
    return ", ".join(labels) if labels else None


def _annotator(mirror: Mirror, record: TaskRecord) -> int | None:
    annotation = counting(mirror, mirror.record_for_control(record))
    return None if annotation is None else annotation.by


def _scores(mirror: Mirror, name: str, items: Items) -> list[float | None]:
    path = score_path(mirror.dataset, mirror.patches_field, name)
    if mirror.dataset.get_field(path) is None:
        return [None] * len(items)
    ids = "id" if mirror.patches_field is None else f"{mirror.target.path}.id"
    known: Mapping[str, float | None] = dict(zip(*mirror.dataset.values([ids, path], unwind=True), strict=True))
    values = (known.get(item) for item in items.ids.tolist())
    return [None if value is None else round(value, _DECIMALS) for value in values]


def _rounded(values: np.ndarray) -> list[float]:
    rounded: list[float] = np.round(values.astype(float), _DECIMALS).tolist()
    return rounded
