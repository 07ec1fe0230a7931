"""What a search finds, before and after its scores are written."""

from dataclasses import dataclass

import fiftyone as fo

from ..store.searches import SCORE_FIELD, Query
from ..wording import agree, count, noun, percent
from .search_queries import QueryQuality
from .view_report import ViewReport


@dataclass(frozen=True)
class Hit:
    """An item with its score (0..1) and the number of near duplicates it represents."""

    id: str
    score: float
    duplicates: int = 0


@dataclass(frozen=True)
class SearchPreview:
    """A search before its results are written: how many are above a threshold, and those just around it.

    Attributes:
        total: items searched, without marked ones.
        matches: items at or above the threshold.
        threshold: the requested one, else the score of the 50th result.
        lowest: the lowest score of all items searched.
        highest: the highest.
        above: those just above the threshold, nearest to it first.
        below: those just below it.
        best: the first results.
        quality: how the query scores.
    """

    total: int
    matches: int
    threshold: float
    lowest: float
    highest: float
    above: tuple[Hit, ...]
    below: tuple[Hit, ...]
    best: tuple[Hit, ...]
    quality: QueryQuality
    patches_field: str | None


@dataclass(frozen=True, repr=False)
class SearchResult(ViewReport):
    """The results of a search, best first, and a view of them, ordered by ``search_score``.

    ``unembedded`` items of the scope have no vector and were not searched. ``recall`` is 1 for an exact search, else
    the share of the 50 nearest that the index was measured to find. ``field`` has the scores; ``elsewhere`` is a
    sentence about it if it is not ``search_score``.
    """

    query: Query
    hits: tuple[Hit, ...]
    view: fo.DatasetView
    threshold: float
    total: int
    unembedded: int
    quality: QueryQuality
    patches_field: str | None
    item_noun: str
    segment: str | None = None
    recall: float = 1.0
    field: str = SCORE_FIELD
    elsewhere: str = ""

    @property
    def ids(self) -> list[str]:
        """Ids of the results, best first."""
        return [hit.id for hit in self.hits]

    def sentence(self) -> str:
        """The closing message."""
        text = (
            f"Found {count(len(self.hits), self.item_noun)} among {self.total:,} with scores from "
            f"{self.hits[0].score:.2f} to {self.hits[-1].score:.2f} (“{self.field}”).{self.elsewhere} "
            f"{self.quality.sentence}"
        )
        if self.recall < 1:
            text += f" An index was searched that finds {percent(self.recall, 1)} of the 50 nearest."
        folded = sum(hit.duplicates for hit in self.hits)
        if folded:
            text += f" {count(folded, 'near-duplicate')} of these {agree(folded, 'is')} folded away."
        if self.unembedded:
            nouns = noun(self.unembedded, self.item_noun)
            text += (
                f" {self.unembedded:,} {nouns} {agree(self.unembedded, 'has')} no embedding in "
                f"'{self.query.embeddings}' and {agree(self.unembedded, 'was')} not searched."
            )
        return text if self.segment is None else f"{text} Saved as the segment “{self.segment}”."
