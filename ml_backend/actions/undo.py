"""Undo pending changes, discards, saves, rejections, and deletions of segments and functions, newest first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import fiftyone as fo

from ..errors import Refusal
from ..store.deleted_segments import last_deleted, restore_segment
from ..store.functions import DeletedFunction, deleted_functions
from ..store.pending import PendingAct, forget_acts, list_acts
from ..store.saves import UNDO_SECONDS, SaveRecord, list_saves, pass_over
from ..store.suggestions import Rejection, list_rejections, take_back_rejection
from ..wording import count, listing, noun
from .functions import restore_function
from .save import undo_save

_NAMED = 3  # labels of one act that its title lists
_NOTHING = "There is nothing to undo: nothing was done in the last seven days, or it is undone already."


@dataclass(frozen=True)
class UndoStep:
    """An act that can be undone: its key, when it was done (UTC), and what it was, in words."""

    key: str
    at: datetime
    title: str


@dataclass(frozen=True)
class _Undoable:
    step: UndoStep
    take_back: Callable[[], str]  # returns text to add to the title in the message
    pass_over: Callable[[], None] | None = None  # set if it cannot be undone and blocks earlier acts that can


def list_undo_steps(dataset: fo.Dataset, *, pending: bool = True) -> list[UndoStep]:
    """Everything that can be undone, the last act first.

    Args:
        pending: whether what is not saved yet counts; without it, it stays pending.
    """
    return [found.step for found in _undoable(dataset, pending=pending)]


def describe_undo(dataset: fo.Dataset, *, pending: bool = True) -> str | None:
    """What `undo_last` would undo, in words; None if nothing can be undone."""
    steps = list_undo_steps(dataset, pending=pending)
    return steps[0].title if steps else None


def undo_last(dataset: fo.Dataset, *, pending: bool = True) -> str:
    """Undo the last act, and return a sentence about it.

    Raises:
        Refusal: there is nothing to undo, or the act cannot be undone any more.
    """
    undoable = _undoable(dataset, pending=pending)
    if not undoable:
        raise Refusal(_NOTHING)
    return f"Undid: {undoable[0].step.title}{undoable[0].take_back()}."


def undo_through(dataset: fo.Dataset, key: str, *, pending: bool = True) -> str:
    """Undo the latest acts down to the one with this key, and return a sentence about them.

    Raises:
        Refusal: there is no such act (any more), or it cannot be undone.
    """
    undoable = _undoable(dataset, pending=pending)
    place = next((place for place, one in enumerate(undoable) if one.step.key == key), None)
    if place is None:
        raise Refusal("That act is undone already, or more than seven days old: open the list again.")
    undone = []
    for one in undoable[: place + 1]:
        if one.pass_over is not None and one.step.key != key:
            one.pass_over()
        else:
            undone.append(f"{one.step.title}{one.take_back()}")
    return f"Undid: {'; '.join(undone)}."


def _undoable(dataset: fo.Dataset, *, pending: bool) -> list[_Undoable]:
    oldest = datetime.utcnow() - timedelta(seconds=UNDO_SECONDS)
    found = [*_saves(dataset), *_rejections(dataset), *_deleted_segments(dataset), *_deleted_functions(dataset)]
    found += _pending(dataset) if pending else []
    recent = [one for one in found if one.step.at > oldest]
    return sorted(recent, key=lambda one: one.step.at, reverse=True)


def _pending(dataset: fo.Dataset) -> Iterator[_Undoable]:
    for name, group in groupby(list_acts(dataset), key=lambda act: act.act):
        acts = list(group)
        keys = [act.key for act in acts]

        def take_back(keys: Sequence[str] = keys) -> str:
            forget_acts(dataset, keys)
            return ""

        yield _Undoable(UndoStep(f"pending:{name}:{keys[0]}", acts[-1].at, _words(acts)), take_back)


def _saves(dataset: fo.Dataset) -> Iterator[_Undoable]:
    for record in list_saves(dataset):

        def take_back() -> str:
            return _kept(undo_save(dataset))

        gone = None if record.undoable else lambda: pass_over(dataset)
        yield _Undoable(UndoStep(f"save:{record.id}", record.at, record.title), take_back, gone)


def _kept(record: SaveRecord) -> str:
    """Say which part of a save could not be undone, and why."""
    left = record.count - record.total_written
    if not left:
        return ""
    where = f" or in {noun(len(record.lost), 'field')} that no longer exist" if record.lost else ""
    return f" ({record.total_written:,} of {count(record.count, 'change')}; {left:,} changed since{where})"


def _rejections(dataset: fo.Dataset) -> Iterator[_Undoable]:
    for rejection in list_rejections(dataset):

        def take_back(rejection: Rejection = rejection) -> str:
            take_back_rejection(dataset, rejection)
            return ""

        title = f"rejection of {count(len(rejection.suggestions), 'suggestion')}"
        yield _Undoable(UndoStep(f"rejection:{rejection.key}", rejection.at, title), take_back)


def _deleted_segments(dataset: fo.Dataset) -> Iterator[_Undoable]:
    deleted = last_deleted(dataset)
    if deleted is not None:

        def take_back() -> str:
            restore_segment(dataset, deleted)
            return ""

        title = f"deletion of the segment “{deleted.segment.name}”"
        yield _Undoable(UndoStep(f"segment:{deleted.key}", deleted.at, title), take_back)


def _deleted_functions(dataset: fo.Dataset) -> Iterator[_Undoable]:
    for deleted in deleted_functions(dataset):

        def take_back(deleted: DeletedFunction = deleted) -> str:
            restore_function(dataset, deleted)
            return ""

        title = f"deletion of the function “{deleted.function.name}”"
        yield _Undoable(UndoStep(f"function:{deleted.key}", deleted.at, title), take_back)


def _words(acts: Sequence[PendingAct]) -> str:
    first, number = acts[0], sum(act.count for act in acts)
    items = count(number, "object" if first.patches_field else "sample")
    if first.kind == "discard":
        return f"discard of {count(number, 'change')}"
    if first.kind == "delete":
        return f"delete {items}"
    if first.kind == "clear":
        return f"clear the {noun(number, 'label')} of {items}"
    labels = list(dict.fromkeys(f"“{act.label}”" for act in acts))
    more = [f"{len(labels) - _NAMED} more"] if len(labels) > _NAMED else []
    by = " by their neighbors" if first.origin == "neighbors" else ""
    return f"label {items} {listing([*labels[:_NAMED], *more])}{by}"
