"""The action that undoes a user's last action in a Label Studio project."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..actions.functions import delete_function
from ..actions.save import undo_save
from ..actions.segments import delete_segment
from ..errors import Refusal
from ..label_studio.mirror import Mirror
from ..progress import Progress
from ..store.action_journal import JournalEntry, forget_action, list_actions
from ..store.chosen_suggestions import forget_chosen
from ..store.saves import last_save
from ..wording import count
from .columns import refresh_columns
from .jobs import Outcome
from .labeling_actions import send_samples_and_suggest
from .requests import ActionRequest
from .sync import ProjectSync


@dataclass(frozen=True)
class _Undone:
    """An undone action: how many labels, suggestions, … it had made, the samples to compare, and what stays."""

    number: int
    samples: Sequence[str] = ()
    note: str = ""


def preview_undo(project: ProjectSync, request: ActionRequest) -> Outcome:
    """What “Undo” would undo."""
    with project.lock:
        entry = _last_action(project.opened(), request.by)
    return Outcome(f"Undoes your last action: {entry.title}.")


def undo(project: ProjectSync, request: ActionRequest, progress: Progress) -> Outcome:
    """Undo the last action of this user."""
    with project.lock:
        mirror = project.opened()
        entry = _last_action(mirror, request.by)
        undone = _UNDO[entry.kind](mirror, entry)
        forget_action(mirror.dataset, entry)
    if entry.kind in ("segment", "function"):
        refresh_columns(project, lambda: True)
    else:
        send_samples_and_suggest(project, undone.samples, progress)
    return Outcome(f"Undid: {entry.title}{undone.note}.", {"undone": undone.number})


def _last_action(mirror: Mirror, by: str) -> JournalEntry:
    entries = list_actions(mirror.dataset)
    entry = next((candidate for candidate in entries if candidate.by == by), None)
    if entry is None:
        raise Refusal(
            "There is nothing to undo: you did nothing here in the last seven days, or you have already undone it."
        )
    if entry.kind == "labels":
        _check_is_last_save(mirror, entry, entries)
    return entry


def _check_is_last_save(mirror: Mirror, entry: JournalEntry, entries: Sequence[JournalEntry]) -> None:
    """Saves are undone in their order, so nobody undoes what somebody else did since."""
    last = last_save(mirror.dataset)
    if last is None:
        raise Refusal(f"The {entry.title} can no longer be undone: it was undone in FiftyOne, or is too old.")
    if last.id != entry.made:
        known = next(
            (f"“{earlier.title}”" for earlier in entries if earlier.made == last.id), f"the {last.title} in FiftyOne"
        )
        raise Refusal(f"Somebody else acted after you: {known} must be undone before “{entry.title}”.")


def _undo_labels(mirror: Mirror, entry: JournalEntry) -> _Undone:
    ours = _sent_from_here(mirror)
    record = undo_save(mirror.dataset, entry.made)
    left = record.count - record.total_written
    note = f" ({count(left, 'label')} changed since and stayed)" if left else ""
    return _Undone(record.total_written, ours, note)


def _undo_suggestions(mirror: Mirror, entry: JournalEntry) -> _Undone:
    return _Undone(forget_chosen(mirror.dataset, entry.made))


def _undo_segment(mirror: Mirror, entry: JournalEntry) -> _Undone:
    delete_segment(mirror.dataset, slug=entry.made)
    return _Undone(1)


def _undo_function(mirror: Mirror, entry: JournalEntry) -> _Undone:
    delete_function(mirror.dataset, entry.made)
    return _Undone(1)


def _sent_from_here(mirror: Mirror) -> list[str]:
    """The samples with an annotation that was made from a label here: those that an undo may remove."""
    records = mirror.ledger.read().values()
    return [
        record.sample
        for record in records
        if record.sample and any(annotation.ours for annotation in record.annotations)
    ]


_UNDO: dict[str, Callable[[Mirror, JournalEntry], _Undone]] = {
    "labels": _undo_labels,
    "suggestions": _undo_suggestions,
    "segment": _undo_segment,
    "function": _undo_function,
}
