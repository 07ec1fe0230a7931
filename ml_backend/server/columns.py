"""The columns that the Data Manager shows besides predictions: scores, clusters, segments, and problems.

The values are written to the tasks' data, under our own names. Label Studio (1.23) writes one value into many tasks at
once, or one task at a time: so scores are rounded to steps, and only what changed is written.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from itertools import islice
from typing import Any

import numpy as np
import structlog

from ..actions.functions import edit_function, run_functions
from ..actions.map import compute_map, update_map
from ..actions.rank import rank_mislabels, rank_outliers
from ..analysis.clusters import cluster
from ..errors import Cancelled, Refusal
from ..label_studio.ledger import TaskRecord
from ..label_studio.mirror import EMBEDDINGS, Mirror
from ..progress import Progress
from ..store.audits import load_audit
from ..store.embeddings import list_embeddings, load_embeddings
from ..store.functions import is_stale, list_functions
from ..store.maps import list_maps, map_status
from ..store.records import as_names
from ..store.scores import score_path
from ..store.searches import SCORE_FIELD
from ..store.segment_records import read_segments
from ..store.segments import list_segments, members
from .function_columns import highest_scores, in_column, scores_of_function
from .project_model import MAP
from .project_regions import items_in_mirror
from .sync import ProjectSync
from .tabs import (
    ACTION,
    AUDIT,
    CLUSTER,
    CONFIDENCE,
    MISLABEL,
    OUTLIER,
    PROBLEM,
    SEGMENTS,
    SIMILAR,
    SUGGESTED,
    column_kind,
    function_column,
    nothing_in,
    show_tabs,
)

_WRITTEN_AT_ONCE = 2_000  # tasks
_STEP = 0.05
_REASONS = 20  # distinct reasons, because each one takes a request
_REASON_LENGTH = 80
_ADDRESS = re.compile(r"^(https?://|/)\S* ")  # with which most reasons begin

_log = structlog.get_logger(__name__)


def refresh_columns(project: ProjectSync, keep_on: Callable[[], bool]) -> bool:
    """Rank and cluster the project again, and write the changed columns and tabs; False if ``keep_on`` stopped it.

    With 10,000 tasks this takes longer than an annotator waits for new predictions.
    """

    def progress(_fraction: float, _message: str, /) -> None:
        if not keep_on():
            raise Cancelled

    try:
        with project.outgoing:
            _refresh(project, progress)
    except Cancelled:
        return False
    return True


def curation_of(project: ProjectSync) -> Hashable:
    """A value that changes when functions or segments do, in FiftyOne too; computed without reading samples."""
    with project.lock:
        dataset = project.opened().dataset
        functions = [
            (one.slug, one.name, one.query, one.threshold, one.scored, one.matches) for one in list_functions(dataset)
        ]
        segments = [(one.slug, one.name, *one.sizes) for one in read_segments(dataset)]
    return tuple(functions), tuple(segments)


def _refresh(project: ProjectSync, progress: Progress) -> None:
    with project.lock:
        mirror = project.opened()
        if EMBEDDINGS not in list_embeddings(mirror.dataset):
            return
        mirror.dataset.reload()  # fields of functions that were made in FiftyOne
        _rank(mirror, progress)
        _map(mirror, progress)
        _run_functions(mirror, progress)
        records = mirror.ledger.read()
        target = _columns(project, mirror, records)
    written = _write(project, mirror, records, target, progress)
    show_tabs(project, mirror)
    if written:
        _log.info("columns_written", project=project.project, values=written)


def _rank(mirror: Mirror, progress: Progress) -> None:
    rank_outliers(mirror.dataset, embeddings=EMBEDDINGS, progress=progress)
    try:
        rank_mislabels(mirror.dataset, embeddings=EMBEDDINGS, field=mirror.field, progress=progress)
    except Refusal as error:  # too few labels, or several per image
        _log.info("not_ranked", project=mirror.project, reason=str(error))


def _map(mirror: Mirror, progress: Progress) -> None:
    try:
        if MAP not in list_maps(mirror.dataset):
            compute_map(mirror.dataset, embeddings=EMBEDDINGS, key=MAP, progress=progress)
        elif map_status(mirror.dataset, MAP).stale:
            update_map(mirror.dataset, key=MAP, progress=progress)
    except Refusal as error:  # too few samples
        _log.info("not_mapped", project=mirror.project, reason=str(error))


def _run_functions(mirror: Mirror, progress: Progress) -> None:
    """Score tasks that are new since the last run; where the model was fitted again, rebuild from the examples."""
    functions = list_functions(mirror.dataset)
    if not functions:
        return
    for function in functions:
        if function.query.embeddings == EMBEDDINGS and is_stale(mirror.dataset, function):
            try:
                edit_function(mirror.dataset, function.slug, progress=progress)
            except Refusal as error:  # such as: none of its examples is left
                _log.info("function_not_rebuilt", project=mirror.project, function=function.name, reason=str(error))
    for skipped in run_functions(mirror.dataset, progress=progress).skipped:
        _log.info("function_skipped", project=mirror.project, reason=skipped)


def _columns(project: ProjectSync, mirror: Mirror, records: Mapping[int, TaskRecord]) -> dict[int, dict[str, Any]]:
    """Task → its value in each column; for tasks without a sample, only the problem."""
    outlier = _scores(mirror, "outlier_score")
    mislabel = _scores(mirror, "mislabel_score")
    clusters = _clusters(mirror)
    segments = defaultdict(list)
    for segment in list_segments(mirror.dataset):
        for sample in members(mirror.dataset, segment).values("id"):
            segments[sample].append(segment.slug)
    searched = _searched(mirror, records)
    functions = _functions(project, mirror)
    audited = _audited(mirror, records)
    suggested = _suggested(project)
    outcomes = _outcomes(records)
    no_suggestion = {SUGGESTED: "", CONFIDENCE: 0.0} if suggested else {}
    columns = {
        record.task: {
            PROBLEM: "",
            OUTLIER: _rounded(outlier.get(record.sample)),
            MISLABEL: rounded_up(mislabel.get(record.sample)) if record.is_annotated else 0.0,
            CLUSTER: float(clusters.get(record.sample, 0)),
            SEGMENTS: "".join(f"|{slug}" for slug in sorted(segments[record.sample])) + "|"
            if segments[record.sample]
            else "",
            **{name: _rounded(scores.get(record.sample)) for name, scores in searched.items()},
            **{name: scores.get(record.sample, 0.0) for name, scores in functions.items()},
            **{name: places.get(record.sample, 0.0) for name, places in audited.items()},
            **suggested.get(record.task, no_suggestion),
            **outcomes.get(record.task, {}),
        }
        for record in records.values()
        if record.sample
    }
    lacking = {
        task: reason for task, reason in missing_reasons(project).items() if task in records and task not in columns
    }
    return columns | {task: {PROBLEM: reason, **outcomes.get(task, {})} for task, reason in lacking.items()}


def missing_reasons(project: ProjectSync) -> dict[int, str]:
    """Task → why its medium is unavailable, without the medium's address, so that many tasks share a reason."""
    reasons: dict[int, str] = {}
    known: set[str] = set()
    for problem in project.media_retries.problems():
        reason = _ADDRESS.sub("The image ", problem.reason)[:_REASON_LENGTH]
        if len(known) >= _REASONS and reason not in known:
            reason = "no image"
        known.add(reason)
        reasons[problem.task] = reason
    return reasons


def _scores(mirror: Mirror, name: str) -> dict[str, float]:
    """Sample → its score; with several boxes, the highest."""
    path = score_path(mirror.dataset, mirror.patches_field, name)
    if mirror.dataset.get_field(path) is None:
        return {}
    return highest_scores(mirror.dataset, path)


def _suggested(project: ProjectSync) -> dict[int, dict[str, Any]]:
    """Task → its suggested label and confidence, where Label Studio takes many different values in one request."""
    if not project.studio.writes_in_bulk(project.project):
        return {}
    return {
        task: {
            SUGGESTED: ", ".join(dict.fromkeys(label for _, label in proposed.labeling)),
            CONFIDENCE: round(proposed.score, 4),
        }
        for task, proposed in project.plan().target.items()
    }


def _searched(mirror: Mirror, records: Mapping[int, TaskRecord]) -> dict[str, dict[str, float]]:
    """The column of the last search, if any: sample → its score."""
    similar = _scores(mirror, SCORE_FIELD)
    known = any(SIMILAR in record.columns for record in records.values())
    return {SIMILAR: similar} if similar or known else {}


def _functions(project: ProjectSync, mirror: Mirror) -> dict[str, dict[str, float]]:
    """Column → sample → the score of a function, in steps unless Label Studio takes many values in one request."""
    exact = project.studio.writes_in_bulk(project.project)
    columns = {}
    for function in list_functions(mirror.dataset):
        columns[function_column(function.slug)] = {
            sample: in_column(score, function.threshold, exact=exact)
            for sample, score in scores_of_function(mirror, function).items()
        }
    return columns


def _audited(mirror: Mirror, records: Mapping[int, TaskRecord]) -> dict[str, dict[str, float]]:
    """The column of the audit in progress, if any: sample → its first place in the draw, from 1."""
    audit = load_audit(mirror.dataset)
    drawn = [] if audit is None else as_names(audit.ids[audit.drawn])
    known = any(AUDIT in record.columns for record in records.values())
    items = items_in_mirror(mirror, drawn)
    samples = dict(zip(items.ids.tolist(), items.sample_ids.tolist(), strict=True))
    places: dict[str, float] = {}
    for place, item in enumerate(drawn, 1):
        if item in samples:
            places.setdefault(samples[item], float(place))
    return {AUDIT: places} if places or known else {}


def _outcomes(records: Mapping[int, TaskRecord]) -> dict[int, dict[str, Any]]:
    """Task → the outcome of the last choice in its menu; the outcomes of earlier choices are removed."""
    return {
        record.task: {ACTION: record.outcome}
        for record in records.values()
        if record.outcome or record.columns.get(ACTION)
    }


def _clusters(mirror: Mirror) -> dict[str, int]:
    """Sample → its cluster, numbered from 1, largest first; with several boxes, the cluster of the last one."""
    embeddings = load_embeddings(mirror.dataset, EMBEDDINGS)
    return dict(zip(embeddings.items.sample_ids.tolist(), (1 + cluster(embeddings.vectors)).tolist(), strict=True))


def _write(
    project: ProjectSync,
    mirror: Mirror,
    records: Mapping[int, TaskRecord],
    target: Mapping[int, dict[str, Any]],
    progress: Progress,
) -> int:
    due = {
        task: {
            name: value for name, value in columns.items() if value != records[task].columns.get(name, nothing_in(name))
        }
        for task, columns in target.items()
    }
    due = {task: columns for task, columns in due.items() if columns}
    if project.studio.writes_in_bulk(mirror.project):
        _write_in_bulk(project, mirror, due, progress)
    else:
        _write_one_by_one(project, mirror, due, progress)
    return sum(map(len, due.values()))


def _write_in_bulk(project: ProjectSync, mirror: Mirror, due: Mapping[int, dict[str, Any]], progress: Progress) -> None:
    rest = iter(due.items())
    while part := dict(islice(rest, _WRITTEN_AT_ONCE)):
        progress(0.0, "Writing columns")
        project.studio.set_columns(mirror.project, part)
        mirror.ledger.set_columns(part)


def _write_one_by_one(
    project: ProjectSync, mirror: Mirror, due: Mapping[int, dict[str, Any]], progress: Progress
) -> None:
    """Label Studio (1.23) itself writes one value into many tasks at once."""
    tasks_of = defaultdict(list)
    for task, columns in due.items():
        for name, value in columns.items():
            tasks_of[name, value].append(task)
    for step, ((name, value), tasks) in enumerate(tasks_of.items()):
        progress(step / len(tasks_of), "Writing columns")
        project.studio.set_data(mirror.project, tasks, name, column_kind(name), value)
        mirror.ledger.set_column(tasks, name, value)


def _rounded(score: float | None) -> float:
    return 0.0 if score is None else round(float(np.round(score / _STEP)) * _STEP, 2)


def rounded_up(score: float | None) -> float:
    """Also in steps, but values above a half stay above it, where the tab of likely wrong labels begins."""
    return 0.0 if score is None else round(float(np.ceil(round(score / _STEP, 6))) * _STEP, 2)
