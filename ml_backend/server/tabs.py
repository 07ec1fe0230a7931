"""The tabs in the Data Manager: rankings, suggestions, segments, and one whose title is the backend's status."""

from typing import Any

from ..label_studio.client import LabelStudio
from ..label_studio.mirror import Mirror
from ..store.audits import load_audit
from ..store.functions import list_functions
from ..store.scores import score_path
from ..store.searches import SCORE_FIELD
from ..store.segments import list_segments
from ..wording import count
from .function_columns import lowest_match
from .status import ProjectStatus
from .sync import ProjectSync

# The names are the columns' titles, so they are short.
OUTLIER, MISLABEL, CLUSTER, SEGMENTS, PROBLEM = "ls_outlier", "ls_mislabel", "ls_cluster", "ls_segments", "ls_problem"
SIMILAR, SUGGESTED, CONFIDENCE, AUDIT = "ls_similar", "ls_label", "ls_confidence", "ls_audit"
ACTION = "ls_action"
_FUNCTION = "ls_fn_"
_TEXTS = (SEGMENTS, PROBLEM, SUGGESTED, ACTION)
_COLUMNS = (OUTLIER, MISLABEL, CLUSTER, SEGMENTS, PROBLEM)
_ALL_COLUMNS = (*_COLUMNS, SIMILAR, SUGGESTED, CONFIDENCE, AUDIT, ACTION)
SIMILAR_TAB = "Similar tasks"
MISLABEL_TAB = "Likely wrong"  # short, because the tab's menu covers the end of long titles
AUDIT_TAB = "Audit"
STATUS_SUFFIX = " · Labelscape"  # at the end: Label Studio (1.23) shows the first 15 characters of a title
_FORMER_PREFIX = "Labelscape: "
_STATE_LENGTH = 75
LIKELY_MISLABELED = 0.5  # a mislabel score is the probability that the label is wrong
# Left out of our tabs, so that the image and our columns are visible without scrolling.
_HIDDEN = [
    f"tasks:{name}"
    for name in (
        "inner_id",
        "completed_at",
        "cancelled_annotations",
        "total_predictions",
        "annotators",
        "annotations_ids",
        "predictions_model_versions",
        "file_upload",
        "storage_filename",
        "created_at",
        "updated_at",
        "updated_by",
        "avg_lead_time",
        "draft_exists",
        "data.ls_map",  # the app's: a filter without values
    )
]
_HIDDEN_BESIDE_A_TASK = [*_HIDDEN, "tasks:annotations_results", "tasks:predictions_results"]
# Left out of the tab of problems too, so that each task's problem is visible without scrolling.
_HIDDEN_BESIDE_PROBLEMS = [
    *_HIDDEN_BESIDE_A_TASK,
    "tasks:total_annotations",
    "tasks:predictions_score",
    *(f"tasks:data.{name}" for name in _ALL_COLUMNS if name != PROBLEM),
]
_INFO = "label_studio_tabs"


def function_column(slug: str) -> str:
    """The column of a function's scores."""
    return f"{_FUNCTION}{slug}"


def is_function_column(name: str) -> bool:
    """Whether a column is that of a function, which may be deleted by now."""
    return name.startswith(_FUNCTION)


def column_kind(name: str) -> str:
    """The type of a column, as Label Studio names it."""
    return "String" if name in _TEXTS else "Number"


def nothing_in(name: str) -> float | str:
    """The value of a column in a task that has none."""
    return "" if name in _TEXTS else 0.0


def segment_tab(name: str) -> str:
    """The title of a segment's tab, which begins with its name: Label Studio cuts what is long."""
    return f"{name} · segment"


def function_tab(name: str) -> str:
    """The title of a function's tab."""
    return f"{name} · function"


def show_tabs(project: ProjectSync, mirror: Mirror) -> None:
    """Create, change, and delete our tabs as needed; other people's tabs stay."""
    known = dict(mirror.dataset.info.get(_INFO) or {})
    existing = ensure_default_tab(project.studio, mirror.project)
    target = _tabs(project, mirror)
    shown = {}
    for title, data in target.items():
        former = known.get(title)
        if former is None or former["id"] not in existing:
            shown[title] = {"id": project.studio.create_view(mirror.project, data), "data": data}
        else:
            if former["data"] != data:
                project.studio.update_view(former["id"], mirror.project, data)
            shown[title] = {"id": former["id"], "data": data}
    for title, former in known.items():
        if title not in target:
            project.studio.delete_view(former["id"])
    if shown != known:
        mirror.dataset.info[_INFO] = shown
        mirror.dataset.save()


def ensure_default_tab(studio: LabelStudio, project: int) -> dict[int, str]:
    """Tab id → title of the existing tabs; Label Studio (1.23) creates a default tab only if there is no other."""
    existing = {int(view["id"]): str((view.get("data") or {}).get("title")) for view in studio.views(project)}
    if existing:
        return existing
    return {studio.create_view(project, {"title": "Default", **_tab([], "tasks:id")}): "Default"}


class StatusTab:
    """A tab whose title is the backend's status, and that lists the tasks with problems.

    It is the only place where people in Label Studio (1.23) can see this: next to the backend's name, there is no text.
    """

    def __init__(self, studio: LabelStudio, project: int) -> None:
        self._studio = studio
        self._project = project
        self._shown = ""

    def show(self, state: str) -> None:
        """Set the tab's title to this status.

        Raises:
            LabelStudioError: Label Studio does not take it.
        """
        title = f"{state[:1].upper()}{state[1:_STATE_LENGTH]}{STATUS_SUFFIX}"
        if title == self._shown:
            return
        existing = ensure_default_tab(self._studio, self._project)
        tabs = [number for number, name in existing.items() if _is_status(name)]
        data = {"title": title, **_tab([_filter(f"data.{PROBLEM}", "not_equal", "String", "")], "tasks:id")}
        data["hiddenColumns"] = {"explore": _HIDDEN_BESIDE_PROBLEMS, "labeling": _HIDDEN_BESIDE_PROBLEMS}
        if tabs:
            self._studio.update_view(tabs[0], self._project, data)
        else:
            self._studio.create_view(self._project, data)
        for double in tabs[1:]:
            self._studio.delete_view(double)
        self._shown = title


def _is_status(title: str) -> bool:
    return title.endswith(STATUS_SUFFIX) or title.startswith(_FORMER_PREFIX)


def state_of(status: ProjectStatus, without_medium: int) -> str:
    """The status of a project, in a few words, for a tab's title."""
    if status.problem:
        return status.problem
    if without_medium:
        return f"{count(without_medium, 'task')} without a medium"
    return status.note or "up to date"


def _tabs(project: ProjectSync, mirror: Mirror) -> dict[str, dict[str, Any]]:
    """Title → tab. Only filter operators that the Data Manager can show (1.23: ``in_list`` blanks it)."""
    unlabeled = _filter("total_annotations", "equal", "Number", 0)
    labeled = _filter("total_annotations", "greater", "Number", 0)
    likely = _filter(f"data.{MISLABEL}", "greater", "Number", LIKELY_MISLABELED)
    threshold = round(project.confident_from(), 4)
    confident = _filter("predictions_score", "greater_or_equal", "Number", threshold)
    uncertain = _filter("predictions_score", "less", "Number", threshold)
    tabs = {
        "Outliers": _tab([], f"-tasks:data.{OUTLIER}", OUTLIER),
        MISLABEL_TAB: _tab([labeled, likely], f"-tasks:data.{MISLABEL}", MISLABEL),
        "Confident": _tab([unlabeled, confident], "-tasks:predictions_score", SUGGESTED),
        "Uncertain": _tab([unlabeled, uncertain], "tasks:predictions_score", SUGGESTED),
    }
    for segment in list_segments(mirror.dataset):
        inside = _filter(f"data.{SEGMENTS}", "contains", "String", f"|{segment.slug}|")
        tabs[segment_tab(segment.name)] = _tab([inside], "tasks:id", SEGMENTS)
    for function in list_functions(mirror.dataset):
        column = function_column(function.slug)
        matching = _filter(f"data.{column}", "greater_or_equal", "Number", lowest_match(function.threshold))
        tabs[function_tab(function.name)] = _tab([matching], f"-tasks:data.{column}", column)
    if mirror.dataset.get_field(score_path(mirror.dataset, mirror.patches_field, SCORE_FIELD)) is not None:
        similar = _filter(f"data.{SIMILAR}", "greater", "Number", 0)
        tabs[SIMILAR_TAB] = _tab([similar], f"-tasks:data.{SIMILAR}", SIMILAR)
    if load_audit(mirror.dataset) is not None:
        drawn = _filter(f"data.{AUDIT}", "greater", "Number", 0)
        tabs[AUDIT_TAB] = _tab([unlabeled, drawn], f"tasks:data.{AUDIT}", AUDIT)
    return {title: {"title": title, **tab} for title, tab in tabs.items()}


def _tab(filters: list[dict[str, Any]], ordering: str, *shown: str) -> dict[str, Any]:
    """A tab that shows only these of our columns, so that they are visible without scrolling; all, if none is given."""
    others = [f"tasks:data.{name}" for name in _ALL_COLUMNS if shown and name not in shown]
    kinds = dict.fromkeys((*_COLUMNS, *shown))
    return {
        "filters": {"conjunction": "and", "items": filters},
        "ordering": [ordering],
        "columnsDisplayType": {f"tasks:data.{name}": column_kind(name) for name in kinds},
        "hiddenColumns": {"explore": [*_HIDDEN, *others], "labeling": [*_HIDDEN_BESIDE_A_TASK, *others]},
    }


def _filter(column: str, operator: str, kind: str, value: float | str) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
