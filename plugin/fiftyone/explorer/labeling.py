"""Methods that label: all changes are pending until they are saved; each answers with what changed on the map."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import fiftyone as fo
import numpy as np

from ....ml_backend.actions import label_neighbors as neighbors
from ....ml_backend.actions import queue, segments, suggest
from ....ml_backend.actions import save as saving
from ....ml_backend.actions.accept import accept_suggestions
from ....ml_backend.actions.undo import undo_last, undo_named, undo_through
from ....ml_backend.errors import Cancelled, Refusal
from ....ml_backend.progress import Progress
from ....ml_backend.store.labels import label_field
from ....ml_backend.store.pending import one_act
from ....ml_backend.store.segment_origins import Selected
from ..component_panel import Answer, Method
from . import sample_facts
from .calls import Call, answers
from .column_files import pack, unpack
from .label_states import OPEN_SUGGESTIONS, SUGGESTED, UNCERTAIN, LabelRows, state_patch
from .map_rows import as_bytes
from .panel_state import map_version
from .seen_labels import kept_note
from .selection import checked_rows, selected_rows

_LONGEST_REACH = 50_000


LABELING: dict[str, Method] = {}


@answers(LABELING, changes=True)
def set_label(call: Call) -> Answer:
    """Queue a label for the selected rows, in place of the labels on screen; never in place of possible predictions."""
    labels, selected = _selection(call)
    call.board.check_label_field(call.dataset, labels.field)
    name = str(call.params["label"])
    rows, note = _unchanged(call, labels, selected)
    with one_act():
        patch, _ = patched(call, labels, lambda: label_rows(call.dataset, labels, rows, name, labels.field.name))
    return {"patch": patch, "count": len(rows), "kept": note}


def label_rows(dataset: fo.Dataset, labels: LabelRows, rows: np.ndarray, name: str, field: str) -> None:
    """Set a pending label on rows (n,), in place of the labels on screen, which nobody has changed since.

    A row without a label there is labeled only if it still has none when the change is saved: a label that another
    person sets in the meantime is kept, in place of another one, too.
    """
    target = label_field(dataset, field, labels.field.patches_field)
    shown = field == labels.field.name
    labeled = labels.replaceable(rows) if shown else np.ones(len(rows), bool)
    for chosen, replaces in ((rows[labeled], True), (rows[~labeled], False)):
        if len(chosen):
            codes, names = np.zeros(len(chosen), np.int32), [queue.clean_label(name)]
            seen = labels.seen_below(chosen) if shown else None
            batch = queue.LabelBatch(labels.rows.ids[chosen], codes, names, replace=replaces, seen=seen)
            queue.add_labels(dataset, target, batch)


@answers(LABELING)
def label_neighbors(call: Call) -> Answer:
    """The rows that the label of the anchors would reach, most confident first."""
    labels = call.labels()
    rows = labels.rows
    anchors = checked_rows(np.asarray(call.params["rows"], np.int64), len(rows))
    neighbors = _reach(call, labels, anchors, again=True)
    reached = rows.locate(as_bytes(neighbors.ids))
    kept = np.flatnonzero(reached >= 0)
    kept = kept[labels.present[reached[kept]]][:_LONGEST_REACH]
    return {
        "order": pack(reached[kept], "<u4"),
        "confidence": pack(np.asarray(neighbors.confidence, np.float32)[kept], "<f4"),
        "reach": int((kept < neighbors.reach).sum()),
        "why": neighbors.why,
    }


@answers(LABELING, changes=True)
def accept_neighbors(call: Call) -> Answer:
    """Set the label of the anchors, pending, on the rows it reached."""
    labels = call.labels()
    anchors = checked_rows(np.asarray(call.params["anchors"], np.int64), len(labels.rows))
    chosen = checked_rows(unpack(call.params["rows"], "<u4").astype(np.int64), len(labels.rows))
    reached = _reach(call, labels, anchors, again=False)
    place_of = {item: place for place, item in enumerate(reached.ids)}
    names = [name for name in labels.rows.names(chosen) if name in place_of]
    places = [place_of[name] for name in names]
    patch, report = patched(
        call,
        labels,
        lambda: neighbors.accept_neighbors(
            call.dataset,
            names,
            str(call.params["label"]),
            confidence=[reached.confidence[place] for place in places],
            anchors=[reached.anchors[place] for place in places],
            embeddings=str(labels.rows.embeddings),
            field=labels.field.name,
        ),
    )
    return {"patch": patch, "count": len(report.queued)}


@answers(LABELING, changes=True)
def accept(call: Call) -> Answer:
    """Set the suggestions of the selected rows as labels, pending: the confident ones, or the uncertain ones."""
    labels, selected = _selection(call)
    which: Literal["confident", "uncertain"] = "uncertain" if call.params["which"] == "uncertain" else "confident"
    states = labels.snapshot.states[selected]
    rows, note = _unchanged(call, labels, selected[states == _STATE_OF[which]], "suggestion")

    def change() -> int:
        if note and not len(rows):
            return 0
        patches_field = labels.field.patches_field
        names = labels.rows.names(rows)
        report = accept_suggestions(
            call.dataset, names, which=which, field=labels.field.name, patches_field=patches_field
        )
        return len(set(report.queued))  # an item may have received several labels

    with one_act():
        patch, accepted = patched(call, labels, change)
    left = int((states == UNCERTAIN).sum()) if which == "confident" else 0
    skipped = len(selected) - accepted - left
    return {"patch": patch, "count": accepted, "uncertain": left, "skipped": skipped, "kept": note}


@answers(LABELING, changes=True)
def reject(call: Call) -> Answer:
    """Remove the suggestions of the selected rows, and do not suggest them again."""
    labels, selected = _selection(call)
    still_open = np.isin(labels.snapshot.states[selected], OPEN_SUGGESTIONS)
    rows, note = _unchanged(call, labels, selected[still_open], "suggestion")
    patch, count = patched(
        call,
        labels,
        lambda: suggest.reject_suggestions(
            call.dataset, labels.rows.names(rows), patches_field=labels.field.patches_field
        ),
    )
    return {"patch": patch, "count": count, "skipped": len(selected) - count, "kept": note}


@answers(LABELING, changes=True)
def delete(call: Call) -> Answer:
    """Mark the selected samples or objects for deletion, except those that got another label since they were shown."""
    labels, selected = _selection(call)
    rows, note = _unchanged(call, labels, selected)

    def change() -> int:
        if note and not len(rows):
            return 0
        names = labels.rows.names(rows)
        return len(queue.delete_items(call.dataset, names, patches_field=labels.rows.patches_field).queued)

    patch, number = patched(call, labels, change)
    return {"patch": patch, "count": number, "kept": note}


@answers(LABELING, changes=True)
def undo(call: Call) -> Answer:
    """Undo the last action, all actions back to the given one, or a decision of a review."""
    key, decision = call.params.get("key"), call.params.get("decision")
    dataset = call.dataset

    def change(progress: Progress) -> str:
        if decision is not None:
            return undo_named(dataset, str(decision), progress=progress)
        if key is None:
            return undo_last(dataset, progress=progress)
        return undo_through(dataset, str(key), progress=progress)

    run = partial(call.board.jobs.run_now, "Undoing", change, stoppable=False)  # it is committed at once
    patch, done = patched(call, call.loaded_labels(), run)
    call.ctx.ops.reload_samples()
    return {"patch": patch, "done": done}


@answers(LABELING, changes=True)
def save(call: Call) -> Answer:
    """Write pending changes to the dataset."""

    def change() -> saving.SaveReport:
        return call.board.jobs.run_now("Saving", lambda progress: saving.save_changes(call.dataset, progress))

    try:
        patch, report = patched(call, call.loaded_labels(), change)
    except Cancelled:
        call.board.notes.add("info", "Stopped; nothing was saved.")
        return {"patch": None, "labels": 0, "cleared": 0, "deletions": 0}
    if report.conflicts or report.blocked or report.overtaken or report.gone:
        call.board.notes.add("warning", report.sentence())
    call.ctx.ops.reload_samples()
    return {"patch": patch, "labels": report.labels, "cleared": report.cleared, "deletions": report.deletions}


@answers(LABELING, changes=True)
def discard(call: Call) -> Answer:
    """Discard pending changes; undo restores them."""
    patch, count = patched(call, call.loaded_labels(), lambda: saving.discard_changes(call.dataset))
    return {"patch": patch, "count": count, "undoable": True}


@answers(LABELING)
def review(call: Call) -> Answer:
    """A page of the pending changes."""
    labels = call.loaded_labels()
    if labels is None:
        raise Refusal("Load a map first: pending changes are listed for the samples on it.")
    pending = call.board.pending(call.dataset)
    return sample_facts.review(call.dataset, labels, pending, int(call.params["offset"]), int(call.params["limit"]))


@answers(LABELING, changes=True)
def unqueue(call: Call) -> Answer:
    """Remove rows from the pending changes."""
    labels, selected = _selection(call)
    patch, count = patched(call, labels, lambda: saving.discard_changes(call.dataset, labels.rows.names(selected)))
    return {"patch": patch, "count": count}


@answers(LABELING, changes=True)
def create_segment(call: Call) -> Answer:
    """Make a segment of the selected rows."""
    labels, selected = _selection(call)
    report = segments.create_segment(
        call.dataset,
        labels.rows.names(selected),
        name=str(call.params["name"]),
        kind=str(call.params["segment_kind"]),
        note=str(call.params.get("note") or ""),
        patches_field=labels.rows.patches_field,
        made_by=Selected("lasso" if call.params["how"]["kind"] == "polygon" else "selection", map=labels.rows.key),
    )
    call.ctx.ops.reload_dataset()
    return {"slug": report.segment.slug, "count": report.added}


_STATE_OF = {"confident": SUGGESTED, "uncertain": UNCERTAIN}


def _selection(call: Call) -> tuple[LabelRows, np.ndarray]:
    """The labels of the map named, and the selected rows that are still in the dataset."""
    labels = call.labels()
    selected = selected_rows(call.params, len(labels.rows))
    selected = selected[labels.present[selected]]
    if not len(selected):
        raise Refusal("Nothing is selected: click a point, or draw a lasso around some.")
    return labels, selected


def _unchanged(
    call: Call, labels: LabelRows, rows: np.ndarray, what: Literal["label", "suggestion"] = "label"
) -> tuple[np.ndarray, str]:
    """The rows that still have the label, or suggestion, that the screen showed, and a note about the others."""
    was_changed = labels.seen.relabeled if what == "label" else labels.seen.suggested_again
    changed = was_changed(rows, call.params.get("shown"))
    return rows[~changed], kept_note(labels.snapshot, rows[changed], labels.rows.noun, what)


def patched(call: Call, labels: LabelRows | None, change: Callable[[], Any]) -> tuple[dict[str, Any] | None, Any]:
    """Change labels; return what changed on the map, None if the map must be redrawn."""
    if labels is None:
        return None, change()
    before, version = labels.snapshot, map_version(labels.rows, labels)
    result = change()
    after = call.board.labels(call.dataset, labels.rows)
    same_map = map_version(after.rows, after) == version
    return state_patch(before, after.snapshot) if same_map and after is labels else None, result


def _reach(call: Call, labels: LabelRows, anchors: np.ndarray, *, again: bool) -> neighbors.NeighborPreview:
    """The rows that a label would reach; what was shown last is what gets accepted, so it is not computed ``again``."""
    label = str(call.params["label"])
    question = (labels.rows.digest, labels.field.name, tuple(anchors.tolist()), label)
    if again:
        call.board.reach.forget(None)
    call.board.sessions.session(call.dataset, labels.rows)
    return call.board.reach.get(
        None,
        question,
        lambda: neighbors.preview_neighbors(
            call.dataset,
            labels.rows.names(anchors),
            label,
            embeddings=str(labels.rows.embeddings),
            field=labels.field.name,
        ),
    )
