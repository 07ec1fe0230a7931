"""Saves as version 0.1 wrote them: in the execution store, with ids and times that are not JSON."""

from datetime import datetime
from typing import Any

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

from .edits import Edit, pack_edits, roots
from .records import delete_records, list_keys, open_store
from .save_records import UNDO_SECONDS, write_record


def migrate_early_saves(dataset: fo.Dataset, store_name: str) -> None:
    """Move the last save's edits to their collection; older ones cannot be undone and are dropped.

    Each step leaves a save that can be read, so an interrupted migration continues where it stopped.
    """
    keys = list_keys(dataset, store_name)
    parts = [key for key in keys if key.rsplit(":", 1)[-1].isdecimal()]
    store = open_store(dataset, store_name)
    head = str(store.get("head") or "")
    save = head.split(":")[0]
    meta = store.get(f"{save}:meta") if head else None
    if meta is not None and "chunks" in meta:
        _move_edits(dataset, store, save, meta)
    delete_records(dataset, store_name, parts)
    if head.endswith(":undone"):
        delete_records(dataset, store_name, ["head", f"{save}:meta"])


def _move_edits(dataset: fo.Dataset, store: ExecutionStore, save: str, meta: dict[str, Any]) -> None:
    edits = [Edit(**record) for number in range(meta["chunks"]) for record in store.get(f"{save}:{number}") or []]
    size = 0
    for number, (_, packed) in enumerate(pack_edits(edits)):
        write_record(dataset, save, number, packed)
        size += len(packed)
    at = meta["at"].isoformat() if isinstance(meta["at"], datetime) else str(meta["at"])
    fields = sorted(roots(edits))
    moved = {
        "title": meta["title"],
        "count": meta["count"],
        "bytes": size,
        "roots": fields,
        "marks": {},
        "acts": meta["acts"],
        "kept": [],
        "declare": [],
        "at": at,
        "previous": None,
        "written": {},
    }
    store.set(f"{save}:meta", moved, ttl=UNDO_SECONDS)
