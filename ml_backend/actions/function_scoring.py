"""Scoring with a function: everything that has an embedding gets a score, and only what changed is written."""

from dataclasses import dataclass, replace
from functools import cached_property

import fiftyone as fo
import numpy as np

from ..progress import Progress, part_of
from ..report import Report
from ..store.embeddings import locate
from ..store.existence import still_there
from ..store.function_scores import WrittenScores, keep_written, read_written
from ..store.functions import Function, add_new_matches, drop_new_matches, now, records_of, save_function
from ..store.items import Items
from ..store.records import restored_on_failure
from ..store.scores import Score, score_path, write_scores
from ..store.search_tables import SearchTable
from ..wording import count, noun

_FEW = 100_000  # items
_DECIMALS = 4  # of scores in the field


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
    """Scores (n,) of items, and those (n,) that were written before, NaN where there was none."""

    items: Items
    scores: np.ndarray
    before: np.ndarray

    def take(self, rows: np.ndarray) -> "_Scores":
        """Some of them, by a mask."""
        return _Scores(self.items.take(rows), self.scores[rows], self.before[rows])

    @cached_property
    def changed(self) -> np.ndarray:
        """The rows (m,) with another score than before; NaN differs from every score."""
        return np.flatnonzero(self.before != self.scores)

    def fresh(self, threshold: float) -> list[str]:
        """The items that match now and did not before."""
        limit = np.float32(threshold)
        matching: np.ndarray = self.items.ids[(self.scores >= limit) & ~(self.before >= limit)]
        return [str(item) for item in matching.tolist()]


def score_all(
    dataset: fo.Dataset, function: Function, table: SearchTable, *, alert: bool, progress: Progress
) -> FunctionRun:
    """Write the scores that changed, and record the new matches; where that fails, all is as it was before.

    What is deleted meanwhile does not count.
    """
    progress(0.0, f"Scoring with “{function.name}”")
    scored = _compared(dataset, function, table, progress)
    scored = scored.take(_there(dataset, scored))
    with restored_on_failure(dataset, records_of(function)):
        if alert:
            add_new_matches(dataset, function.slug, scored.fresh(function.threshold))
        ran = _noted(dataset, function, scored)
        progress(0.2, f"Writing {len(scored.changed):,} scores")
        if len(scored.changed):
            values = np.round(scored.scores[scored.changed].astype(float), _DECIMALS)
            write_scores(dataset, scored.items.take(scored.changed), [Score(function.field, values)])
        left = _there(dataset, scored)
        if not left.all():  # deleted while the scores were written
            drop_new_matches(dataset, function.slug, scored.items.ids[~left].tolist())
            scored = scored.take(left)
            ran = _noted(dataset, function, scored)
    keep_written(dataset, function.slug, WrittenScores(scored.items.ids, scored.scores))
    progress(1.0, f"Scored with “{function.name}”")
    new = len(scored.fresh(function.threshold)) if alert else 0
    return FunctionRun(ran, int(np.isnan(scored.before).sum()), len(scored.changed), new)


def _compared(dataset: fo.Dataset, function: Function, table: SearchTable, progress: Progress) -> _Scores:
    scores = np.round(table.scores(function.scorer, part_of(progress, 0.0, 0.2)), _DECIMALS)
    written = read_written(dataset, function.slug)
    rows = locate(table.items.ids, written.ids) if has_score_field(dataset, function) else np.full(len(scores), -1)
    before = np.where(rows >= 0, written.scores[rows] if len(written.scores) else np.nan, np.nan)
    return _Scores(table.items, scores, before)


def _there(dataset: fo.Dataset, scored: _Scores) -> np.ndarray:
    """(n,) bool: which items exist; of very many, only those with a changed score are looked up."""
    there = np.ones(len(scored.scores), bool)
    # A million would double the time.
    looked_up = np.arange(len(scored.scores)) if len(scored.scores) <= _FEW else scored.changed
    there[looked_up] = still_there(dataset, scored.items.take(looked_up))
    return there


def _noted(dataset: fo.Dataset, function: Function, scored: _Scores) -> Function:
    matches = int((scored.scores >= np.float32(function.threshold)).sum())
    ran = replace(function, run_at=now(), scored=len(scored.scores), matches=matches)
    save_function(dataset, ran)
    return ran


def has_score_field(dataset: fo.Dataset, function: Function) -> bool:
    """Whether the field of the scores is there."""
    if function.patches_field is not None and not dataset.has_field(function.patches_field):
        return False
    return dataset.get_field(path_of_scores(dataset, function)) is not None


def path_of_scores(dataset: fo.Dataset, function: Function) -> str:
    """The path of the scores in the dataset."""
    return score_path(dataset, function.patches_field, function.field, function.parts)
