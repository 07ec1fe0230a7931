"""Fold pending acts onto those that are folded already: only the items of the new acts are looked at again."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from .pending import OID, PendingAct
from .pending_columns import FieldChanges, PendingChanges

MOST_ITEMS = 20_000  # of new acts; from there on, folding everything is as fast
_ROWS = ("ids", "codes", "followed", "replace", "lifted", "confidence", "anchors", "seen")
_CLEARED = ("cleared", "which", "cleared_seen")
_Field = tuple[str, str | None]
Fold = Callable[[Sequence[PendingAct], Sequence[str]], PendingChanges]


def fold_appended(
    known: PendingChanges, acts: Sequence[PendingAct], names: Sequence[str], fold: Fold
) -> PendingChanges | None:
    """The changes of all acts, where ``known`` are those of all but the last ones; None if all must be folded again."""
    before, fresh = acts[: len(known.acts)], acts[len(known.acts) :]
    if any(act.kind == "discard" for act in fresh) or sum(len(act.ids) for act in fresh) > MOST_ITEMS:
        return None
    items = np.unique(np.concatenate([act.ids.astype(OID) for act in fresh]))
    some = [(_of_items(act, items), name) for act, name in zip(before, names, strict=False)]
    kept = [(act, name) for act, name in some if act is not None] + list(zip(fresh, names[len(before) :], strict=True))
    few = fold([act for act, _ in kept], [name for _, name in kept])
    fields: dict[_Field, FieldChanges] = {
        (changes.field, changes.patches_field): _without(changes, items) for changes in known.fields
    }
    for changes in few.fields:
        rest = fields.get((changes.field, changes.patches_field))
        if rest is not None and rest.multi != changes.multi:
            return None
        fields[changes.field, changes.patches_field] = changes if rest is None else _joined(rest, changes)
    deleted, seen = _deletions(known, few, items)
    kept_fields = [changes for changes in fields.values() if len(changes.ids) or len(changes.cleared)]
    return PendingChanges(kept_fields, deleted, [act.key for act in acts], seen)


def _deletions(
    known: PendingChanges, few: PendingChanges, items: np.ndarray
) -> tuple[dict[str | None, np.ndarray], dict[str | None, np.ndarray]]:
    """The deletions of both, for ``items`` only those of ``few``, and what was in them when they were queued."""
    deleted: dict[str | None, np.ndarray] = {}
    seen: dict[str | None, np.ndarray] = {}
    for changes in (known, few):
        for field, ids in changes.deleted.items():
            rows = ~_among(ids, items) if changes is known else np.ones(len(ids), bool)
            if rows.any():
                deleted[field] = np.concatenate([deleted.get(field, ids[:0]), ids[rows]])
                values = changes.deleted_seen[field]
                seen[field] = np.concatenate([seen.get(field, values[:0]), values[rows]])
    return deleted, seen


def _of_items(act: PendingAct, items: np.ndarray) -> PendingAct | None:
    """What an act does to these items; None if that is nothing."""
    if not len(act.ids):
        return act
    rows = _among(act.ids, items)
    if not rows.any():
        return None
    columns = {name: getattr(act, name)[rows] for name in ("confidence", "anchors", "seen") if len(getattr(act, name))}
    return replace(act, ids=act.ids[rows], **columns)


def _among(ids: np.ndarray, items: np.ndarray) -> np.ndarray:
    """(n,) whether each id is one of some items; by the last bytes first, which compare a hundred times as fast."""
    are_among: np.ndarray = np.isin(_tails(ids), _tails(items), kind="sort")  # NumPy 2.0 overflows otherwise
    rows = np.flatnonzero(are_among)
    are_among[rows] = np.isin(ids[rows], items)
    return are_among


def _tails(ids: np.ndarray) -> np.ndarray:
    raw = np.ascontiguousarray(ids, OID).view(np.uint8).reshape(-1, 12)
    return np.ascontiguousarray(raw[:, 4:]).view(np.uint64).ravel()


def _without(changes: FieldChanges, items: np.ndarray) -> FieldChanges:
    """The changes of a field without those of these items."""
    rows, cleared = ~_among(changes.ids, items), ~_among(changes.cleared, items)
    if rows.all() and cleared.all():
        return changes
    columns = {name: getattr(changes, name)[rows] for name in _ROWS}
    columns |= {name: getattr(changes, name)[cleared] for name in _CLEARED}
    return replace(changes, **columns)


def _joined(changes: FieldChanges, more: FieldChanges) -> FieldChanges:
    """Changes of one field, of different items."""
    names = tuple(dict.fromkeys([*changes.names, *more.names]))
    codes = np.asarray([names.index(name) for name in more.names], np.int32)[more.codes]
    latter = replace(more, codes=codes.astype(np.int32))
    columns = {name: np.concatenate([getattr(changes, name), getattr(latter, name)]) for name in (*_ROWS, *_CLEARED)}
    return replace(changes, **columns, names=names, mark=more.mark or changes.mark)
