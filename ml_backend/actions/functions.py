"""Functions: searches saved under a name that score everything. Create, run, edit, duplicate, delete, restore."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np

from ..analysis.search import rounded
from ..errors import Refusal
from ..progress import Progress, no_progress, step_of
from ..report import Report
from ..store.embeddings import locate
from ..store.existence import ends_with_dataset
from ..store.function_scores import forget_written, keep_written, read_written
from ..store.functions import (
    DeletedFunction,
    Function,
    add_new_matches,
    check_function_field,
    claim_function,
    deleted_functions,
    embeddings_made,
    forget_deleted_function,
    forget_function,
    forget_new_matches,
    function_slug,
    is_stale,
    list_functions,
    load_function,
    new_matches,
    now,
    records_of,
    records_of_deleted,
    remember_deleted_function,
    renamed,
    save_function,
)
from ..store.items import list_like
from ..store.own_fields import delete_own_field
from ..store.records import restored_on_failure, timely_key
from ..store.scores import Score, read_numbers, write_scores
from ..store.search_tables import SearchTable, open_search_table
from ..store.searches import Query
from ..wording import count
from .function_scoring import FunctionRun, has_score_field, path_of_scores, score_all
from .search import result_view, view_path
from .search_queries import describe_query, fit_query


@dataclass(frozen=True)
class FunctionStatus:
    """The status of a function: the number of ``new`` matches since it was last opened, and whether it is stale."""

    function: Function
    new: int
    stale: bool

    def sentence(self) -> str:
        """What a user should know about it."""
        text = self.function.sentence()
        if self.new:
            text += f" Since you last looked: {count(self.new, 'new match')}."
        if self.stale:
            text += (
                f" Stale: its embeddings '{self.function.query.embeddings}' were recomputed or deleted. Edit the "
                "function to make it again from its examples."
            )
        return text


@dataclass(frozen=True, repr=False)
class RunReport(Report):
    """A run of functions; ``skipped`` has a sentence for each that could not run."""

    runs: tuple[FunctionRun, ...]
    skipped: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The closing message."""
        return " ".join([*(run.sentence() for run in self.runs), *self.skipped])


@ends_with_dataset
def create_function(
    dataset: fo.Dataset,
    query: Query,
    *,
    name: str,
    threshold: float,
    note: str = "",
    progress: Progress = no_progress,
) -> FunctionRun:
    """Save a search under a name and score everything that has an embedding, into the number field ``fn_<slug>``.

    Current matches count as seen; only later ones count as new.

    Args:
        threshold: 0..1, the lowest score of a match.

    Raises:
        Refusal: the name or its field is taken, the threshold is outside 0..1, or as in `search`.
    """
    _check_threshold(threshold)
    table = open_search_table(dataset, query.embeddings)
    fitted = fit_query(dataset, query, table)
    quality = describe_query(query, fitted)
    function = Function(
        slug=function_slug(name),
        name=name.strip(),
        note=note.strip(),
        query=query,
        threshold=float(rounded(threshold)),
        scorer=fitted.scorer,
        quality=quality.sentence,
        auc=quality.auc,
        embeddings_made=embeddings_made(dataset, query.embeddings),
        created_at=now(),
        patches_field=table.items.patches_field,
        parts=table.items.parts,
    )
    check_function_field(dataset, function)
    return _make(dataset, function, progress)


@ends_with_dataset
def run_functions(
    dataset: fo.Dataset, slugs: Sequence[str] | None = None, *, progress: Progress = no_progress
) -> RunReport:
    """Score items that are new or were embedded again since the last run; only their vectors are read.

    Args:
        slugs: which functions; None = all.

    Raises:
        Refusal: there are no functions, or none with one of these slugs.
    """
    chosen = list_functions(dataset) if slugs is None else [load_function(dataset, slug) for slug in slugs]
    if not chosen:
        raise Refusal("This dataset has no function yet: run “Labelscape: create function” first.")
    runs: list[FunctionRun] = []
    skipped: list[str] = []
    for number, function in enumerate(chosen):
        if is_stale(dataset, function):
            skipped.append(
                f"“{function.name}” was skipped: its embeddings '{function.query.embeddings}' were recomputed or "
                "deleted. Edit it to rebuild it from its examples."
            )
            continue
        try:
            runs.append(score_all(dataset, function, alert=True, progress=step_of(progress, number, len(chosen))))
        except Refusal as refusal:  # one function that cannot run does not stop the others
            skipped.append(f"“{function.name}” was skipped: {refusal}")
    return RunReport(tuple(runs), tuple(skipped))


def function_statuses(dataset: fo.Dataset) -> list[FunctionStatus]:
    """Every function with its new matches and whether it is stale, oldest first."""
    return [_status(dataset, function) for function in list_functions(dataset)]


def look_at_matches(dataset: fo.Dataset, slug: str, *, new_only: bool = False) -> fo.DatasetView:
    """The matches of a function, highest score first, or only the new ones; afterwards they count as seen.

    Raises:
        Refusal: no such function, or nothing new.
    """
    function = load_function(dataset, slug)
    view = result_view(dataset, function.kind, function.field)
    if new_only:
        ids = new_matches(dataset, slug)
        if not ids:
            raise Refusal(f"“{function.name}” has no new matches since you last looked.")
        view = view.select(ids)
    else:
        threshold = float(rounded(function.threshold))
        view = view.match(fo.ViewField(view_path(view, function.kind, function.field)) >= threshold)
    forget_new_matches(dataset, slug)
    return view


@ends_with_dataset
def edit_function(
    dataset: fo.Dataset,
    slug: str,
    *,
    query: Query | None = None,
    threshold: float | None = None,
    note: str | None = None,
    progress: Progress = no_progress,
) -> FunctionRun:
    """Change the examples, threshold, or note of a function, rebuild it from its examples, and score everything.

    This also rebuilds a stale function. None leaves a part unchanged.

    Raises:
        Refusal: no such function, a threshold outside 0..1, or as in `search`.
    """
    old = load_function(dataset, slug)
    new_query = old.query if query is None else query
    _check_threshold(old.threshold if threshold is None else threshold)
    table = open_search_table(dataset, new_query.embeddings)
    if (old.patches_field, old.parts) != (table.items.patches_field, table.items.parts):
        raise Refusal(
            f"“{old.name}” scores {old.kind.nouns} and '{new_query.embeddings}' is of {table.items.nouns}: create a "
            "new function."
        )
    fitted = fit_query(dataset, _with_what_is_left(new_query, table), table)
    quality = describe_query(new_query, fitted)
    function = replace(
        old,
        query=new_query,
        threshold=old.threshold if threshold is None else float(rounded(threshold)),
        note=old.note if note is None else note.strip(),
        scorer=fitted.scorer,
        quality=quality.sentence,
        auc=quality.auc,
        embeddings_made=embeddings_made(dataset, new_query.embeddings),
    )
    return score_all(dataset, function, alert=False, progress=progress)


def rename_function(dataset: fo.Dataset, slug: str, name: str) -> Function:
    """Rename a function and its score field.

    Raises:
        Refusal: no such function, or the name or its field is taken.
    """
    old = load_function(dataset, slug)
    new = renamed(old, name)
    if new.slug == old.slug:
        save_function(dataset, new)
        return new
    check_function_field(dataset, new)
    delete_own_field(dataset, path_of_scores(dataset, new))  # left over from an earlier function of this name
    with restored_on_failure(dataset, records_of(old)), restored_on_failure(dataset, records_of(new)):
        claim_function(dataset, new)
        add_new_matches(dataset, new.slug, new_matches(dataset, old.slug))
        forget_function(dataset, old.slug)
        if has_score_field(dataset, old):
            _move_field(dataset, old, new)
    keep_written(dataset, new.slug, read_written(dataset, old.slug))
    forget_written(dataset, old.slug)
    return new


@ends_with_dataset
def duplicate_function(dataset: fo.Dataset, slug: str, name: str, *, progress: Progress = no_progress) -> FunctionRun:
    """Copy a function, so that the copy can be edited separately.

    Raises:
        Refusal: no such function, it is stale, or the name is taken.
    """
    old = load_function(dataset, slug)
    if is_stale(dataset, old):
        raise Refusal(f"“{old.name}” is stale: edit it to rebuild it from its examples, then duplicate it.")
    copy = replace(renamed(old, name), created_at=now(), run_at=None, scored=0, matches=0)
    check_function_field(dataset, copy)
    return _make(dataset, copy, progress)


def delete_function(dataset: fo.Dataset, slug: str) -> Function:
    """Delete a function with its score field; for seven days, `restore_function` can restore it."""
    function = load_function(dataset, slug)
    kept = timely_key()
    with restored_on_failure(dataset, {**records_of(function), **records_of_deleted(kept)}):
        remember_deleted_function(dataset, function, kept)
        forget_function(dataset, slug)
        if has_score_field(dataset, function):
            _delete_field(dataset, function)
    forget_written(dataset, slug)
    return function


def restore_function(dataset: fo.Dataset, deleted: DeletedFunction | None = None) -> Function:
    """Restore a deleted function, by default the last one, and score everything again.

    Raises:
        Refusal: no function was deleted, or another one has its name now.
    """
    known = deleted_functions(dataset)
    if deleted is None and not known:
        raise Refusal("No function was deleted in the last seven days.")
    chosen = known[0] if deleted is None else deleted
    function = chosen.function
    with restored_on_failure(dataset, {**records_of(function), **records_of_deleted(chosen.key)}):
        claim_function(dataset, function)
        forget_deleted_function(dataset, chosen.key)
        if is_stale(dataset, function):
            return function
        return score_all(dataset, function, alert=False, progress=no_progress).function


def _make(dataset: fo.Dataset, function: Function, progress: Progress) -> FunctionRun:
    """Write a new function and its scores, or nothing."""
    with restored_on_failure(dataset, records_of(function)):
        claim_function(dataset, function)
        return score_all(dataset, function, alert=False, progress=progress)


def _status(dataset: fo.Dataset, function: Function) -> FunctionStatus:
    return FunctionStatus(function, len(new_matches(dataset, function.slug)), is_stale(dataset, function))


def _with_what_is_left(query: Query, table: SearchTable) -> Query:
    """The query without examples that are no longer in the dataset."""
    sides = (np.asarray(side, "U24") for side in (query.positives, query.negatives))
    liked, disliked = (tuple(side[locate(side, table.items.ids) >= 0].tolist()) if len(side) else () for side in sides)
    return replace(query, positives=liked, negatives=disliked)


def _check_threshold(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise Refusal(f"The threshold is {threshold}; it must be between 0 and 1.")


def _move_field(dataset: fo.Dataset, old: Function, new: Function) -> None:
    """Rename the score field; if FiftyOne's own renaming (1.22) fails halfway, it leaves values without a field."""
    items = list_like(dataset, old.kind.field, None)
    write_scores(dataset, items, [Score(new.field, read_numbers(dataset, items, old.field))])
    try:
        _delete_field(dataset, old)
    except BaseException:
        delete_own_field(dataset, path_of_scores(dataset, new))
        raise


def _delete_field(dataset: fo.Dataset, function: Function) -> None:
    """Delete the score field, or keep it with its values if that fails."""
    items = list_like(dataset, function.kind.field, None)
    scores = Score(function.field, read_numbers(dataset, items, function.field))
    try:
        delete_own_field(dataset, path_of_scores(dataset, function))
    except BaseException:
        dataset.reload()
        write_scores(dataset, items, [scores])
        raise
