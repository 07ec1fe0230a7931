"""Turn a label saved in FiftyOne into a Label Studio annotation that keeps the answers of other controls."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ..wording import agree, count, listing, noun
from .ledger import Labeling, TaskRecord
from .mirror import Mirror, regions_of
from .questions import shown_items, unanswered
from .regions import Result, belongs_to
from .spans import NOTHING
from .task_menu import is_menu_item
from .windows import kept_items, region_items, window_regions


class HeldBack(Exception):
    """A label that cannot become an annotation; the message says why, and how to fix it."""


def annotation_of(mirror: Mirror, record: TaskRecord, labeling: Labeling, base: Sequence[Mapping[str, Any]]) -> Result:
    """The result with the labels of a task here, and all other answers of the annotation ``base``.

    An annotation completes its task in Label Studio: it needs a class for each box, classes that the config has, and an
    answer of every control that is required and visible. Answers of controls that it hides are left out, and commands
    of the menu, which are carried out once.

    Raises:
        HeldBack: it would lack one of these.
    """
    control = mirror.control
    items = [dict(item) for item in base if isinstance(item, Mapping) and not is_menu_item(item)]
    _check_classes(mirror, labeling, items)
    if control.windows:
        result = _with_window_classes(mirror, record, labeling, items)
    elif control.boxes:
        result = _with_box_classes(mirror, record, labeling, items)
    else:
        names = {name for control in mirror.controls for name in control.names}
        others = [item for item in items if not belongs_to(item, names)]
        result = [*_choices(mirror, record, labeling, items), *others]
    result = shown_items(mirror.questions, result)
    missing = unanswered(mirror.questions, result)
    if missing:
        raise HeldBack(
            f"The label config also requires an answer to {_quoted(missing)}: {_way_out(mirror, missing)}annotate the "
            "task in Label Studio."
        )
    return result


def _choices(mirror: Mirror, record: TaskRecord, labeling: Labeling, base: Result) -> Result:
    """The labels of each control; one of several that did not change here keeps the answer of ``base``, maybe newer."""
    result: Result = []
    for view in mirror.control_views:
        theirs = [item for item in base if belongs_to(item, [view.control.from_name])]
        unchanged = view.is_one_of_several and view.part(labeling) == view.part(record.synced)
        result += theirs if unchanged and theirs else view.choice(labeling)
    return result


def _way_out(mirror: Mirror, missing: Sequence[str]) -> str:
    """How to answer the controls here, if all of them have a field."""
    fields = {view.control.from_name: view.field for view in mirror.control_views}
    if not fields.keys() >= set(missing):
        return ""
    return f"label {_quoted([fields[name] for name in missing])} here as well, or "


def _quoted(names: Sequence[str]) -> str:
    return listing([f"“{name}”" for name in names])


def _check_classes(mirror: Mirror, labeling: Labeling, base: Result) -> None:
    """A class that the config no longer has may stay, but cannot be assigned anew."""
    for view in mirror.control_views:
        _check_classes_of(view, view.part(labeling), base)


def _check_classes_of(mirror: Mirror, labeling: Labeling, base: Result) -> None:
    control = mirror.control
    stated = {region.stated for region in control.regions_of(base)} if control.boxes else set(control.stated(base))
    unknown = sorted({label for _, label in labeling} - set(control.classes) - stated)
    if unknown:
        names = _quoted(unknown)
        raise HeldBack(f"The label config has no {noun(len(unknown), 'class')} {names}: add it there, or relabel here.")


def _with_box_classes(mirror: Mirror, record: TaskRecord, labeling: Labeling, base: Result) -> Result:
    """The items of an annotation with the classes that its boxes have here; without one, boxes of another model."""
    control = mirror.control
    labels = dict(labeling)
    regions = regions_of(mirror, record)
    if {region.id for region in regions} != set(labels):
        raise HeldBack("Some boxes of this image have no class yet, or were drawn or deleted here: label all of them.")
    if not base:
        return [control.box(region, labels[region.id], None) for region in regions]
    result = copy.deepcopy(base)
    before = {region.id: region.stated for region in control.regions_of(base)}
    for item, region in _own_boxes(mirror, result):
        if before.get(region) != labels.get(region):
            item["value"][control.kind] = [labels[region]]
            item["from_name"] = control.from_name
    return result


def _with_window_classes(mirror: Mirror, record: TaskRecord, labeling: Labeling, base: Result) -> Result:
    """The items of an annotation with the regions that follow from the windows' classes here.

    Regions that still say what their windows have stay as somebody drew them.
    """
    control, windows = mirror.control, record.candidates
    labels = dict(labeling)
    before = {
        region.id: region.stated for region in window_regions(control, windows, control.own(base) if base else None)
    }
    lacking = [name for name, stated in before.items() if name not in labels and (stated is not None or not base)]
    if lacking or set(labels) - set(before):
        number = len(lacking)
        raise HeldBack(
            f"{count(number, 'window')} of this recording {agree(number, 'has')} no class yet: label all of them, with "
            f"“{NOTHING}” where there is nothing."
        )
    kept = kept_items(control, windows, labels, control.own(base))
    covered = {region.id: region.stated for region in window_regions(control, windows, kept)}
    rest = {name: label for name, label in labels.items() if covered.get(name) != label}
    dropped = {item["id"] for item in control.own(base)} - {item["id"] for item in kept}
    others = [item for number, item in enumerate(base) if str(item.get("id") or f"#{number}") not in dropped]
    return [*others, *region_items(control, windows, rest)]


def _own_boxes(mirror: Mirror, items: Result) -> list[tuple[dict[str, Any], str]]:
    """The items of the control that are boxes, with their region ids."""
    own = []
    known = {region.id for region in mirror.control.regions_of(items)}
    for number, item in enumerate(items):
        region = str(item["id"]) if item.get("id") else f"#{number}"
        if belongs_to(item, mirror.control.names) and region in known and isinstance(item.get("value"), dict):
            own.append((item, region))
    return own
