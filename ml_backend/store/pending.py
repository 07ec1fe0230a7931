"""Pending changes: labels and deletions asked for but not saved, kept in FiftyOne's execution store.

Every act is one record of its own, written at once, so that acts of two browser tabs never overwrite each
other and a crash loses none.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any, Literal

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

from .records import read_records, time_of_key, timely_key

Origin = Literal["human", "neighbors"]
_STORE = "labelscape.pending"
_ITEMS_PER_RECORD = 50_000  # MongoDB holds 16 MB a document
_current_act: ContextVar[str] = ContextVar("current_act", default="")


@dataclass(frozen=True)
class PendingAct:
    """One thing a person asked for, over one or many items, not saved yet.

    ``label`` None means: delete the items. ``confidence`` and ``anchors`` are parallel to ``ids``, or empty.
    ``multi``: the field holds several labels an item, and this one joins them. ``replace``: the person chose
    to overwrite the label that is there. Records of the same ``act`` are undone together.
    """

    field: str
    patches_field: str | None
    ids: list[str]
    label: str | None
    origin: Origin = "human"
    confidence: list[float] = dataclass_field(default_factory=list)
    anchors: list[str] = dataclass_field(default_factory=list)
    multi: bool = False
    replace: bool = False
    act: str = ""
    key: str = ""

    @property
    def at(self) -> datetime:
        """When it was asked for, in UTC."""
        return time_of_key(self.key)


@dataclass(frozen=True)
class PendingLabel:
    """A label that one item will get; ``confidence`` and ``anchor`` are None where a person set it."""

    item: str
    field: str
    patches_field: str | None
    label: str
    origin: Origin
    confidence: float | None
    anchor: str | None
    replace: bool


@dataclass(frozen=True)
class PendingChanges:
    """What saving would do now: the acts folded in their order."""

    labels: list[PendingLabel]
    deletions: dict[str, str | None]  # item id → patches field
    acts: list[str]

    def __len__(self) -> int:
        return len(self.labels) + len(self.deletions)

    def sentence(self) -> str:
        """What a user sees of it in a bar."""
        if not len(self):
            return "Nothing is pending."
        parts = [_count(len(self.labels), "label"), _count(len(self.deletions), "deletion")]
        return f"{', '.join(part for part in parts if part)} pending."


@contextmanager
def one_act() -> Iterator[None]:
    """Make all that is asked for inside one act, to be undone together; inside another act it is part of that."""
    token = _current_act.set(_current_act.get() or uuid.uuid4().hex)
    try:
        yield
    finally:
        _current_act.reset(token)


def records_of_last_act(acts: Sequence[PendingAct]) -> list[PendingAct]:
    """The records, at the end of all of them, of what was asked for last."""
    return [act for act in acts if act.act == acts[-1].act]


def add_act(dataset: fo.Dataset, act: PendingAct) -> None:
    """Remember an act."""
    store = _store(dataset)
    name = act.act or _current_act.get() or uuid.uuid4().hex
    for start in range(0, len(act.ids), _ITEMS_PER_RECORD):
        part = slice(start, start + _ITEMS_PER_RECORD)
        record = asdict(act) | {
            "act": name,
            "ids": act.ids[part],
            "confidence": act.confidence[part],
            "anchors": act.anchors[part],
        }
        record.pop("key")
        store.set(timely_key(), record)


def list_acts(dataset: fo.Dataset) -> list[PendingAct]:
    """All acts that wait to be saved, in their order."""
    return [PendingAct(**record, key=key) for key, record in read_records(dataset, _STORE).items()]


def pending_changes(dataset: fo.Dataset) -> PendingChanges:
    """Fold the acts: the last one on an item counts; a multi-label field gathers all its labels."""
    labels: dict[tuple[str, str, str], PendingLabel] = {}
    deletions: dict[str, str | None] = {}
    acts = list_acts(dataset)
    for act in acts:
        if act.label is None:
            deletions.update(dict.fromkeys(act.ids, act.patches_field))
            continue
        confidences: Sequence[float | None] = act.confidence or [None] * len(act.ids)
        anchors: Sequence[str | None] = act.anchors or [None] * len(act.ids)
        for item, confidence, anchor in zip(act.ids, confidences, anchors, strict=True):
            deletions.pop(item, None)
            labels[item, act.field, act.label if act.multi else ""] = PendingLabel(
                item, act.field, act.patches_field, act.label, act.origin, confidence, anchor, act.replace
            )
    kept = [label for label in labels.values() if label.item not in deletions]
    return PendingChanges(kept, deletions, [act.key for act in acts])


def discard(dataset: fo.Dataset, ids: Iterable[str] | None = None) -> int:
    """Forget what is pending for these items, or everything; returns how many changes that were."""
    before = len(pending_changes(dataset))
    if ids is None:
        forget_acts(dataset, [act.key for act in list_acts(dataset)])
        return before
    unwanted = set(ids)
    store = _store(dataset)
    for act in list_acts(dataset):
        kept = [row for row, item in enumerate(act.ids) if item not in unwanted]
        if len(kept) == len(act.ids):
            continue
        if not kept:
            store.delete(act.key)
            continue
        record: dict[str, Any] = asdict(act) | {
            "ids": [act.ids[row] for row in kept],
            "confidence": [act.confidence[row] for row in kept] if act.confidence else [],
            "anchors": [act.anchors[row] for row in kept] if act.anchors else [],
        }
        record.pop("key")
        store.set(act.key, record)
    return before - len(pending_changes(dataset))


def forget_acts(dataset: fo.Dataset, keys: Iterable[str]) -> None:
    """Drop acts by their keys; unknown keys are ignored."""
    store = _store(dataset)
    for key in keys:
        store.delete(key)


def _store(dataset: fo.Dataset) -> ExecutionStore:
    return ExecutionStore.create(_STORE, dataset._doc.id)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else ""
