"""What the tabs of the panel list: reviews that can be opened, and functions with their new matches."""

from typing import Any

import fiftyone as fo

from ....ml_backend.actions import functions
from ....ml_backend.actions.functions import FunctionStatus
from ....ml_backend.store.functions import deleted_functions
from ....ml_backend.store.searches import last_search
from ....ml_backend.store.segments import list_segments
from ....ml_backend.store.suggestions import suggestion_path
from ....ml_backend.wording import count
from ....operators.search_forms import describe_examples
from .map_rows import MapRows, iso

LISTED_STORES = (
    "labelscape.segments",
    "labelscape.functions",
    "labelscape.function_matches",
    "labelscape.deleted_functions",
    "labelscape.searches",
)
RANKINGS = {
    "mislabels": ("Labels that may be wrong", "mislabel_score", "the most likely wrong first"),
    "outliers": ("Outliers", "outlier_score", "the most unusual first"),
    "duplicates": ("Duplicates", "duplicate_group", "group by group"),
}


def review_lists(dataset: fo.Dataset, rows: MapRows | None) -> list[dict[str, str]]:
    """What can be reviewed now (`ReviewSource` of contract.ts): rankings that were made, segments, functions."""
    if rows is None:
        return []
    lists = [
        {"id": name, "name": title, "note": note}
        for name, (title, field, note) in RANKINGS.items()
        if dataset.get_field(rows.score_path(dataset, field)) is not None
    ]
    if dataset.get_field(suggestion_path(dataset, rows.patches_field)) is not None:
        lists.append({"id": "suggestions", "name": "Suggestions", "note": "the least confident first"})
    for segment in list_segments(dataset):
        note = f"{segment.kind}, {count(segment.size, segment.noun)}"
        lists.append({"id": f"segment:{segment.slug}", "name": f"Segment “{segment.name}”", "note": note})
    for status in functions.function_statuses(dataset):
        function = status.function
        note = f"{count(function.matches, 'match')}, {status.new:,} new"
        lists.append({"id": f"function:{function.slug}", "name": f"Function “{function.name}”", "note": note})
    return lists


def functions_state(dataset: fo.Dataset) -> dict[str, Any]:
    """`FunctionsState` of contract.ts."""
    deleted = deleted_functions(dataset)
    search = last_search(dataset)
    return {
        "functions": [_info(status) for status in functions.function_statuses(dataset)],
        "deleted": [{"key": entry.key, "name": entry.function.name} for entry in deleted],
        "last_search": None if search is None else describe_examples(search.query),
        "last_threshold": None if search is None else search.threshold,
    }


def _info(status: FunctionStatus) -> dict[str, Any]:
    function = status.function
    return {
        "slug": function.slug,
        "name": function.name,
        "note": function.note,
        "examples": describe_examples(function.query),
        "embeddings": function.query.embeddings,
        "noun": function.kind.noun,
        "threshold": function.threshold,
        "matches": function.matches,
        "scored": function.scored,
        "new": status.new,
        "stale": status.stale,
        "field": function.field,
        "quality": function.quality,
        "run_at": iso(function.run_at),
    }
