"""The changes that a save would make, as columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property

import numpy as np

from ..wording import count, listing
from .pending import Origin
from .records import as_names

NO_ANCHOR = b""


@dataclass(frozen=True)
class PendingLabel:
    """A label that one item will get; ``confidence`` and ``anchor`` are None if a person set it."""

    item: str
    field: str
    patches_field: str | None
    label: str
    origin: Origin
    confidence: float | None
    anchor: str | None
    replace: bool


@dataclass(frozen=True, eq=False)
class FieldChanges:
    """The pending changes of one label field, as columns.

    Label number i is ``names[codes[i]]`` for the item ``ids[i]`` (bytes of 12); ``followed`` (n,) tells which labels
    come from neighbors, with their ``confidence`` (n,) and ``anchors`` (n,); ``replace`` (n,) which may overwrite any
    label, and ``lifted`` (n,) which labels a clearing before it takes away ("" = none): those it may overwrite, too.
    ``cleared`` (m,) are the items whose labels go first, those that ``which`` (m,) says. ``seen`` (n,) and
    ``cleared_seen`` (m,) stand for what was there when that was queued (`seen.seen_label`). ``mark`` identifies the
    field.
    """

    field: str
    patches_field: str | None
    multi: bool
    mark: str | None
    names: tuple[str, ...]
    ids: np.ndarray
    codes: np.ndarray
    followed: np.ndarray
    replace: np.ndarray
    lifted: np.ndarray
    confidence: np.ndarray
    anchors: np.ndarray
    seen: np.ndarray
    cleared: np.ndarray
    which: np.ndarray
    cleared_seen: np.ndarray

    def rows(self) -> Iterator[PendingLabel]:
        """The labels one by one."""
        anchors = as_names(self.anchors)
        columns = (self.codes, self.followed, self.confidence, self.anchors != NO_ANCHOR, self.replace)
        for item, anchor, (code, followed, confidence, anchored, over) in zip(
            as_names(self.ids), anchors, zip(*(column.tolist() for column in columns), strict=True), strict=True
        ):
            yield PendingLabel(
                item,
                self.field,
                self.patches_field,
                self.names[code],
                "neighbors" if followed else "human",
                confidence if followed else None,
                anchor if followed and anchored else None,
                over,
            )


@dataclass(frozen=True, eq=False)
class PendingChanges:
    """The folded acts: the last one on an item counts; a field with several labels per item collects them all.

    ``deleted`` maps a field of objects, or None for samples, to the ids (k,) of those that will be deleted; ``acts``
    are the keys of the acts behind all this. ``deleted_seen`` has what was in each of the deleted when that was queued
    (`seen_contents`).
    """

    fields: Sequence[FieldChanges]
    deleted: dict[str | None, np.ndarray]
    acts: Sequence[str]
    deleted_seen: dict[str | None, np.ndarray] = dataclass_field(default_factory=dict)

    @property
    def n_labels(self) -> int:
        """How many labels will be set."""
        return sum(len(changes.ids) for changes in self.fields)

    @property
    def n_cleared(self) -> int:
        """How many items will lose their labels."""
        return sum(len(changes.cleared) for changes in self.fields)

    @property
    def n_deletions(self) -> int:
        """How many samples and objects will be deleted."""
        return sum(len(ids) for ids in self.deleted.values())

    def __len__(self) -> int:
        return self.n_labels + self.n_cleared + self.n_deletions

    @cached_property
    def labels(self) -> list[PendingLabel]:
        """The labels one by one; if there are many, use the columns of `fields`."""
        return [label for changes in self.fields for label in changes.rows()]

    @cached_property
    def deletions(self) -> dict[str, str | None]:
        """Item id → the field whose object it is, None for a sample."""
        return {item: field for field, ids in self.deleted.items() for item in as_names(ids)}

    def sentence(self) -> str:
        """A summary for the user, shown in a bar."""
        if not len(self):
            return "Nothing is pending."
        numbers = ((self.n_labels, "label"), (self.n_cleared, "cleared label"), (self.n_deletions, "deletion"))
        return f"{listing([count(number, noun) for number, noun in numbers if number])} pending."


def pending_label(changes: FieldChanges, row: int) -> PendingLabel:
    """The label number ``row`` of a field."""
    followed = bool(changes.followed[row])
    anchor = changes.anchors[row : row + 1]
    return PendingLabel(
        as_names(changes.ids[row : row + 1])[0],
        changes.field,
        changes.patches_field,
        changes.names[changes.codes[row]],
        "neighbors" if followed else "human",
        float(changes.confidence[row]) if followed else None,
        as_names(anchor)[0] if followed and anchor[0] else None,
        bool(changes.replace[row]),
    )
