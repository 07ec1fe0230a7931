"""The actions as users see them in the Data Manager: titles, explanations, forms, and permissions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import backend

SEGMENT_KINDS = ("data quality", "data organization", "collection campaign")
Field = dict[str, Any]
Description = Mapping[str, Any]


@dataclass(frozen=True)
class MenuAction:
    """An entry of the Data Manager's menu; ``permission`` is Label Studio's own.

    ``fields`` makes the form, in Label Studio's terms, from what the backend says of the project.
    """

    name: str
    title: str
    text: str
    permission: str
    order: int
    fields: Callable[[Description], list[Field]] = lambda _: []
    takes_tasks: bool = True

    @property
    def id(self) -> str:
        """The id in Label Studio's registry."""
        return f"labelscape_{self.name}"


def describe(project: int) -> Description:
    """What forms need to know about a project; empty if the backend is away, which the form then says."""
    answer = backend.call("GET", project, "description")
    return answer.document if answer.ok else {"problem": answer.refusal}


def form_of(action: MenuAction, description: Description) -> list[dict[str, Any]]:
    """The form of an action, as Label Studio takes it."""
    fields = action.fields(description)
    return [{"columnCount": 1, "fields": fields}] if fields else []


def as_values(action: MenuAction, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form as the backend takes them: Label Studio's forms give every value as text."""
    values: dict[str, Any] = {}
    for name in _NAMES[action.name]:
        value = given.get(name)
        if value in (None, ""):
            continue
        values[name] = _NAMES[action.name][name](value)
    return values


def _number(value: Any) -> Any:
    return _converted(float, value)


def _integer(value: Any) -> Any:
    return _converted(int, value)


def _percent(value: Any) -> Any:
    number = _number(value)
    return round(number / 100, 6) if isinstance(number, float) else number


def _tasks(value: Any) -> Any:
    if isinstance(value, list):
        return value
    return [_integer(part) for part in str(value).replace(",", " ").split()]


def _converted(kind: type, value: Any) -> Any:
    """The value as a number; anything else is passed on to the backend, which says what is wrong with it."""
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError):
        return value


def _text(value: Any) -> Any:
    return value


_NAMES: dict[str, dict[str, Callable[[Any], Any]]] = {
    "label_neighbors": {"label": _text, "reach": _integer, "precision": _percent, "as": _text, "region": _text},
    "suggest_labels": {"precision": _percent},
    "accept_suggestions": {"confidence": _percent},
    "audit_suggestions": {"step": _text, "target": _percent},
    "rank_outliers": {},
    "rank_mislabels": {},
    "find_similar": {"label": _text, "negatives": _tasks, "text": _text, "limit": _integer},
    "create_function": {"name": _text, "threshold": _percent, "label": _text, "negatives": _tasks, "text": _text},
    "create_segment": {"name": _text, "kind": _text, "note": _text},
    "undo": {},
}


def _select(name: str, label: str, options: list[tuple[str, str]], value: str) -> Field:
    listed = [{"value": key, "label": title} for key, title in options]
    return {"type": "select", "name": name, "label": label, "options": listed, "value": value}


def _input(name: str, label: str, value: str = "") -> Field:
    return {"type": "input", "name": name, "label": label, "value": value}


def _percent_of(description: Description) -> str:
    return f"{100 * float(description.get('precision', 0.95)):g}"


def _neighbor_fields(description: Description) -> list[Field]:
    classes = [(str(name), str(name)) for name in description.get("classes", [])]
    return [
        _select("label", "Label", classes, classes[0][0] if classes else ""),
        _input("precision", "Target precision (%)", _percent_of(description)),
        _input("reach", "Number of neighbors (empty: as many as the precision allows)"),
        _select("as", "Write", [("predictions", "Predictions"), ("annotations", "Annotations")], "predictions"),
    ]


def _precision_field(description: Description) -> list[Field]:
    return [_input("precision", "Target precision (%)", _percent_of(description))]


def _confidence_field(description: Description) -> list[Field]:
    return [_input("confidence", "Lowest confidence (%)", _percent_of(description))]


def _audit_fields(_: Description) -> list[Field]:
    steps = [
        ("continue", "Show the result so far (or start)"),
        ("accept", "Accept all audited suggestions"),
        ("begin", "Start a new audit"),
    ]
    return [
        _select("step", "Next step", steps, "continue"),
        _input("target", "Share to guarantee (%), for a new audit", "90"),
    ]


def _region_fields(description: Description) -> list[Field]:
    """Which regions of the selected tasks are the examples, in a project that labels regions."""
    if not description.get("boxes"):
        return []
    classes = [(str(name), str(name)) for name in description.get("classes", [])]
    return [_select("label", "Like their regions labeled", [("", "(any, or not labeled yet)"), *classes], "")]


def _example_fields(description: Description) -> list[Field]:
    number = "Number of regions" if description.get("boxes") else "Number of tasks"
    return [
        *_region_fields(description),
        _input("negatives", "Not like these tasks (IDs, optional)"),
        _input("limit", number, "50"),
    ]


def _function_fields(description: Description) -> list[Field]:
    return [
        _input("name", "Name"),
        _input("threshold", "Lowest score of a match (%)", "50"),
        *_region_fields(description),
        _input("negatives", "Not like these tasks (IDs, optional)"),
    ]


def _segment_fields(description: Description) -> list[Field]:
    kinds = [(str(kind), str(kind).capitalize()) for kind in description.get("segment_kinds") or SEGMENT_KINDS]
    return [_input("name", "Name"), _select("kind", "Kind", kinds, kinds[0][0]), _input("note", "Note (optional)")]


MENU = (
    MenuAction(
        "label_neighbors",
        "Label Neighbors",
        "Labels the selected tasks and the unlabeled tasks around them that look alike.",
        "annotations_create",
        200,
        _neighbor_fields,
    ),
    MenuAction(
        "suggest_labels",
        "Suggest Labels",
        "Suggests a label for each selected task that is unlabeled, as a prediction.",
        "predictions_any",
        201,
        _precision_field,
    ),
    MenuAction(
        "accept_suggestions",
        "Accept Suggestions",
        "Turns the selected tasks' suggestions that are confident enough into annotations.",
        "annotations_create",
        202,
        _confidence_field,
    ),
    MenuAction(
        "audit_suggestions",
        "Audit Suggestions",
        "Draws a few confident suggestions at random for people to check in the tab “Audit”, and says how many of all "
        "are right.",
        "annotations_create",
        203,
        _audit_fields,
        takes_tasks=False,
    ),
    MenuAction(
        "rank_outliers",
        "Rank Outliers",
        "Ranks the selected tasks by how unusual they are; the tab “Outliers” shows them, most unusual first.",
        "tasks_change",
        204,
    ),
    MenuAction(
        "rank_mislabels",
        "Find Likely Mislabeled",
        "Ranks the selected labeled tasks by how likely their label is wrong; the tab “Likely wrong” shows them.",
        "tasks_change",
        205,
    ),
    MenuAction(
        "find_similar",
        "Find Similar Tasks",
        "Finds tasks like the selected ones; the tab “Similar tasks” shows them, most similar first.",
        "tasks_change",
        206,
        _example_fields,
    ),
    MenuAction(
        "create_function",
        "Create Function",
        "Saves a search for tasks like the selected ones under a name: a column scores every task, including new ones.",
        "tasks_change",
        207,
        _function_fields,
    ),
    MenuAction(
        "create_segment",
        "Create Segment",
        "Saves the selected tasks under a name; a tab shows them.",
        "views_create",
        208,
        _segment_fields,
    ),
    MenuAction(
        "undo",
        "Undo Last Labelscape Action",
        "Undoes your last Labelscape action in this project. Other people's actions stay.",
        "annotations_delete",
        209,
        takes_tasks=False,
    ),
)
BY_NAME = {action.name: action for action in MENU}
