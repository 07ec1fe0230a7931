"""Similarity search: find items like a few samples or objects, an image, or a text."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np
from fiftyone.core.collections import SampleCollection

from ..analysis.probe import Fitted, next_marks
from ..analysis.search import around_threshold, fold_duplicates, reaches, rounded, rows_above, top_rows
from ..errors import Refusal
from ..progress import Progress, no_progress, part_of
from ..store.embeddings import locate
from ..store.items import FRAMES, Items, item_view, list_like, local_field
from ..store.labels import DEFAULT_FIELD, label_field, read_labels, with_pending
from ..store.pending_changes import pending_changes
from ..store.scores import Score, check_score_fields, score_name, taken_names, write_scores
from ..store.search_index import LargeTable, open_large_table
from ..store.search_tables import MemoryTable, SearchTable, open_search_table
from ..store.searches import SCORE_FIELD, LastSearch, Query, last_search, saved_search
from ..store.segment_snapshots import all_or_nothing
from ..wording import plural
from .search_queries import describe_query, fit_query
from .search_results import Hit, SearchPreview, SearchResult
from .segments import create_segment

DEFAULT_COUNT = 50
_MOST_RESULTS = 100_000  # their ids fit into one MongoDB document
_CANDIDATES_TO_FOLD = 4  # per requested result


@dataclass(frozen=True)
class Scope:
    """The scope of a search: the items of ``samples``, all or only those without a label in ``unlabeled_in``."""

    samples: SampleCollection
    unlabeled_in: str | None = None


@dataclass(frozen=True)
class _Ranked:
    """Scores (n,) of a table, and the rows to search: those in scope and not marked.

    The table contains everything embedded, or the candidates from an index with this recall; ``total`` items were
    searched either way.
    """

    table: SearchTable
    fitted: Fitted
    scores: np.ndarray
    rows: np.ndarray
    total: int
    unembedded: int
    recall: float = 1.0

    def hits(self, rows: np.ndarray, duplicates: Sequence[int] | None = None) -> tuple[Hit, ...]:
        ids, scores = self.table.items.ids[rows].tolist(), self.scores[rows].tolist()
        return tuple(Hit(*values) for values in zip(ids, scores, duplicates or [0] * len(rows), strict=True))


def preview_search(scope: Scope, query: Query, *, threshold: float | None = None, shown: int = 6) -> SearchPreview:
    """Preview a search without writing anything; takes about 30 ms for 100,000 vectors once they are in memory.

    If they do not fit, the first preview of a query reads all of them.

    Raises:
        Refusal: see `search`.
    """
    ranked = _rank(scope, query)
    scores = ranked.scores[ranked.rows]
    best = top_rows(ranked.scores, DEFAULT_COUNT, among=ranked.rows)
    cut = float(rounded(ranked.scores[best[-1]] if threshold is None else threshold))
    around = around_threshold(ranked.scores, cut, shown, among=ranked.rows)
    return SearchPreview(
        total=ranked.total,
        matches=int(reaches(scores, cut).sum()),
        threshold=cut,
        lowest=float(scores.min()),
        highest=float(scores.max()),
        above=ranked.hits(around.above),
        below=ranked.hits(around.below),
        best=ranked.hits(best[:shown]),
        quality=describe_query(query, ranked.fitted),
        patches_field=ranked.table.items.patches_field,
    )


def search(
    scope: Scope,
    query: Query,
    *,
    limit: int | None = DEFAULT_COUNT,
    threshold: float | None = None,
    fold: bool = False,
    segment: str | None = None,
    progress: Progress = no_progress,
) -> SearchResult:
    """Find items like the query, write the scores of the results to ``search_score``, and store the search.

    Items named in the query are not results: the person has already seen them.

    Args:
        limit: the most results to return, best first; None = all above the threshold.
        threshold: 0..1, the lowest score of a result; None = no threshold.
        fold: keep only the best of near-duplicate results.
        segment: name of a segment to save the results as.
        progress: may raise to stop.

    Raises:
        Refusal: neither limit nor threshold, nothing to search for, nothing embedded in the scope or nothing above
            the threshold, or ``search_score`` is read-only.
    """
    if limit is None and threshold is None:
        raise Refusal("Specify a number of results, a threshold, or both.")
    dataset = scope.samples._root_dataset
    progress(0.0, "Searching")
    candidates = (limit or 0) * (_CANDIDATES_TO_FOLD if fold else 1) if threshold is None else None
    ranked = _rank_quickly(scope, query, candidates, part_of(progress, 0.0, 0.5))
    items = ranked.table.items
    check_score_fields(dataset, items, [SCORE_FIELD])
    rows, duplicates = _results(ranked, limit, threshold, fold)
    progress(0.5, "Writing the scores")
    reached = float(rounded(ranked.scores[rows[-1]] if threshold is None else threshold))
    previous, results = last_search(dataset), items.take(rows)
    record = _as_last_search(query, results, reached)
    with saved_search(dataset, record), _saved_as_segment(dataset, results, segment):
        _write(dataset, ranked, rows, previous)
    return SearchResult(
        query=query,
        hits=ranked.hits(rows, duplicates),
        view=result_view(dataset, items, SCORE_FIELD),
        field=score_name(dataset, items, SCORE_FIELD),
        elsewhere=taken_names(dataset, items, [SCORE_FIELD]),
        threshold=reached,
        total=ranked.total,
        recall=ranked.recall,
        unembedded=ranked.unembedded,
        quality=describe_query(query, ranked.fitted),
        patches_field=items.patches_field,
        item_noun=items.noun,
        segment=segment,
    )


@contextmanager
def _saved_as_segment(dataset: fo.Dataset, items: Items, name: str | None) -> Iterator[None]:
    """Save items as a segment of this name, if any, unless the block fails."""
    if name is None:
        yield
        return
    ids = items.ids.tolist()
    made = create_segment(dataset, ids, name=name, kind="collection campaign", patches_field=items.field).segment
    with all_or_nothing(dataset, new=made):
        yield


def marks_to_ask(scope: Scope, query: Query, *, threshold: float | None = None, count: int = 5) -> tuple[Hit, ...]:
    """The items whose marks would improve a query most: near the threshold, and dissimilar to each other.

    Args:
        threshold: None takes that of the last search if it used these embeddings, else the score of the 50th.
        count: how many to return; fewer if fewer are unmarked.

    Raises:
        Refusal: see `search`.
    """
    ranked = _rank(scope, query)
    if threshold is None:
        previous = last_search(scope.samples._root_dataset)
        fits = previous is not None and previous.query.embeddings == query.embeddings
        best = top_rows(ranked.scores, DEFAULT_COUNT, among=ranked.rows)
        threshold = previous.threshold if previous is not None and fits else float(ranked.scores[best[-1]])
    outside = np.ones(len(ranked.scores), bool)
    outside[ranked.rows] = False
    rows = next_marks(ranked.table.unit, ranked.scores, threshold, marked=np.flatnonzero(outside), count=count)
    return ranked.hits(rows)


def with_marks(query: Query, *, positives: Sequence[str] = (), negatives: Sequence[str] = ()) -> Query:
    """The query with more marks; a new mark replaces an earlier, different one."""
    liked = [item for item in dict.fromkeys((*query.positives, *positives)) if item not in set(negatives)]
    disliked = [item for item in dict.fromkeys((*query.negatives, *negatives)) if item not in set(positives)]
    return replace(query, positives=tuple(liked), negatives=tuple(disliked))


def result_view(dataset: fo.Dataset, items: Items, field: str) -> fo.DatasetView:
    """The items with a score in a field, highest first: whole samples, or their objects as patches."""
    dataset.reload()
    view = item_view(dataset, items)
    path = view_path(view, items, field)
    ordered: fo.DatasetView = view.exists(path).sort_by(path, reverse=True)
    return ordered


def view_path(view: fo.DatasetView, items: Items, field: str) -> str:
    """Path of a score in an `item_view`."""
    field = score_name(view._root_dataset, items, field)
    if items.patches_field is not None:
        return f"{local_field(view, items.patches_field)}.{field}"
    return field if items.parts in (None, FRAMES) else f"{items.parts}.{field}"


def _clear(dataset: fo.Dataset, previous: LastSearch) -> int:
    return write_scores(dataset, previous.items, [Score(SCORE_FIELD, np.full(len(previous.ids), np.nan))])


def _rank(scope: Scope, query: Query, progress: Progress = no_progress) -> _Ranked:
    dataset = scope.samples._root_dataset
    table = open_search_table(dataset, query.embeddings)
    fitted = fit_query(dataset, query, table)
    rows, unembedded = _rows_in_scope(scope, table)
    marked = table.rows_of([*query.positives, *query.negatives])
    rows = rows[~np.isin(rows, marked)]
    if not len(rows):
        left = "unlabeled " if scope.unlabeled_in else ""
        nouns = plural(table.items.noun)
        raise Refusal(f"There are no {left}{nouns} with an embedding here besides the examples: search a larger view.")
    return _Ranked(table, fitted, table.scores(fitted.scorer, progress), rows, len(rows), unembedded)


def _rank_quickly(scope: Scope, query: Query, count: int | None, progress: Progress) -> _Ranked:
    """Search by index if the table is too large to read and the best of all are requested; None = read everything."""
    dataset = scope.samples._root_dataset
    whole = scope.samples is dataset and scope.unlabeled_in is None
    large = open_large_table(dataset, query.embeddings) if whole and count is not None else None
    if large is None or count is None:
        return _rank(scope, query, progress)
    return _rank_by_index(dataset, query, large, count)


def _rank_by_index(dataset: fo.Dataset, query: Query, large: LargeTable, count: int) -> _Ranked:
    """The best rows of a large table, by its index; the candidates are ranked by their full vectors."""
    fitted = fit_query(dataset, query, large)
    marked = [*query.positives, *query.negatives]
    items, unit = large.nearest(fitted.scorer.weights, count + len(marked))
    rows = np.flatnonzero(~np.isin(items.ids, marked))
    table = MemoryTable(large.key, items, unit)
    unembedded = max(dataset._sample_collection.estimated_document_count() - len(large), 0)
    if items.patches_field is not None or items.parts is not None:
        unembedded = 0
    total, recall = len(large) - len(marked), large.quality.recall
    return _Ranked(table, fitted, fitted.scorer.scores(unit), rows, total, unembedded, recall)


def _rows_in_scope(scope: Scope, table: SearchTable) -> tuple[np.ndarray, int]:
    """Rows of the table to search, and the number of items in scope that have no vector."""
    dataset, items = scope.samples._root_dataset, table.items
    if scope.samples is dataset:
        rows, unembedded = np.arange(len(items)), 0
        if items.patches_field is None and items.parts is None:
            unembedded = max(dataset._sample_collection.estimated_document_count() - len(items), 0)
    else:
        located = locate(list_like(scope.samples, items.patches_field, items.parts).ids, items.ids)
        rows, unembedded = located[located >= 0], int((located < 0).sum())
    if scope.unlabeled_in is not None:
        field = label_field(dataset, scope.unlabeled_in or DEFAULT_FIELD, items.patches_field)
        labels = with_pending(read_labels(dataset, items, field), items, field, pending_changes(dataset))
        rows = rows[labels.unlabeled[rows]]
    return rows, unembedded


def _results(
    ranked: _Ranked, limit: int | None, threshold: float | None, fold: bool
) -> tuple[np.ndarray, Sequence[int] | None]:
    if threshold is None:
        candidates = (_CANDIDATES_TO_FOLD if fold else 1) * (limit or 0)
        rows = top_rows(ranked.scores, candidates, among=ranked.rows)
    else:
        rows = rows_above(ranked.scores, threshold, among=ranked.rows)
    if not len(rows):
        highest = float(ranked.scores[ranked.rows].max())
        raise Refusal(
            f"Nothing scores {threshold:.2f} or more; the highest score is {highest:.2f}: choose a lower threshold."
        )
    if not fold:
        return _not_too_many(rows[:limit]), None
    kept, hidden = fold_duplicates(ranked.table.unit, _not_too_many(rows))
    return kept[:limit], hidden[:limit].tolist()


def _not_too_many(rows: np.ndarray) -> np.ndarray:
    if len(rows) > _MOST_RESULTS:
        raise Refusal(
            f"{len(rows):,} results are more than the {_MOST_RESULTS:,} that a search keeps: choose a higher "
            "threshold or a number of results, or create a function, which scores everything."
        )
    return rows


def _write(dataset: fo.Dataset, ranked: _Ranked, rows: np.ndarray, previous: LastSearch | None) -> None:
    """Write the scores of the results, and remove those of the last search, in one write."""
    results = ranked.table.items.take(rows)
    values = rounded(ranked.scores[rows])
    if previous is not None and (previous.patches_field, previous.parts) != (results.patches_field, results.parts):
        _clear(dataset, previous)
    elif previous is not None and previous.ids:
        gone = previous.items.take(~np.isin(previous.ids, results.ids))
        ids, samples = (
            np.concatenate(pair) for pair in ((results.ids, gone.ids), (results.sample_ids, gone.sample_ids))
        )
        results = replace(results, ids=ids, sample_ids=samples)
        values = np.concatenate((values, np.full(len(gone), np.nan)))
    write_scores(dataset, results, [Score(SCORE_FIELD, values)])


def _as_last_search(query: Query, items: Items, threshold: float) -> LastSearch:
    ids, sample_ids = (tuple(column.tolist()) for column in (items.ids, items.sample_ids))
    return LastSearch(query, ids, sample_ids, items.patches_field, items.parts, threshold)
