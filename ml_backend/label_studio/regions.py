"""The items of an annotation's result that belong to one control, normalized when read.

A result is a list of items. One object of an image is all items that share a region id: its box, its class, and the
answers that other controls gave for it. Its class is what the control at hand says; where that item has no usable box,
another item of the same id may have it. No matter what Label Studio or another tool wrote, nothing here raises an
exception.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bson import ObjectId

from .geometry import Box, Size, clipped, upright
from .shapes import SHAPES, read_shape

Result = list[dict[str, Any]]
_SIDES = ("x", "y", "width", "height")
WHOLE_KINDS = ("choices", "taxonomy", "rating")  # types of items that are about the whole image


@dataclass(frozen=True)
class Region:
    """One object on a task's image.

    ``box`` is relative [x, y, width, height]; a turned one is turned by ``rotation`` degrees clockwise about its
    corner (x, y). ``label`` is a class of the config, None where there is none; ``unknown`` is a class that somebody
    gave and that the config does not have (any more). ``shape`` is that of a region that is not a box, see `shapes`.
    """

    id: str
    box: Box
    label: str | None
    rotation: float
    original_width: int | None
    original_height: int | None
    unknown: str = ""
    shape: Mapping[str, Any] | None = None

    @property
    def size(self) -> Size | None:
        """Width and height of the image in pixels, if the annotation has them."""
        if not self.original_width or not self.original_height:
            return None
        return self.original_width, self.original_height

    @property
    def can_be_placed(self) -> bool:
        """Whether the axis-aligned bounding box can be determined."""
        return not self.rotation or self.size is not None

    @property
    def stated(self) -> str | None:
        """The assigned class, whether the config has it or not."""
        return self.label or self.unknown or None

    @property
    def upright(self) -> Box:
        """The box, or the axis-aligned bounding box of a rotated one; clipped to the image."""
        return upright(self.box, self.rotation, self.size)

    def sized(self, size: Size | None) -> "Region":
        """The same region with the size of its image, if the annotation lacks it."""
        if self.size is not None or size is None:
            return self
        return replace(self, original_width=size[0], original_height=size[1])


def own_items(result: Any, names: Collection[str], kind: str) -> Result:
    """The items of the control with one of these names, in one form; ``kind`` is the type of its items.

    For choices, taxonomies and ratings: one item with all that was chosen; an item that chooses nothing stays, because
    it shows that somebody checked. For regions: one item for each region id, without a box where none of its items has
    a usable one; an item without an id is an object of its own.
    """
    items = [item for item in _listed(result) if isinstance(item, Mapping)]
    mine = [(number, item) for number, item in enumerate(items) if _name(item.get("from_name")) in names]
    if kind in WHOLE_KINDS:
        return _joined_choices([item for _, item in mine], kind)
    by_id: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for item in items:
        if _id(item):
            by_id[_id(item)].append(item)
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for number, item in mine:
        groups[_id(item) or f"#{number}"].append(item)
    return [_joined_box(region, own, by_id[region], kind) for region, own in groups.items()]


def is_unreadable(result: Any, names: Collection[str], kind: str) -> bool:
    """Whether a control about the whole task has an answer of which nothing can be read.

    An empty list of choices is an answer: somebody checked and found nothing. A value that is missing or of another
    form is not.
    """
    if kind not in WHOLE_KINDS:
        return False
    mine = [item for item in _listed(result) if isinstance(item, Mapping) and belongs_to(item, names)]
    read = [_joined_choices([item], kind)[0]["value"]["choices"] for item in mine]
    return not any(read) and not all(_chooses_nothing(item, kind) for item in mine)


def has_box(item: Mapping[str, Any]) -> bool:
    """Whether a box item of `own_items` has a usable box."""
    return "width" in item["value"]


def chosen_paths(items: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """What items of `own_items` choose: a nested choice is the path to it, any other a path of one."""
    paths = [
        tuple(choice) if isinstance(choice, list) else (choice,)
        for item in items
        for choice in item["value"].get("choices", [])
    ]
    return list(dict.fromkeys(paths))


def region_of(item: Mapping[str, Any], classes: Collection[str], renamed: Mapping[str, str]) -> Region:
    """A box item of `own_items` that has a box as a region; of several classes the first that the config has counts."""
    value = item["value"]
    x, y, width, height = (float(value[side]) / 100 for side in _SIDES)
    stated = [renamed.get(name, name) for name in value.get(item["type"], [])]
    label = next((name for name in stated if name in classes), None)
    return Region(
        id=str(item["id"]),
        box=(x, y, width, height),
        label=label,
        rotation=float(value["rotation"]),
        original_width=item.get("original_width"),
        original_height=item.get("original_height"),
        unknown="" if label or not stated else stated[0],
        shape=value.get("shape"),
    )


def belongs_to(item: Mapping[str, Any], names: Collection[str]) -> bool:
    """Whether an item of a result is of the control with one of these names."""
    return _name(item.get("from_name")) in names


def _answer(item: Mapping[str, Any], kind: str) -> Any:
    value = item.get("value")
    return value.get("choices", value.get(kind)) if isinstance(value, Mapping) else None


def _chooses_nothing(item: Mapping[str, Any], kind: str) -> bool:
    answer = _answer(item, kind)
    return isinstance(answer, list | tuple) and not answer


def _joined_choices(items: Sequence[Mapping[str, Any]], kind: str) -> Result:
    if not items:
        return []
    choices: list[Any] = []
    for item in items:
        listed = _answer(item, kind)
        for choice in _listed(listed) if isinstance(listed, list | tuple) else [_rated(listed)]:
            read = _names(choice) if isinstance(choice, list) else _name(choice)
            if read and read not in choices:
                choices.append(read)
    return [{**_head(items[0]), "type": kind, "value": {"choices": choices}}]


def _joined_box(
    region: str, own: Sequence[Mapping[str, Any]], same_id: Sequence[Mapping[str, Any]], kind: str
) -> dict[str, Any]:
    """One item for an object, with the first box of its items that has an area."""
    boxes = ((item, box) for item in [*own, *same_id] if (box := _place(item, kind)) is not None)
    item, box = next(boxes, (own[0], {}))
    labels = [
        name
        for item in own
        if isinstance(item.get("value"), Mapping)
        for name in _names(_listed(item["value"].get(kind)))
    ]
    joined = {**_head(own[0]), "type": kind, "id": region, "value": {**box, kind: list(dict.fromkeys(labels))}}
    width, height = _pixels(item.get("original_width")), _pixels(item.get("original_height"))
    if width and height:
        joined |= {"original_width": width, "original_height": height}
    return joined


def _head(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"from_name": _name(item.get("from_name")), "to_name": _name(item.get("to_name"))}


def _rated(value: Any) -> Any:
    """A rating as the name of its class; anything else unchanged."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _place(item: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """The box of an item in percent, of another shape the box around it and the shape; None if there is none."""
    value = item.get("value")
    if kind not in SHAPES or not isinstance(value, Mapping):
        return _box(item)
    if isinstance(value.get("shape"), Mapping):  # read before
        box = _box(item)
        return None if box is None else {**box, "shape": value["shape"]}
    width, height = _pixels(item.get("original_width")), _pixels(item.get("original_height"))
    read = read_shape(value, kind, (width, height) if width and height else None)
    if read is None:
        return None
    (left, top, right, bottom), shape = read
    return {"x": left, "y": top, "width": right - left, "height": bottom - top, "rotation": 0.0, "shape": shape}


def _box(item: Mapping[str, Any]) -> dict[str, float] | None:
    """The box of an item in percent; of positive size and inside the image unless it is rotated."""
    value = item.get("value")
    if not isinstance(value, Mapping):
        return None
    sides = [_number(value.get(side)) for side in _SIDES]
    if any(side is None for side in sides):
        return None
    x, y, width, height = (side for side in sides if side is not None)
    rotation = (_number(value.get("rotation")) or 0.0) % 360
    inside = 0 <= x <= x + width <= 100 and 0 <= y <= y + height <= 100
    if not rotation and not inside:
        x, y, width, height = (100 * share for share in clipped((x / 100, y / 100, width / 100, height / 100)))
    if not width or not height:
        return None
    return {"x": x, "y": y, "width": width, "height": height, "rotation": rotation}


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _pixels(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 1 <= number < 2**31 else None


def _names(values: Iterable[Any]) -> list[str]:
    """Names in a list; the elements of a nested name (a path in a list of labels) count by their last part."""
    flat = [value[-1] if isinstance(value, list) and value else value for value in values]
    return [name for value in flat if (name := _name(value))]


def _id(item: Mapping[str, Any]) -> str:
    """The id of an item, which some tools write as a number; "" if it has none."""
    value = item.get("id")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _name(value)


def _name(value: Any) -> str:
    """A text that MongoDB can store; "" for anything that is not a text."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def object_id(project: int, task: int, region: str) -> str:
    """The object id for a region: stable across rewrites of the task, so that its embedding stays valid."""
    name = f"{project}/{task}/{region}".encode("utf-8", "replace")
    return str(ObjectId(hashlib.blake2b(name, digest_size=12).hexdigest()))
