"""Methods that look: maps and their columns, the grid, facts, preview, search."""

from typing import Any

import numpy as np

from ....ml_backend.actions.next_best import next_to_label
from .board import NotReady
from .column_files import MISSING_CODE, pack, publish
from .field_values import FieldSource, code_of, distinct_classes, fetch, field_source, last_change, number_of
from .label_states import PENDING_DELETE, LabelRows
from .map_rows import as_bytes
from .panel_state import app_view, published
from .replies import Answer, Asked, method
from .sample_facts import facts, neighbors_of_row, preview
from .searching import search_meaning, search_words
from .selection import checked_rows, grid_stage, selected_rows

_FACTS_AT_ONCE = 64
_SECONDS_FOR_NEIGHBORS = 1.5  # a preview without them is better than none


class LookMethods:
    """What changes no label."""

    @method(changes=True)
    def load_map(self, asked: Asked) -> Answer:
        """Load a map into the asking panel."""
        run = asked.board.run_of(asked.params["map"])
        asked.board.places_first()
        asked.board.warm(asked.dataset, asked.board.rows_of(asked.dataset, run))
        asked.board.remember_map(asked.dataset, asked.ctx.panel_id, run.key)
        return {}

    @method(changes=True)
    def column(self, asked: Asked) -> Answer:
        """The values of a field over the rows of the map; the state with it has the labels, which it waited for."""
        labels = asked.labels()
        source = field_source(asked.dataset, asked.params["field"], labels.rows.root)
        name = f"column {labels.rows.items} {source.path}"
        if source.path == f"{labels.field.path}.label":
            stamp: Any = (labels.now.version, tuple(labels.now.classes))
            return {"column": published(asked.board, name, stamp, lambda: _publish_labels(asked, labels))}
        stamp = last_change(asked.dataset)
        return {"column": published(asked.board, name, stamp, lambda: _publish_field(asked, labels, source))}

    @method(changes=True)
    def set_label_field(self, asked: Asked) -> Answer:
        """Read labels from, and write them to, this field from now on."""
        asked.board.choose_label_field(asked.dataset, asked.params["field"])
        return {}

    @method
    def select(self, asked: Asked) -> Answer:
        """The stage that makes the grid show the selected rows."""
        labels = asked.labels()
        selected = selected_rows(asked.params, len(labels.rows))
        how = asked.params["how"]
        return {"stage": grid_stage(asked.dataset, app_view(asked.ctx), labels.rows, labels, selected, how)}

    @method
    def grow(self, asked: Asked) -> Answer:
        """The selected rows with the k nearest of each."""
        labels = asked.labels()
        rows = labels.rows
        selected = selected_rows(asked.params, len(rows))
        session = asked.board.session(asked.dataset, rows)
        place_of_row = np.full(len(rows), -1)
        row_of_place = rows.locate(as_bytes(session.embeddings.items.ids))
        on_map = np.flatnonzero(row_of_place >= 0)
        place_of_row[row_of_place[on_map]] = on_map
        places = place_of_row[selected]
        near = row_of_place[np.unique(session.neighbors.indices[places[places >= 0], : asked.params["k"]])]
        near = near[near >= 0]
        return {"rows": pack(np.union1d(selected, near[labels.present[near]]), "<u4")}

    @method
    def facts(self, asked: Asked) -> Answer:
        """What the tooltip says of some rows."""
        labels = asked.labels()
        wanted = checked_rows(np.asarray(asked.params["rows"][:_FACTS_AT_ONCE], np.int64), len(labels.rows))
        return {"facts": facts(asked.dataset, labels, wanted)}

    @method
    def preview(self, asked: Asked) -> Answer:
        """One row, and its neighbors in embedding space."""
        labels = asked.labels()
        row = int(checked_rows(np.asarray([asked.params["row"]]), len(labels.rows))[0])
        near: list[tuple[int, float]] = []
        note = ""
        try:
            session = asked.board.session(asked.dataset, labels.rows, seconds=_SECONDS_FOR_NEIGHBORS)
            near = neighbors_of_row(session, labels, row, int(asked.params["k"]))
        except NotReady:
            note = "are still being computed, once for these embeddings"
        except ValueError as error:
            note = str(error)
        pending = asked.board.pending(asked.dataset)
        return {"preview": preview(asked.dataset, labels, row, pending, near, note)}

    @method
    def open_sample(self, asked: Asked) -> Answer:
        """Open a row's sample in the App's viewer."""
        rows = asked.rows()
        wanted = checked_rows(np.asarray([asked.params["row"]]), len(rows))
        patches = app_view(asked.ctx)._is_patches and rows.patches_field is not None
        asked.ctx.ops.open_sample(id=(rows.names if patches else rows.sample_names)(wanted)[0])
        return {}

    @method
    def search(self, asked: Asked) -> Answer:
        """Rows that a text finds."""
        labels = asked.labels()
        text, limit = str(asked.params["text"]).strip(), int(asked.params["limit"])
        if not text:
            raise ValueError("The search is empty: type an id, a part of a file name, a text or a label.")
        if asked.params["meaning"]:
            session = asked.board.session(asked.dataset, labels.rows)
            found, how = search_meaning(asked.dataset, labels, session, text, limit)
        else:
            found, how = search_words(asked.dataset, labels, text)
        return {"rows": pack(found[:limit], "<u4"), "total": len(found), "how": how}

    @method
    def next_best(self, asked: Asked) -> Answer:
        """The unlabeled row whose label would teach most."""
        labels = asked.labels()
        asked.board.session(asked.dataset, labels.rows)
        best = next_to_label(asked.dataset, embeddings=str(labels.rows.embeddings), field=labels.field.name)
        found = labels.rows.locate(as_bytes(best))
        found = found[found >= 0]
        found = found[labels.present[found] & (labels.now.states[found] != PENDING_DELETE)]
        if not len(found):
            return {"row": None, "reason": "Every sample on this map has a label: there is nothing left to label."}
        return {"row": int(found[0]), "reason": "Its label would teach most about the unlabeled samples around it."}


def _publish_labels(asked: Asked, labels: LabelRows) -> dict[str, Any]:
    codes = np.where(labels.now.codes < 0, MISSING_CODE, labels.now.codes).astype(np.uint16)
    return publish(asked.board.dataset_id, "labels", codes, _tail(asked, labels.field.path, list(labels.now.classes)))


def _publish_field(asked: Asked, labels: LabelRows, source: FieldSource) -> dict[str, Any]:
    rows = labels.rows
    collection = asked.dataset._sample_collection
    if source.kind == "numeric":
        fetched = fetch(collection, rows.root, {"v": number_of(source)})
        numbers = np.full(len(rows), np.nan, np.float32)
        _place(rows.locate(fetched.ids), fetched.columns["v"], numbers)
        finite = numbers[np.isfinite(numbers)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (None, None)
        return publish(asked.board.dataset_id, "field", numbers, {"kind": "numeric", "min": low, "max": high})
    classes = distinct_classes(collection, rows.root, source)
    fetched = fetch(collection, rows.root, {"v": code_of(source, classes)})
    codes = np.full(len(rows), MISSING_CODE, np.uint16)
    _place(rows.locate(fetched.ids), np.where(fetched.columns["v"] < 0, MISSING_CODE, fetched.columns["v"]), codes)
    names = [str(value).lower() if isinstance(value, bool) else str(value) for value in classes]
    return publish(asked.board.dataset_id, "field", codes, _tail(asked, source.path, names))


def _place(rows: np.ndarray, values: np.ndarray, column: np.ndarray) -> None:
    column[rows[rows >= 0]] = values[rows >= 0]


def _tail(asked: Asked, path: str, classes: list[str]) -> dict[str, Any]:
    """`CategoricalTail`, with the colours that the dataset's colour scheme gives these values."""
    scheme = asked.dataset.app_config.color_scheme
    given = {
        str(value["value"]): value["color"]
        for field in (scheme.fields or [] if scheme is not None else [])
        if path.startswith(field.get("path") or "\n")
        for value in field.get("valueColors") or []
    }
    tail: dict[str, Any] = {"kind": "categorical", "classes": classes}
    return tail | {"colors": [given.get(name) for name in classes]} if given else tail
