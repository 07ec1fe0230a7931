"""Methods that label: everything is queued by the operators' actions, and answered with what changed on the map."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ....ml_backend.actions import label_neighbors, queue, save, suggest
from ....ml_backend.actions.segments import create_segment
from ....ml_backend.actions.undo import undo_last
from ....ml_backend.store.pending import one_act
from ....ml_backend.store.segment_origins import Selected
from .column_files import clear_columns, pack, unpack
from .label_states import SUGGESTED, LabelRows, state_patch
from .map_rows import as_bytes
from .panel_state import map_version
from .replies import Answer, Asked, method
from .sample_facts import review
from .selection import checked_rows, selected_rows

_LONGEST_REACH = 50_000


class LabelMethods:
    """What changes labels, pending or saved."""

    @method(changes=True)
    def set_label(self, asked: Asked) -> Answer:
        """Queue a label for the selected rows, in place of what they have."""
        labels, selected = _selection(asked)
        patch, report = _patched(
            asked,
            labels,
            lambda: queue.set_label(
                asked.dataset,
                labels.rows.names(selected),
                str(asked.params["label"]),
                field=labels.field.name,
                patches_field=labels.field.patches_field,
                replace=True,
            ),
        )
        return {"patch": patch, "count": len(report.queued)}

    @method
    def label_neighbors(self, asked: Asked) -> Answer:
        """Whom the label of the anchors would reach, surest first."""
        labels = asked.labels()
        rows = labels.rows
        anchors = checked_rows(np.asarray(asked.params["rows"], np.int64), len(rows))
        found = _reach(asked, labels, anchors, again=True)
        reached = rows.locate(as_bytes(found.ids))
        kept = np.flatnonzero(reached >= 0)
        kept = kept[labels.present[reached[kept]]][:_LONGEST_REACH]
        return {
            "order": pack(reached[kept], "<u4"),
            "confidence": pack(np.asarray(found.confidence, np.float32)[kept], "<f4"),
            "reach": int((kept < found.reach).sum()),
            "why": found.why,
        }

    @method(changes=True)
    def accept_neighbors(self, asked: Asked) -> Answer:
        """Queue the label of the anchors for the rows it reached."""
        labels = asked.labels()
        anchors = checked_rows(np.asarray(asked.params["anchors"], np.int64), len(labels.rows))
        wanted = checked_rows(unpack(asked.params["rows"], "<u4").astype(np.int64), len(labels.rows))
        found = _reach(asked, labels, anchors, again=False)
        place_of = {item: place for place, item in enumerate(found.ids)}
        names = [name for name in labels.rows.names(wanted) if name in place_of]
        places = [place_of[name] for name in names]
        patch, report = _patched(
            asked,
            labels,
            lambda: label_neighbors.accept_neighbors(
                asked.dataset,
                names,
                str(asked.params["label"]),
                confidence=[found.confidence[place] for place in places],
                anchors=[found.anchors[place] for place in places],
                embeddings=str(labels.rows.embeddings),
                field=labels.field.name,
            ),
        )
        return {"patch": patch, "count": len(report.queued)}

    @method(changes=True)
    def accept(self, asked: Asked) -> Answer:
        """Queue the suggestions of the selected rows."""
        labels, selected = _selection(asked)
        open_ones = selected[labels.now.states[selected] == SUGGESTED]
        with one_act():
            patch, report = _patched(
                asked,
                labels,
                lambda: suggest.accept_suggestions(
                    asked.dataset,
                    labels.rows.names(open_ones),
                    field=labels.field.name,
                    patches_field=labels.field.patches_field,
                ),
            )
        accepted = len(set(report.queued))  # an item may have got several labels
        return {"patch": patch, "count": accepted, "skipped": len(selected) - accepted}

    @method(changes=True)
    def reject(self, asked: Asked) -> Answer:
        """Take the suggestions of the selected rows away, and make them no more."""
        labels, selected = _selection(asked)
        open_ones = selected[labels.now.states[selected] == SUGGESTED]
        patch, count = _patched(
            asked,
            labels,
            lambda: suggest.reject_suggestions(
                asked.dataset, labels.rows.names(open_ones), patches_field=labels.field.patches_field
            ),
        )
        return {"patch": patch, "count": count, "skipped": len(selected) - count}

    @method(changes=True)
    def delete(self, asked: Asked) -> Answer:
        """Queue the deletion of the selected samples, or objects."""
        labels, selected = _selection(asked)
        patch, report = _patched(
            asked,
            labels,
            lambda: queue.delete_items(
                asked.dataset, labels.rows.names(selected), patches_field=labels.rows.patches_field
            ),
        )
        return {"patch": patch, "count": len(report.queued)}

    @method(changes=True)
    def undo(self, asked: Asked) -> Answer:
        """Take the last act back."""
        patch, done = _patched(asked, asked.loaded_labels(), lambda: undo_last(asked.dataset))
        asked.ctx.ops.reload_samples()
        return {"patch": patch, "done": done}

    @method(changes=True)
    def save(self, asked: Asked) -> Answer:
        """Write what is pending to the dataset."""
        patch, report = _patched(asked, asked.loaded_labels(), lambda: save.save_changes(asked.dataset))
        if report.conflicts:
            asked.board.notes.add("warning", report.sentence())
        asked.ctx.ops.reload_samples()
        return {"patch": patch, "labels": report.labels, "deletions": report.deletions}

    @method(changes=True)
    def discard(self, asked: Asked) -> Answer:
        """Forget what is pending."""
        patch, count = _patched(asked, asked.loaded_labels(), lambda: save.discard_changes(asked.dataset))
        return {"patch": patch, "count": count}

    @method
    def review(self, asked: Asked) -> Answer:
        """A page of what is pending."""
        labels = asked.loaded_labels()
        if labels is None:
            raise ValueError("Load a map first: what is pending is listed with its samples on it.")
        pending = asked.board.pending(asked.dataset)
        return review(asked.dataset, labels, pending, int(asked.params["offset"]), int(asked.params["limit"]))

    @method(changes=True)
    def unqueue(self, asked: Asked) -> Answer:
        """Take rows out of what is pending."""
        labels, selected = _selection(asked)
        patch, count = _patched(asked, labels, lambda: save.discard_changes(asked.dataset, labels.rows.names(selected)))
        return {"patch": patch, "count": count}

    @method(changes=True)
    def clear_labels(self, asked: Asked) -> Answer:
        """Ask for every label of the label field to be taken away, pending until it is saved."""
        labels = asked.loaded_labels()
        patches_field = None if labels is None else labels.field.patches_field
        field = asked.board.label_field(asked.dataset, patches_field).name
        patch, report = _patched(
            asked,
            labels,
            lambda: queue.clear_labels(asked.dataset, field=field, patches_field=patches_field, which="all"),
        )
        return {"patch": patch, "count": len(report.queued)}

    @method(changes=True)
    def create_segment(self, asked: Asked) -> Answer:
        """Make a segment of the selected rows."""
        labels, selected = _selection(asked)
        report = create_segment(
            asked.dataset,
            labels.rows.names(selected),
            name=str(asked.params["name"]),
            kind=str(asked.params["segment_kind"]),
            note=str(asked.params.get("note") or ""),
            patches_field=labels.rows.patches_field,
            made_by=Selected("lasso" if asked.params["how"]["kind"] == "polygon" else "selection", map=labels.rows.key),
        )
        asked.ctx.ops.reload_dataset()
        return {"slug": report.segment.slug, "count": report.added}

    @method(changes=True)
    def clear_explorer(self, asked: Asked) -> Answer:
        """Forget the explorer's own choices and caches; labels and what is pending stay."""
        asked.board.forget(asked.dataset)
        clear_columns(asked.board.dataset_id)
        return {}


def _selection(asked: Asked) -> tuple[LabelRows, np.ndarray]:
    """The labels of the map named, and the selected rows that are still in the dataset."""
    labels = asked.labels()
    selected = selected_rows(asked.params, len(labels.rows))
    selected = selected[labels.present[selected]]
    if not len(selected):
        raise ValueError("Nothing is selected: click a point, or draw a lasso around some.")
    return labels, selected


def _patched(asked: Asked, labels: LabelRows | None, deed: Callable[[], Any]) -> tuple[dict[str, Any] | None, Any]:
    """Do something to labels; returns what changed on the map, None where the map is to be drawn anew."""
    if labels is None:
        return None, deed()
    before, version = labels.now, map_version(labels.rows, labels)
    result = deed()
    after = asked.board.labels(asked.dataset, labels.rows)
    same_map = map_version(after.rows, after) == version
    return state_patch(before, after.now) if same_map and after is labels else None, result


def _reach(asked: Asked, labels: LabelRows, anchors: np.ndarray, *, again: bool) -> label_neighbors.NeighborPreview:
    """Whom a label would reach; what was shown last is what gets accepted, so it is not computed ``again``."""
    label = str(asked.params["label"])
    question = (labels.rows.digest, labels.field.name, tuple(anchors.tolist()), label)
    if again:
        asked.board.memory.pop("reach", None)
    asked.board.session(asked.dataset, labels.rows)
    found: label_neighbors.NeighborPreview = asked.board.remember(
        "reach",
        question,
        lambda: label_neighbors.preview_neighbors(
            asked.dataset,
            labels.rows.names(anchors),
            label,
            embeddings=str(labels.rows.embeddings),
            field=labels.field.name,
        ),
    )
    return found
