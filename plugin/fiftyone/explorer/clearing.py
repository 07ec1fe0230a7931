"""Methods that clear labels, with counts beforehand, and maps, embeddings, and suggestions, all or one by one."""

from typing import Any, Literal

from ....ml_backend.actions import clear, queue
from ....ml_backend.errors import Refusal
from ....ml_backend.store.labels import LabelField
from ..component_panel import Answer, Method
from .board import Board
from .calls import Call, answers
from .column_files import clear_columns, column_bytes
from .labeling import patched

_VIEW = "view"
_NOTES = {
    "map": "Can be recomputed from its embeddings.",
    "embeddings": "Can be recomputed from the media; maps made from them stay.",
    "suggestions": "Can be recreated.",
}


CLEARING: dict[str, Method] = {}


@answers(CLEARING)
def count_labels(call: Call) -> Answer:
    """How many saved labels the label field has, and how many of them were set here."""
    field = _label_field(call)
    counts = queue.count_clearable(call.dataset, field=field.name, patches_field=field.patches_field)
    return {"field": field.name, "all": counts.total, "ours": counts.human + counts.neighbors}


@answers(CLEARING, changes=True)
def clear_labels(call: Call) -> Answer:
    """Remove labels of the label field, pending until saved."""
    field = _label_field(call)
    which: Literal["all", "ours"] = "all" if call.params["which"] == "all" else "ours"
    patch, report = patched(
        call,
        call.loaded_labels(),
        lambda: queue.clear_labels(call.dataset, field=field.name, patches_field=field.patches_field, which=which),
    )
    return {"patch": patch, "done": report.sentence()}


@answers(CLEARING)
def clearable(call: Call) -> Answer:
    """What “Clear explorer” can remove, with sizes."""
    items = [
        {
            "id": _id(entry),
            "title": _title(entry),
            "size": _size(entry),
            "note": _NOTES[entry.kind],
        }
        for entry in clear.clearable(call.dataset)
    ]
    kept = column_bytes(call.board.dataset_id)
    view = {"id": _VIEW, "title": "The panel's own view", "size": _bytes(kept)}
    return {"items": [*items, {**view, "note": "Colors, camera, and cached columns; nothing in the dataset."}]}


@answers(CLEARING, changes=True)
def clear_explorer(call: Call) -> Answer:
    """Remove what was chosen; labels and pending changes stay."""
    chosen_ids = {str(item) for item in call.params["ids"]}
    chosen = [entry for entry in clear.clearable(call.dataset) if _id(entry) in chosen_ids]
    if not chosen and _VIEW not in chosen_ids:
        raise Refusal("Nothing is chosen: tick what to clear.")
    done = clear.clear_explorer(call.dataset, chosen).sentence() if chosen else ""
    if _VIEW in chosen_ids:
        call.board.forget(call.dataset)
        clear_columns(call.board.dataset_id)
        done = f"{done} The panel's view is reset.".strip()
    _runs_changed(call)
    return {"done": done}


@answers(CLEARING, changes=True)
def rename_run(call: Call) -> Answer:
    """Rename one map, or one set of embeddings."""
    key, name = str(call.params["key"]), str(call.params["name"]).strip()
    rename = clear.rename_map if _is_map(call.board, key) else clear.rename_embeddings
    rename(call.dataset, key, name)
    call.board.rename_map(call.dataset, key, name)
    _runs_changed(call)
    return {}


@answers(CLEARING, changes=True)
def delete_run(call: Call) -> Answer:
    """Delete one map, or one set of embeddings."""
    key = str(call.params["key"])
    is_map = _is_map(call.board, key)
    (clear.delete_map if is_map else clear.delete_embeddings)(call.dataset, key)
    _runs_changed(call)
    return {"done": f"Deleted the {'map' if is_map else 'embeddings'} “{key}”."}


def _label_field(call: Call) -> LabelField:
    labels = call.loaded_labels()
    return call.board.label_field(call.dataset, None) if labels is None else labels.field


def _is_map(board: Board, key: str) -> bool:
    return any(run.key == key for run in board.maps.runs())


def _runs_changed(call: Call) -> None:
    call.dataset.reload()
    call.board.forget_runs()
    call.ctx.ops.reload_dataset()


def _id(entry: clear.Clearable) -> str:
    return f"{entry.kind}:{entry.key or ''}"


def _title(entry: clear.Clearable) -> str:
    names: dict[str, str] = {"map": "Map", "embeddings": "Embeddings", "suggestions": "Suggestions"}
    return f"{names[entry.kind]} “{entry.key}”" if entry.key else names[entry.kind]


def _size(entry: clear.Clearable) -> str:
    known = entry.count is not None and entry.size_bytes
    return f"{entry.amount}, {_bytes(entry.size_bytes)}" if known else entry.amount


def _bytes(size: Any) -> str:
    megabytes = float(size or 0) / 1e6
    return "less than 0.1 MB" if megabytes < 0.1 else f"{megabytes:,.1f} MB"
