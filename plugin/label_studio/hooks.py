"""What the app hooks into, checked one by one: another version of Label Studio may not have all of it."""

import inspect
from importlib import import_module
from typing import Any

from django.conf import settings

TESTED = "1.23"
_NEEDED = {
    "actions": ("data_manager.actions", "register_action", ("entry_point", "title", "order")),
    "selection": ("data_manager.prepare_params", "PrepareParams", ()),
    "tasks": ("tasks.models", "Task", ()),
    "predictions": ("tasks.models", "Prediction", ()),
    "counters": ("tasks.functions", "update_tasks_counters", ()),
    "projects": ("projects.models", "Project", ()),
    "permissions": ("core.permissions", "all_permissions", ()),
    "tokens": ("jwt_auth.auth", "TokenAuthenticationPhaseout", ()),
}
_LOST = {
    "actions": "the Data Manager has no Labelscape actions",
    "selection": "actions work only on ticked tasks, not on all tasks of a filter",
    "tasks": "actions do not work, and columns are written one by one, by the backend",
    "predictions": "predictions are written one by one, by the backend",
    "counters": "predictions are written one by one, by the backend",
    "projects": "nothing of Labelscape is shown",
    "permissions": "nothing of Labelscape is shown",
    "tokens": "requests with legacy tokens are refused",
}
FOR_BULK = frozenset({"tasks", "predictions", "counters"})


class MissingHook(Exception):
    """This Label Studio lacks something that a request needs; the message says what, and what does not work."""


def hook(name: str) -> Any:
    """What Label Studio has under a name that we need.

    Raises:
        MissingHook: it does not have it
    """
    module, attribute, arguments = _NEEDED[name]
    reason = _problem(module, attribute, arguments)
    if reason:
        raise MissingHook(_sentence(name, reason))
    return getattr(import_module(module), attribute)


def permission_name(permission: str) -> str:
    """The name under which Label Studio knows a permission, such as “tasks.change”.

    Raises:
        MissingHook: it does not know it
    """
    name = getattr(hook("permissions"), permission, None)
    if name is None:
        reason = f"There is no permission “{permission}” in this Label Studio ({_version()}; tested with {TESTED})"
        raise MissingHook(f"{reason}, so nobody can do what needs it.")
    return str(name)


def check_hooks() -> dict[str, str]:
    """Hook → a sentence on what does not work without it, for each one that this Label Studio lacks."""
    missing = {}
    for name in _NEEDED:
        try:
            hook(name)
        except MissingHook as error:
            missing[name] = str(error)
    if not all(settings.LABELSCAPE_STOCK.values()):
        missing["columns"] = (
            "Columns and filters work differently in this Label Studio, so a lasso cannot filter tasks."
        )
    if not settings.LABELSCAPE_SECRET:
        missing["secret"] = "LABELSCAPE_SECRET is not set, so every action reports that the backend cannot be reached."
    return missing


def _sentence(name: str, reason: str) -> str:
    return f"{reason} in this Label Studio ({_version()}; tested with {TESTED}), so {_LOST[name]}."


def _problem(module: str, attribute: str, arguments: tuple[str, ...]) -> str:
    try:
        existing = getattr(import_module(module), attribute)
    except Exception:  # whatever another version raises when it is imported this early
        return f"There is no {module}.{attribute}"
    if arguments and not set(arguments) <= set(inspect.signature(existing).parameters):
        return f"{module}.{attribute} takes other arguments"
    return ""


def _version() -> str:
    try:
        return str(import_module("label_studio").__version__)
    except (ImportError, AttributeError):
        return "unknown version"
