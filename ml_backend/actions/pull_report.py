"""What a pull from Label Studio changed and kept, in numbers and as the closing message."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ..report import Report
from ..store.edits import Edit
from ..store.label_documents import Conflict
from ..wording import agree, count, listing, noun
from .conflict_notes import conflict_note

Effect = Literal["given", "confirmed", "removed", "empty"]


@dataclass(frozen=True)
class LeftAlone:
    """Content of annotations that could not become labels here.

    ``unknown`` counts labels of classes that the project does not have (any longer); ``silent`` annotations were made
    for a control that it does not have (any longer); ``unreadable`` are tasks with an annotation that cannot be read;
    ``unplaced`` boxes have no area, or are rotated on an image of unknown size.
    """

    unknown: Mapping[str, int] = field(default_factory=dict)
    silent: int = 0
    unreadable: tuple[int, ...] = ()
    unplaced: int = 0

    def sentences(self) -> list[str]:
        """What the user should know, and how to recover what was left out."""
        sentences = []
        if self.unknown:
            names, number = listing([f"“{name}”" for name in self.unknown]), sum(self.unknown.values())
            classes, them = noun(len(self.unknown), "class"), "it" if len(self.unknown) == 1 else "them"
            sentences.append(
                f"Left out {count(number, 'label')} of the {classes} {names}, which the project does not have, and "
                f"kept the labels here: to pull {them}, add {them} to the project, then pull again."
            )
        if self.silent:
            sentences.append(
                f"{count(self.silent, 'annotation')} {agree(self.silent, 'was')} made for a control that the project "
                "no longer has; labels here stay. To pull them, restore the control's former name, then pull again."
            )
        if self.unreadable:
            tasks = listing([str(task) for task in self.unreadable[:3]] + (["more"] if self.unreadable[3:] else []))
            sentences.append(
                f"Skipped annotations of {count(len(self.unreadable), 'task')} that cannot be read ({tasks})."
            )
        if self.unplaced:
            sentences.append(
                f"Left out {count(self.unplaced, 'box')} without an area, or rotated on an image whose size is "
                "not known."
            )
        return sentences


@dataclass(frozen=True, repr=False)
class PullReport(Report):
    """What a pull wrote: labels ``given``, ``confirmed`` (the same label, now with who and when), and ``removed``.

    ``empty`` samples were checked and have nothing to label. ``by`` counts these by annotator; ``latest`` is the last
    annotation's time. Of the tasks, ``annotated`` have an annotation that counts, ``skipped`` only skipped ones,
    ``waiting`` none; ``withdrawn`` had one at the last pull, ``gone`` were deleted there. ``turned`` boxes were rotated
    and imported as the upright frame around them; ``masks`` were dropped because their boxes were moved; ``overtaken``
    labels were changed by somebody in the moment of the pull, and stay; ``deleted`` ones were of samples or objects
    that were deleted then. ``notices`` contains sentences on what changed in the label config.
    """

    title: str
    field: str
    given: int
    confirmed: int
    removed: int
    empty: int
    by: Mapping[str, int]
    latest: datetime | None
    conflicts: list[Conflict]
    annotated: int
    skipped: int
    waiting: int
    withdrawn: int
    gone: int
    turned: int
    masks: int = 0
    overtaken: int = 0
    deleted: int = 0
    left_alone: LeftAlone = LeftAlone()
    notices: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The closing message."""
        parts = [self._written(), *self.notices, *self._tasks()]
        if self.conflicts:
            parts.append(conflict_note(self.conflicts).strip())
        if self.turned:
            parts.append(
                f"{count(self.turned, 'region')} {agree(self.turned, 'was')} rotated there; here "
                f"{agree(self.turned, 'it')} {agree(self.turned, 'has')} the upright frame around "
                f"{'it' if self.turned == 1 else 'them'}."
            )
        if self.masks:
            parts.append(
                f"Dropped {count(self.masks, 'instance mask')} because {agree(self.masks, 'its')} "
                f"{noun(self.masks, 'box')} {agree(self.masks, 'was')} moved or resized."
            )
        if self.overtaken:
            parts.append(
                f"{count(self.overtaken, 'label')} {agree(self.overtaken, 'was')} changed here during the pull and not "
                "overwritten: pull again to see the difference."
            )
        if self.deleted:
            where = f"{agree(self.deleted, 'its')} {noun(self.deleted, 'item')} {agree(self.deleted, 'was')}"
            parts.append(
                f"{count(self.deleted, 'label')} {agree(self.deleted, 'was')} dropped, because {where} deleted here "
                "during the pull."
            )
        return " ".join([*parts, *self.left_alone.sentences()])

    def _written(self) -> str:
        total = self.annotated + self.skipped + self.waiting
        tasks = f"{self.annotated:,} of {count(total, 'task')} {agree(self.annotated, 'is')} annotated"
        ways = ((self.given, "given"), (self.confirmed, "confirmed"), (self.removed, "removed"))
        written = [f"{number:,} {what}" for number, what in ways if number]
        if self.empty:
            written.append(f"{count(self.empty, 'sample')} checked with nothing to label")
        if not written:
            return f"Nothing new in “{self.title}”: {tasks}."
        labels = count(self.given + self.confirmed + self.removed, "label")
        return (
            f"Pulled {labels} into '{self.field}' from “{self.title}”: {listing(written)}, by {self._who()}. “Undo "
            f"save” reverts this. {tasks}."
        )

    def _tasks(self) -> list[str]:
        parts = []
        if self.skipped:
            parts.append(f"{self.skipped:,} {agree(self.skipped, 'was')} skipped.")
        if self.withdrawn:
            parts.append(
                f"{count(self.withdrawn, 'annotation')} {agree(self.withdrawn, 'was')} deleted there; labels stay here."
            )
        if self.gone:
            parts.append(f"{count(self.gone, 'task')} {agree(self.gone, 'was')} deleted there.")
        return parts

    def _who(self) -> str:
        names = listing([f"{name} ({number:,})" for name, number in self.by.items()])
        return names if self.latest is None else f"{names}, last on {self.latest:%Y-%m-%d %H:%M} UTC"


def count_effects(edits: Sequence[Edit]) -> Counter[Effect]:
    """Count the edits that give, confirm, and remove labels, or record that there is nothing to label."""
    return Counter(_effect(edit) for edit in edits)


def _effect(edit: Edit) -> Effect:
    before, after = edit.before or {}, edit.after or {}
    if edit.after is None or (before.get("label") and not after.get("label")):
        return "removed"
    if not after.get("label") and "bounding_box" not in after:
        return "empty"
    moved = edit.kind == "attributes" and "bounding_box" in after
    return (
        "confirmed" if edit.before is not None and not moved and before.get("label") == after.get("label") else "given"
    )
