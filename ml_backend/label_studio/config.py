"""What of a project's label config can be pre-labeled, and how its results read and are written."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

Result = list[dict[str, Any]]
_KINDS: dict[str, Literal["choices", "rectanglelabels"]] = {
    "Choices": "choices",
    "RectangleLabels": "rectanglelabels",
}
_BOX = ("x", "y", "width", "height")


@dataclass(frozen=True)
class Region:
    """A box on the image of a task: ``box`` is relative [x, y, width, height], ``label`` None where it has none."""

    id: str
    box: tuple[float, float, float, float]
    label: str | None
    rotation: float
    original_width: int | None
    original_height: int | None

    @property
    def upright(self) -> tuple[float, float, float, float]:
        """The box, or of a rotated one the upright frame around it: Label Studio turns clockwise about its corner."""
        if not self.rotation:
            return self.box
        x, y, width, height = self.box
        across, down = self.original_width or 1, self.original_height or 1  # angles are in pixels, not in shares
        cosine, sine = math.cos(math.radians(self.rotation)), math.sin(math.radians(self.rotation))
        corners = [(a * width * across, b * height * down) for a in (0, 1) for b in (0, 1)]
        xs = [x + (right * cosine - below * sine) / across for right, below in corners]
        ys = [y + (right * sine + below * cosine) / down for right, below in corners]
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


@dataclass(frozen=True)
class Control:
    """The control of a label config that Labelscape fills in.

    ``classes`` are the labels as Label Studio stores them: the alias where a class has one. ``multi``: several of
    them may be chosen. ``data_key``: where a task's data hold the image.
    """

    kind: Literal["choices", "rectanglelabels"]
    from_name: str
    to_name: str
    data_key: str
    classes: tuple[str, ...]
    multi: bool

    @property
    def boxes(self) -> bool:
        """Whether boxes inside an image are labeled, and not the image."""
        return self.kind == "rectanglelabels"

    def own(self, result: Iterable[Mapping[str, Any]]) -> Result:
        """The items of a result that are read here: choices of this control, or boxes on its image."""
        return [
            dict(item)
            for item in result
            if (_is_box(item, self.to_name) if self.boxes else item.get("from_name") == self.from_name)
        ]

    def labels_of(self, result: Iterable[Mapping[str, Any]]) -> list[str]:
        """The classes that a result chooses for the whole image; classes the config no longer has are left out."""
        chosen = [
            name
            for item in self.own(result)
            if isinstance(item.get("value"), Mapping)
            for name in item["value"].get("choices") or []
        ]
        return [name for name in dict.fromkeys(chosen) if name in self.classes]

    def regions_of(self, result: Iterable[Mapping[str, Any]]) -> list[Region]:
        """The boxes of a result, whatever tool drew them; a class the config no longer has counts as none."""
        return [_region(item, self.classes) for item in result if _is_box(item, self.to_name)]

    def choice(self, labels: Sequence[str]) -> Result:
        """A result that chooses these classes for the image."""
        return [self._item({"choices": list(labels)})] if labels else []

    def box(self, region: Region, label: str, score: float | None) -> dict[str, Any]:
        """A region with this class, as an item of a result."""
        x, y, width, height = (100 * side for side in region.box)
        value = {"x": x, "y": y, "width": width, "height": height, "rotation": region.rotation}
        item = self._item({**value, "rectanglelabels": [label]}) | {"id": region.id}
        if region.original_width and region.original_height:
            item |= {"original_width": region.original_width, "original_height": region.original_height}
        return item if score is None else item | {"score": score}

    def _item(self, value: dict[str, Any]) -> dict[str, Any]:
        return {"from_name": self.from_name, "to_name": self.to_name, "type": self.kind, "value": value}


@lru_cache(maxsize=64)
def read_label_config(config: str, keep: str | None = None) -> Control:
    """The first control of a label config that can be pre-labeled: Choices of an image, or RectangleLabels on it.

    Args:
        config: Label Studio's XML.
        keep: the name of the control to take where the config has it, whatever comes before it.

    Raises:
        ValueError: the config cannot be parsed or has no such control; the message says what it has.
    """
    from label_studio_sdk.label_interface.interface import LabelInterface

    try:
        interface = LabelInterface(config)
    except Exception as error:  # the SDK raises its XML parser's own errors
        raise ValueError(f"The label config cannot be read: {error}") from error
    images = {tag.name: tag.value for tag in interface.objects if tag.tag == "Image" and tag.value}
    controls = [control for tag in interface.controls if (control := _control(tag, images)) is not None]
    chosen = next((control for control in controls if control.from_name == keep), next(iter(controls), None))
    if chosen is not None:
        return chosen
    found = ", ".join(f"{tag.tag} “{tag.name}”" for tag in interface.controls) or "no control at all"
    raise ValueError(
        "Labelscape fills in Choices and RectangleLabels on an <Image> whose value is one key of the task's data, "
        f"like $image; this label config has {found}."
    )


def make_label_config(kind: Literal["choices", "rectanglelabels"], classes: Sequence[str], *, multi: bool) -> str:
    """A label config that asks for one class of an image, for several (``multi``), or for upright boxes."""
    if kind == "choices":
        choice = "multiple" if multi else "single"
        values = "".join(f"<Choice value={quoteattr(name)}/>" for name in classes)
        control = f'<Choices name="label" toName="image" choice="{choice}">{values}</Choices>'
    else:
        values = "".join(f"<Label value={quoteattr(name)}/>" for name in classes)
        control = f'<RectangleLabels name="label" toName="image" canRotate="false">{values}</RectangleLabels>'
    return f'<View><Image name="image" value="$image"/>{control}</View>'


def invalid_reason(config: str, prediction: Mapping[str, Any]) -> str | None:
    """Why Label Studio would drop a prediction without a word; None where it would keep it."""
    errors = _interface(config).validate_prediction(dict(prediction), return_errors=True)
    return str(errors[0]) if errors else None


def _control(tag: Any, images: Mapping[str, str]) -> Control | None:
    target = next((name for name in tag.to_name if name in images), None)
    per_region = str(tag.attr.get("perRegion", "")).lower() == "true"
    if tag.tag not in _KINDS or target is None or per_region or not tag.labels:
        return None
    key = images[target].lstrip("$")
    if not images[target].startswith("$") or any(sign in key for sign in "[]{}"):
        return None
    return Control(
        kind=_KINDS[tag.tag],
        from_name=tag.name,
        to_name=target,
        data_key=key,
        classes=tuple(tag.labels),
        multi=tag.attr.get("choice", "single") == "multiple",
    )


@lru_cache(maxsize=8)
def _interface(config: str) -> Any:
    from label_studio_sdk.label_interface.interface import LabelInterface

    return LabelInterface(config)


def _is_box(item: Mapping[str, Any], to_name: str) -> bool:
    value = item.get("value")
    if item.get("to_name") != to_name or not isinstance(value, Mapping):
        return False
    return all(isinstance(value.get(side), int | float) for side in _BOX) and "id" in item


def _region(item: Mapping[str, Any], classes: Sequence[str]) -> Region:
    value = item["value"]
    x, y, width, height = (float(value[side]) / 100 for side in _BOX)
    label = next((name for name in value.get("rectanglelabels") or [] if name in classes), None)
    return Region(
        id=str(item["id"]),
        box=(x, y, width, height),
        label=label,
        rotation=float(value.get("rotation") or 0),
        original_width=item.get("original_width"),
        original_height=item.get("original_height"),
    )
