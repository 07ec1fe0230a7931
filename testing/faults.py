"""Make MongoDB fail right after a write, wherever the write comes from: Labelscape, FiftyOne, or its ODM."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import fiftyone as fo
import pymongo.collection
import pytest
from fiftyone.core.odm.database import get_db_conn

from ..ml_backend.store.save_head import HEAD, parse
from ..ml_backend.store.saves import SAVES_STORE

_WRITES = (
    "bulk_write",
    "insert_one",
    "insert_many",
    "update_one",
    "update_many",
    "replace_one",
    "delete_one",
    "delete_many",
    "find_one_and_update",
    "find_one_and_replace",
    "find_one_and_delete",
)


class WriteFailedError(Exception):
    """The simulated loss of MongoDB right after a write."""


@dataclass
class Writes:
    """The writes since the block began, each as “method of collection”."""

    names: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of writes."""
        return len(self.names)


@contextmanager
def counted_writes(
    fail_after: int | None = None, *, except_to: Sequence[str] = (), fatal: bool = False
) -> Iterator[Writes]:
    """Count the writes of a block; raise once, right after write number ``fail_after``.

    Args:
        fatal: kill the process instead of raising
        except_to: names of collections, up to their first dot, whose writes are not counted and never fail
    """
    writes = Writes()
    with pytest.MonkeyPatch.context() as patch:
        for name in _WRITES:
            patch.setattr(pymongo.collection.Collection, name, _failing(name, writes, fail_after, except_to, fatal))
        yield writes


def failures(act: Callable[[], object], *, repeatable: bool = False) -> Iterator[str]:
    """Make an action fail after each of its writes in turn, until it succeeds; yields which write it was.

    FiftyOne catches some failures itself; the action has then succeeded, and must be ``repeatable`` to continue.
    """
    number = 0
    while True:
        number += 1
        # FiftyOne (1.22) carries on where its own document of the dataset could not be saved.
        with counted_writes(fail_after=number, except_to=("datasets", "delegated_ops")) as writes:
            try:
                act()
            except WriteFailedError as error:
                yield str(error)
                continue
        if writes.count < number:
            return
        assert repeatable, writes.names[number - 1]


def contents(dataset: fo.Dataset) -> dict[str, Any]:
    """Everything that a dataset holds in the database: its documents, fields, runs, views, and Labelscape's records."""
    dataset.reload()
    records = get_db_conn().execution_store.find({"dataset_id": dataset._doc.id})
    collections = [dataset._sample_collection, *([dataset._frame_collection] if dataset._has_frame_fields() else [])]
    return {
        "documents": [_plain(document) for collection in collections for document in collection.find().sort("_id")],
        "fields": sorted(dataset.get_field_schema(flat=True)),
        "runs": {key: dataset.get_brain_info(key).config.serialize() for key in dataset.list_brain_runs()},
        "views": sorted(dataset.list_saved_views()),
        "records": {
            f"{record['store_name']}/{record['key']}": record["value"] for record in records if _says_something(record)
        },
    }


def _says_something(record: dict[str, Any]) -> bool:
    """Whether it is a record with content; a head without a save says as much as none."""
    is_head = (record["store_name"], record.get("key")) == (SAVES_STORE, HEAD)
    return bool(record.get("key")) and not (is_head and parse(record["value"]) == parse(None))


def _plain(value: Any) -> Any:
    """A document without ids and times of changes, and without fields that hold nothing."""
    if isinstance(value, dict):
        left_out = ("_id", "last_modified_at", "created_at")
        return {
            name: _plain(element) for name, element in value.items() if element is not None and name not in left_out
        }
    return [_plain(element) for element in value] if isinstance(value, list) else value


def _failing(
    name: str, writes: Writes, fail_after: int | None, except_to: Sequence[str], fatal: bool
) -> Callable[..., Any]:
    write = getattr(pymongo.collection.Collection, name)

    def failing(self: Any, *args: Any, **options: Any) -> Any:
        result = write(self, *args, **options)
        if self.name.partition(".")[0] in except_to:
            return result
        writes.names.append(f"{name} of {self.name}")
        if writes.count == fail_after:
            if fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            raise WriteFailedError(f"after write {fail_after}: {writes.names[-1]}")
        return result

    return failing
