"""The other controls of a label config: when Label Studio shows them, and which must be answered.

Modeled on Label Studio 1.23's editor: at submit it requires an answer of each ``required`` control that is visible, of
a ``perRegion`` one for each region that it is shown for, and it leaves out the answers of hidden controls.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

ConditionKind = Literal["choice-selected", "choice-unselected", "region-selected", "no-region-selected"]


@dataclass(frozen=True)
class Condition:
    """One ``visibleWhen``, of a control or of a view around it.

    ``tag``: the control that it refers to, "" = any. ``values``: the classes that it refers to, as results store them;
    none = any.
    """

    kind: ConditionKind
    tag: str
    values: frozenset[str]


@dataclass(frozen=True)
class Question:
    """A control other than the current one; it is shown while all its ``conditions`` hold."""

    name: str
    to_names: tuple[str, ...]
    required: bool
    per_region: bool
    conditions: tuple[Condition, ...]


def shown_items(questions: Sequence[Question], result: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items of a result without the answers of controls that are hidden given its other answers."""
    hidden = {
        question.name
        for question in questions
        if not question.per_region and not _is_shown(question, lambda condition: _holds_for_image(condition, result))
    }
    return [dict(item) for item in result if item.get("from_name") not in hidden]


def unanswered(questions: Sequence[Question], result: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the required controls that are visible given a result, and that it does not answer."""
    return [question.name for question in questions if question.required and _lacks_answer(question, result)]


def _lacks_answer(question: Question, result: Sequence[Mapping[str, Any]]) -> bool:
    answered = {str(item.get("id")) for item in result if item.get("from_name") == question.name}
    if not question.per_region:
        return not answered and _is_shown(question, lambda condition: _holds_for_image(condition, result))
    return any(
        region not in answered and _is_shown(question, partial(_holds_for_region, items=items, result=result))
        for region, items in _regions(question, result)
    )


def _is_shown(question: Question, holds: Callable[[Condition], bool]) -> bool:
    return all(holds(condition) for condition in question.conditions)


def _holds_for_image(condition: Condition, result: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a condition holds at submit, when no region is selected."""
    if condition.kind in ("region-selected", "no-region-selected"):
        return condition.kind == "no-region-selected"
    chosen = _names_given([item for item in result if item.get("from_name") == condition.tag])
    selected = bool(chosen & condition.values) if condition.values else bool(chosen)
    return selected == (condition.kind == "choice-selected")


def _holds_for_region(
    condition: Condition, items: Sequence[Mapping[str, Any]], result: Sequence[Mapping[str, Any]]
) -> bool:
    """Whether a condition holds while the region of these items is selected."""
    if condition.kind == "region-selected":
        labeling = [item for item in items if not condition.tag or item.get("from_name") == condition.tag]
        return bool(labeling) and (not condition.values or bool(_names_given(labeling) & condition.values))
    return condition.kind != "no-region-selected" and _holds_for_image(condition, [*items, *result])


def _regions(question: Question, result: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """The regions on the control's object, each with all its items."""
    by_id: dict[str, list[Mapping[str, Any]]] = {}
    for item in result:
        if item.get("id") is not None and item.get("to_name") in question.to_names:
            by_id.setdefault(str(item["id"]), []).append(item)
    for region, items in by_id.items():
        if any(_has_geometry(item) for item in items):
            yield region, items


def _has_geometry(item: Mapping[str, Any]) -> bool:
    value = item.get("value")
    places = ("x", "points", "rle", "start", "sequence", "imageDataURL", "vertices", "globalOffsets")
    return isinstance(value, Mapping) and any(name in value for name in places)


def _names_given(items: Sequence[Mapping[str, Any]]) -> set[str]:
    """The classes that items choose; of a nested choice, its last part."""
    given = set()
    for item in items:
        value = item.get("value")
        for listed in _lists(value):
            ends = [labels[-1] if isinstance(labels, list) and labels else labels for labels in listed]
            given |= {name for name in ends if isinstance(name, str)}
    return given


def _lists(value: Any) -> list[list[Any]]:
    return [labels for labels in value.values() if isinstance(labels, list)] if isinstance(value, Mapping) else []
