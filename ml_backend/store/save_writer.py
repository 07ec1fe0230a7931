"""Lets one process at a time write an unfinished save or undo; another takes over if that one is dead."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fiftyone.operators.store import ExecutionStore

from .holders import has_ended, is_this_process, this_process

_WRITER = "writer"
_SILENT_SECONDS = 120  # after this, the writer of a save on another machine is assumed dead


def become_writer(store: ExecutionStore) -> bool:
    """Become the writer; False if another live process is writing."""
    writer = store.get(_WRITER)
    if writer is None:
        return bool(store.set_if_absent(_WRITER, _myself()))
    return not _is_alive(writer) and bool(store.compare_and_set(_WRITER, writer, _myself()))


def renew(store: ExecutionStore) -> None:
    """Record that this process is still writing."""
    store.set(_WRITER, _myself())


def release(store: ExecutionStore) -> None:
    """Stop being the writer."""
    store.delete(_WRITER)


def _myself() -> dict[str, Any]:
    return this_process() | {"at": datetime.utcnow().isoformat()}


def _is_alive(writer: Mapping[str, Any]) -> bool:
    """Whether the writer of a save still runs; one of this process would hold the lock that we hold now."""
    if datetime.utcnow() - datetime.fromisoformat(writer["at"]) > timedelta(seconds=_SILENT_SECONDS):
        return False
    return not is_this_process(writer) and not has_ended(writer)
