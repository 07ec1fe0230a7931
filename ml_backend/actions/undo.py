"""Take back the last act: of what is pending if anything is, else the last save or clearing."""

from collections.abc import Sequence

import fiftyone as fo

from ..store.pending import PendingAct, forget_acts, list_acts, records_of_last_act
from ..store.saves import last_save
from .queue import count
from .save import undo_save


def describe_undo(dataset: fo.Dataset) -> str | None:
    """What `undo_last` would take back, in words; None where there is nothing."""
    last = records_of_last_act(list_acts(dataset))
    if last:
        return _words(last)
    save = last_save(dataset)
    return None if save is None else save.title


def undo_last(dataset: fo.Dataset) -> str:
    """Take back the last act and say which, in words.

    Raises:
        ValueError: there is nothing to undo.
    """
    last = records_of_last_act(list_acts(dataset))
    if last:
        forget_acts(dataset, [act.key for act in last])
        return f"Took back: {_words(last)}."
    return f"Took back: {undo_save(dataset).title}."


def _words(acts: Sequence[PendingAct]) -> str:
    number = sum(len(act.ids) for act in acts)
    items = count(number, "object" if acts[0].patches_field else "sample") or "nothing"
    if acts[0].label is None:
        return f"delete {items}"
    by = " by their neighbors" if acts[0].origin == "neighbors" else ""
    return f"label {items} “{acts[0].label}”{by}"
