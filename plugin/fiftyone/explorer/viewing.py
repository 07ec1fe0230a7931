"""Methods that read: maps and their columns, the grid, facts, preview, search."""

from typing import Any

import numpy as np

from ....ml_backend.actions.next_best import next_to_label
from ....ml_backend.errors import Refusal
from ....ml_backend.store.items import FRAMES
from ....ml_backend.store.labels import field_of_parts
from ..component_panel import Answer, Method
from . import sample_facts
from .calls import Call, answers
from .column_files import MISSING_CODE, pack, publish
from .field_values import FieldSource, code_of, distinct_classes, fetch, field_source, number_of
from .label_states import PENDING_DELETE, LabelRows
from .map_rows import as_bytes
from .panel_state import app_view, published
from .searching import search_meaning, search_words
from .selection import checked_rows, grid_stage, listing_stage, selected_rows, shows_rows
from .session_cache import NotReady
from .stamps import last_change

WITH_SUGGESTIONS = "@labels"  # BY_LABELS of contract.ts
_FACTS_AT_ONCE = 64
_SECONDS_FOR_NEIGHBORS = 1.5  # a preview without them is better than none


VIEWING: dict[str, Method] = {}


@answers(VIEWING, changes=True)
def load_map(call: Call) -> Answer:
    """Load a map into the asking panel."""
    run = call.board.maps.run_of(call.params["map"])
    call.board.background.open_map_first()
    call.board.sessions.warm(call.dataset, call.board.maps.rows_of(call.dataset, run))
    call.board.remember_map(call.dataset, call.ctx.panel_id, run.key)
    return {}


@answers(VIEWING, changes=True)
def column(call: Call) -> Answer:
    """The values of a field over the rows of the map; the state with it has the labels, which it waited for."""
    labels = call.labels()
    if call.params["field"] == WITH_SUGGESTIONS:
        return {"column": _publish_with_suggestions(call, labels)}
    source = field_source(call.dataset, call.params["field"], labels.rows.root)
    name = f"column {labels.rows.items} {source.path}"
    if source.path == f"{labels.field.path}.label":
        stamp: Any = (labels.snapshot.version, tuple(labels.snapshot.classes))
        return {"column": published(call.board, name, stamp, lambda: _publish_labels(call, labels))}
    stamp = last_change(call.dataset)
    return {"column": published(call.board, name, stamp, lambda: _publish_field(call, labels, source))}


@answers(VIEWING, changes=True)
def set_label_field(call: Call) -> Answer:
    """Read labels from, and write them to, this field from now on."""
    labels = call.loaded_labels()
    of_frames = labels is not None and labels.rows.patches_field == FRAMES
    name = str(call.params["field"])
    call.board.choose_label_field(call.dataset, field_of_parts(name, FRAMES) if of_frames else name)
    return {}


@answers(VIEWING)
def select(call: Call) -> Answer:
    """The stage that makes the grid show the selected rows."""
    labels = call.labels()
    selected = selected_rows(call.params, len(labels.rows))
    how = call.params["how"]
    view = app_view(call.ctx)
    if call.params.get("ordered"):
        return {"stage": listing_stage(view, labels.rows, selected, ordered=True)}
    return {"stage": grid_stage(call.dataset, view, labels.rows, labels, selected, how)}


@answers(VIEWING)
def locate(call: Call) -> Answer:
    """Rows of samples or objects, by the ids that the grid knows; of a sample, all its objects on the map."""
    rows = call.rows()
    ids = as_bytes([str(item) for item in call.params["ids"]])
    return {"rows": pack(np.flatnonzero(np.isin(rows.ids, ids) | np.isin(rows.sample_ids, ids)), "<u4")}


@answers(VIEWING)
def grow(call: Call) -> Answer:
    """The selected rows with the k nearest of each."""
    labels = call.labels()
    rows = labels.rows
    selected = selected_rows(call.params, len(rows))
    session = call.board.sessions.session(call.dataset, rows)
    place_of_row = np.full(len(rows), -1)
    row_of_place = rows.locate(as_bytes(session.embeddings.items.ids))
    on_map = np.flatnonzero(row_of_place >= 0)
    place_of_row[row_of_place[on_map]] = on_map
    places = place_of_row[selected]
    near = row_of_place[np.unique(session.neighbors.indices[places[places >= 0], : call.params["k"]])]
    near = near[near >= 0]
    return {"rows": pack(np.union1d(selected, near[labels.present[near]]), "<u4")}


@answers(VIEWING)
def facts(call: Call) -> Answer:
    """What the tooltip says of some rows."""
    labels = call.labels()
    requested = checked_rows(np.asarray(call.params["rows"][:_FACTS_AT_ONCE], np.int64), len(labels.rows))
    return {"facts": sample_facts.facts(call.dataset, labels, requested)}


@answers(VIEWING)
def preview(call: Call) -> Answer:
    """One row, and its neighbors in embedding space."""
    labels = call.labels()
    row = int(checked_rows(np.asarray([call.params["row"]]), len(labels.rows))[0])
    near: list[tuple[int, float]] = []
    note = ""
    try:
        session = call.board.sessions.session(call.dataset, labels.rows, seconds=_SECONDS_FOR_NEIGHBORS)
        near = sample_facts.neighbors_of_row(session, labels, row, int(call.params["k"]))
    except NotReady:
        note = "are still being computed, once for these embeddings"
    except Refusal as error:
        note = str(error)
    pending = call.board.pending(call.dataset)
    return {"preview": sample_facts.preview(call.dataset, labels, row, pending, near, note)}


@answers(VIEWING)
def open_sample(call: Call) -> Answer:
    """Open a row's sample in the App's viewer."""
    rows = call.rows()
    chosen = checked_rows(np.asarray([call.params["row"]]), len(rows))
    shown = shows_rows(app_view(call.ctx), rows)
    call.ctx.ops.open_sample(id=(rows.names if shown else rows.sample_names)(chosen)[0])
    return {}


@answers(VIEWING)
def search(call: Call) -> Answer:
    """Rows that a text finds."""
    labels = call.labels()
    text, limit = str(call.params["text"]).strip(), int(call.params["limit"])
    if not text:
        raise Refusal("The search is empty: type an ID, part of a file name, a text, or a label.")
    if call.params["meaning"]:
        session = call.board.sessions.session(call.dataset, labels.rows)
        places, how = search_meaning(call.dataset, labels, session, text, limit)
    else:
        places, how = search_words(call.dataset, labels, text)
    return {"rows": pack(places[:limit], "<u4"), "total": len(places), "how": how}


@answers(VIEWING)
def next_best(call: Call) -> Answer:
    """The most informative unlabeled row to label."""
    labels = call.labels()
    call.board.sessions.session(call.dataset, labels.rows)
    best = next_to_label(call.dataset, embeddings=str(labels.rows.embeddings), field=labels.field.name)
    places = labels.rows.locate(as_bytes(best))
    places = places[places >= 0]
    places = places[labels.present[places] & (labels.snapshot.states[places] != PENDING_DELETE)]
    if not len(places):
        return {"row": None, "reason": "Every sample on this map has a label: there is nothing left to label."}
    return {
        "row": int(places[0]),
        "reason": "Its label would be the most informative about the unlabeled samples around it.",
    }


def _publish_labels(call: Call, labels: LabelRows) -> dict[str, Any]:
    codes = np.where(labels.snapshot.codes < 0, MISSING_CODE, labels.snapshot.codes).astype(np.uint16)
    return publish(
        call.board.dataset_id, "labels", codes, _tail(call, labels.field.path, list(labels.snapshot.classes))
    )


def _publish_with_suggestions(call: Call, labels: LabelRows) -> dict[str, Any]:
    def write() -> dict[str, Any]:
        codes = labels.codes_with_suggestions()
        column = np.where(codes < 0, MISSING_CODE, codes).astype(np.uint16)
        tail = _tail(call, labels.field.path, list(labels.snapshot.classes))
        return publish(call.board.dataset_id, "suggestions", column, tail)

    stamp = (labels.snapshot.version, tuple(labels.snapshot.classes), last_change(call.dataset))
    return published(call.board, f"column {labels.rows.items} {WITH_SUGGESTIONS}", stamp, write)


def _publish_field(call: Call, labels: LabelRows, source: FieldSource) -> dict[str, Any]:
    rows = labels.rows
    collection = rows.collection(call.dataset)
    if source.kind == "numeric":
        fetched = fetch(collection, rows.root, {"v": number_of(source)})
        numbers = np.full(len(rows), np.nan, np.float32)
        _place(rows.locate(fetched.ids), fetched.columns["v"], numbers)
        finite = numbers[np.isfinite(numbers)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (None, None)
        return publish(call.board.dataset_id, "field", numbers, {"kind": "numeric", "min": low, "max": high})
    classes = distinct_classes(collection, rows.root, source)
    fetched = fetch(collection, rows.root, {"v": code_of(source, classes)})
    codes = np.full(len(rows), MISSING_CODE, np.uint16)
    _place(rows.locate(fetched.ids), np.where(fetched.columns["v"] < 0, MISSING_CODE, fetched.columns["v"]), codes)
    names = [str(value).lower() if isinstance(value, bool) else str(value) for value in classes]
    return publish(call.board.dataset_id, "field", codes, _tail(call, source.path, names))


def _place(rows: np.ndarray, values: np.ndarray, column: np.ndarray) -> None:
    column[rows[rows >= 0]] = values[rows >= 0]


def _tail(call: Call, path: str, classes: list[str]) -> dict[str, Any]:
    """`CategoricalTail`, with the colors that the dataset's color scheme gives these values."""
    scheme = call.dataset.app_config.color_scheme
    given = {
        str(value["value"]): value["color"]
        for field in (scheme.fields or [] if scheme is not None else [])
        if path.startswith(field.get("path") or "\n")
        for value in field.get("valueColors") or []
    }
    tail: dict[str, Any] = {"kind": "categorical", "classes": classes}
    return tail | {"colors": [given.get(name) for name in classes]} if given else tail
