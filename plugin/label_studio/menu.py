"""The entries of the Data Manager's menu, with Label Studio's own dialogs.

The panel script replaces the dialogs with ones that show what an action would do before it does it. The ones here work
without it, and for scripts that call Label Studio's API.
"""

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from . import backend
from .catalog import MENU, MenuAction, as_values, describe, form_of
from .hooks import MissingHook, hook, permission_name
from .selection import selects_nothing

_log = logging.getLogger(__name__)
_SECONDS = 20.0  # after which an action continues in the background
_TURN_SECONDS = 0.2


def register_actions() -> None:
    """Add our actions to Label Studio's registry."""
    register = hook("actions")
    for action in MENU:
        try:
            permission = permission_name(action.permission)
        except MissingHook as missing:
            _log.warning("Labelscape: “%s” is not in the Data Manager. %s", action.title, missing)
            continue
        register(
            entry_point=_entry_point(action),
            title=action.title,
            order=action.order,
            permission=permission,
            experimental=False,
            dialog={"title": action.title, "text": action.text, "type": "confirm", "form": _form(action)},
        )


def _form(action: MenuAction) -> Callable[[Any, Any], list[dict[str, Any]]]:
    return lambda _user, project: form_of(action, describe(project.id))


def _entry_point(action: MenuAction) -> Callable[..., dict[str, Any]]:
    """The function that Label Studio calls; its name is the action's ID there."""

    def run(project: Any, queryset: Any, **options: Any) -> dict[str, Any]:
        request = options["request"]
        body: dict[str, Any] = {"by": str(request.user.pk), **as_values(action, request.data)}
        if action.takes_tasks:
            if selects_nothing(request.data):
                return _refusal("Nothing is selected, so nothing was done: tick tasks first.", 422)
            body["tasks"] = list(queryset.values_list("id", flat=True))
        return _followed(project.id, _started(project.id, action.name, body))

    run.__name__ = action.id
    return run


def _started(project: int, action: str, body: dict[str, Any]) -> backend.Answer:
    """Start an action, once more if no answer comes: with its key, it is the same job."""
    key = uuid.uuid4().hex
    answer = backend.call("POST", project, action, body, key=key)
    return backend.call("POST", project, action, body, key=key) if answer.lost else answer


def _followed(project: int, answer: backend.Answer) -> dict[str, Any]:
    """The outcome of a job that just started, or a sentence that it continues in the background."""
    deadline = time.monotonic() + _SECONDS
    while answer.ok and answer.document["outcome"] is None:
        if time.monotonic() > deadline:
            return {"async": True, "detail": "Labelscape continues in the background.", "job": answer.document["id"]}
        time.sleep(_TURN_SECONDS)
        answer = backend.call("GET", project, f"jobs/{answer.document['id']}")
    if not answer.ok:
        return _refusal(answer.refusal, answer.status)
    outcome = answer.document["outcome"]
    if answer.document["state"] != "done":
        return _refusal(outcome["sentence"], 422)
    return {"processed_items": len(outcome["tasks"]), "detail": outcome["sentence"], "numbers": outcome["numbers"]}


def _refusal(sentence: str, status: int) -> dict[str, Any]:
    return {"response_code": status, "detail": sentence}
