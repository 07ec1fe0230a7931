"""Collection campaigns: find more samples of a segment's kind among the unlabeled ones, in batches."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np
from scipy.stats import binomtest

from ..analysis.batches import CANDIDATES, diverse_batch
from ..errors import Refusal
from ..report import Report
from ..store.campaigns import Batch, Campaign, find_campaign, load_campaign, save_campaign
from ..store.embeddings import locate
from ..store.items import Items, ordered_view
from ..store.labels import LabelField, Labels, read_labels, with_pending
from ..store.pending_changes import pending_changes
from ..store.records import moment
from ..store.search_tables import SearchTable, open_search_table
from ..store.searches import Query
from ..store.segment_records import Segment, load_segment
from ..store.segments import member_ids
from ..wording import agree, count, listing, percent, plural
from .evidence import field_of_embeddings
from .search_queries import QueryQuality, describe_query, fit_query
from .search_results import Hit
from .view_report import ViewReport

WORTH = 0.2
_MIN_RETURNED = 10  # labels of a batch that must have come back before they predict the next batch
_NAMED = 5  # labels that a sentence lists


@dataclass(frozen=True, repr=False)
class ProposedBatch(ViewReport):
    """The next batch of a campaign, in the order chosen, and a view of it.

    ``left`` unlabeled items, including these, are not in any batch yet.
    """

    campaign: Campaign
    hits: tuple[Hit, ...]
    view: fo.DatasetView
    left: int
    quality: QueryQuality
    item_noun: str
    patches_field: str | None

    @property
    def ids(self) -> list[str]:
        """Ids of the batch."""
        return [hit.id for hit in self.hits]

    def sentence(self) -> str:
        """The closing message, with the rule by which the batch was chosen."""
        scores = [hit.score for hit in self.hits]
        return (
            f"{count(len(self.hits), self.item_noun)} of {self.left:,} unlabeled, with scores from {min(scores):.2f} "
            f"to {max(scores):.2f}: of the {CANDIDATES * len(self.hits):,} highest scores those that lie farthest from "
            f"each other and from earlier batches. {self.quality.sentence}"
        )


@dataclass(frozen=True)
class BatchStatus:
    """The labels that came back for a batch, with counts, most frequent first, and the number of target labels.

    ``low`` and ``high`` bound the share with 95% confidence (Wilson, 1927); they are 0 and 1 while nothing has come
    back.
    """

    number: int
    taken: int
    returned: int
    with_target: int
    labels: tuple[tuple[str, int], ...]
    low: float
    high: float

    def sentence(self) -> str:
        """The batch in words."""
        if not self.returned:
            return f"Batch {self.number}: none of {self.taken:,} {agree(self.taken, 'is')} labeled yet."
        names = listing([f"{number:,} “{label}”" for label, number in self.labels[:_NAMED]])
        return (
            f"Batch {self.number}: {self.returned:,} of {self.taken:,} {agree(self.returned, 'is')} labeled, "
            f"{self.with_target:,} of them with a target label ({percent(self.with_target / self.returned)}): {names}."
        )


@dataclass(frozen=True, repr=False)
class CampaignStatus(Report):
    """The progress of a campaign: its batches, whether another one is worthwhile, and why, in words."""

    campaign: Campaign
    batches: tuple[BatchStatus, ...]
    stop: bool
    advice: str

    def sentence(self) -> str:
        """Everything in words."""
        return " ".join([*(batch.sentence() for batch in self.batches), self.advice])


def propose_batch(
    dataset: fo.Dataset,
    segment: str,
    *,
    embeddings: str,
    field: str,
    size: int = 50,
    target_labels: Sequence[str] = (),
    worth: float = WORTH,
) -> ProposedBatch:
    """The next items to label: unlabeled, similar to the segment, dissimilar to each other. Nothing is written.

    Members and items that came back with a target label are positive examples; items that came back with another label
    are negative ones, so that each batch improves the next.

    Args:
        segment: slug of a segment of items of the embeddings.
        field: the label field that determines what is unlabeled.
        size: of the batch; fewer are proposed if fewer are left.
        target_labels: labels that the campaign looks for; () = the labels of the segment's members.
        worth: 0..1, the lowest share of target labels that makes labeling a batch worthwhile.

    Raises:
        Refusal: no such segment or embeddings, an empty segment, unlabeled members and no target labels, or nothing
            left that is unlabeled.
    """
    chosen = load_segment(dataset, segment)
    table = open_search_table(dataset, embeddings)
    members = table.rows_of(_members(dataset, chosen, table))
    if not len(members):
        raise Refusal(f"No member of “{chosen.name}” has an embedding in '{embeddings}': choose other embeddings.")
    target = field_of_embeddings(dataset, embeddings, field)
    labels = _labels(dataset, table, target)
    named = tuple(target_labels) or tuple(sorted({labels.classes[code] for code in labels.codes[members] if code >= 0}))
    if not named:
        raise Refusal(f"The members of “{chosen.name}” have no label in '{target.name}': choose the target labels.")
    before = find_campaign(dataset, segment)
    batches = () if before is None else before.batches
    campaign = Campaign(segment, embeddings, target.name, named, worth, batches)
    return _propose(dataset, campaign, table, labels, members, size)


def take_batch(dataset: fo.Dataset, proposed: ProposedBatch) -> Batch:
    """Record a proposed batch as taken: it is not proposed again, and its labels are tracked.

    Raises:
        Refusal: somebody else has taken some of these in the meantime.
    """
    current = find_campaign(dataset, proposed.campaign.segment)
    batches = () if current is None else current.batches
    if current is not None and current.taken & set(proposed.ids):
        raise Refusal("Some of these are already in another batch: propose a new batch.")
    batch = Batch(len(batches) + 1, tuple(proposed.ids), moment())
    save_campaign(dataset, replace(proposed.campaign, batches=(*batches, batch)))
    return batch


def discard_batch(dataset: fo.Dataset, segment: str) -> Batch:
    """Forget the last batch of a campaign, so that its items can be proposed again; labels stay.

    Raises:
        Refusal: the campaign has no batch.
    """
    campaign = load_campaign(dataset, segment)
    if not campaign.batches:
        raise Refusal("This campaign has no batch to discard.")
    save_campaign(dataset, replace(campaign, batches=campaign.batches[:-1]))
    return campaign.batches[-1]


def campaign_status(dataset: fo.Dataset, segment: str) -> CampaignStatus:
    """Count how many items of each batch came back, with which labels, and decide whether another batch is worthwhile.

    It is not if the share of target labels in the last batch that came back (at least ten of its items) is
    below ``worth`` with 95% confidence.

    Raises:
        Refusal: no such segment, or it has no campaign.
    """
    load_segment(dataset, segment)
    campaign = load_campaign(dataset, segment)
    table = open_search_table(dataset, campaign.embeddings)
    target = field_of_embeddings(dataset, campaign.embeddings, campaign.field)
    labels = _labels(dataset, table, target)
    batches = tuple(_batch_status(batch, campaign, table, labels) for batch in campaign.batches)
    informative = [batch for batch in batches if batch.returned >= min(_MIN_RETURNED, batch.taken)]
    if not informative:
        return CampaignStatus(campaign, batches, False, "Too few labels came back to judge another batch.")
    last = informative[-1]
    stop = last.high < campaign.worth
    share = f"{percent(last.low)} to {percent(last.high)} of such a batch have a target label (95% confidence)"
    limit = f"{percent(campaign.worth)} that make labeling worthwhile"
    verdict = f"Stop here: {share}, below the" if stop else f"Another batch is worthwhile: {share}; the limit is the"
    advice = f"{verdict} {limit}."
    return CampaignStatus(campaign, batches, stop, advice)


def _propose(
    dataset: fo.Dataset, campaign: Campaign, table: SearchTable, labels: Labels, members: np.ndarray, size: int
) -> ProposedBatch:
    taken = table.rows_of(sorted(campaign.taken))
    is_target = np.isin(
        labels.codes, [code for code, name in enumerate(labels.classes) if name in campaign.target_labels]
    )
    liked = np.union1d(members, taken[is_target[taken]])
    disliked = np.setdiff1d(taken[(labels.codes[taken] >= 0) & ~is_target[taken]], liked)
    query = Query(campaign.embeddings, _ids(table, liked), _ids(table, disliked))
    fitted = fit_query(dataset, query, table)
    scores = table.scores(fitted.scorer)
    free = labels.unlabeled
    free[members] = free[taken] = False
    left = np.flatnonzero(free)
    if not len(left):
        raise Refusal(f"Nothing unlabeled is left in '{campaign.field}': add data, or end the campaign.")
    rows = diverse_batch(table.unit, scores, size, among=left, apart_from=taken)
    return ProposedBatch(
        campaign=campaign,
        hits=tuple(Hit(*hit) for hit in zip(_ids(table, rows), scores[rows].tolist(), strict=True)),
        view=ordered_view(dataset, table.items.take(rows)),
        left=len(left),
        quality=describe_query(query, fitted),
        item_noun=table.items.noun,
        patches_field=table.items.field,
    )


def _batch_status(batch: Batch, campaign: Campaign, table: SearchTable, labels: Labels) -> BatchStatus:
    rows = locate(np.asarray(batch.ids, "U24"), table.items.ids)
    codes = labels.codes[rows[rows >= 0]]
    names = Counter(labels.classes[code] for code in codes.tolist() if code >= 0)
    n_target = sum(number for name, number in names.items() if name in campaign.target_labels)
    low, high = _share_interval(n_target, names.total())
    return BatchStatus(batch.number, len(batch.ids), names.total(), n_target, tuple(names.most_common()), low, high)


def _share_interval(part: int, total: int) -> tuple[float, float]:
    """95% interval of a share (Wilson, 1927); 0..1 without any items."""
    if not total:
        return 0.0, 1.0
    interval = binomtest(part, total).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _labels(dataset: fo.Dataset, table: SearchTable, field: LabelField) -> Labels:
    return with_pending(read_labels(dataset, table.items, field), table.items, field, pending_changes(dataset))


def _members(dataset: fo.Dataset, segment: Segment, table: SearchTable) -> np.ndarray:
    items: Items = table.items
    if bool(segment.fields) != (items.field is not None):
        raise Refusal(
            f"“{segment.name}” is of {plural(segment.noun)} and '{table.key}' of {items.nouns}: choose embeddings "
            "of the same."
        )
    return member_ids(dataset, segment, items.field)


def _ids(table: SearchTable, rows: np.ndarray) -> tuple[str, ...]:
    return tuple(table.items.ids[rows].tolist())
