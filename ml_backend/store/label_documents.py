"""What saved labels are made of: their documents in MongoDB, and the rules for a label that is already there."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any, Literal, cast

import numpy as np
from bson import ObjectId

from .pending import Clear
from .pending_columns import FieldChanges, PendingLabel
from .records import as_names

Act = Literal["label", "clear", "delete"]
CHECKED = "checked, nothing there"  # shown as the label where a person looked and found nothing to label


@dataclass(frozen=True)
class Conflict:
    """A pending change that was not saved, because of a label that it may not overwrite, clear, or delete.

    Attributes:
        item: the id of the sample or object.
        label: the class that was to be set; "" for a clearing or deletion.
        existing: the class that was kept.
        act: what was to be done to it.
        by: who annotated the existing label last; "" if that is not known.
        field: the label field.
        further: the other existing classes, in a multi-label field.
    """

    item: str
    label: str
    existing: str
    act: Act = "label"
    by: str = dataclass_field(default="", compare=False)
    field: str = dataclass_field(default="", compare=False)
    further: tuple[str, ...] = ()


@dataclass
class Plan:
    """The outcome of pending changes: it collects conflicts as edits are made; `of_field` marks them with a field."""

    conflicts: list[Conflict]
    field: str = ""

    def of_field(self, field: str) -> "Plan":
        """The part of this plan that is about the labels of one field."""
        return Plan(self.conflicts, field)

    def keep(self, item: np.ndarray, existing: Any, act: Act, by: Any = None, *, label: str = "") -> None:
        """Take note that what exists at an item (1,) is kept, and who annotated it last, if that is known."""
        name = str(existing) if existing else CHECKED
        who = by if isinstance(by, str) else ""
        self.conflicts.append(Conflict(as_names(item)[0], label, name, act, who, self.field))

    def keep_list(self, item: np.ndarray, existing: Sequence[Any]) -> None:
        """Take note that the labels of a list are not cleared at an item (1,)."""
        names = [str(name) for name in existing]
        further = tuple(names[1:])
        self.conflicts.append(Conflict(as_names(item)[0], "", names[0], "clear", field=self.field, further=further))


def confirms(label: PendingLabel, origin: str | None) -> bool:
    """Whether a person confirms a label of this origin: one that came from a neighbor, which makes it a human label."""
    return label.origin == "human" and origin == "neighbors"


def is_meant(origin: str | None, which: Clear) -> bool:
    """Whether a label of this origin (None = imported) is to be cleared."""
    return which == "all" or (origin == "neighbors" if which == "neighbors" else origin is not None)


def may_overwrite(changes: FieldChanges, row: int, origin: str | None) -> bool:
    """Whether a pending label may take the place of another one of this origin (None = imported).

    A clearing before it allows that only for the labels that the clearing takes away: one that a person set since
    among labels to be cleared as "neighbors" stays.
    """
    lifted = str(changes.lifted[row])
    return bool(changes.replace[row]) or (lifted != "" and is_meant(origin, cast(Clear, lifted)))


def label_document(label: PendingLabel, labeled_at: datetime) -> dict[str, Any]:
    """A new label of a sample, with its provenance."""
    return {
        "_id": ObjectId(),
        "_cls": "Classification",
        "tags": [],
        "label": label.label,
        "confidence": label.confidence,
        "logits": None,
        **provenance(label, labeled_at),
    }


def provenance(label: PendingLabel, labeled_at: datetime) -> dict[str, Any]:
    """The attributes for who set a label, the sample it was derived from, its confidence, and the time."""
    return {
        "labelscape": label.origin,
        "anchor": label.anchor,
        "labelscape_confidence": label.confidence,
        "labeled_at": labeled_at,
    }
