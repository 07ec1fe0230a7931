"""What a screen has shown: rows whose label was changed since keep it, because nobody there has seen it."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from ....ml_backend.wording import agree, count, listing, noun

if TYPE_CHECKING:
    from .label_states import Snapshot

_VERSIONS_KEPT = 10_000
_SHOWN_CLASSES = 3


class SeenLabels:
    """When each of n rows got another label, or another suggestion: as the number of the change, by version."""

    def __init__(self, n: int) -> None:
        self._labeled_at = np.zeros(n, np.int32)
        self._suggested_at = np.zeros(n, np.int32)
        self._number_of: dict[str, int] = {}
        self._number = 0

    def note(self, before: "Snapshot", after: "Snapshot") -> None:
        """Take note of a change of labels, or of suggestions."""
        if before.version != after.version:
            self._number += 1
            labeled = (after.codes != before.codes) & (after.codes >= 0)
            marked, checked = after.marked & ~before.marked, after.checked & ~before.checked
            self._labeled_at[labeled | marked | checked] = self._number
            suggested = (after.suggested != before.suggested) & (after.suggested >= 0)
            self._suggested_at[suggested] = self._number
        self._number_of.pop(after.version, None)
        self._number_of[after.version] = self._number
        if len(self._number_of) > _VERSIONS_KEPT:
            del self._number_of[next(iter(self._number_of))]

    def relabeled(self, rows: np.ndarray, version: str | None) -> np.ndarray:
        """Whether each of some rows (m,) got a label, or was marked for deletion, since a version was shown.

        Of a version that is not known, because the server was started since or the screen has not read the labels yet,
        every label counts as unseen.
        """
        changed: np.ndarray = self._labeled_at[rows] > self._shown(version)
        return changed

    def suggested_again(self, rows: np.ndarray, version: str | None) -> np.ndarray:
        """Whether each of some rows (m,) got a suggestion since a version was shown; see `relabeled`."""
        changed: np.ndarray = self._suggested_at[rows] > self._shown(version)
        return changed

    def _shown(self, version: str | None) -> int:
        return self._number_of.get(version or "", 0)


def kept_note(snapshot: "Snapshot", rows: np.ndarray, item_noun: str, what: str = "label") -> str:
    """Say which rows an act left alone, because their ``what`` was changed after it was shown; "" for none."""
    if not len(rows):
        return ""
    codes = (snapshot.codes if what == "label" else snapshot.suggested)[rows]
    names = Counter(
        f"“{snapshot.classes[code]}”" if code >= 0 else "nothing there" for code in codes[~snapshot.marked[rows]]
    )
    names["marked for deletion"] = int(snapshot.marked[rows].sum())
    shown = [f"{name} ({number:,})" for name, number in names.most_common(_SHOWN_CLASSES) if number]
    more = sum(number > 0 for number in names.values()) - len(shown)
    shown += [count(more, "other class")] if more > 0 else []
    number = len(rows)
    reason = f"{agree(number, 'its')} {noun(number, what)} {agree(number, 'was')}"
    return (
        f"{count(number, item_noun)} {agree(number, 'was')} left alone, because {reason} changed after this screen "
        f"showed {'it' if number == 1 else 'them'}: now {listing(shown)}. Check, then try again."
    )
