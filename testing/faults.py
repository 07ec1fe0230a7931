"""Make MongoDB fail right after a write, wherever the write comes from: Labelscape, FiftyOne, or its ODM."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pymongo.collection
import pytest

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
def counted_writes(fail_after: int | None = None, *, except_to: Sequence[str] = ()) -> Iterator[Writes]:
    """Count the writes of a block; raise once, right after write number ``fail_after``.

    Args:
        except_to: names of collections, up to their first dot, whose writes are not counted and never fail
    """
    writes = Writes()
    with pytest.MonkeyPatch.context() as patch:
        for name in _WRITES:
            patch.setattr(pymongo.collection.Collection, name, _failing(name, writes, fail_after, except_to))
        yield writes


def _failing(name: str, writes: Writes, fail_after: int | None, except_to: Sequence[str]) -> Callable[..., Any]:
    write = getattr(pymongo.collection.Collection, name)

    def failing(self: Any, *args: Any, **options: Any) -> Any:
        result = write(self, *args, **options)
        if self.name.partition(".")[0] in except_to:
            return result
        writes.names.append(f"{name} of {self.name}")
        if writes.count == fail_after:
            raise WriteFailedError(f"after write {fail_after}: {writes.names[-1]}")
        return result

    return failing
