"""Methods of the review: lists to work through, from rankings, suggestions, segments, and searches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ....ml_backend.actions import functions
from ....ml_backend.actions.search import Scope, search
from ....ml_backend.analysis.search import reaches
from ....ml_backend.errors import Refusal
from ....ml_backend.store.functions import load_function, new_matches
from ....ml_backend.store.searches import SCORE_FIELD, Query
from ....ml_backend.store.segment_records import load_segment
from ....ml_backend.store.segments import member_ids
from ....ml_backend.store.suggestions import suggestion_path
from ....ml_backend.wording import count
from ....operators.running import PLUGIN
from ..component_panel import Answer, Method
from .calls import Call, answers
from .column_files import MISSING_CODE, pack
from .field_values import code_of, distinct_classes, fetch, field_source, number_of
from .label_states import HUMAN, NEIGHBORS, OPEN_SUGGESTIONS, LabelRows
from .map_rows import as_bytes
from .selection import checked_rows

REVIEWING: dict[str, Method] = {}
_MOST_ROWS = 5_000  # about a day's work
_SIMILAR = 200
_HIGHEST = 50  # of a ranking in which nothing stands out


@dataclass(frozen=True)
class ReviewList:
    """Rows of a map in the order to look at them, with what is known of each.

    Attributes:
        kind: what accepting and rejecting mean (`ReviewKind` of contract.ts).
        rows: (m,) rows of the map.
        scores: (m,) the number that they are ordered by; None = they have none.
        proposals: (m,) index into ``labels``, -1 = none; None = nothing is proposed.
        groups: (m,) number of the group of duplicates; None = no groups.
        adds_field: whether making the list added a field, which the App's sidebar does not show yet.
    """

    kind: str
    title: str
    rows: np.ndarray
    scores: np.ndarray | None = None
    proposals: np.ndarray | None = None
    labels: Sequence[str] = ()
    groups: np.ndarray | None = None
    total: int | None = None
    note: str = ""
    adds_field: bool = False

    def answer(self, name: str, labels: LabelRows) -> Answer:
        """`ReviewAnswer` of contract.ts: what is still in the dataset, as much as a person can look at."""
        kept = np.flatnonzero(labels.present[self.rows])[:_MOST_ROWS]
        codes = None if self.proposals is None else self.proposals[kept]
        return {
            "id": name,
            "kind": self.kind,
            "title": self.title,
            "note": self.note,
            "total": len(self.rows) if self.total is None else self.total,
            "rows": pack(self.rows[kept], "<u4"),
            "ids": labels.rows.names(self.rows[kept]),
            "scores": None if self.scores is None else pack(self.scores[kept], "<f4"),
            "proposals": None if codes is None else pack(np.where(codes < 0, MISSING_CODE, codes), "<u2"),
            "labels": list(self.labels),
            "groups": None if self.groups is None else pack(self.groups[kept], "<u4"),
            "adds_field": self.adds_field,
        }


@answers(REVIEWING, changes=True)
def open_list(call: Call) -> Answer:
    """A list to review, in its order; with the state, because its screen shows labels as they are now."""
    name = str(call.params["list"])
    labels = call.labels()
    kind, _, slug = name.partition(":")
    make: Callable[[Call, LabelRows, str], ReviewList] | None = _LISTS.get(kind)
    if make is None:
        raise Refusal(f"“{name}” cannot be reviewed: choose a list.")
    return make(call, labels, slug).answer(name, labels)


@answers(REVIEWING, changes=True)
def search_similar(call: Call) -> Answer:
    """Rows most similar to the selected ones and those marked as matches, and least similar to those marked as not."""
    labels = call.labels()
    rows = labels.rows
    liked = checked_rows(np.asarray(call.params["liked"], np.int64), len(rows))
    disliked = checked_rows(np.asarray(call.params["disliked"], np.int64), len(rows))
    if rows.embeddings is None:
        raise Refusal(f"The map “{rows.key}” does not say from which embeddings it was made: compute one here.")
    is_new = call.dataset.get_field(rows.score_path(call.dataset, SCORE_FIELD)) is None
    query = Query(rows.embeddings, tuple(rows.names(liked)), tuple(rows.names(disliked)))
    result = search(Scope(call.dataset), query, limit=int(call.params.get("limit") or _SIMILAR))
    places = rows.locate(as_bytes(result.ids))
    on_map = places >= 0
    scores = np.asarray([hit.score for hit in result.hits], np.float32)
    title = f"Similar to {count(len(liked), 'example')}"
    listed = ReviewList(
        "search",
        title,
        places[on_map],
        scores[on_map],
        total=int(on_map.sum()),
        note=result.quality.sentence,
        adds_field=is_new,
    )
    return listed.answer("search", labels)


@answers(REVIEWING)
def next_batch(call: Call) -> Answer:
    """Open the operator's form for the next batch of a segment's collection campaign."""
    call.ctx.prompt(f"{PLUGIN}/next_batch", params={"segment": str(call.params["segment"])})
    return {}


@dataclass(frozen=True)
class _Column:
    """Values of a field over rows of a map: numbers (m,), or codes (m,) into ``classes``."""

    rows: np.ndarray
    values: np.ndarray
    classes: list[str]


def _column(call: Call, labels: LabelRows, path: str) -> _Column:
    """The rows that have a value at a path.

    Raises:
        Refusal: there is no such field.
    """
    root = labels.rows.root
    source = field_source(call.dataset, path, root)
    collection = labels.rows.collection(call.dataset)
    numeric = source.kind == "numeric"
    classes = [] if numeric else distinct_classes(collection, root, source)
    fetched = fetch(collection, root, {"v": number_of(source) if numeric else code_of(source, classes)})
    rows = labels.rows.locate(fetched.ids)
    values = fetched.columns["v"]
    kept = (rows >= 0) & (np.isfinite(values) if numeric else values >= 0)
    return _Column(rows[kept], values[kept], [str(name) for name in classes])


def _scores(call: Call, labels: LabelRows, field: str) -> _Column:
    """The rows that have a value in a score field of the samples, or of the objects."""
    return _column(call, labels, labels.rows.score_path(call.dataset, field))


def _over(labels: LabelRows, column: _Column, missing: float) -> np.ndarray:
    """The column over all rows of the map."""
    full = np.full(len(labels.rows), missing, column.values.dtype)
    full[column.rows] = column.values
    return full


def _by_score(scores: _Column) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-scores.values, kind="stable")
    return scores.rows[order], scores.values[order].astype(np.float32)


def _mislabels(call: Call, labels: LabelRows, _slug: str) -> ReviewList:
    rows, scores = _by_score(_scores(call, labels, "mislabel_score"))
    suggested = _scores(call, labels, "mislabel_suggestion")
    proposals = _over(labels, suggested, -1)[rows]
    codes = np.asarray(
        [*(labels.snapshot.classes.index(n) if n in labels.snapshot.classes else -2 for n in suggested.classes), -1]
    )
    # The label may have been corrected since the ranking was made.
    differs = (proposals >= 0) & (codes[proposals] != labels.snapshot.codes[rows])
    favors_none = (proposals < 0) & (scores > 0.5) & np.isin(labels.snapshot.states[rows], (HUMAN, NEIGHBORS))
    listed = differs | favors_none
    number = int((favors_none & labels.present[rows]).sum())
    return ReviewList(
        "mislabels",
        "Labels that may be wrong",
        rows[listed],
        scores[listed],
        proposals[listed],
        suggested.classes,
        note=f"the evidence favors no label at all for {number:,}" if number else "",
    )


def _outliers(call: Call, labels: LabelRows, _slug: str) -> ReviewList:
    rows, scores = _by_score(_scores(call, labels, "outlier_score"))
    reasons = _scores(call, labels, "outlier_reason")
    has_reason = np.isin(rows, reasons.rows)
    if not has_reason.any():
        note = "none of them stands out: these have the highest scores"
        return ReviewList("outliers", "Outliers", rows[:_HIGHEST], scores[:_HIGHEST], note=note)
    return ReviewList("outliers", "Outliers", rows[has_reason], scores[has_reason])


def _duplicates(call: Call, labels: LabelRows, _slug: str) -> ReviewList:
    groups = _scores(call, labels, "duplicate_group")
    distances = _over(labels, _scores(call, labels, "duplicate_distance"), np.nan)[groups.rows]
    order = np.lexsort((distances, groups.values))
    return ReviewList(
        "duplicates",
        "Duplicates",
        groups.rows[order],
        distances[order].astype(np.float32),
        groups=groups.values[order].astype(np.int64),
    )


def _suggestions(call: Call, labels: LabelRows, _slug: str) -> ReviewList:
    path = suggestion_path(call.dataset, labels.rows.patches_field)
    confidence = _column(call, labels, f"{path}.confidence")
    is_open = np.isin(labels.snapshot.states[confidence.rows], OPEN_SUGGESTIONS)
    rows, values = confidence.rows[is_open], confidence.values[is_open]
    order = np.argsort(values, kind="stable")
    rows = rows[order]
    codes = labels.codes_with_suggestions()[rows]
    return ReviewList(
        "suggestions", "Suggestions", rows, values[order].astype(np.float32), codes, list(labels.snapshot.classes)
    )


def _segment(call: Call, labels: LabelRows, slug: str) -> ReviewList:
    segment = load_segment(call.dataset, slug)
    rows = labels.rows.locate(as_bytes(member_ids(call.dataset, segment, labels.rows.patches_field).tolist()))
    note = segment.note or segment.kind
    return ReviewList("segment", f"Segment “{segment.name}”", rows[rows >= 0], total=segment.size, note=note)


def _function(call: Call, labels: LabelRows, name: str) -> ReviewList:
    slug, _, part = name.partition(":")
    function = load_function(call.dataset, slug)
    rows, scores = _by_score(_scores(call, labels, function.field))
    matching = reaches(scores, function.threshold)
    title = f"Matches of “{function.name}”"
    if part == "new":
        title = f"New matches of “{function.name}”"
        matching &= np.isin(rows, labels.rows.locate(as_bytes(new_matches(call.dataset, slug))))
    functions.look_at_matches(call.dataset, slug, new_only=part == "new")  # once viewed, they are no longer new
    return ReviewList("function", title, rows[matching], scores[matching], note=function.quality)


_LISTS: dict[str, Callable[[Call, LabelRows, str], ReviewList]] = {
    "mislabels": _mislabels,
    "outliers": _outliers,
    "duplicates": _duplicates,
    "suggestions": _suggestions,
    "segment": _segment,
    "function": _function,
}
