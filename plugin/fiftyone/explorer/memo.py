"""Values that are made again only where what they depend on has changed."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Memo(Generic[Value]):
    """One kind of value by key, each with the stamp it was made at."""

    def __init__(self) -> None:
        self._values: dict[Hashable, tuple[object, Value]] = {}

    def get(self, key: Hashable, stamp: object, make: Callable[[], Value]) -> Value:
        """The value of this key, from ``make`` where there is none of this stamp."""
        known = self._values.get(key)
        if known is None or known[0] != stamp:
            known = self._values[key] = (stamp, make())
        return known[1]

    def peek(self, key: Hashable) -> Value | None:
        """The value made last, whatever its stamp."""
        known = self._values.get(key)
        return None if known is None else known[1]

    def forget(self, key: Hashable) -> None:
        """Make the value of this key again when it is next asked for."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
