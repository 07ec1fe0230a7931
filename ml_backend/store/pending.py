"""Pending changes: labels, clearings, and deletions that are not saved yet, in FiftyOne's execution store.

Every act is a record of its own, written at once and never changed, so that acts of two browser tabs never overwrite
each other and a crash loses none. Discarding is an act too, which is what makes it undoable.
"""

import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime, timedelta
from typing import Any, Literal

import fiftyone as fo
import numpy as np

from .records import as_oids, delete_records, list_keys, open_store, pack, read_some, time_of_key, timely_key, unpack

ActKind = Literal["label", "clear", "delete", "discard"]
Origin = Literal["human", "neighbors"]
Clear = Literal["all", "ours", "neighbors"]
PENDING_STORE = "labelscape.pending"
OID = "S12"
NOTHING_SEEN, UNKNOWN = 0, 1  # what was there when a change was queued; everything else has a larger number
_KEPT_PREFIX = "kept:"  # sorts after every key of an act, and is not an act until the save that wrote it is done
_ITEMS_PER_RECORD = 200_000  # MongoDB's limit is 16 MB per document; one item takes at most 54 bytes
_COLUMNS = ("ids", "confidence", "anchors", "seen")
_DISCARDED_FOR = timedelta(days=7)
_current_act: ContextVar[str] = ContextVar("current_act", default="")
_queued: ContextVar[list[tuple[fo.Dataset, str]]] = ContextVar("queued")  # the keys of the current act's records
_read: dict[str, dict[str, "PendingAct"]] = {}  # dataset → key → act: records never change
_lock = threading.Lock()


def _no_ids() -> np.ndarray:
    return np.empty(0, OID)


def _not_known() -> np.ndarray:
    return np.empty(0, np.uint64)


@dataclass(frozen=True, eq=False)
class PendingAct:
    """One action of a user, on one or many items, that is not saved yet.

    Attributes:
        kind: what the user asked for: a label, a clearing, a deletion, or a discard of earlier acts.
        ids: (n,) "S12", the items. A discard without any is about all items.
        field: the label field; of a deletion of objects, their field; "" for a deletion of samples.
        patches_field: the field of the objects if the items are objects; None if they are samples.
        label: the class to set; "" if the act sets none.
        origin: who set the label: a person, or the neighbors of labeled items.
        confidence: (n,) 0 to 1, the confidence of labels from neighbors; empty otherwise.
        anchors: (n,) "S12", the labeled item that each label comes from; empty for labels that a person set.
        seen: (n,) uint64, a number for what each item had when the act was queued (`seen.seen_label`): the act changes
            only that. Empty if not known, as in acts of earlier versions.
        multi: whether the field has several labels per item, so that the label joins those there.
        replace: whether the label may overwrite another one.
        which: the labels that a clearing takes away.
        discards: the keys of the acts that a discard cancels; none in one of an earlier version, which cancels all
            acts before it.
        mark: identifies the field even after it is renamed (`schema.field_mark`).
        count: the number of items to report for the act.
        act: the name shared by all records that are undone together.
        key: the key of the record in the execution store.
    """

    kind: ActKind
    ids: np.ndarray
    field: str = ""
    patches_field: str | None = None
    label: str = ""
    origin: Origin = "human"
    confidence: np.ndarray = dataclass_field(default_factory=lambda: np.empty(0))
    anchors: np.ndarray = dataclass_field(default_factory=_no_ids)
    seen: np.ndarray = dataclass_field(default_factory=_not_known)
    multi: bool = False
    replace: bool = False
    which: Clear = "all"
    discards: Sequence[str] = ()
    mark: str | None = None
    count: int = 0
    act: str = ""
    key: str = ""

    @property
    def at(self) -> datetime:
        """When it was queued, in UTC."""
        return time_of_key(self.key)


@contextmanager
def one_act(name: str = "") -> Iterator[None]:
    """Combine everything queued inside into one act, undone together; a nested act becomes part of the outer one.

    If the block fails, everything that it queued is dropped. The act gets the ``name``, else one of its own.
    """
    token, queued = _current_act.set(_current_act.get() or name or uuid.uuid4().hex), _queued.set([])
    try:
        yield
    except BaseException:
        for dataset, key in _queued.get():
            delete_records(dataset, PENDING_STORE, [key])
        raise
    finally:
        inside = _queued.get()
        _queued.reset(queued)
        _queued.get([]).extend(inside)
        _current_act.reset(token)


def current_act() -> str:
    """The name of the current act inside `one_act`; "" outside."""
    return _current_act.get()


def add_acts(dataset: fo.Dataset, acts: Sequence[PendingAct]) -> None:
    """Store acts, all or none of them, to be undone together."""
    name = _current_act.get() or uuid.uuid4().hex
    store = open_store(dataset, PENDING_STORE)
    written: list[str] = []
    try:
        for act in acts:
            for record in _as_records(replace(act, act=act.act or name)):
                written.append(timely_key())
                store.set(written[-1], record)
    except BaseException:
        delete_records(dataset, PENDING_STORE, written)
        raise
    _queued.get([]).extend((dataset, key) for key in written)
    _forget_what_was_discarded_long_ago(dataset)


def list_acts(dataset: fo.Dataset) -> list[PendingAct]:
    """All acts since the last save, in their order."""
    keys = [key for key in list_keys(dataset, PENDING_STORE) if not key.startswith(_KEPT_PREFIX)]
    owner = str(dataset._doc.id)
    with _lock:
        known = _read.get(owner, {})
    missing = [key for key in keys if key not in known]
    fresh = {key: _from_record(record, key) for key, record in read_some(dataset, PENDING_STORE, missing).items()}
    acts = {key: act for key in keys if (act := known.get(key) or fresh.get(key)) is not None}
    with _lock:
        _read[owner] = acts
    return list(acts.values())


def forget_acts(dataset: fo.Dataset, keys: Sequence[str]) -> None:
    """Drop acts by their keys; unknown keys are ignored."""
    delete_records(dataset, PENDING_STORE, keys)


def keep_aside(dataset: fo.Dataset, acts: Sequence[PendingAct]) -> list[str]:
    """Write acts that become pending with `settle`, when a save that cannot write them is done; returns their keys."""
    keys: list[str] = []
    for act in acts:
        for record in _as_records(replace(act, act=act.act or uuid.uuid4().hex)):
            keys.append(f"{_KEPT_PREFIX}{timely_key()}")
            open_store(dataset, PENDING_STORE).set(keys[-1], record)
    return keys


def settle(dataset: fo.Dataset, done: Sequence[str], kept: Sequence[str]) -> None:
    """Drop the acts that a save has written, and make those it kept aside pending; idempotent."""
    for key, record in read_some(dataset, PENDING_STORE, kept).items():
        open_store(dataset, PENDING_STORE).set(key.removeprefix(_KEPT_PREFIX), record)
    delete_records(dataset, PENDING_STORE, [*kept, *done])


def _as_records(act: PendingAct) -> Iterator[dict[str, Any]]:
    """An act as JSON, in parts small enough for one MongoDB document."""
    plain = {name: value for name, value in vars(act).items() if name not in (*_COLUMNS, "key")}
    for start in range(0, max(len(act.ids), 1), _ITEMS_PER_RECORD):
        part = slice(start, start + _ITEMS_PER_RECORD)
        yield {
            **plain,
            "count": 0 if start else act.count,
            "ids": pack(act.ids[part].astype(OID)),
            "confidence": pack(act.confidence[part].astype("<f8")),
            "anchors": pack(act.anchors[part].astype(OID)),
            "seen": pack(_shortened(act.seen[part].astype("<u8"))),
        }


def _shortened(seen: np.ndarray) -> np.ndarray:
    """One number for all items where they are the same, which is usual: nothing was there."""
    return seen[:1] if len(seen) and (seen == seen[0]).all() else seen


def _from_record(record: dict[str, Any], key: str) -> PendingAct:
    if isinstance(record["ids"], list):
        return _from_early_record(record, key)
    ids, seen = unpack(record["ids"], OID), unpack(record.get("seen", ""), "<u8")
    arrays = {
        "ids": ids,
        "seen": np.broadcast_to(seen, len(ids)) if len(seen) == 1 else seen,
        "confidence": unpack(record["confidence"], "<f8"),
        "anchors": unpack(record["anchors"], OID),
    }
    return PendingAct(**{**record, **arrays, "key": key})


def _from_early_record(record: dict[str, Any], key: str) -> PendingAct:
    """Read an act as version 0.1 wrote it: ids in hexadecimal, and no label for a deletion."""
    anchors = [anchor or "0" * 24 for anchor in record.get("anchors") or []]
    return PendingAct(
        kind="delete" if record["label"] is None else "label",
        ids=as_oids(record["ids"]),
        field=record["field"],
        patches_field=record["patches_field"],
        label=record["label"] or "",
        origin=record.get("origin", "human"),
        confidence=np.asarray(record.get("confidence") or [], float),
        anchors=as_oids(anchors),
        multi=bool(record.get("multi")),
        replace=bool(record.get("replace")),
        count=len(record["ids"]),
        act=record.get("act", ""),
        key=key,
    )


def _forget_what_was_discarded_long_ago(dataset: fo.Dataset) -> None:
    """Drop old discarded acts, which would otherwise accumulate forever."""
    acts = list_acts(dataset)
    oldest = datetime.utcnow() - _DISCARDED_FOR
    ends = [number for number, act in enumerate(acts) if act.kind == "discard" and not len(act.ids) and act.at < oldest]
    old = {key for number in ends for key in (acts[number].key, *acts[number].discards)}
    nameless = [number for number in ends if not acts[number].discards]
    old |= {act.key for act in acts[: max(nameless, default=-1) + 1]}
    forget_acts(dataset, sorted(old))
