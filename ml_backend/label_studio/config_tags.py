"""The tags of a label config: its controls and objects, when controls are shown, and the classes that they offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast, get_args
from xml.etree import ElementTree

from .config_xml import parse_config
from .questions import Condition, ConditionKind, Question
from .task_menu import is_menu

_RATINGS = 5  # unless maxRating says otherwise
_CLASS_TAGS = ("Choice", "Label")
_PATH_SEPARATOR = " / "


@dataclass(frozen=True)
class Tag:
    """A control of a label config, and the elements with ``visibleWhen`` that decide whether it is visible."""

    element: ElementTree.Element
    name: str
    targets: tuple[str, ...]
    conditions: tuple[ElementTree.Element, ...]

    def __str__(self) -> str:
        return f"{self.element.tag} “{self.name}”"


def read_tags(config: str) -> tuple[list[Tag], dict[str, ElementTree.Element]]:
    """The controls of a label config except the menu of `task_menu`, and its objects by name.

    Raises:
        Refusal: the config cannot be parsed.
    """
    root = parse_config(config)
    tags: list[Tag] = []
    objects: dict[str, ElementTree.Element] = {}
    pending: list[tuple[ElementTree.Element, tuple[ElementTree.Element, ...]]] = [(root, ())]
    while pending:
        element, conditions = pending.pop()
        if element.get("visibleWhen"):
            conditions = (*conditions, element)
        name, target = element.get("name"), element.get("toName")
        if name and target and element.tag != "Filter" and not is_menu(element):
            targets = tuple(name.strip() for name in target.split(","))
            tags.append(Tag(element, name, targets, conditions))
        elif name and (element.get("value") or element.get("valueList")):
            objects[name] = element
        pending += [(child, conditions) for child in reversed(element)]
    return tags, objects


def question_of(tag: Tag, tags: Sequence[Tag]) -> Question:
    """A control that is answered besides the one that is served."""
    conditions = [condition for element in tag.conditions if (condition := _condition(element, tags))]
    required = is_true(tag.element, "required")
    return Question(tag.name, tag.targets, required, is_true(tag.element, "perRegion"), tuple(conditions))


def _condition(element: ElementTree.Element, tags: Sequence[Tag]) -> Condition | None:
    """The condition of a ``visibleWhen``; None for one that Label Studio does not know and therefore always shows."""
    kind = element.get("visibleWhen")
    if kind not in get_args(ConditionKind):
        return None
    named = element.get("whenTagName") or ""
    attribute = "whenLabelValue" if kind == "region-selected" else "whenChoiceValue"
    values = {value for value in (element.get(attribute) or "").split(",") if value}
    stored = {
        descendant.get("alias")
        for tag in tags
        if tag.name == named
        for descendant in tag.element.iter()
        if descendant.tag in _CLASS_TAGS and descendant.get("value") in values
    }
    return Condition(cast(ConditionKind, kind), named, frozenset(values | {name for name in stored if name}))


def is_true(element: ElementTree.Element, attribute: str) -> bool:
    """Whether an attribute of an element is true."""
    return (element.get(attribute) or "").lower() == "true"


def class_paths(element: ElementTree.Element, above: tuple[str, ...] = ()) -> tuple[tuple[str, ...], ...]:
    """The path to each class of a control, in order; classes read from a task's data are left out."""
    if element.tag == "Rating":
        most = element.get("maxRating") or ""
        return tuple((str(stars),) for stars in range(1, 1 + (int(most) if most.isdecimal() else _RATINGS)))
    paths: list[tuple[str, ...]] = []
    for child in element:
        name = child.get("alias") or child.get("value") if child.tag in _CLASS_TAGS else None
        path = (*above, name) if name else above
        if name:
            paths.append(path)
        paths += class_paths(child, path)
    return tuple(dict.fromkeys(paths))


def class_names(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The last part of each path, or the whole path if the last part is ambiguous."""
    ends = [path[-1] for path in paths]
    return tuple(_PATH_SEPARATOR.join(path) if ends.count(path[-1]) > 1 else path[-1] for path in paths)
