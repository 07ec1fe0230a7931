"""Sentences about items that were left alone because they have, or were given in the meantime, another label."""

from collections.abc import Iterable, Sequence

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
    return f"{kept}{'s' if len(conflicts) != 1 else ''} ({examples}){_by(conflicts, ', ')}; {what_then}. "


def kept_notes(conflicts: Sequence[Conflict]) -> list[str]:
    """Say what a save left alone, because it was changed after the change was queued, and what to do."""
    by_act: dict[Act, list[Conflict]] = {"label": [], "clear": [], "delete": []}
    for conflict in conflicts:
        by_act[conflict.act].append(conflict)
    notes = [conflict_note(by_act["label"], _SET_AGAIN).strip()] if by_act["label"] else []
    if cleared := by_act["clear"]:
        number = len({conflict.item for conflict in cleared})
        now = _first(f"“{name}”" for conflict in cleared for name in (conflict.existing, *conflict.further))
        notes.append(
            f"{count(number, 'item')} {agree(number, 'was')} not cleared, because {agree(number, 'its')} labels were "
            f"changed in the meantime (now {now}{_by(cleared, '; ')})."
        )
    if deleted := by_act["delete"]:
        number = len(deleted)
        was, them = agree(number, "was"), "it" if number == 1 else "them"
        notes.append(
            f"{count(number, 'item')} {was} not deleted, because {agree(number, 'it')} {was} changed in the meantime: "
            f"look at {them}, then delete {them} again."
        )
    return notes


def _by(conflicts: Sequence[Conflict], before: str) -> str:
    """Say who annotated these, if known; editing a label in FiftyOne does not change its annotator."""
    names = _first(conflict.by for conflict in conflicts if conflict.by)
    return f"{before}last annotated by {names}" if names else ""


def _first(names: Iterable[str]) -> str:
    """The first few of some names, each once, and how many more there are."""
    different = list(dict.fromkeys(names))
    more = [f"{len(different) - _SHOWN:,} more"] if len(different) > _SHOWN else []
    return listing([*different[:_SHOWN], *more])
