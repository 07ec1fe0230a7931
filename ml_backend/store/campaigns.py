"""Collection campaigns: a segment that collects more of its kind from unlabeled data, batch by batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import fiftyone as fo

from ..errors import Refusal
from .records import open_store, restored_on_failure

_STORE = "labelscape.campaigns"


@dataclass(frozen=True)
class Batch:
    """Items that were taken to be labeled together; ``number`` counts from 1, ``taken_at`` is in UTC."""

    number: int
    ids: tuple[str, ...]
    taken_at: datetime


@dataclass(frozen=True)
class Campaign:
    """A segment's collection campaign.

    Attributes:
        segment: its slug.
        embeddings: key of the embeddings that are searched.
        field: the label field that is filled.
        target_labels: the labels that count as its kind.
        worth: 0..1, the lowest share of target labels that makes labeling a batch worthwhile.
        batches: those taken so far, oldest first.
    """

    segment: str
    embeddings: str
    field: str
    target_labels: tuple[str, ...]
    worth: float
    batches: tuple[Batch, ...] = ()

    @property
    def taken(self) -> set[str]:
        """Ids of everything in a batch."""
        return {item for batch in self.batches for item in batch.ids}


def find_campaign(dataset: fo.Dataset, segment: str) -> Campaign | None:
    """The campaign of a segment; None if there is none yet."""
    record = open_store(dataset, _STORE).get(segment)
    return None if record is None else _as_campaign(record)


def load_campaign(dataset: fo.Dataset, segment: str) -> Campaign:
    """The campaign of a segment.

    Raises:
        Refusal: it has none yet; the message lists those that exist.
    """
    campaign = find_campaign(dataset, segment)
    if campaign is None:
        names = ", ".join(sorted(open_store(dataset, _STORE).list_keys())) or "none yet"
        raise Refusal(f"The segment '{segment}' has no campaign; segments that do: {names}. Take a first batch.")
    return campaign


def save_campaign(dataset: fo.Dataset, campaign: Campaign) -> None:
    """Write the record of a campaign; if that fails, it stays unchanged."""
    with restored_on_failure(dataset, {_STORE: [campaign.segment]}):
        open_store(dataset, _STORE).set(campaign.segment, _as_record(campaign))


def _as_record(campaign: Campaign) -> dict[str, Any]:
    """A campaign as JSON values: FiftyOne's server passes every record through `json.dumps` (1.22)."""
    return {
        "segment": campaign.segment,
        "embeddings": campaign.embeddings,
        "field": campaign.field,
        "target_labels": list(campaign.target_labels),
        "worth": campaign.worth,
        "batches": [
            {"number": batch.number, "ids": list(batch.ids), "taken_at": batch.taken_at.isoformat()}
            for batch in campaign.batches
        ],
    }


def _as_campaign(record: Mapping[str, Any]) -> Campaign:
    batches = tuple(
        Batch(batch["number"], tuple(batch["ids"]), datetime.fromisoformat(batch["taken_at"]))
        for batch in record["batches"]
    )
    names = ("segment", "embeddings", "field", "worth")
    target_labels = tuple(record["target_labels"])
    return Campaign(**{name: record[name] for name in names}, target_labels=target_labels, batches=batches)
