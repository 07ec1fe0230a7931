"""What the app hooks into, checked one by one: another version of Label Studio may not have all of it."""

import inspect
from importlib import import_module

from django.conf import settings

TESTED = "1.23"
_NEEDED = {
    "actions": ("data_manager.actions", "register_action", ("entry_point", "title", "order")),
    "selection": ("data_manager.prepare_params", "PrepareParams", ()),
    "tasks": ("tasks.models", "Task", ()),
    "predictions": ("tasks.models", "Prediction", ()),
    "projects": ("projects.models", "Project", ()),
    "permissions": ("core.permissions", "all_permissions", ()),
}
_LOST = {
    "actions": "the Data Manager has no Labelscape actions",
    "selection": "actions work only on ticked tasks, not on all tasks of a filter",
    "tasks": "columns are written one by one, by the backend",
    "predictions": "predictions are written one by one, by the backend",
    "projects": "nothing of Labelscape is shown",
    "permissions": "the Data Manager has no Labelscape actions",
}


def check_hooks() -> dict[str, str]:
    """Hook → a sentence on what does not work without it, for each one that this Label Studio lacks."""
    missing = {}
    for name, (module, attribute, arguments) in _NEEDED.items():
        reason = _problem(module, attribute, arguments)
        if reason:
            missing[name] = f"{reason} in this Label Studio ({_version()}; tested with {TESTED}), so {_LOST[name]}."
    if not all(settings.LABELSCAPE_STOCK.values()):
        missing["columns"] = (
            "Columns and filters work differently in this Label Studio, so a lasso cannot filter tasks."
        )
    if not settings.LABELSCAPE_SECRET:
        missing["secret"] = "LABELSCAPE_SECRET is not set, so every action reports that the backend cannot be reached."
    return missing


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
