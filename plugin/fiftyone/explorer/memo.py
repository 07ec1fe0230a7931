"""Values that are recomputed only if what they depend on has changed."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Memo(Generic[Value]):
    """One kind of value by key, each with the stamp at which it was computed."""

    def __init__(self) -> None:
        self._values: dict[Hashable, tuple[object, Value]] = {}

    def get(self, key: Hashable, stamp: object, make: Callable[[], Value]) -> Value:
        """The value of this key, from ``make`` if there is none with this stamp."""
        known = self._values.get(key)
        if known is None or known[0] != stamp:
            known = self._values[key] = (stamp, make())
        return known[1]

    def peek(self, key: Hashable) -> Value | None:
        """The last computed value, whatever its stamp."""
        known = self._values.get(key)
        return None if known is None else known[1]

    def forget(self, key: Hashable) -> None:
        """Recompute the value of this key the next time it is needed."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
