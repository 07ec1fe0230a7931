"""What the Data Manager shows beside predictions: columns of scores, clusters and segments, and tabs that use them.

The values go into the tasks' data, under names of our own. Label Studio (1.23) writes one value into many tasks at
once, or one task at a time: so scores are rounded to steps, and only what changed is written.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import structlog

from ..actions.map import compute_map, update_map
from ..actions.rank import rank_mislabels, rank_outliers
from ..analysis.clusters import cluster
from ..label_studio.ledger import TaskRecord
from ..label_studio.mirror import EMBEDDINGS, FIELD, Mirror
from ..progress import Progress
from ..store.embeddings import list_embeddings, load_embeddings
from ..store.maps import list_maps, map_status
from ..store.scores import score_path
from ..store.segment_members import list_segments, members
from .sync import ProjectSync

MAP = "labelscape_map"
OUTLIER, MISLABEL, CLUSTER, SEGMENTS = (
    "labelscape_outlier_score",
    "labelscape_mislabel_score",
    "labelscape_cluster",
    "labelscape_segments",
)
_KINDS = {OUTLIER: "Number", MISLABEL: "Number", CLUSTER: "Number", SEGMENTS: "String"}
_NOTHING: dict[str, Any] = {OUTLIER: 0.0, MISLABEL: 0.0, CLUSTER: 0.0, SEGMENTS: ""}
# Left out of our tabs, so that the image and our columns are on the screen without scrolling.
_HIDDEN = [
    f"tasks:{name}"
    for name in (
        "inner_id",
        "completed_at",
        "cancelled_annotations",
        "total_predictions",
        "annotators",
        "annotations_ids",
        "predictions_model_versions",
        "file_upload",
        "storage_filename",
        "created_at",
        "updated_at",
        "updated_by",
        "avg_lead_time",
        "draft_exists",
    )
]
_HIDDEN_BESIDE_A_TASK = [*_HIDDEN, "tasks:annotations_results", "tasks:predictions_results"]
_STEP = 0.05
_INFO = "label_studio_tabs"

_log = structlog.get_logger(__name__)


class _Interrupted(Exception):
    """Something more urgent came."""


def refresh_columns(project: ProjectSync, keep_on: Callable[[], bool]) -> bool:
    """Rank and map the project anew, and write columns and tabs that changed; False where ``keep_on`` ended it.

    With 10,000 tasks this takes longer than an annotator waits for new predictions.
    """

    def progress(_fraction: float, _message: str) -> None:
        if not keep_on():
            raise _Interrupted

    try:
        _refresh(project, progress)
    except _Interrupted:
        return False
    return True


def _refresh(project: ProjectSync, progress: Progress) -> None:
    with project.lock:
        mirror = project.opened()
        if EMBEDDINGS not in list_embeddings(mirror.dataset):
            return
        _rank(mirror, progress)
        _map(mirror, progress)
        records = mirror.ledger.read()
        wanted = _columns(mirror, records)
    written = _write(project, mirror, records, wanted, progress)
    _show_tabs(project, mirror)
    if written:
        _log.info("columns_written", project=project.project, values=written)


def _rank(mirror: Mirror, progress: Progress) -> None:
    rank_outliers(mirror.dataset, embeddings=EMBEDDINGS, progress=progress)
    try:
        rank_mislabels(mirror.dataset, embeddings=EMBEDDINGS, field=FIELD, progress=progress)
    except ValueError as error:  # too few labels, or several an image
        _log.info("not_ranked", project=mirror.project, reason=str(error))


def _map(mirror: Mirror, progress: Progress) -> None:
    try:
        if MAP not in list_maps(mirror.dataset):
            compute_map(mirror.dataset, embeddings=EMBEDDINGS, key=MAP, progress=progress)
        elif map_status(mirror.dataset, MAP).stale:
            update_map(mirror.dataset, key=MAP, progress=progress)
    except ValueError as error:  # too few samples
        _log.info("not_mapped", project=mirror.project, reason=str(error))


def _columns(mirror: Mirror, records: Mapping[int, TaskRecord]) -> dict[int, dict[str, Any]]:
    """Task → its value in each column."""
    outlier = _scores(mirror, "outlier_score")
    mislabel = _scores(mirror, "mislabel_score")
    clusters = _clusters(mirror)
    segments = defaultdict(list)
    for segment in list_segments(mirror.dataset):
        for sample in members(mirror.dataset, segment).values("id"):
            segments[sample].append(segment.slug)
    return {
        record.task: {
            OUTLIER: _rounded(outlier.get(record.sample)),
            MISLABEL: _rounded(mislabel.get(record.sample)) if record.is_annotated else 0.0,
            CLUSTER: float(clusters.get(record.sample, 0)),
            SEGMENTS: "".join(f"|{slug}" for slug in sorted(segments[record.sample])) + "|"
            if segments[record.sample]
            else "",
        }
        for record in records.values()
        if record.sample
    }


def _scores(mirror: Mirror, name: str) -> dict[str, float]:
    """Sample → its score; of several boxes the highest."""
    path = score_path(mirror.dataset, mirror.patches_field, name)
    if mirror.dataset.get_field(path) is None:
        return {}
    found = zip(*mirror.dataset.values(["id", path]), strict=True)
    highest = {sample: max(_numbers(values), default=None) for sample, values in found}
    return {sample: score for sample, score in highest.items() if score is not None}


def _clusters(mirror: Mirror) -> dict[str, int]:
    """Sample → its cluster from 1 on, the largest first; of several boxes that of the last."""
    embeddings = load_embeddings(mirror.dataset, EMBEDDINGS)
    return dict(zip(embeddings.items.sample_ids.tolist(), (1 + cluster(embeddings.vectors)).tolist(), strict=True))


def _write(
    project: ProjectSync,
    mirror: Mirror,
    records: Mapping[int, TaskRecord],
    wanted: Mapping[int, dict[str, Any]],
    progress: Progress,
) -> int:
    due = defaultdict(list)
    for task, columns in wanted.items():
        for name, value in columns.items():
            if value != records[task].columns.get(name, _NOTHING[name]):
                due[name, value].append(task)
    for step, ((name, value), tasks) in enumerate(due.items()):
        progress(step / len(due), "Writing columns")
        project.studio.set_data(mirror.project, tasks, name, _KINDS[name], value)
        mirror.ledger.set_column(tasks, name, value)
    return sum(len(tasks) for tasks in due.values())


def _show_tabs(project: ProjectSync, mirror: Mirror) -> None:
    known = dict(mirror.dataset.info.get(_INFO) or {})
    there = {int(view["id"]) for view in project.studio.views(mirror.project)}
    if not there:  # Label Studio (1.23) makes its own tab only where there is no other
        project.studio.create_view(mirror.project, {"title": "Default", **_tab([], "tasks:id")})
    wanted = _tabs(project, mirror)
    shown = {}
    for title, data in wanted.items():
        held = known.get(title)
        if held is None or held["id"] not in there:
            shown[title] = {"id": project.studio.create_view(mirror.project, data), "data": data}
        else:
            if held["data"] != data:
                project.studio.update_view(held["id"], mirror.project, data)
            shown[title] = {"id": held["id"], "data": data}
    for title, held in known.items():
        if title not in wanted:
            project.studio.delete_view(held["id"])
    if shown != known:
        mirror.dataset.info[_INFO] = shown
        mirror.dataset.save()


def _tabs(project: ProjectSync, mirror: Mirror) -> dict[str, dict[str, Any]]:
    """Title → tab. Only filter operators that the Data Manager can show (1.23: ``in_list`` blanks it)."""
    unlabeled = _filter("total_annotations", "equal", "Number", 0)
    sure = round(project.sure_from(), 4)
    tabs = {
        "Outliers": _tab([], f"-tasks:data.{OUTLIER}"),
        "Likely mislabeled": _tab([_filter("total_annotations", "greater", "Number", 0)], f"-tasks:data.{MISLABEL}"),
        "Suggested, sure": _tab(
            [unlabeled, _filter("predictions_score", "greater_or_equal", "Number", sure)], "-tasks:predictions_score"
        ),
        "Suggested, unsure": _tab(
            [unlabeled, _filter("predictions_score", "less", "Number", sure)], "tasks:predictions_score"
        ),
    }
    for segment in list_segments(mirror.dataset):
        inside = _filter(f"data.{SEGMENTS}", "contains", "String", f"|{segment.slug}|")
        tabs[f"Segment: {segment.name}"] = _tab([inside], "tasks:id")
    return {title: {"title": title, **tab} for title, tab in tabs.items()}


def _tab(filters: list[dict[str, Any]], ordering: str) -> dict[str, Any]:
    return {
        "filters": {"conjunction": "and", "items": filters},
        "ordering": [ordering],
        "columnsDisplayType": {f"tasks:data.{name}": kind for name, kind in _KINDS.items()},
        "hiddenColumns": {"explore": _HIDDEN, "labeling": _HIDDEN_BESIDE_A_TASK},
    }


def _filter(column: str, operator: str, kind: str, value: float | str) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def _numbers(values: Any) -> list[float]:
    listed = values if isinstance(values, list) else [values]
    return [value for value in listed if value is not None]


def _rounded(score: float | None) -> float:
    return 0.0 if score is None else round(float(np.round(score / _STEP)) * _STEP, 2)
