"""Which label was there when a change was queued, as a number for each item: a save keeps what somebody set since.

A label counts as another one if it has another class, or if a person confirmed what came from a neighbor.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np

from .label_documents import is_meant
from .pending import NOTHING_SEEN, UNKNOWN, Clear

_LABELS_TOLD_APART, _BITS_PER_LABEL = 3, 21
_MANY = 2**63  # set in the number of a longer list


def number_of(content: bytes) -> int:
    """A number of 64 bits that stands for some content: neither `NOTHING_SEEN` nor `UNKNOWN`."""
    return max(int.from_bytes(blake2b(content, digest_size=8).digest(), "little"), 2)


@lru_cache(maxsize=65_536)
def seen_label(name: Any, origin: str | None) -> int:
    """The number of a label of this class and origin (None = imported); that of no label is `NOTHING_SEEN`."""
    if not name and origin != "human":
        return NOTHING_SEEN
    return number_of(f"{int(origin == 'neighbors')}{name or ''}".encode())


def seen_labels(names: Iterable[Any], origins: Iterable[Any]) -> np.ndarray:
    """(n,) uint64 numbers of labels."""
    return np.fromiter(map(seen_label, names, origins), np.uint64)


def was_changed(seen: int, name: Any, origin: str | None) -> bool:
    """Whether this label was not there when a change was queued; one that somebody removed is no reason to stop."""
    there = seen_label(name, origin)
    return there != NOTHING_SEEN and seen not in (UNKNOWN, there)


def seen_list(labels: Iterable[tuple[Any, str | None]], which: Clear) -> int:
    """The number of the classes of those labels (class, origin) of an item that a clearing means, in any order.

    The numbers of up to three labels can be read from it; more share the bits, so that any difference counts.
    """
    numbers = [seen_label(name, None) for name, origin in labels if name and is_meant(origin, which)]
    if len(numbers) > _LABELS_TOLD_APART:
        return _MANY | sum(numbers) % _MANY
    short = sorted(2 + number % (2**_BITS_PER_LABEL - 2) for number in numbers)  # 0 and 1 mean something else
    return sum(number << _BITS_PER_LABEL * place for place, number in enumerate(short))


def list_was_changed(seen: int, labels: Iterable[tuple[Any, str | None]], which: Clear) -> bool:
    """Whether a label that a clearing means was added since; that some were removed is no reason to stop."""
    there = seen_list(labels, which)
    if there == NOTHING_SEEN or seen in (UNKNOWN, there):
        return False
    return max(seen, there) >= _MANY or not _told_apart(there) <= _told_apart(seen)


def _told_apart(seen: int) -> Counter[int]:
    shifts = range(0, _BITS_PER_LABEL * _LABELS_TOLD_APART, _BITS_PER_LABEL)
    return Counter(filter(None, (seen >> shift & (2**_BITS_PER_LABEL - 1) for shift in shifts)))


@dataclass(frozen=True, eq=False)
class LabelsThere:
    """The labels of the items ``ids`` (m,) in the database: the class and the origin of each."""

    ids: np.ndarray
    names: list[Any]
    origins: list[Any]

    def seen_by(self, ids: np.ndarray) -> np.ndarray:
        """(n,) uint64: what is there at each of some items; nothing where these labels have none of it."""
        seen = np.full(len(ids), NOTHING_SEEN, np.uint64)
        if len(self.ids):
            order = np.argsort(self.ids, kind="stable")
            places = order[np.minimum(np.searchsorted(self.ids, ids, sorter=order), len(order) - 1)]
            known = self.ids[places] == ids
            seen[known] = seen_labels(self.names, self.origins)[places[known]]
        return seen
