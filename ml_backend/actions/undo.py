"""Take back the last act: what was asked for, a rejection, a segment's deletion, a save or a clearing; newest first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import fiftyone as fo

from ..store.deleted_segments import last_deleted, restore_segment
from ..store.pending import PendingAct, forget_acts, list_acts, records_of_last_act
from ..store.saves import UNDO_SECONDS, last_save
from ..store.suggestions import list_rejections, take_back_rejection
from .queue import count
from .save import undo_save

_NAMED = 3  # labels of one act that are named


@dataclass(frozen=True)
class _Undoable:
    at: datetime
    words: str
    take_back: Callable[[], object]


def describe_undo(dataset: fo.Dataset, *, pending: bool = True) -> str | None:
    """What `undo_last` would take back, in words; None where there is nothing."""
    last = _last(dataset, pending=pending)
    return None if last is None else last.words


def undo_last(dataset: fo.Dataset, *, pending: bool = True) -> str:
    """Take back the last act and say which, in words.

    Args:
        pending: whether what is not saved yet counts; without it, it stays pending.

    Raises:
        ValueError: there is nothing to undo.
    """
    last = _last(dataset, pending=pending)
    if last is None:
        raise ValueError("There is nothing to undo: nothing was done in the last seven days, or it is undone already.")
    last.take_back()
    return f"Took back: {last.words}."


def _last(dataset: fo.Dataset, *, pending: bool) -> _Undoable | None:
    oldest = datetime.utcnow() - timedelta(seconds=UNDO_SECONDS)
    found = [*_saved(dataset), *(_pending(dataset) if pending else [])]
    return max((one for one in found if one.at > oldest), key=lambda one: one.at, default=None)


def _pending(dataset: fo.Dataset) -> Iterator[_Undoable]:
    last = records_of_last_act(list_acts(dataset))
    if last:
        yield _Undoable(last[-1].at, _words(last), lambda: forget_acts(dataset, [act.key for act in last]))


def _saved(dataset: fo.Dataset) -> Iterator[_Undoable]:
    save = last_save(dataset)
    if save is not None:
        yield _Undoable(save.at, save.title, lambda: undo_save(dataset))
    rejections = list_rejections(dataset)
    if rejections:
        words = f"rejection of {count(len(rejections[-1].suggestions), 'suggestion')}"
        yield _Undoable(rejections[-1].at, words, lambda: take_back_rejection(dataset, rejections[-1]))
    deleted = last_deleted(dataset)
    if deleted is not None:
        words = f"deletion of the segment “{deleted.segment.name}”"
        yield _Undoable(deleted.at, words, lambda: restore_segment(dataset, deleted))


def _words(acts: Sequence[PendingAct]) -> str:
    number = sum(len(act.ids) for act in acts)
    items = count(number, "object" if acts[0].patches_field else "sample") or "nothing"
    if acts[0].label is None:
        return f"delete {items}"
    labels = list(dict.fromkeys(f"“{act.label}”" for act in acts))
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    by = " by their neighbors" if acts[0].origin == "neighbors" else ""
    return f"label {items} {', '.join(labels[:_NAMED])}{more}{by}"
