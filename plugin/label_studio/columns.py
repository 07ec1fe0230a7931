"""Our columns in the Data Manager: their titles and types, and the filter that a lasso on the map makes."""

import logging
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.module_loading import import_string

_log = logging.getLogger(__name__)
MAP_COLUMN = "ls_map"
_TITLES: Mapping[str, tuple[str, str]] = {
    "ls_outlier": ("Outlier score", "Number"),
    "ls_mislabel": ("Mislabel score", "Number"),
    "ls_cluster": ("Cluster", "Number"),
    "ls_similar": ("Similarity", "Number"),
    "ls_label": ("Suggested label", "String"),
    "ls_confidence": ("Confidence", "Number"),
    "ls_segments": ("Segments", "String"),
    "ls_problem": ("Problem", "String"),
}
_FUNCTION = "ls_fn_"
_FEW = 100  # tasks of a range that are listed one by one: SQLite takes fewer than 1,000 conditions, but more ids
_RANGES = re.compile(r"\d{1,18}(-\d{1,18})?(,\d{1,18}(-\d{1,18})?)*")


def all_columns(project: Any, *rest: Any) -> dict[str, Any]:
    """Label Studio's columns; those of ours have titles and types, and there is one that only the map's filter uses."""
    result: dict[str, Any] = import_string(settings.LABELSCAPE_STOCK["columns"])(project, *rest)
    try:
        return _with_ours(deepcopy(result))
    except Exception:  # columns of another version may look otherwise: they are shown as they are
        _log.exception("Labelscape: its columns have no titles, and the map's filter has no column.")
        return result


def _with_ours(result: dict[str, Any]) -> dict[str, Any]:
    for column in result["columns"]:
        if column.get("parent") == "data":
            column.update(_described(str(column["id"])))
    data = next((column for column in result["columns"] if column["id"] == "data"), None)
    if data is not None and MAP_COLUMN not in data["children"]:
        data["children"].append(MAP_COLUMN)
        # Not the first, which is what a new filter begins with.
        result["columns"].insert(result["columns"].index(data), _map_column())
    return result


def filter_expression(condition: Any, field: str, *rest: Any, **options: Any) -> Any:
    """The database filter of the tasks inside a lasso, whose value lists ranges of their ids; else Label Studio's."""
    if field != f"data__{MAP_COLUMN}":
        return import_string(settings.LABELSCAPE_STOCK["filters"])(condition, field, *rest, **options)
    return tasks_within(str(condition.value))


def tasks_within(ranges: str) -> Q:
    """The tasks whose ids are in ranges such as “3-7,9”; none if the text is something else."""
    nothing = Q(pk__in=[])
    if not _RANGES.fullmatch(ranges):
        return nothing
    within, listed = nothing, list[int]()
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        start, end = int(first), int(last or first)
        if end - start < _FEW:
            listed.extend(range(start, end + 1))
        else:
            within |= Q(id__gte=start, id__lte=end)
    return within | Q(id__in=listed)


def _described(column: str) -> dict[str, str]:
    if column.startswith(_FUNCTION):
        name = column.removeprefix(_FUNCTION).replace("_", " ").strip().capitalize()
        return {"title": name, "type": "Number"}
    title, kind = _TITLES.get(column, ("", ""))
    return {"title": title, "type": kind} if title else {}


def _map_column() -> dict[str, Any]:
    return {
        "id": MAP_COLUMN,
        "title": "Map selection",
        "type": "String",
        "target": "tasks",
        "parent": "data",
        "help": "Filters by a selection on the Labelscape map",
        "visibility_defaults": {"explore": False, "labeling": False},
        "project_defined": False,
    }
