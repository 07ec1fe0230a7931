"""Labels in memory after a save: updated with what was saved, instead of reading every sample again."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from .items import Items
from .label_documents import Conflict
from .labels import Labels, first_codes
from .pending_columns import FieldChanges
from .records import as_names


def with_saved(labels: Labels, items: Items, changes: FieldChanges, conflicts: Sequence[Conflict]) -> Labels | None:
    """The saved labels of items after a save of these changes, all of which were written except the conflicts.

    Returns None if ``labels`` are not enough to know: they do not record which labels were imported, nor the order of
    several labels of an item.
    """
    if labels.multi or (changes.which == "ours").any():
        return None
    index = pd.Index(items.ids)
    classes = sorted({*labels.classes, *changes.names})
    code_of = {name: code for code, name in enumerate(classes)}
    codes, followed = _columns(labels, np.asarray([code_of[name] for name in labels.classes], np.int64))
    checked = labels.checked.copy()
    kept = index.get_indexer([conflict.item for conflict in conflicts if conflict.field == changes.field])
    rows = index.get_indexer(as_names(changes.cleared))
    rows[np.isin(rows, kept)] = -1
    meant = (rows >= 0) & ((changes.which == "all") | followed[rows])
    codes[rows[meant]] = -1
    checked[rows[(rows >= 0) & (changes.which == "all")]] = False
    rows = index.get_indexer(as_names(changes.ids))
    written = (rows >= 0) & ~np.isin(rows, kept)
    rows, new = rows[written], np.asarray([code_of[name] for name in changes.names], np.int64)[changes.codes[written]]
    by_neighbors = changes.followed[written]
    followed[rows] = np.where(codes[rows] == new, followed[rows] & by_neighbors, by_neighbors)
    codes[rows], checked[rows] = new, False
    return _as_labels(codes, followed, checked, classes, labels)


def _columns(labels: Labels, code_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n,) in other numbers, and whether each label came from a neighbor (n,)."""
    codes = labels.codes.copy()
    codes[codes >= 0] = code_of[codes[codes >= 0]]
    followed = np.zeros(len(codes), bool)
    followed[labels.members[:, 0]] = labels.followed
    return codes, followed


def _as_labels(
    codes: np.ndarray, followed: np.ndarray, checked: np.ndarray, classes: Sequence[str], before: Labels
) -> Labels:
    """Labels as `read_labels` returns them: only classes with at least one label."""
    rows = np.flatnonzero(codes >= 0)
    present, numbers = np.unique(codes[rows], return_inverse=True)
    members = np.column_stack([rows, numbers]).astype(np.int64).reshape(-1, 2)
    names = [classes[code] for code in present.tolist()]
    new = replace(before, codes=first_codes(members, len(codes)), classes=names, members=members)
    return replace(new, followed=followed[rows], checked=checked)
