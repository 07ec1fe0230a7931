"""Counts the updates of samples and frames that this process sends, to distinguish them from other writes."""

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pymongo.collection import Collection

_begun: "Counter[tuple[str, bool]]" = Counter()
_done: "Counter[tuple[str, bool]]" = Counter()
_lock = threading.Lock()


def bulk_write(collection: Collection, updates: Sequence[Any], *, labels: bool) -> int:
    """Send updates in their order; returns how many documents MongoDB matched.

    Args:
        labels: whether they write labels, rather than what Labelscape computes.
    """
    key = (collection.name, labels)
    with _lock:
        _begun[key] += len(updates)
    try:
        return int(collection.bulk_write(updates, ordered=True).matched_count)
    finally:  # where some failed, the number is too high, and what was in memory is read again
        with _lock:
            _done[key] += len(updates)


def own_writes(collection: str) -> tuple[int, int] | None:
    """How many updates of labels, and of other things, were sent to a collection; None while some are on their way."""
    with _lock:
        keys = [(collection, labels) for labels in (True, False)]
        if any(_begun[key] != _done[key] for key in keys):
            return None
        return _done[keys[0]], _done[keys[1]]
