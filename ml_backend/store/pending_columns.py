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
    """A label that one item will get.

    Attributes:
        item: the id of the item.
        field: the label field.
        patches_field: the field of the objects if the item is an object; None if it is a sample.
        label: the class.
        origin: who set it: a person, or the neighbors of labeled items.
        confidence: 0 to 1; None if a person set the label.
        anchor: the id of the labeled item that the label comes from; None if a person set it.
        replace: whether it may overwrite another label.
    """

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
    """The pending changes of one label field, as columns: n labels to set, and m items to clear before that.

    Attributes:
        field: the label field.
        patches_field: the field of the objects if the items are objects; None if they are samples.
        multi: whether the field has several labels per item.
        mark: identifies the field even after it is renamed (`schema.field_mark`).
        names: the classes that labels are set to.
        ids: (n,) "S12", the items to label.
        codes: (n,) the class of each label, as a position in ``names``.
        followed: (n,) bool, whether the label comes from neighbors rather than a person.
        replace: (n,) bool, whether the label may overwrite any other label.
        lifted: (n,) which labels an earlier clearing takes away from the item, "" for none: the label may overwrite
            these, too.
        confidence: (n,) 0 to 1, of the labels that come from neighbors.
        anchors: (n,) "S12", the labeled item that each label comes from; `NO_ANCHOR` for none.
        seen: (n,) uint64, a number for what the item had when the label was queued (`seen.seen_label`).
        cleared: (m,) "S12", the items to clear.
        which: (m,) which labels of each are cleared (`pending.Clear`).
        cleared_seen: (m,) uint64, as ``seen``, from when the clearing was queued.
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
    """The acts folded into what a save would change.

    The last act on an item counts, except that a multi-label field collects all its labels.

    Attributes:
        fields: the labels and clearings of each label field.
        deleted: field of objects, or None for samples → (k,) "S12", those that will be deleted.
        acts: the keys of the acts that were folded.
        deleted_seen: as ``deleted`` → (k,) a number for the contents of each when its deletion was queued
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
