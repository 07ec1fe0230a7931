"""Suggestions whose basis is unchanged: they are not computed, read, or compared again."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import fiftyone as fo

from ..analysis.neighbors import Neighbors
from ..store.items import FRAMES
from ..store.pending_changes import pending_changes
from ..store.sample_state import SampleState, sample_state
from ..store.session import Session
from ..store.suggestions import SuggestionSettings, rejection_keys

if TYPE_CHECKING:
    from .suggest import SuggestReport

_KEPT = 16  # datasets, or fields of them
_lock = threading.Lock()


@dataclass(frozen=True)
class Basis:
    """Everything that the suggestions of a whole dataset depend on: vectors, samples, and other state."""

    neighbors: "weakref.ref[Neighbors]"
    state: SampleState
    others: Hashable
    into: str


_made: "OrderedDict[tuple[str, str], tuple[Basis, SuggestReport]]" = OrderedDict()  # by dataset and field


def basis_of(
    samples: fo.core.collections.SampleCollection, session: Session, settings: SuggestionSettings, into: str
) -> Basis | None:
    """What suggestions made now ``into`` a field are based on; None for a view, frames, or untracked writes."""
    if (session.embeddings.items.field or "").split(".")[0] == FRAMES:
        return None  # a write to a frame leaves no trace in its sample
    state = sample_state(session.dataset) if isinstance(samples, fo.Dataset) else None
    if state is None:
        return None
    pending = tuple(pending_changes(session.dataset).acts)
    others = (settings, pending, tuple(rejection_keys(session.dataset)))
    return Basis(weakref.ref(session.neighbors), state, others, into)


def recall(basis: Basis | None) -> "SuggestReport | None":
    """The report of the suggestions that were made on this basis and are unchanged; None if there is none."""
    if basis is None:
        return None
    with _lock:
        known = _made.get((basis.state.dataset, basis.into))
    if known is None or (known[0].state, known[0].others) != (basis.state, basis.others):
        return None
    same_vectors = known[0].neighbors() is not None and known[0].neighbors() is basis.neighbors()
    return replace(known[1], changed=()) if same_vectors else None


def remember(dataset: fo.Dataset, basis: Basis | None, report: "SuggestReport") -> None:
    """Keep the report of suggestions that were made and written, unless somebody else wrote in the meantime."""
    now = None if basis is None else sample_state(dataset)
    if basis is None or now is None or not now.kept_labels_since(basis.state):
        return
    with _lock:
        key = (now.dataset, basis.into)
        _made[key] = (replace(basis, state=now), report)
        _made.move_to_end(key)
        while len(_made) > _KEPT:
            _made.popitem(last=False)
