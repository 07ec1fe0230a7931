"""Label configs: which control Labelscape fills in, and how results of that control are read and written.

Label Studio's XML is read here as Label Studio 1.23 reads it: a class is stored by its alias, nested choices
(``allowNested``) as paths, ``$meta.url`` reads nested data, and a control with ``visibleWhen`` or ``perRegion`` is not
always shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, cast
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from ..embedding.registry import Modality
from ..errors import Refusal
from ..wording import listing
from .config_tags import Tag, class_names, class_paths, is_true, question_of, read_tags
from .config_xml import undeclared
from .objects import MODALITY, TaskObject, read_object, reason_against
from .questions import Question
from .regions import WHOLE_KINDS, Region, Result, chosen_paths, has_box, own_items, region_of
from .shapes import as_value
from .spans import NOTHING, WINDOW_KINDS, own_spans
from .task_menu import is_menu_item

Kind = Literal[
    "choices",
    "taxonomy",
    "rating",
    "rectanglelabels",
    "polygonlabels",
    "keypointlabels",
    "ellipselabels",
    "brushlabels",
    "labels",
    "timeserieslabels",
]
_WHOLE = ("Choices", "Taxonomy", "Rating")
_SHAPES = ("RectangleLabels", "PolygonLabels", "KeyPointLabels", "EllipseLabels", "BrushLabels")
_AUDIO = ("Audio", "AudioPlus")  # an older name of it
_OBJECTS = [tag for tag in MODALITY if tag != "AudioPlus"]
# Tag of a control → the objects on which it is served.
_TARGETS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_WHOLE, tuple(MODALITY)),
    **dict.fromkeys(_SHAPES, ("Image",)),
    "Labels": _AUDIO,
    "TimeSeriesLabels": ("TimeSeries",),
}
_KINDS: dict[str, Kind] = {tag: cast(Kind, tag.lower()) for tag in _TARGETS}
_SERVED = (
    f"Labelscape fills in {listing(_WHOLE)} of {listing(_OBJECTS)}, {listing(_SHAPES)} of Image, Labels of Audio, and "
    "TimeSeriesLabels of TimeSeries, where the value is one key of the task's data"
)


@dataclass(frozen=True)
class Control:
    """A control of a label config that is filled in, and what it labels.

    Attributes:
        kind: the type of the items of a result, in lower case: ``choices``, ``rectanglelabels``, …
        from_name: its name in the label config.
        task_object: the object of the config that it labels.
        classes: the labels as Label Studio stores them: the alias of a class that has one; of nested choices, the last
            part of the path, or the whole path if that part alone is ambiguous; of windows, also `spans.NOTHING`.
        multi: whether several classes may be chosen.
        paths: the path of each class of nested choices; empty for any other control.
        questions: the other controls of the config.
        former_names: names that the control had before.
        renamed: (former class, current class) of renamed classes.
    """

    kind: Kind
    from_name: str
    task_object: TaskObject
    classes: tuple[str, ...]
    multi: bool
    paths: tuple[tuple[str, ...], ...] = ()
    questions: tuple[Question, ...] = ()
    former_names: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()

    @property
    def to_name(self) -> str:
        """The name of the object that is labeled."""
        return self.task_object.name

    @property
    def data_key(self) -> str:
        """Where a task's data hold what is labeled."""
        return self.task_object.key

    @property
    def boxes(self) -> bool:
        """Whether parts of what a task shows are labeled, each by its box, rather than the whole."""
        return self.kind not in WHOLE_KINDS

    @property
    def windows(self) -> bool:
        """Whether those parts are windows of a recording or series, see `windows`; else, regions of an image."""
        return self.kind in WINDOW_KINDS

    @property
    def takes_imports(self) -> bool:
        """Whether Label Studio imports predictions: 1.23 drops those of nested choices, and takes them one by one."""
        return self.kind != "choices" or not self.paths

    @property
    def others(self) -> tuple[str, ...]:
        """The names of the other controls of the config."""
        return tuple(question.name for question in self.questions)

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which results of this control are stored."""
        return (self.from_name, *self.former_names)

    def own(self, result: Any) -> Result:
        """The items of a result that belong to this control, normalized; see `own_items` and `own_spans`.

        If another control now has a former name of this one, an answer under that name counts only if all its classes
        are this control's and there is no answer under another name.
        """
        if self.windows:
            return own_spans(result, self.names, self.kind, self.task_object.time_format)
        reused = [name for name in self.former_names if name in self.others]
        if self.boxes or not reused:
            return own_items(result, self.names, self.kind)
        items = own_items(result, [name for name in self.names if name not in reused], self.kind)
        old = own_items(result, reused, self.kind)
        return items or [
            item for item in old if all(self._class_of(path) in self.classes for path in chosen_paths([item]))
        ]

    def is_silent(self, result: Any) -> bool:
        """Whether a result has no answer for this control: not even that somebody checked and found nothing.

        This is the case if it was made for a control that the config no longer has, or that now asks for something
        else.
        """
        items = result if isinstance(result, list) else [result]
        besides_menu = [item for item in items if not is_menu_item(item)]
        if items and not besides_menu:
            return True
        return not self.own(result) and not all(self._is_of_others(item) for item in besides_menu)

    def stated(self, result: Any) -> list[str]:
        """The choices of a result for the whole task, including ones that the config no longer has."""
        if self.boxes:
            return []
        return list(dict.fromkeys(self._class_of(path) for path in chosen_paths(self.own(result))))

    def labels_of(self, result: Any) -> list[str]:
        """The classes of the config that a result chooses for the whole task."""
        return [name for name in self.stated(result) if name in self.classes]

    def regions_of(self, result: Any) -> list[Region]:
        """The objects of this control in a result; those of windows also need the task, see `windows`."""
        renamed = dict(self.renamed)
        if not self.boxes or self.windows:
            return []
        return [region_of(item, self.classes, renamed) for item in self.own(result) if has_box(item)]

    def boxless(self, result: Any) -> list[str]:
        """The region ids of objects whose box cannot be used; these objects exist and were not deleted."""
        if not self.boxes or self.windows:
            return []
        return [str(item["id"]) for item in self.own(result) if not has_box(item)]

    def choice(self, labels: Sequence[str]) -> Result:
        """A result that chooses these classes; a class of nested choices becomes its path."""
        if not labels:
            return []
        if self.kind == "rating":
            return [self.item({"rating": int(labels[0])})]
        path_of = dict(zip(self.classes, self.paths, strict=False))
        return [self.item({self.kind: [list(path_of[name]) if name in path_of else name for name in labels]})]

    def box(self, region: Region, label: str | None, score: float | None) -> dict[str, Any]:
        """A region with this class, as an item of a result; without one Label Studio (1.23) draws the box in gray."""
        x, y, width, height = (100 * side for side in region.box)
        value = {"x": x, "y": y, "width": width, "height": height, "rotation": region.rotation}
        if region.shape is not None:
            value = as_value(region.shape)
        item = self.item({**value, self.kind: [] if label is None else [label]}) | {"id": region.id}
        if region.size is not None:
            item |= {"original_width": region.original_width, "original_height": region.original_height}
        return item if score is None else item | {"score": score}

    def _is_of_others(self, item: Any) -> bool:
        return isinstance(item, Mapping) and (item.get("type") == "relation" or item.get("from_name") in self.others)

    def _class_of(self, path: tuple[str, ...]) -> str:
        if path in self.paths:
            return self.classes[self.paths.index(path)]
        return dict(self.renamed).get(path[-1], path[-1])

    def item(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """An item of a result with this value."""
        return {"from_name": self.from_name, "to_name": self.to_name, "type": self.kind, "value": dict(value)}


@lru_cache(maxsize=64)
def read_label_config(config: str, keep: str | None = None) -> Control:
    """The control of a label config that is filled in: the first Choices or RectangleLabels, else the first of all.

    Args:
        config: Label Studio's XML.
        keep: the name of the control to take where the config has it, whatever comes before it.

    Raises:
        Refusal: the config cannot be parsed or has no such control; the message says what it has, and why that is not
            served.
    """
    controls = served_controls(config)
    # Labels of these two kinds go both ways, also in “send” and “pull”.
    in_order = sorted(controls, key=lambda control: control.kind not in ("choices", "rectanglelabels"))
    chosen = next((control for control in in_order if control.from_name == keep), next(iter(in_order), None))
    if chosen is not None:
        return chosen
    tags, objects = read_tags(config)
    reasons = [f"{tag} {reason}" for tag in tags if (reason := _reason_against(tag, objects))]
    raise Refusal(f"{_SERVED}, like $image. This label config has {listing(reasons) or 'no control at all'}.")


@lru_cache(maxsize=64)
def served_controls(config: str) -> tuple[Control, ...]:
    """All controls of a label config that could be filled in, in order.

    Raises:
        Refusal: the config cannot be parsed.
    """
    tags, objects = read_tags(config)
    questions = [question_of(tag, tags) for tag in tags]
    return tuple(
        replace(
            _control(tag, objects),
            questions=tuple(question for question in questions if question.name != tag.name),
        )
        for tag in tags
        if not _reason_against(tag, objects)
    )


def additional_controls(config: str, first: Control) -> tuple[Control, ...]:
    """The controls that are filled in besides the first: those about the same object as a whole, if the first is too.

    Raises:
        Refusal: the config cannot be parsed.
    """
    others = (control for control in served_controls(config) if control.from_name != first.from_name)
    return tuple(control for control in others if not _reason_against_additional(control, first))


def unfilled_controls(config: str, first: Control) -> list[str]:
    """The controls of a label config that are not filled in, each with the reason.

    Raises:
        Refusal: the config cannot be parsed.
    """
    tags, objects = read_tags(config)
    reasons_against = {
        control.from_name: _reason_against_additional(control, first)
        for control in served_controls(config)
        if control.from_name != first.from_name
    }
    others = [tag for tag in tags if tag.name != first.from_name]
    reasons = [(tag, _reason_against(tag, objects) or reasons_against[tag.name]) for tag in others]
    return [f"{tag}, {reason}" for tag, reason in reasons if reason]


def make_label_config(kind: Kind, classes: Sequence[str], *, multi: bool, modality: Modality = "image") -> str:
    """A label config that asks for one class of a medium, for several (``multi``), or for upright boxes of an image.

    Args:
        modality: image, text, or audio.
    """
    if kind == "choices":
        choice = "multiple" if multi else "single"
        values = "".join(f"<Choice value={quoteattr(name)}/>" for name in classes)
        control = f'<Choices name="label" toName="{modality}" choice="{choice}">{values}</Choices>'
    else:
        values = "".join(f"<Label value={quoteattr(name)}/>" for name in classes)
        control = f'<RectangleLabels name="label" toName="image" canRotate="false">{values}</RectangleLabels>'
    return f'<View><{modality.capitalize()} name="{modality}" value="${modality}"/>{control}</View>'


def invalid_reason(config: str, prediction: Mapping[str, Any]) -> str | None:
    """Why Label Studio would silently drop a prediction on import; None if it would not."""
    try:
        errors = _interface(config).validate_prediction(dict(prediction), return_errors=True)
    except Exception as error:  # the SDK (2.1) fails on values of unexpected types
        return f"Label Studio's own check fails: {error}"
    return str(errors[0]) if errors else None


def _reason_against(tag: Tag, objects: Mapping[str, ElementTree.Element]) -> str:
    """Why a control is not filled in, as the end of a sentence that begins with it; "" if it is."""
    if tag.element.tag not in _KINDS:
        return "of a kind that is not served"
    target = _target(tag, objects)
    if target is None:
        named = [f"{one.tag} “{one.get('name')}”" for name in tag.targets if (one := objects.get(name)) is not None]
        return f"on {listing(named) or 'an object that does not exist'}"
    if is_true(tag.element, "perRegion"):
        return "that applies to each region (perRegion)"
    if tag.conditions:
        return "that is shown only under a condition (visibleWhen)"
    if not class_paths(tag.element):
        return "without classes of its own"
    if _KINDS[tag.element.tag] in WINDOW_KINDS and (NOTHING,) in class_paths(tag.element):
        return f"with the class “{NOTHING}”, which stands for anything outside all regions"
    return reason_against(target)


def _reason_against_additional(control: Control, first: Control) -> str:
    """Why a control is not filled in besides the first, as the end of a sentence that begins with it; "" if it is."""
    if control.task_object != first.task_object:
        one, other = (
            f"{task_object.tag} “{task_object.name}”" for task_object in (control.task_object, first.task_object)
        )
        return f"because it labels {one}, and “{first.from_name}”, which is filled in, labels {other}"
    if control.boxes and first.boxes:
        return f"because only one region control is filled in, which is “{first.from_name}”"
    if control.boxes or first.boxes:
        one, other = ("regions", "whole tasks") if control.boxes else ("whole tasks", "regions")
        return f"because it labels {one}, and “{first.from_name}”, which is filled in, labels {other}"
    return ""


def _target(tag: Tag, objects: Mapping[str, ElementTree.Element]) -> ElementTree.Element | None:
    """The object that a control labels, of several the first."""
    allowed = _TARGETS[tag.element.tag]
    targets = [objects[name] for name in tag.targets if name in objects]
    return next((target for target in targets if target.tag in allowed), None)


def _control(tag: Tag, objects: Mapping[str, ElementTree.Element]) -> Control:
    target = _target(tag, objects)
    assert target is not None
    kind = _KINDS[tag.element.tag]
    nested = kind == "taxonomy" or (kind == "choices" and is_true(tag.element, "allowNested"))
    paths = class_paths(tag.element)
    if not nested:  # choices inside a choice are not visible then
        paths = tuple(path for path in paths if len(path) == 1)
    if is_true(tag.element, "leafsOnly"):
        paths = tuple(
            path for path in paths if not any(len(other) > len(path) and other[: len(path)] == path for other in paths)
        )
    classes = class_names(paths) if nested else tuple(dict.fromkeys(path[-1] for path in paths))
    several = kind == "taxonomy" and tag.element.get("maxUsages") != "1"
    return Control(
        kind=kind,
        from_name=tag.name,
        task_object=read_object(target),
        classes=(*classes, NOTHING) if kind in WINDOW_KINDS else classes,
        multi=several or (kind == "choices" and tag.element.get("choice", "single") == "multiple"),
        paths=paths if nested else (),
    )


@lru_cache(maxsize=8)
def _interface(config: str) -> Any:
    from label_studio_sdk.label_interface.interface import LabelInterface

    return LabelInterface(undeclared(config))
