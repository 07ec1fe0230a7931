"""Saves as all-or-nothing acts: recorded first, then applied, and undoable; an interrupted one is finished later.

Edits, with what was there before and what comes after, are written to a MongoDB collection first; one atomic key in
FiftyOne's execution store, the head, then says "prepared". From that moment the save happens, whatever crashes.

The saves form a stack that is undone from the top. It holds the saves of the last seven days, at most `HISTORY_SAVES`
of them with at most `HISTORY_BYTES` in all; the last save is kept whatever its size.
"""

import os
import socket
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from datetime import datetime, timedelta
from typing import Any

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

from ..errors import Cancelled, Refusal
from ..progress import Progress, no_progress
from ..wording import listing, noun
from .early_saves import migrate_early_saves
from .edits import AnyEdit, apply, pack_edits, root_of, unpack_edits
from .edits import Edit as Edit
from .fills import Written
from .labels import LabelField, ensure_label_field
from .pending import forget_acts, settle
from .records import delete_records
from .save_records import UNDO_SECONDS as UNDO_SECONDS
from .save_records import forget_records, read_records, write_record
from .schema import field_mark, field_today

SAVES_STORE = "labelscape.saves"
HISTORY_SAVES = 50
HISTORY_BYTES = 256_000_000
_HEAD = "head"
_WRITER = "writer"
_NONE = "none"  # value of the head without a save
_SILENT_SECONDS = 120  # after this, the writer of a save on another machine is assumed dead
_WHOLE_SAMPLES = ""  # the root of edits of whole samples
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True)
class SaveRecord:
    """A save: its id, what it was, how many edits it planned, when (UTC), and what is known of its outcome.

    ``written`` counts, by purpose, the edits that MongoDB matched; ``lost`` names fields that were deleted since.
    """

    id: str
    title: str
    count: int
    at: datetime
    written: Mapping[str, int] = dataclass_field(default_factory=dict)
    lost: tuple[str, ...] = ()
    undoable: bool = True

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
        raise Refusal("Another save or undo is being written at this moment: try again when it is done.")
    head: str | None = _store(dataset).get(_HEAD)
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
    progress: Progress = no_progress,
) -> SaveRecord:
    """Apply all edits as one act that can be undone.

    Without an edit only the acts are settled, and the saves before can still be undone.

    Args:
        head: what `read_head` returned before the edits were made.
        acts: keys of the pending acts that it settles.
        kept: keys of acts kept aside (`pending.keep_aside`), which become pending when it is done.
        declare: label fields to make, or to declare what labels carry in them, before anything is written.
        progress: may raise `Cancelled` while the edits are prepared; after that the save happens.

    Raises:
        Refusal: another save of this dataset was made at the same moment; nothing was changed.
        Cancelled: nothing was changed.
    """
    save, store = uuid.uuid4().hex, _store(dataset)
    more = {
        "title": title,
        "acts": list(acts),
        "kept": list(kept),
        "declare": [asdict(field) for field in declare],
        "at": datetime.utcnow().isoformat(),
        "previous": _top(head),
    }
    try:
        meta = _prepare(dataset, save, edits, progress) | more
        if not meta["count"]:
            settle(dataset, acts, kept)
            return _as_record(dataset, save, meta)
        store.set(f"{save}:meta", meta, ttl=UNDO_SECONDS)
        if not _move_head(store, head, f"{save}:prepared"):
            raise Refusal("Another save was made at the same moment: look at the result, then save again.")
    except BaseException:
        if store.get(_HEAD) != f"{save}:prepared":
            _forget(dataset, save)
            forget_acts(dataset, kept)
        raise
    _complete(dataset, _unstoppable(progress))
    _bound_history(dataset)
    return _as_record(dataset, save, _meta(store, save) or meta)


def recover(dataset: fo.Dataset) -> bool:
    """Finish an interrupted save or undo; returns False if another thread or process is working on it."""
    migrate_early_saves(dataset, SAVES_STORE)
    return _complete(dataset, no_progress) is not None


def list_saves(dataset: fo.Dataset) -> list[SaveRecord]:
    """The saves that can be undone, the last one first, without one that is being written."""
    recover(dataset)
    store = _store(dataset)
    save, state = _parse(store.get(_HEAD))
    if state == "undoing":
        save = (_meta(store, save) or {}).get("previous")
    found: list[SaveRecord] = []
    while save is not None and (meta := _meta(store, save)) is not None:
        if state != "prepared" or found:
            found.append(_as_record(dataset, save, meta))
        state, save = "applied", meta["previous"]
    return found


def last_save(dataset: fo.Dataset) -> SaveRecord | None:
    """The last save, while it can still be undone; None if there is none."""
    saves = list_saves(dataset)
    return saves[0] if saves else None


def undo(dataset: fo.Dataset, progress: Progress = no_progress) -> SaveRecord:
    """Undo the last save; changes made since then stay. Returns the save with what was undone.

    Raises:
        Refusal: there is nothing to undo, all its fields are gone, or another save is being written.
    """
    head = read_head(dataset)
    record = last_save(dataset)
    if head is None or record is None:
        raise Refusal("There is no save to undo: none was made in the last seven days, or it is undone already.")
    if not record.undoable:
        fields = f"{noun(len(record.lost), 'field')} {listing([f'“{name}”' for name in record.lost])}"
        raise Refusal(f"The {record.title} cannot be undone: its {fields} no longer exist in this dataset.")
    if not _move_head(_store(dataset), head, f"{record.id}:undoing"):
        raise Refusal("Another tab is saving or undoing at this moment: try again.")
    undone = _complete(dataset, _unstoppable(progress)) or Counter()
    return SaveRecord(record.id, record.title, record.count, record.at, undone, record.lost)


def pass_over(dataset: fo.Dataset) -> None:
    """Remove the last save from the history without undoing it, because its fields were deleted."""
    head = read_head(dataset)
    save = _top(head)
    if save is not None:
        store = _store(dataset)
        if _move_head(store, head, _applied((_meta(store, save) or {}).get("previous"))):
            _forget(dataset, save)


def _prepare(dataset: fo.Dataset, save: str, edits: Iterable[AnyEdit], progress: Progress) -> dict[str, Any]:
    """Write the edits of a save, and return their metadata."""
    found: set[str] = set()
    planned = size = parts = 0

    def seen() -> Iterator[AnyEdit]:
        for edit in edits:
            found.add(root_of(edit.path))
            yield edit

    for number, packed in pack_edits(seen()):
        write_record(dataset, save, parts, packed)
        parts, planned, size = parts + 1, planned + number, size + len(packed)
        progress(0.0, f"Prepared {planned:,} changes")
    marked = dataset.get_field_schema() if _WHOLE_SAMPLES in found else found
    return {
        "count": planned,
        "bytes": size,
        "roots": sorted(found),
        "marks": {name: field_mark(dataset, name) for name in marked},
        "written": {},
    }


def _complete(dataset: fo.Dataset, progress: Progress) -> Written | None:
    """Finish an unfinished save or undo; None if another thread or process is working on it."""
    store = _store(dataset)
    if not _is_unfinished(store.get(_HEAD)):
        return Counter()
    turn = _turns[str(dataset._doc.id)]
    if not turn.acquire(blocking=False):
        return None
    try:
        if not _claim(store):
            return None
        try:
            return _finish(dataset, store, progress)
        finally:
            store.delete(_WRITER)
    finally:
        turn.release()


def _finish(dataset: fo.Dataset, store: ExecutionStore, progress: Progress) -> Written:
    head = store.get(_HEAD)
    save, state = _parse(head)
    meta = _meta(store, save)
    if save is None or meta is None:  # interrupted more than seven days ago, and its record has expired
        store.delete(_HEAD)
        return Counter()
    forward = state == "prepared"
    if forward and meta["declare"]:
        for field in meta["declare"]:
            ensure_label_field(dataset, LabelField(**field))
        meta["marks"] |= {name: field_mark(dataset, name) for name in meta["roots"] if name}
    names = _names(dataset, meta)
    written: Written = Counter()
    done = 0
    for packed in read_records(dataset, save, backwards=not forward):
        edits = unpack_edits(packed)
        written += apply(dataset, edits, undo=not forward, names=names)
        done += sum(len(edit) for edit in edits)
        _renew(store)
        progress(done / max(meta["count"], done), f"{'Wrote' if forward else 'Undid'} {done:,} of {meta['count']:,}")
    if forward:
        store.set(f"{save}:meta", meta | {"written": dict(written)}, ttl=UNDO_SECONDS)
        settle(dataset, meta["acts"], meta["kept"])
        _move_head(store, head, f"{save}:applied")
    elif _move_head(store, head, _applied(meta["previous"])):
        _forget(dataset, save)
    return written


def _bound_history(dataset: fo.Dataset) -> None:
    """Drop the oldest saves beyond the limits of the history."""
    store = _store(dataset)
    save = _top(store.get(_HEAD))
    kept = size = 0
    while save is not None and (meta := _meta(store, save)) is not None:
        kept, size = kept + 1, size + meta["bytes"]
        if kept > 1 and (kept > HISTORY_SAVES or size > HISTORY_BYTES):
            _forget(dataset, save)
        save = meta["previous"]


def _as_record(dataset: fo.Dataset, save: str, meta: Mapping[str, Any]) -> SaveRecord:
    lost = tuple(name for name, now in _names(dataset, meta).items() if now is None and name in meta["roots"])
    at = datetime.fromisoformat(meta["at"])
    undoable = not lost or len(lost) < len(meta["roots"])
    return SaveRecord(save, meta["title"], meta["count"], at, meta["written"], lost, undoable)


def _names(dataset: fo.Dataset, meta: Mapping[str, Any]) -> dict[str, str | None]:
    """Field at the time of a save → its current name, None if it was deleted."""
    return {name: field_today(dataset, name, mark) for name, mark in meta["marks"].items() if name}


# --- the head, and who writes ----------------------------------------------------------------------------------------


def _parse(head: str | None) -> tuple[str | None, str]:
    """The save at the top of the history, and its state."""
    save, state = (head or f"{_NONE}:applied").split(":")
    return (None if save == _NONE else save), state


def _top(head: str | None) -> str | None:
    return _parse(head)[0]


def _applied(save: str | None) -> str:
    return f"{save or _NONE}:applied"


def _is_unfinished(head: str | None) -> bool:
    return _parse(head)[1] in ("prepared", "undoing")


def _move_head(store: ExecutionStore, expected: str | None, value: str) -> bool:
    if expected is None:
        return bool(store.set_if_absent(_HEAD, value))
    return bool(store.compare_and_set(_HEAD, expected, value))


def _claim(store: ExecutionStore) -> bool:
    """Become the writer; False if another live process is writing."""
    writer = store.get(_WRITER)
    if writer is None:
        return bool(store.set_if_absent(_WRITER, _myself()))
    return not _is_alive(writer) and bool(store.compare_and_set(_WRITER, writer, _myself()))


def _renew(store: ExecutionStore) -> None:
    store.set(_WRITER, _myself())


def _myself() -> dict[str, Any]:
    return {"host": socket.gethostname(), "process": os.getpid(), "at": datetime.utcnow().isoformat()}


def _is_alive(writer: Mapping[str, Any]) -> bool:
    """Whether the writer of a save still runs; one of this process would hold the lock that we hold now."""
    if datetime.utcnow() - datetime.fromisoformat(writer["at"]) > timedelta(seconds=_SILENT_SECONDS):
        return False
    if writer["host"] != socket.gethostname():
        return True
    if writer["process"] == os.getpid():
        return False
    try:
        os.kill(writer["process"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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


def _store(dataset: fo.Dataset) -> ExecutionStore:
    return ExecutionStore.create(SAVES_STORE, dataset._doc.id)
