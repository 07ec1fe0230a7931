"""Saves are all-or-nothing: recorded first, then applied, and undoable; an interrupted one is finished later.

Edits, with what was there before and what comes after, are written to a MongoDB collection first; one atomic key in
FiftyOne's execution store, the head, then says "prepared". From that moment the save happens, whatever crashes.

The saves form a stack that is undone from the top. It holds the saves of the last seven days, at most `HISTORY_SAVES`
of them with at most `HISTORY_BYTES` in all; the last save is kept whatever its size.
"""

import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from types import MappingProxyType
from typing import Any

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

from ..errors import Cancelled, Refusal
from ..progress import Progress, no_progress
from ..wording import agree, count, listing, noun
from .early_saves import migrate_early_saves
from .edits import AnyEdit, apply, pack_edits, root_of, unpack_edits
from .edits import Edit as Edit
from .fills import Written
from .labels import LabelField, declare_attributes, ensure_label_field, locked_path
from .pending import forget_acts, list_acts, settle
from .records import delete_records, open_store
from .save_head import HEAD, applied, claim, is_unfinished, move, parse, top, touch
from .save_records import UNDO_SECONDS as UNDO_SECONDS
from .save_records import forget_records, read_records, write_record
from .save_writer import become_writer, release, renew
from .schema import field_marks, fields_today

SAVES_STORE = "labelscape.saves"
HISTORY_SAVES = 50
HISTORY_BYTES = 256_000_000
_LOOK_AGAIN_SECONDS = 0.05
_OUTCOME_SECONDS = 3600
_WHOLE_SAMPLES = ""  # the root of edits of whole samples
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True)
class SaveRecord:
    """A save: its id, what it was, how many edits it planned, when (UTC), and what is known of its outcome.

    ``written`` counts, by purpose, the edits that MongoDB matched; ``lost`` names fields that were deleted since, and
    ``acts`` the acts in it (`pending.one_act`).
    """

    id: str
    title: str
    count: int
    at: datetime
    written: Mapping[str, int] = dataclass_field(default_factory=dict)
    lost: tuple[str, ...] = ()
    undoable: bool = True
    acts: tuple[str, ...] = ()

    @property
    def total_written(self) -> int:
        """How many edits MongoDB matched."""
        return sum(self.written.values())


def read_head(dataset: fo.Dataset) -> str | None:
    """Identifies the last save: read it before making edits, so that `commit` notices a save in between.

    Raises:
        Refusal: another save or undo is being written at this moment.
    """
    if not recover(dataset):
        raise Refusal("Another save or undo is in progress: try again when it is done.")
    head: str | None = open_store(dataset, SAVES_STORE).get(HEAD)
    return head


def commit(
    dataset: fo.Dataset,
    edits: Iterable[AnyEdit],
    title: str,
    *,
    head: str | None,
    acts: Sequence[str] = (),
    kept: Sequence[str] = (),
    declare: Sequence[LabelField] = (),
    attributes: Mapping[str, type[fo.Field]] = MappingProxyType({}),
    progress: Progress = no_progress,
) -> SaveRecord:
    """Apply all edits as one act that can be undone.

    Without an edit only the acts are settled, and the saves before can still be undone.

    Args:
        head: what `read_head` returned before the edits were made.
        acts: keys of the pending acts that it settles.
        kept: keys of acts kept aside (`pending.keep_aside`), which become pending when it is done.
        declare: label fields to make, or to declare what labels carry in them, before anything is written.
        attributes: path → type of further attributes to declare then.
        progress: may raise `Cancelled` while the edits are prepared; after that the save happens.

    Raises:
        Refusal: another save of this dataset was made at the same moment, or acts were undone or discarded since;
            nothing was changed.
        Cancelled: nothing was changed.
    """
    save, store, keys = uuid.uuid4().hex, open_store(dataset, SAVES_STORE), set(acts)
    more = {
        "title": title,
        "acts": list(acts),
        "act_names": sorted({act.act for act in list_acts(dataset) if act.key in keys}) if acts else [],
        "kept": list(kept),
        "declare": [asdict(field) for field in declare],
        "attributes": {path: kind.__name__ for path, kind in attributes.items()},
        "at": datetime.utcnow().isoformat(),
        "previous": top(head),
    }
    try:
        meta = _prepare(dataset, save, edits, progress) | more
        if not meta["count"]:
            _refuse_undone(dataset, acts)
            settle(dataset, acts, kept)
            return _as_record(dataset, save, meta)
        store.set(f"{save}:meta", meta, ttl=UNDO_SECONDS)
        if not claim(store, head, f"{save}:prepared", lambda: _refuse_undone(dataset, acts)):
            raise Refusal("Another save was made at the same time: check the result, then save again.")
    except BaseException:
        if store.get(HEAD) != f"{save}:prepared":
            _forget(dataset, save)
            forget_acts(dataset, kept)
        raise
    _await(dataset, f"{save}:prepared", _unstoppable(progress))
    _bound_history(dataset)
    return _as_record(dataset, save, _meta(store, save) or meta)


def saves_acts(dataset: fo.Dataset, acts: Sequence[str]) -> bool:
    """Whether the last save writes, or wrote, one of these acts.

    Whoever takes acts back asks this afterwards. It touches the head: a save that looked at the acts while they were
    there, but has not moved the head yet, then looks again.
    """
    store = open_store(dataset, SAVES_STORE)
    meta = _meta(store, top(touch(store))) or {"acts": []}
    return not set(acts).isdisjoint(meta["acts"])


def recover(dataset: fo.Dataset) -> bool:
    """Finish an interrupted save or undo; returns False if another thread or process is working on it."""
    migrate_early_saves(dataset, SAVES_STORE)
    return _complete(dataset, no_progress) is not None


def list_saves(dataset: fo.Dataset) -> list[SaveRecord]:
    """The saves that can be undone, the last one first, without one that is being written."""
    recover(dataset)
    store = open_store(dataset, SAVES_STORE)
    save, state = parse(store.get(HEAD))
    if state == "undoing":
        save = (_meta(store, save) or {}).get("previous")
    records: list[SaveRecord] = []
    while save is not None and (meta := _meta(store, save)) is not None:
        if state != "prepared" or records:
            records.append(_as_record(dataset, save, meta))
        state, save = "applied", meta["previous"]
    return records


def last_save(dataset: fo.Dataset) -> SaveRecord | None:
    """The last save, while it can still be undone; None if there is none."""
    return next(iter(list_saves(dataset)), None)


def undo(dataset: fo.Dataset, save: str | None = None, progress: Progress = no_progress) -> SaveRecord:
    """Undo the last save; changes made since then stay. Returns the save with what was undone.

    Args:
        save: the id of the save that is meant, if it is known which one the last was; None = whichever it is now.
        progress: may raise `Cancelled` at its first call; after that the undo happens.

    Raises:
        Refusal: another save was made since the one that is meant, there is nothing to undo, its fields are gone or
            read-only, or another save is being written.
    """
    head = read_head(dataset)
    record = last_save(dataset)
    if head is None or record is None:
        raise Refusal("There is no save to undo: none was made in the last seven days, or it has already been undone.")
    if save not in (None, record.id):
        raise Refusal(
            f"The {record.title} came after the save to be undone, or that save has already been undone: reload the "
            "list of actions."
        )
    if not record.undoable:
        fields = f"{noun(len(record.lost), 'field')} {listing([f'“{name}”' for name in record.lost])}"
        gone = agree(len(record.lost), "is")
        raise Refusal(f"The {record.title} cannot be undone: its {fields} {gone} no longer in this dataset.")
    _refuse_locked(dataset, record)
    progress(0.0, f"Undoing {count(record.count, 'change')}")
    if not claim(open_store(dataset, SAVES_STORE), head, f"{record.id}:undoing"):
        raise Refusal("Another tab is saving or undoing right now: try again.")
    _await(dataset, f"{record.id}:undoing", _unstoppable(progress))
    undone = open_store(dataset, SAVES_STORE).get(f"{record.id}:undone") or {}
    return SaveRecord(record.id, record.title, record.count, record.at, undone, record.lost)


def _refuse_locked(dataset: fo.Dataset, record: SaveRecord) -> None:
    """Raise a Refusal if a field of a save has become read-only since."""
    meta = _meta(open_store(dataset, SAVES_STORE), record.id) or {"roots": [], "marks": {}}
    todays = [name for root, name in _names(dataset, meta).items() if name is not None and root in meta["roots"]]
    locked = next((path for name in todays if (path := locked_path(dataset, name)) is not None), None)
    if locked is not None:
        raise Refusal(
            f"The {record.title} cannot be undone: the field “{locked}” is read-only now. Make it writable, then undo "
            "again."
        )


def pass_over(dataset: fo.Dataset, save: str) -> None:
    """Remove a save from the history without undoing it, because its fields were deleted; only if it is the last."""
    head = read_head(dataset)
    if save == top(head):
        store = open_store(dataset, SAVES_STORE)
        if claim(store, head, applied((_meta(store, save) or {}).get("previous"))):
            _forget(dataset, save)


def _refuse_undone(dataset: fo.Dataset, acts: Sequence[str]) -> None:
    """Raise a Refusal if acts to be saved were undone, or discarded, while their save was prepared."""
    if not acts:
        return
    now = {act.key: act.kind for act in list_acts(dataset)}
    if not set(acts) <= set(now) or any(kind == "discard" for key, kind in now.items() if key not in acts):
        raise Refusal(
            "Pending changes were undone or discarded while they were being saved, so that nothing was saved: look at "
            "what is pending now, then save again."
        )


def _prepare(dataset: fo.Dataset, save: str, edits: Iterable[AnyEdit], progress: Progress) -> dict[str, Any]:
    """Write the edits of a save, and return their metadata."""
    touched: set[str] = set()
    planned = size = parts = 0

    def seen() -> Iterator[AnyEdit]:
        for edit in edits:
            touched.add(root_of(edit.path))
            yield edit

    for number, packed in pack_edits(seen()):
        write_record(dataset, save, parts, packed)
        parts, planned, size = parts + 1, planned + number, size + len(packed)
        progress(0.0, f"Prepared {count(planned, 'change')}")
    marked = dataset.get_field_schema() if _WHOLE_SAMPLES in touched else touched
    return {
        "count": planned,
        "bytes": size,
        "roots": sorted(touched),
        "marks": field_marks(dataset, marked),
        "written": {},
    }


def _complete(dataset: fo.Dataset, progress: Progress) -> Written | None:
    """Finish an unfinished save or undo; None if another thread or process is working on it."""
    store = open_store(dataset, SAVES_STORE)
    if not is_unfinished(store.get(HEAD)):
        return Counter()
    turn = _turns[str(dataset._doc.id)]
    if not turn.acquire(blocking=False):
        return None
    try:
        if not become_writer(store):
            return None
        try:
            return _finish(dataset, store, progress)
        finally:
            release(store)
    finally:
        turn.release()


def _await(dataset: fo.Dataset, head: str, progress: Progress) -> None:
    """Carry out the save or undo committed as ``head``, or wait until another thread or process has done so."""
    while open_store(dataset, SAVES_STORE).get(HEAD) == head:
        if _complete(dataset, progress) is None:
            time.sleep(_LOOK_AGAIN_SECONDS)


def _finish(dataset: fo.Dataset, store: ExecutionStore, progress: Progress) -> Written:
    head = store.get(HEAD)
    save, state = parse(head)
    meta = _meta(store, save)
    if save is None or meta is None:  # interrupted more than seven days ago, and its record has expired
        store.delete(HEAD)
        return Counter()
    forward = state == "prepared"
    if forward and meta["declare"]:
        for field in meta["declare"]:
            ensure_label_field(dataset, LabelField(**field))
        declare_attributes(dataset, {path: getattr(fo, kind) for path, kind in meta.get("attributes", {}).items()})
        meta["marks"] |= field_marks(dataset, [name for name in meta["roots"] if name])
    names = _names(dataset, meta)
    written: Written = Counter()
    done = 0
    for packed in read_records(dataset, save, backwards=not forward):
        edits = unpack_edits(packed)
        written += apply(dataset, edits, undo=not forward, names=names)
        done += sum(len(edit) for edit in edits)
        renew(store)
        progress(done / max(meta["count"], done), f"{'Wrote' if forward else 'Undid'} {done:,} of {meta['count']:,}")
    if forward:
        store.set(f"{save}:meta", meta | {"written": dict(written)}, ttl=UNDO_SECONDS)
        settle(dataset, meta["acts"], meta["kept"])
        move(store, head, f"{save}:applied")
        return written
    store.set(f"{save}:undone", dict(written), ttl=_OUTCOME_SECONDS)  # for the caller, if another thread is faster
    if move(store, head, applied(meta["previous"])):
        _forget(dataset, save)
    return written


def _bound_history(dataset: fo.Dataset) -> None:
    """Drop the oldest saves beyond the limits of the history."""
    store = open_store(dataset, SAVES_STORE)
    save = top(store.get(HEAD))
    kept = size = 0
    while save is not None and (meta := _meta(store, save)) is not None:
        kept, size = kept + 1, size + meta["bytes"]
        if kept > 1 and (kept > HISTORY_SAVES or size > HISTORY_BYTES):
            _forget(dataset, save)
        save = meta["previous"]


def _as_record(dataset: fo.Dataset, save: str, meta: Mapping[str, Any]) -> SaveRecord:
    lost = tuple(name for name, now in _names(dataset, meta).items() if now is None and name in meta["roots"])
    at = datetime.fromisoformat(meta["at"])
    undoable, acts = not lost or len(lost) < len(meta["roots"]), tuple(meta.get("act_names", ()))
    return SaveRecord(save, meta["title"], meta["count"], at, meta["written"], lost, undoable, acts)


def _names(dataset: fo.Dataset, meta: Mapping[str, Any]) -> dict[str, str | None]:
    """Field at the time of a save → its current name, None if it was deleted."""
    return fields_today(dataset, {name: mark for name, mark in meta["marks"].items() if name})


def _unstoppable(progress: Progress) -> Progress:
    """Progress that can no longer cancel the work: a committed save is always carried out."""

    def report(fraction: float, message: str, /) -> None:
        try:
            progress(fraction, message)
        except Cancelled:
            return

    return report


def _meta(store: ExecutionStore, save: str | None) -> dict[str, Any] | None:
    meta: dict[str, Any] | None = None if save is None else store.get(f"{save}:meta")
    return meta


def _forget(dataset: fo.Dataset, save: str) -> None:
    forget_records(dataset, save)
    delete_records(dataset, SAVES_STORE, [f"{save}:meta"])
