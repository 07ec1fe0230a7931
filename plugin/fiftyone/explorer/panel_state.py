"""The panel's state as contract.ts describes it: small, whole, and with a revision that grows."""

import functools
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.server.view as server_view
import numpy as np

from ....ml_backend.actions.embed import vector_fields
from ....ml_backend.actions.models import searches_text
from ....ml_backend.actions.train import can_tune
from ....ml_backend.actions.undo import list_undo_steps
from ....ml_backend.store.backends import configured_backends
from ....ml_backend.store.embeddings import list_embeddings, provenance_of, vector_table
from ....ml_backend.store.items import FRAMES_PREFIX, item_fields, item_noun, list_like, stored_path
from ....ml_backend.store.label_origins import holds_predictions
from ....ml_backend.store.labels import usable_label_fields
from ....ml_backend.store.medium_fields import medium_field, medium_kind
from ....ml_backend.store.suggestions import is_suggestions_field, suggestion_path
from .board import Board
from .column_files import digest, publish
from .field_values import distinct_classes, fetch_ids, field_source, shown_fields
from .label_states import LabelRows
from .listings import LISTED_STORES, functions_state, review_lists
from .map_cache import Run
from .map_rows import MapRows, as_bytes, iso
from .model_choices import model_choices
from .stamps import last_change, store_stamps

METHODS = ("umap", "tsne", "pca")
_UNDO_LISTED = 12
_FIRST_SAMPLES = 10_000  # whose classes are listed until all labels are read
_CLASS_OF_LABEL = re.compile(r"(\.(classifications|detections|polylines|keypoints))?\.label$")


def nothing_open(revision: int) -> dict[str, Any]:
    """The state without a dataset."""
    return {
        "revision": revision,
        "dataset": None,
        "sample_count": 0,
        "media_type": None,
        "medium": None,
        "embeddings": [],
        "maps": [],
        "map": None,
        "fields": [],
        "label_fields": [],
        "label_field": None,
        "classes": [],
        "pending": {"labels": 0, "cleared": 0, "deletions": 0},
        "label_field_exists": False,
        "label_field_unclear": False,
        "undoable": [],
        "jobs": [],
        "messages": [],
        "lists": [],
        "functions": {"functions": [], "deleted": [], "last_search": None, "last_threshold": None},
        "palette": None,
        "options": {"models": [], "methods": list(METHODS), "patches_fields": [], "vector_fields": [], "backends": []},
    }


def panel_state(ctx: Any, board: Board) -> dict[str, Any]:
    """The state (`PanelState`) of the panel that asks; the same object while nothing has changed."""
    with board.lock:
        # Jobs come first: when one has finished, its results must be in the same state.
        jobs = listed_jobs(board)
        runs = board.maps.shown_runs()
        mark = _mark(ctx, board, runs, jobs)
        # The mark is taken beforehand: what changes in the meantime is seen by the next poll.
        return board.states.get(ctx.panel_id, mark, lambda: numbered(board, _build(ctx, board, runs, jobs)))


def listed_jobs(board: Board) -> list[dict[str, Any]]:
    """The jobs (`Job`) that the panels show."""
    return [*board.sessions.opening(), *(job.describe() for job in board.jobs.listing())]


def numbered(board: Board, state: dict[str, Any]) -> dict[str, Any]:
    """The state with a revision larger than any before, those before a restart too, and exact in JavaScript."""
    board.revision = max(board.revision + 1, int(time.time() * 1000))
    return state | {"revision": board.revision}


def loaded_rows(ctx: Any, board: Board) -> MapRows | None:
    """The rows of the map that the asking panel has loaded; None where there is none, or it is gone."""
    key = board.map_of_panel.get(ctx.panel_id)
    run = next((run for run in board.maps.runs() if run.key == key), None)
    return None if run is None else board.maps.rows_of(ctx.dataset, run)


def map_version(rows: MapRows, labels: LabelRows | None) -> str:
    """Identity of a map's rows and positions; it changes when samples are deleted from the dataset."""
    if labels is None or labels.present.all():
        return rows.digest
    return f"{rows.digest}-{digest(np.packbits(labels.present))}"


def _mark(ctx: Any, board: Board, runs: list[Run], jobs: list[dict[str, Any]]) -> tuple[Any, ...]:
    """A value that changes with anything in the state; cheap enough for a poll."""
    dataset = ctx.dataset
    return (
        last_change(dataset),
        store_stamps(dataset),
        tuple((run.key, run.results) for run in runs),
        dataset.last_modified_at,
        tuple(dataset.list_brain_runs()),
        _view_mark(ctx),
        board.map_of_panel.get(ctx.panel_id),
        json.dumps(jobs),
        len(board.notes.listing()),
        board.version,
    )


def _build(ctx: Any, board: Board, runs: list[Run], jobs: list[dict[str, Any]]) -> dict[str, Any]:
    dataset: fo.Dataset = ctx.dataset
    rows = loaded_rows(ctx, board)
    labels = None if rows is None else board.labels_if_read(dataset, rows)
    carried = medium_field(dataset)
    return {
        "dataset": dataset.name,
        "sample_count": dataset.count(),
        "media_type": dataset.media_type,
        "medium": None if carried is None else carried.kind,
        "embeddings": _embeddings(board, dataset),
        "maps": [_map_info(board, dataset, run) for run in runs],
        "map": None if rows is None else _loaded_map(ctx, board, rows, labels),
        **_labeling(board, dataset, rows, labels),
        **_listings(board, dataset, rows),
        "jobs": jobs,
        "messages": board.notes.listing(),
        "palette": _palette(dataset),
        "options": _options(dataset),
    }


def _labeling(board: Board, dataset: fo.Dataset, rows: MapRows | None, labels: LabelRows | None) -> dict[str, Any]:
    """The field that labels go to, those that it may be, its classes, and what is pending."""
    patches_field = None if rows is None else rows.patches_field
    field = board.label_field(dataset, patches_field)
    offered = _offered_label_fields(board, dataset, patches_field)
    pending = board.pending(dataset)
    return {
        "label_fields": offered if field.name in offered else [field.name, *offered],
        "label_field": field.name,
        "label_field_exists": dataset.get_field(field.name) is not None,
        "label_field_unclear": board.is_label_field_unclear(dataset, field),
        "classes": _classes(board, dataset, field.name, field.path, labels),
        "pending": {
            "labels": pending.n_labels,
            "cleared": pending.n_cleared,
            "deletions": pending.n_deletions,
        },
    }


def _offered_label_fields(board: Board, dataset: fo.Dataset, patches_field: str | None) -> list[str]:
    """The fields offered for labels: predictions are not, unless the map is of their objects."""
    usable = usable_label_fields(dataset, patches_field)
    return board.names.get(
        ("label fields", patches_field),
        (tuple(usable), tuple(dataset.list_evaluations()), last_change(dataset).count),
        lambda: [name for name in usable if patches_field is not None or not holds_predictions(dataset, name)],
    )


def _listings(board: Board, dataset: fo.Dataset, rows: MapRows | None) -> dict[str, Any]:
    """Fields, undo steps, review lists and functions, each read again only if what it is made of has changed."""
    patches_field = None if rows is None else rows.patches_field
    in_frames = dataset.get_frame_field_schema(flat=True) or {}
    fields = (list(dataset.get_field_schema(flat=True)), [f"{FRAMES_PREFIX}{path}" for path in in_frames])
    stores = store_stamps(dataset)
    predicted = board.names.get(
        "predictions",
        (fields, tuple(dataset.list_evaluations()), last_change(dataset)),
        lambda: _predicted(dataset, [path for part in fields for path in part]),
    )
    return {
        "fields": [
            field | {"predictions": field["path"] in predicted}
            for field in board.parts.get(("fields", patches_field), fields, lambda: _fields(dataset, rows))
        ],
        "undoable": board.parts.get(
            "undoable",
            stores,
            lambda: [{"key": step.key, "words": step.title} for step in list_undo_steps(dataset)[:_UNDO_LISTED]],
        ),
        "lists": board.parts.get(
            ("lists", patches_field),
            (fields, stores.of(*LISTED_STORES), last_change(dataset)),
            lambda: review_lists(dataset, rows),
        ),
        "functions": board.functions.get(
            None,
            (stores.of(*LISTED_STORES), tuple(dataset.list_brain_runs()), board.version),
            lambda: functions_state(dataset),
        ),
    }


def _options(dataset: fo.Dataset) -> dict[str, Any]:
    return {
        "models": model_choices(medium_kind(dataset)),
        "methods": list(METHODS),
        "patches_fields": [{"field": field, "noun": item_noun(dataset, field)} for field in item_fields(dataset)],
        "vector_fields": vector_fields(dataset),
        "backends": configured_backends(),
    }


def _loaded_map(ctx: Any, board: Board, rows: MapRows, labels: LabelRows | None) -> dict[str, Any]:
    version = map_version(rows, labels)
    return {
        "key": rows.key,
        "version": version,
        "dims": rows.points.shape[1],
        "n": len(rows),
        "items": rows.items,
        "noun": rows.noun,
        "positions": published(
            board,
            f"positions {rows.key}",
            version,
            lambda: publish(board.dataset_id, "positions", _places(rows, labels)),
        ),
        "label_state": None if labels is None else _label_state(board, labels),
        "in_view": _in_view(ctx, board, rows),
    }


def _label_state(board: Board, labels: LabelRows) -> dict[str, Any]:
    snapshot = labels.snapshot
    write = functools.partial(publish, board.dataset_id, "states", snapshot.states)
    return {**published(board, f"states {labels.rows.key}", snapshot.version, write), "version": snapshot.version}


def _places(rows: MapRows, labels: LabelRows | None) -> np.ndarray:
    if labels is None or labels.present.all():
        return rows.points
    places = rows.points.copy()
    places[~labels.present] = np.nan
    return places


def published(board: Board, name: str, version: Any, write: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A column file for this version; rewritten only if the version changed or the file was cleaned up."""
    reference = board.columns.get(name, version, write)
    if not Path(reference["file"]).exists():
        board.columns.forget(name)
        reference = board.columns.get(name, version, write)
    return reference


def _in_view(ctx: Any, board: Board, rows: MapRows) -> dict[str, Any] | None:
    mark = _view_mark(ctx)
    if mark is None:
        return None
    stamp = (mark, last_change(ctx.dataset))
    return published(
        board,
        f"view {ctx.panel_id} {rows.items}",
        stamp,
        lambda: publish(board.dataset_id, "view", _view_mask(ctx, rows)),
    )


def _view_mask(ctx: Any, rows: MapRows) -> np.ndarray:
    view = app_view(ctx)
    mask = np.zeros(len(rows), np.uint8)
    if rows.in_frames or view._is_clips:
        places = rows.locate(as_bytes(list_like(view, rows.patches_field, None).ids))
    elif rows.patches_field is not None and not view._is_patches:
        places = rows.locate(fetch_ids(view, rows.root))
    elif rows.patches_field is None and view._is_generated:
        samples = np.frombuffer(bytes.fromhex("".join(view.values("sample_id"))), "S12")
        places = rows.locate(np.unique(samples))
    else:
        places = rows.locate(fetch_ids(view, None))
    mask[places[places >= 0]] = 1
    return mask


def app_view(ctx: Any) -> fo.DatasetView:
    """What the App shows by its stages, saved view and filters, without the panel's own selection."""
    params = ctx.request_params
    if params.get("view_name"):
        view = ctx.dataset.load_saved_view(params["view_name"])
        return server_view.get_extended_view(view, params.get("filters")) if params.get("filters") else view
    return server_view.get_view(ctx.dataset, stages=params.get("view"), filters=params.get("filters"))


def _view_mark(ctx: Any) -> str | None:
    params = ctx.request_params
    parts = [params.get(name) or None for name in ("view_name", "view", "filters")]
    return json.dumps(parts, sort_keys=True, default=str) if any(parts) else None


def _map_info(board: Board, dataset: fo.Dataset, run: Run) -> dict[str, Any]:
    made = run.config.get("labelscape") or {}
    stale = board.maps.staleness_of(dataset, run)
    return {
        "key": run.key,
        "embeddings": made.get("embeddings"),
        "method": made.get("method") or run.config.get("method") or "unknown",
        "dims": run.dims,
        "timestamp": iso(run.computed_at),
        "stale": {"missing": stale.missing, "removed": stale.removed},
    }


def _embeddings(board: Board, dataset: fo.Dataset) -> list[dict[str, Any]]:
    """Existing embeddings; those that a run may be writing are checked once it has finished."""
    if any(job.open and not job.in_call for job in board.jobs.listing()):
        return board.parts.peek("embeddings") or []
    stamp = (tuple(dataset.list_brain_runs()), last_change(dataset).count, board.version)
    return board.parts.get(
        "embeddings",
        stamp,
        lambda: [
            _embeddings_info(dataset, key)
            for key in list_embeddings(dataset)
            if dataset.load_brain_results(key) is not None  # None: its run was interrupted before it began
        ],
    )


def _embeddings_info(dataset: fo.Dataset, key: str) -> dict[str, Any]:
    model = provenance_of(dataset, key).model
    table = vector_table(dataset, key)
    return {
        "key": key,
        "model": model,
        "dim": table.dim(),
        "count": table.size(),
        "text_search": searches_text(model),
        "tunable": can_tune(model),
        "timestamp": iso(dataset.get_brain_info(key).timestamp),
    }


def _fields(dataset: fo.Dataset, rows: MapRows | None) -> list[dict[str, str]]:
    sources = (
        shown_fields(dataset, None) if rows is None else shown_fields(dataset, rows.root, in_frames=rows.in_frames)
    )
    return [{"path": source.path, "kind": source.kind} for source in sources]


def _predicted(dataset: fo.Dataset, paths: list[str]) -> list[str]:
    """The paths that lead to classes that a model predicted, not counting Labelscape's suggestions."""
    suggestions = {suggestion_path(dataset, field) for field in item_fields(dataset)}
    predicted = []
    for path in paths:
        name = _CLASS_OF_LABEL.sub("", path)
        if name == path or name in suggestions or is_suggestions_field(dataset, name):
            continue
        if holds_predictions(dataset, name) and _has_classes(dataset, path):
            predicted.append(path)
    return predicted


def _has_classes(dataset: fo.Dataset, path: str) -> bool:
    collection, stored = stored_path(dataset, path)
    stages: list[dict[str, Any]] = [
        {"$limit": _FIRST_SAMPLES},
        {"$match": {stored: {"$type": "string"}}},
        {"$limit": 1},
    ]
    return bool(list(collection.aggregate([*stages, {"$project": {"_id": 1}}])))


def _classes(board: Board, dataset: fo.Dataset, name: str, path: str, labels: LabelRows | None) -> list[str]:
    declared = [str(value) for value in dataset.classes.get(name, dataset.default_classes)]
    if labels is not None and labels.classes:
        used = labels.classes
    elif dataset.get_field(name) is not None:
        used = board.names.get(("classes", path), last_change(dataset), lambda: _first_classes(dataset, path))
    else:
        used = []
    return list(dict.fromkeys([*declared, *sorted(used, key=str.casefold)]))


def _first_classes(dataset: fo.Dataset, path: str) -> list[str]:
    source = field_source(dataset, f"{path}.label", None)
    first = [{"$limit": _FIRST_SAMPLES}]
    return [str(name) for name in distinct_classes(stored_path(dataset, path)[0], None, source, first)]


def _palette(dataset: fo.Dataset) -> list[str] | None:
    scheme = dataset.app_config.color_scheme
    pool = [] if scheme is None else [color for color in scheme.color_pool or [] if str(color).startswith("#")]
    return pool or None
