"""Read annotations as Label Studio sends them."""

from collections.abc import Mapping, Sequence
from typing import Any

from .config import Control
from .ledger import Annotation
from .regions import is_unreadable
from .task_menu import command_of


def as_annotation(control: Control, payload: Any, additional: Sequence[Control] = ()) -> Annotation | None:
    """An annotation, with the part of its result that our controls read; None if it is not a valid annotation.

    One whose answer to the first control cannot be read is not valid: it does not say that nothing is there.
    """
    if not isinstance(payload, Mapping) or not _is_number(payload.get("id")):
        return None
    result = payload.get("result")
    if not isinstance(result, list) or is_unreadable(result, control.names, control.kind):
        return None
    return Annotation(
        id=payload["id"],
        result=[item for filled_in in (control, *additional) for item in filled_in.own(result)],
        by=_user(payload.get("completed_by")),
        edited_by=_user(payload.get("updated_by")),
        at=str(payload.get("updated_at") or payload.get("created_at") or ""),
        skipped=bool(payload.get("was_cancelled")),
        truth=bool(payload.get("ground_truth")),
        silent=control.is_silent(result),
        command=command_of(result),
    )


def is_unread(payloads: Sequence[Any], read: Sequence[Annotation], number: int) -> bool:
    """Whether an annotation is still among a task's, but not among those that could be read."""
    listed = any(isinstance(payload, Mapping) and payload.get("id") == number for payload in payloads)
    return listed and all(annotation.id != number for annotation in read)


def _user(value: Any) -> int | None:
    number = value.get("id") if isinstance(value, Mapping) else value
    return number if _is_number(number) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
