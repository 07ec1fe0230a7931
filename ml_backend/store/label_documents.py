"""What saved labels are made of: their documents in MongoDB, and the rules for a label that is already there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from bson import ObjectId

from .pending import Clear
from .pending_columns import FieldChanges, PendingLabel


@dataclass(frozen=True)
class Conflict:
    """A pending label that would overwrite an existing one."""

    item: str
    label: str
    existing: str


@dataclass
class Plan:
    """The outcome of pending changes: collects conflicts while the edits are made."""

    conflicts: list[Conflict]


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


def label_document(label: PendingLabel, now: datetime) -> dict[str, Any]:
    """A new label of a sample, with its provenance."""
    return {
        "_id": ObjectId(),
        "_cls": "Classification",
        "tags": [],
        "label": label.label,
        "confidence": label.confidence,
        "logits": None,
        **provenance(label, now),
    }


def provenance(label: PendingLabel, now: datetime) -> dict[str, Any]:
    """The attributes that tell who set a label, because of which sample, with what confidence, and when."""
    return {
        "labelscape": label.origin,
        "anchor": label.anchor,
        "labelscape_confidence": label.confidence,
        "labeled_at": now,
    }
