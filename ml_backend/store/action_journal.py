"""The journal of what was done in a project from Label Studio, so that each user can undo their own last action."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import fiftyone as fo

from .records import delete_records, open_store, read_records, timely_key

_STORE = "labelscape.action_journal"
_ACTION = "action:"
_DAYS = 7

Kind = Literal["labels", "suggestions", "segment", "function"]


@dataclass(frozen=True)
class JournalEntry:
    """An action that can be undone: what it made (the id of a save, the slug of a segment, …), by whom, in words."""

    kind: Kind
    made: str
    by: str
    title: str
    key: str = ""


def note_action(dataset: fo.Dataset, entry: JournalEntry) -> None:
    """Add an action to the journal; it is forgotten after seven days."""
    open_store(dataset, _STORE).set(f"{_ACTION}{timely_key()}", asdict(entry), ttl=_DAYS * 24 * 3600)


def list_actions(dataset: fo.Dataset) -> list[JournalEntry]:
    """The actions that can be undone, the last one first."""
    records: Mapping[str, Any] = read_records(dataset, _STORE, prefix=_ACTION)
    return [JournalEntry(**{**records[key], "key": key}) for key in sorted(records, reverse=True)]


def forget_action(dataset: fo.Dataset, entry: JournalEntry) -> None:
    """Remove an action from the journal: it was undone."""
    delete_records(dataset, _STORE, [entry.key])
