"""The head of a dataset's saves: one record that names the last save and its state.

It moves only from the value that was read, so if two processes try to move it, only one succeeds. Taking back pending
changes alters the value (`touch`), so that a save that checked them earlier must check again.
"""

import uuid
from collections.abc import Callable

from fiftyone.operators.store import ExecutionStore

HEAD = "head"
_NONE = "none"  # value of the head without a save
_TOUCH = "#"  # what follows it changes whenever pending changes are taken back


def parse(head: str | None) -> tuple[str | None, str]:
    """The save at the top of the history, and its state: "applied", "prepared", or "undoing"."""
    save, state = (head or f"{_NONE}:applied").split(":")
    return (None if save == _NONE else save), state.partition(_TOUCH)[0]


def top(head: str | None) -> str | None:
    """The save at the top of the history."""
    return parse(head)[0]


def applied(save: str | None) -> str:
    """The head when this save, or none, is the last one."""
    return f"{save or _NONE}:applied"


def is_unfinished(head: str | None) -> bool:
    """Whether a save or an undo is to be carried out."""
    return parse(head)[1] in ("prepared", "undoing")


def move(store: ExecutionStore, expected: str | None, value: str) -> bool:
    """Move the head on from exactly this value; False if it is another one."""
    if expected is None:
        return bool(store.set_if_absent(HEAD, value))
    return bool(store.compare_and_set(HEAD, expected, value))


def claim(store: ExecutionStore, expected: str | None, value: str, check: Callable[[], None] = lambda: None) -> bool:
    """Move the head on from a save and its state; False if another save or undo did so first.

    ``check`` looks at the pending changes and may raise. What is taken back after it looked keeps the head from moving,
    and then it looks again.
    """
    while True:
        now: str | None = store.get(HEAD)
        if parse(now) != parse(expected):
            return False
        check()
        if move(store, now, value):
            return True


def touch(store: ExecutionStore) -> str | None:
    """Note that pending changes were taken back; returns the head: a save that was committed before has moved it."""
    while True:
        now: str | None = store.get(HEAD)
        save, state = parse(now)
        if is_unfinished(now) or move(store, now, f"{save or _NONE}:{state}{_TOUCH}{uuid.uuid4().hex[:8]}"):
            return now
