"""Scoring with a function: everything that has an embedding gets a score; only what changed is read and written."""

from dataclasses import dataclass, replace
from functools import cached_property

import fiftyone as fo
import numpy as np

from ..analysis.search import reaches, rounded, unit_vectors
from ..progress import Progress, part_of
from ..report import Report
from ..store.embeddings import locate, vector_table
from ..store.existence import existence_stamp, still_there
from ..store.function_scores import WrittenScores, keep_written, nothing_written, read_written
from ..store.functions import Function, add_new_matches, drop_new_matches, now, records_of, save_function
from ..store.items import Items
from ..store.records import restored_on_failure
from ..store.scores import Score, score_path, write_scores
from ..store.search_tables import open_search_table
from ..store.vector_writes import Moment, vectors_since
from ..wording import count, noun

_MOST_TOUCHED = 4  # times as many vectors by id take as long as all at once


@dataclass(frozen=True, repr=False)
class FunctionRun(Report):
    """One run of a function: items scored for the first time, scores that changed, and matches that are new."""

    function: Function
    scored: int
    changed: int
    new: int

    def sentence(self) -> str:
        """The closing message of one function."""
        text = (
            f"“{self.function.name}” scored {self.scored:,} new {noun(self.scored, self.function.kind.noun)} and has "
            f"{count(self.function.matches, 'match')} (“{self.function.field}”)"
        )
        return f"{text}, {self.new:,} of them new." if self.new else f"{text}."


@dataclass(frozen=True)
class _Scores:
    """Scores (n,) float32 of items, and those (n,) that were written before, NaN where there was none.

    ``moment`` is when vectors were read, and ``listed`` the `existence_stamp` at which the items existed; "" = unknown.
    """

    items: Items
    scores: np.ndarray
    before: np.ndarray
    moment: Moment
    listed: str

    def take(self, rows: np.ndarray) -> "_Scores":
        """Some of them, by a mask."""
        return replace(self, items=self.items.take(rows), scores=self.scores[rows], before=self.before[rows])

    @cached_property
    def changed(self) -> np.ndarray:
        """The rows (m,) whose score changed; NaN differs from every score."""
        return np.flatnonzero(self.before != self.scores)

    def fresh(self, threshold: float) -> list[str]:
        """The items that match now and did not before."""
        matching: np.ndarray = self.items.ids[reaches(self.scores, threshold) & ~reaches(self.before, threshold)]
        return [str(item) for item in matching.tolist()]


def score_all(dataset: fo.Dataset, function: Function, *, alert: bool, progress: Progress) -> FunctionRun:
    """Write the scores that changed, and record the new matches; if that fails, everything is restored.

    Only vectors that changed since the function's last run are read. Items deleted in the meantime do not count.
    """
    progress(0.0, f"Scoring with “{function.name}”")
    scored = _compared(dataset, function, progress)
    stamp = existence_stamp(dataset)
    scored = scored.take(_existing(dataset, scored, stamp))
    with restored_on_failure(dataset, records_of(function)):
        if alert:
            add_new_matches(dataset, function.slug, scored.fresh(function.threshold))
        ran = _noted(dataset, function, scored)
        progress(0.2, f"Writing {len(scored.changed):,} scores")
        if len(scored.changed):
            scores = Score(function.field, rounded(scored.scores[scored.changed]))
            write_scores(dataset, scored.items.take(scored.changed), [scores])
        left = _left(dataset, scored, stamp)
        if not left.all():  # deleted while the scores were written
            drop_new_matches(dataset, function.slug, scored.items.ids[~left].tolist())
            scored = scored.take(left)
            ran = _noted(dataset, function, scored)
    items = scored.items
    kept = WrittenScores(items.ids, items.sample_ids, scored.scores, scored.moment, function.computed_by, stamp)
    keep_written(dataset, function.slug, kept)
    progress(1.0, f"Scored with “{function.name}”")
    new = len(scored.fresh(function.threshold)) if alert else 0
    return FunctionRun(ran, int(np.isnan(scored.before).sum()), len(scored.changed), new)


def _compared(dataset: fo.Dataset, function: Function, progress: Progress) -> _Scores:
    written = read_written(dataset, function.slug) if has_score_field(dataset, function) else nothing_written()
    key = function.query.embeddings
    table = vector_table(dataset, key)
    comparable = written.moment if written.scorer == function.computed_by else None
    moment, touched = vectors_since(dataset, key, table, comparable)
    if touched is None or _MOST_TOUCHED * len(touched) > len(written.ids):
        everything = open_search_table(dataset, key)
        scores = everything.scores(function.scorer, part_of(progress, 0.0, 0.2))
        return _beside(written, everything.items, scores, moment, "")
    kept = locate(written.ids, touched) < 0
    kind = function.kind
    items = replace(kind, ids=written.ids[kept], sample_ids=written.sample_ids[kept])
    scores = written.scores[kept]
    if len(touched):
        rows = table.fetch(touched)
        items = replace(
            kind,
            ids=np.concatenate([items.ids, rows.ids]),
            sample_ids=np.concatenate([items.sample_ids, rows.sample_ids]),
        )
        scores = np.concatenate([scores, function.scorer.scores(unit_vectors(rows.vectors))])
    return _beside(written, items, scores, moment, written.existing)


def _beside(written: WrittenScores, items: Items, scores: np.ndarray, moment: Moment, listed: str) -> _Scores:
    """Scores beside those that were written before."""
    rows = locate(items.ids, written.ids)
    before = np.where(rows >= 0, written.scores[rows] if len(written.scores) else np.nan, np.nan).astype(np.float32)
    return _Scores(items, rounded(scores).astype(np.float32), before, moment, listed)


def _existing(dataset: fo.Dataset, scored: _Scores, stamp: str) -> np.ndarray:
    """(n,) bool: which items exist; where no sample was added or deleted since, only those scored now are looked up."""
    existing = np.ones(len(scored.scores), bool)
    known = scored.items.field is None and scored.listed == stamp
    looked_up = scored.changed if known else np.arange(len(scored.scores))
    existing[looked_up] = still_there(dataset, scored.items.take(looked_up))
    return existing


def _left(dataset: fo.Dataset, scored: _Scores, stamp: str) -> np.ndarray:
    """(n,) bool: which items still exist after `_existing` looked at them."""
    if scored.items.field is None and existence_stamp(dataset) == stamp:
        return np.ones(len(scored.scores), bool)
    return still_there(dataset, scored.items)


def _noted(dataset: fo.Dataset, function: Function, scored: _Scores) -> Function:
    matches = int(reaches(scored.scores, function.threshold).sum())
    ran = replace(function, run_at=now(), scored=len(scored.scores), matches=matches)
    save_function(dataset, ran)
    return ran


def has_score_field(dataset: fo.Dataset, function: Function) -> bool:
    """Whether the field of the scores exists."""
    if function.patches_field is not None and not dataset.has_field(function.patches_field):
        return False
    return dataset.get_field(path_of_scores(dataset, function)) is not None


def path_of_scores(dataset: fo.Dataset, function: Function) -> str:
    """The path of the scores in the dataset."""
    return score_path(dataset, function.patches_field, function.field, function.parts)
