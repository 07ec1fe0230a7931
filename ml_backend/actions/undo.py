"""Undo pending changes, discards, saves, rejections, and deletions of segments and functions, newest first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import fiftyone as fo

from ..errors import Cancelled, Refusal
from ..progress import Progress, no_progress
from ..store.deleted_segments import last_deleted, restore_segment
from ..store.functions import DeletedFunction, deleted_functions
from ..store.pending import PendingAct, forget_acts, list_acts
from ..store.saves import UNDO_SECONDS, SaveRecord, list_saves, pass_over, saves_acts
from ..store.suggestions import Rejection, list_rejections, take_back_rejection
from ..wording import count, listing, noun
from .functions import restore_function
from .save import undo_save

_NAMED = 3  # labels of one action that its title lists
_NOTHING = "There is nothing to undo: nothing was done in the last seven days, or it has already been undone."


@dataclass(frozen=True)
class UndoStep:
    """An action that can be undone: its key, when it was done (UTC), and what it was, in words."""

    key: str
    at: datetime
    title: str


@dataclass(frozen=True)
class _Undoable:
    step: UndoStep
    take_back: Callable[[], str]  # returns text to add to the title in the message
    pass_over: Callable[[], None] | None = None  # set if it cannot be undone and blocks earlier actions that can
    acts: Sequence[str] = ()  # the names of the acts in it


def list_undo_steps(dataset: fo.Dataset, *, pending: bool = True) -> list[UndoStep]:
    """Everything that can be undone, the last action first.

    Args:
        pending: whether to include changes that are not saved yet; otherwise they stay pending.
    """
    return [entry.step for entry in _undoable(dataset, pending=pending)]


def undo_last(dataset: fo.Dataset, *, pending: bool = True, progress: Progress = no_progress) -> str:
    """Undo the last action, and return a sentence about it.

    Args:
        progress: may stop the undoing of a save before it begins.

    Raises:
        Refusal: there is nothing to undo, or the action can no longer be undone.
        Cancelled: nothing was undone.
    """
    undoable = _undoable(dataset, pending=pending, progress=progress)
    if not undoable:
        raise Refusal(_NOTHING)
    return f"Undid: {undoable[0].step.title}{undoable[0].take_back()}."


def undo_named(dataset: fo.Dataset, name: str, *, progress: Progress = no_progress) -> str:
    """Undo the action with this name (`pending.one_act`), and return a sentence about it.

    What others did since stays. An action that was saved is undone with its save, if nothing was done since;
    ``progress`` as in `undo_last`.

    Raises:
        Refusal: it was undone already, or was saved and others did something since.
    """
    undoable = _undoable(dataset, pending=True, progress=progress)
    if not undoable:
        raise Refusal(_NOTHING)
    entry = next((action for action in undoable if name in action.acts), None)
    if entry is None or (entry.step.key.startswith("save:") and entry is not undoable[0]):
        raise Refusal(
            f"“{undoable[0].step.title}” came after it, perhaps in another tab, or it has already been undone: choose "
            "what to undo in the list of the last actions."
        )
    return f"Undid: {entry.step.title}{entry.take_back()}."


def undo_through(dataset: fo.Dataset, key: str, *, pending: bool = True, progress: Progress = no_progress) -> str:
    """Undo the latest actions back to the one with this key, and return a sentence about them.

    ``progress`` may stop it between two actions: those before stay undone.

    Raises:
        Refusal: there is no such action (any longer), or it cannot be undone.
        Cancelled: nothing was undone.
    """
    undoable = _undoable(dataset, pending=pending, progress=progress)
    place = next((place for place, action in enumerate(undoable) if action.step.key == key), None)
    if place is None:
        raise Refusal("That action has already been undone, or is more than seven days old: reopen the list.")
    undone: list[str] = []
    for action in undoable[: place + 1]:
        if action.pass_over is not None and action.step.key != key:
            action.pass_over()
            continue
        try:
            progress(0.0, f"Undoing: {action.step.title}")
            undone.append(f"{action.step.title}{action.take_back()}")
        except Cancelled:
            if not undone:
                raise
            return f"Undid: {'; '.join(undone)}. Stopped before the rest."
    return f"Undid: {'; '.join(undone)}."


def _undoable(dataset: fo.Dataset, *, pending: bool, progress: Progress = no_progress) -> list[_Undoable]:
    oldest = datetime.utcnow() - timedelta(seconds=UNDO_SECONDS)
    entries = [
        *_saves(dataset, progress),
        *_rejections(dataset),
        *_deleted_segments(dataset),
        *_deleted_functions(dataset),
    ]
    entries += _pending(dataset) if pending else []
    recent = [action for action in entries if action.step.at > oldest]
    return sorted(recent, key=lambda action: action.step.at, reverse=True)


def _pending(dataset: fo.Dataset) -> Iterator[_Undoable]:
    for name, group in groupby(list_acts(dataset), key=lambda act: act.act):
        acts = list(group)
        keys = [act.key for act in acts]

        def take_back(acts: Sequence[PendingAct] = acts, keys: Sequence[str] = keys) -> str:
            forget_acts(dataset, keys)
            if saves_acts(dataset, keys):
                raise Refusal(f"“{_words(acts)}” was just saved: undo the save instead.")
            return ""

        yield _Undoable(UndoStep(f"pending:{name}:{keys[0]}", acts[-1].at, _words(acts)), take_back, acts=[name])


def _saves(dataset: fo.Dataset, progress: Progress) -> Iterator[_Undoable]:
    for record in list_saves(dataset):

        def take_back(save: str = record.id) -> str:
            return _kept(undo_save(dataset, save, progress))

        def forget(save: str = record.id) -> None:
            pass_over(dataset, save)

        gone = None if record.undoable else forget
        yield _Undoable(UndoStep(f"save:{record.id}", record.at, record.title), take_back, gone, record.acts)


def _kept(record: SaveRecord) -> str:
    """Say which part of a save could not be undone, and why."""
    left = record.count - record.total_written
    if not left:
        return ""
    where = f" or in {noun(len(record.lost), 'field')} that no longer exist" if record.lost else ""
    return f" ({record.total_written:,} of {count(record.count, 'change')}; {left:,} changed or deleted since{where})"


def _rejections(dataset: fo.Dataset) -> Iterator[_Undoable]:
    for rejection in list_rejections(dataset):

        def take_back(rejection: Rejection = rejection) -> str:
            take_back_rejection(dataset, rejection)
            return ""

        title = f"rejection of {count(len(rejection.suggestions), 'suggestion')}"
        yield _Undoable(UndoStep(f"rejection:{rejection.key}", rejection.at, title), take_back, acts=[rejection.act])


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
