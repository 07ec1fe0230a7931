"""The tasks that a user selected in the Data Manager: ticked ones, those of a filter, or all."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from .access import Refused
from .hooks import hook

_NOTHING = "Nothing is selected: tick tasks first, or the box at the top of the list for all of them."


def selects_nothing(body: Mapping[str, Any]) -> bool:
    """Whether a request selects no task, which Label Studio (1.23) itself interprets as all tasks."""
    selected = body.get("selectedItems")
    return not isinstance(selected, dict) or (selected.get("all") is not True and not selected.get("included"))


def selected_task_ids(request: HttpRequest, project: Any, body: Mapping[str, Any]) -> list[int]:
    """The ids of the selected tasks of a project, in the order of the list."""
    if selects_nothing(body):
        raise Refused(422, _NOTHING)
    selected = body["selectedItems"]
    tasks = hook("tasks")
    try:
        if selected.get("all") is True:
            parameters = hook("selection")(
                project=project.id,
                selectedItems={"all": True, "excluded": list(selected.get("excluded") or [])},
                filters=body.get("filters"),
                data=dict(body),
                request=request,
            )
            chosen = tasks.prepared.only_filtered(prepare_params=parameters).order_by("id")
        else:
            chosen = tasks.objects.filter(project=project, id__in=list(selected["included"])).order_by("id")
        numbers = [int(number) for number in chosen.values_list("id", flat=True)]
    except (TypeError, ValueError) as error:  # pydantic's errors are ValueErrors
        raise Refused(400, "The selection cannot be read: reload the page.") from error
    if not numbers:
        raise Refused(422, "None of the selected tasks still exists: reload the list.")
    return list(dict.fromkeys(numbers))
