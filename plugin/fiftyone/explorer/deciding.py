"""Review decisions: many in one call, each a separate action, and none applied twice."""

import logging
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np
from pymongo.errors import PyMongoError

from ....ml_backend.actions import queue, segments, suggest
from ....ml_backend.actions.accept import accept_suggestions
from ....ml_backend.errors import Refusal
from ....ml_backend.store.pending import list_acts, one_act
from ....ml_backend.store.records import open_store, read_some
from ..component_panel import Answer, Method
from .calls import Call, answers
from .label_states import LabelRows
from .labeling import label_rows, patched
from .map_rows import as_bytes
from .seen_labels import kept_note

DECIDING: dict[str, Method] = {}
_STORE = "labelscape.decisions"
_KEPT_SECONDS = 30 * 24 * 3600  # a browser that sends a decision again after a month may apply it again
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decision:
    """What a person decided of one item (`Decision` of contract.ts).

    Attributes:
        id: set by the front end; a resent decision has the same one.
        map: the map that has the item as a row; it determines what kind of item it is.
        field: the label field at that time.
        item: the sample, or the object, by its id.
        kind: "label", "accept", "reject", "delete", "add_to_segment", or "remove_from_segment".
        value: the label, or the segment; else empty.
        shown: the version of the labels on the screen at that time; None = they had not been read.
    """

    id: str
    map: str
    field: str
    item: str
    kind: str
    value: str
    shown: str | None = None


@answers(DECIDING, changes=True)
def decide(call: Call) -> Answer:
    """Apply decisions in order, except those that were applied before; report which could not be applied."""
    meant = call.params["dataset"]
    if meant != call.dataset.name:
        raise Refusal(f"These decisions belong to “{meant}”: open that dataset again to apply them.")
    decisions, unknown = _read(call.params["decisions"])
    with call.board.deciding:  # two tabs may send the same ones
        known = _applied(call.dataset, [decision.id for decision in decisions])
        fresh = [decision for decision in decisions if decision.id not in known]
        patch, failed = patched(call, call.loaded_labels(), lambda: _apply_all(call, fresh))
    return {"patch": patch, "failed": unknown + failed}


def _read(given: list[dict[str, Any]]) -> tuple[list[Decision], list[dict[str, str]]]:
    """The decisions, and those that cannot be read: a browser may keep some for long, also from another version."""
    decisions, unknown = [], []
    for record in given:
        try:
            decisions.append(Decision(**record))
        except TypeError:
            unknown.append({"id": str(record.get("id")), "reason": "It was made with another version of the panel."})
    return decisions, unknown


def _applied(dataset: fo.Dataset, ids: list[str]) -> set[str]:
    """The decisions that were already applied, even if the server stopped before it could record that."""
    return {*read_some(dataset, _STORE, ids), *(act.act for act in list_acts(dataset))}


def _apply_all(call: Call, decisions: list[Decision]) -> list[dict[str, str]]:
    store = open_store(call.dataset, _STORE)
    rows_of_map: dict[str, LabelRows] = {}
    failed = []
    for decision in decisions:
        try:
            if decision.map not in rows_of_map:
                rows = call.board.maps.rows_of(call.dataset, call.board.maps.run_of(decision.map))
                rows_of_map[decision.map] = call.board.labels(call.dataset, rows)
            if decision.kind == "label":
                call.board.check_label_field(call.dataset, rows_of_map[decision.map].field)
            _apply(call.dataset, decision, rows_of_map[decision.map])
        except Refusal as refusal:
            failed.append({"id": decision.id, "reason": str(refusal)})
        except PyMongoError:  # the database is unavailable: the browser keeps these decisions and resends them
            raise
        except Exception as error:  # one bad decision never stops the rest
            _log.exception("Could not apply the decision %s", decision.id)
            failed.append(
                {"id": decision.id, "reason": f"internal error ({type(error).__name__}); see the log for details"}
            )
        else:
            store.set(decision.id, True, ttl=_KEPT_SECONDS)
    return failed


def _apply(dataset: fo.Dataset, decision: Decision, labels: LabelRows) -> None:
    row = labels.rows.locate(as_bytes([decision.item]))[0]
    if row < 0 or not labels.present[row]:
        raise Refusal("It is no longer in the dataset, or not on this map.")
    _refuse_unseen(labels, row, decision)
    items, field, patches_field = [decision.item], decision.field, labels.field.patches_field
    with one_act(decision.id):
        match decision.kind:
            case "label":
                label_rows(dataset, labels, np.asarray([row]), decision.value, field)
            case "accept":
                accept_suggestions(dataset, items, which="all", field=field, patches_field=patches_field)
            case "reject":
                suggest.reject_suggestions(dataset, items, patches_field=patches_field)
            case "delete":
                queue.delete_items(dataset, items, patches_field=labels.rows.patches_field)
            case "add_to_segment" | "remove_from_segment":
                _change_segment(dataset, decision, labels)
            case _:
                raise Refusal(f"“{decision.kind}” is not a known decision: reload the page.")


def _refuse_unseen(labels: LabelRows, row: int, decision: Decision) -> None:
    """Raise a Refusal if what a decision is about was changed after the screen on which it was made showed it."""
    rows = np.asarray([row])
    if decision.kind in ("label", "delete") and labels.seen.relabeled(rows, decision.shown)[0]:
        raise Refusal(kept_note(labels.snapshot, rows, labels.rows.noun))
    if decision.kind in ("accept", "reject") and labels.seen.suggested_again(rows, decision.shown)[0]:
        raise Refusal(kept_note(labels.snapshot, rows, labels.rows.noun, "suggestion"))


def _change_segment(dataset: fo.Dataset, decision: Decision, labels: LabelRows) -> None:
    change: Any = segments.add_to_segment if decision.kind == "add_to_segment" else segments.remove_from_segment
    change(dataset, [decision.item], slug=decision.value, patches_field=labels.rows.patches_field)
