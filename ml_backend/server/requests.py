"""Requests for actions on a project: what they may contain, and their checked values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import Refusal

ParameterKind = Literal["string", "number", "integer", "tasks"]
_JSON_TYPES: dict[ParameterKind, Any] = {
    "string": str,
    "number": (int, float),
    "integer": int,
    "tasks": list,
}
_LONGEST_TEXT = 1_000


@dataclass(frozen=True)
class Parameter:
    """A parameter of an action. ``required`` ones have no default; ``least`` and ``most`` bound a number."""

    name: str
    kind: ParameterKind
    description: str
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None

    def read(self, body: Mapping[str, Any]) -> Any:
        """The parameter's value in a request.

        Raises:
            Refusal: it is missing, of another type, or out of range
        """
        value: Any = body.get(self.name)
        if value is None or value == "":
            if self.required:
                raise Refusal(f"“{self.name}” is missing: {self.description}.")
            return self.default
        if isinstance(value, bool) or not isinstance(value, _JSON_TYPES[self.kind]):
            raise Refusal(f"“{self.name}” must be {_an(self.kind)}.")
        if isinstance(value, list):
            return read_task_ids(self.name, value)
        if isinstance(value, str):
            self._check_text(value)
        else:
            self._check_number(float(value))
        return value

    def _check_text(self, value: str) -> None:
        if self.choices and value not in self.choices:
            raise Refusal(f"“{self.name}” must be one of {', '.join(self.choices)}, not “{value[:100]}”.")
        if len(value) > _LONGEST_TEXT:
            raise Refusal(f"“{self.name}” may have at most {_LONGEST_TEXT:,} characters.")

    def _check_number(self, value: float) -> None:
        too_small = self.least is not None and not value >= self.least
        if too_small or (self.most is not None and not value <= self.most):
            bounds = f"at least {self.least:g}" if self.most is None else f"between {self.least:g} and {self.most:g}"
            raise Refusal(f"“{self.name}” is {value:g}; it must be {bounds}.")

    def schema(self) -> dict[str, Any]:
        """The parameter in an OpenAPI document."""
        if self.kind == "tasks":
            return {"type": "array", "items": {"type": "integer"}, "description": self.description}
        schema: dict[str, Any] = {"type": self.kind, "description": self.description}
        optional = {"enum": list(self.choices) or None, "minimum": self.least, "maximum": self.most}
        schema |= {name: value for name, value in optional.items() if value is not None}
        return schema if self.default is None else schema | {"default": self.default}


@dataclass(frozen=True)
class ActionRequest:
    """An action to run. ``tasks`` are the tasks it acts on, None = all of the project; ``by`` identifies who asked."""

    tasks: list[int] | None
    by: str
    values: Mapping[str, Any] = field(default_factory=dict)


def read_action_request(
    body: Mapping[str, Any], parameters: tuple[Parameter, ...], *, takes_tasks: bool
) -> ActionRequest:
    """An action's request, from the JSON object of its body.

    Raises:
        Refusal: it is malformed, selects nothing, or has a parameter that the action does not know
    """
    known = {"by", *(("tasks", "count") if takes_tasks else ()), *(parameter.name for parameter in parameters)}
    unknown = sorted(set(body) - known)
    if unknown:
        raise Refusal(f"“{unknown[0]}” is not a parameter of this action; it has {', '.join(sorted(known))}.")
    by = body.get("by", "")
    if not isinstance(by, str) or len(by) > _LONGEST_TEXT:
        raise Refusal("“by” must be a short text that identifies the user.")
    tasks = _read_selection(body) if takes_tasks else None
    return ActionRequest(tasks, by, {parameter.name: parameter.read(body) for parameter in parameters})


def read_task_ids(name: str, value: list[Any]) -> list[int]:
    """A list of task ids, without repetitions.

    Raises:
        Refusal: it lists something else
    """
    if not all(isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**63 for number in value):
        raise Refusal(f"“{name}” must be a list of task IDs.")
    return list(dict.fromkeys(value))


def _read_selection(body: Mapping[str, Any]) -> list[int] | None:
    """The selected tasks; None for all, which takes the count that the user saw, so that no empty list means all."""
    tasks, number = body.get("tasks"), body.get("count")
    if tasks == "all":
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise Refusal("All tasks were selected without a count: send the “count” that the user confirmed.")
        return None
    if not isinstance(tasks, list):
        raise Refusal("“tasks” must be a list of task IDs, or “all” with a “count”.")
    if not tasks:
        raise Refusal("Nothing is selected: tick tasks first, or the box above them for all.")
    return read_task_ids("tasks", tasks)


def _an(kind: ParameterKind) -> str:
    return {"string": "a text", "number": "a number", "integer": "a whole number", "tasks": "a list of tasks"}[kind]
