"""What was left alone because it has, or got in the meantime, another label: in words."""

from collections.abc import Sequence

from ..store.label_documents import Act, Conflict
from ..wording import agree, count, listing

_SHOWN = 3
_SET_AGAIN = "to replace what somebody set in the meantime, set the label again, and save"


def conflict_note(conflicts: Sequence[Conflict], what_then: str = "“replace” overwrites") -> str:
    """Say which labels were left alone, and what to do to replace them."""
    if not conflicts:
        return ""
    examples = listing([f"“{c.existing}” instead of “{c.label}”" for c in conflicts[:_SHOWN]])
    kept = f"{count(len(conflicts), 'item')} kept {agree(len(conflicts), 'its')} existing label"
    return f"{kept}{'s' if len(conflicts) != 1 else ''} ({examples}){_by(conflicts)}; {what_then}. "


def kept_notes(conflicts: Sequence[Conflict]) -> list[str]:
    """Say what a save left alone, because it was changed after the change was queued, and what to do."""
    by_act: dict[Act, list[Conflict]] = {"label": [], "clear": [], "delete": []}
    for one in conflicts:
        by_act[one.act].append(one)
    notes = [conflict_note(by_act["label"], _SET_AGAIN).strip()] if by_act["label"] else []
    if cleared := by_act["clear"]:
        number = len(cleared)
        now = listing([f"“{name}”" for name in list(dict.fromkeys(one.existing for one in cleared))[:_SHOWN]])
        was = agree(number, "was")
        notes.append(
            f"{count(number, 'label')} {was} not cleared, because {agree(number, 'it')} {was} changed in the meantime"
            f"{_by(cleared, '')} (now {now})."
        )
    if deleted := by_act["delete"]:
        number = len(deleted)
        was, them = agree(number, "was"), "it" if number == 1 else "them"
        notes.append(
            f"{count(number, 'item')} {was} not deleted, because {agree(number, 'it')} {was} changed in the meantime: "
            f"look at {them}, then delete {them} again."
        )
    return notes


def _by(conflicts: Sequence[Conflict], before: str = ", changed in the meantime") -> str:
    """Say who changed these, where that is known."""
    names = list(dict.fromkeys(one.by for one in conflicts if one.by))
    if not names:
        return ""
    more = [f"{len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
    return f"{before} by {listing([*names[:_SHOWN], *more])}"
