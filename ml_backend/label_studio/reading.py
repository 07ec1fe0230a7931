"""Read the result of an annotation as marks of a dataset's sample."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import fiftyone as fo
from bson import ObjectId

from .config import Control
from .geometry import Size, image_size
from .marks import Mark
from .regions import Result, object_id


@dataclass(frozen=True)
class ReadMarks:
    """The content of a result: ``marks`` by place, and ``unknown`` class names of places that the config lacks.

    ``unplaced`` are places of objects whose box cannot be used: it has no area, or is rotated and the size of the
    image is unknown. ``turned`` counts rotated boxes that were replaced by their axis-aligned bounding box.
    """

    marks: dict[str, Mark]
    unknown: dict[str, str]
    unplaced: frozenset[str] = frozenset()
    turned: int = 0

    @property
    def silent_places(self) -> set[str]:
        """Places known only to exist, such as a box without a class."""
        return {place for place, mark in self.marks.items() if not mark.label} | self.unknown.keys() | self.unplaced

    @property
    def says_nothing_is_there(self) -> bool:
        """Whether somebody checked and found nothing."""
        return not self.marks and not self.unknown and not self.unplaced


@dataclass
class ImageSizes:
    """The sizes of samples' images, read from their files when needed."""

    dataset: fo.Dataset
    known: dict[str, Size | None] = field(default_factory=dict)

    def of(self, sample: str) -> Callable[[], Size | None]:
        """A function that returns the size of a sample's image, read when it is called."""

        def size() -> Size | None:
            if sample not in self.known:
                paths = self.dataset.match(fo.ViewField("_id") == ObjectId(sample)).values("filepath")
                self.known[sample] = image_size(paths[0]) if paths else None
            return self.known[sample]

        return size


def marks_of_result(
    control: Control, result: Result, project: int, task: int, size: Callable[[], Size | None]
) -> ReadMarks:
    """What a control's result says about a task; an object's place is its ID here, or one made from its region ID.

    Args:
        size: returns the width and height of the image; called only for a rotated box that lacks them.
    """
    if not control.boxes:
        stated = control.stated(result)
        chosen = stated if control.multi else stated[:1]
        known = {name if control.multi else "": Mark(name) for name in chosen if name in control.classes}
        return ReadMarks(known, {name if control.multi else "": name for name in chosen if name not in control.classes})
    marks: dict[str, Mark] = {}
    unknown: dict[str, str] = {}
    unplaced = {_place(project, task, region) for region in control.boxless(result)}
    regions = [region if region.can_be_placed else region.sized(size()) for region in control.regions_of(result)]
    for region in regions:
        place = _place(project, task, region.id)
        if not region.can_be_placed:
            unplaced.add(place)
        elif region.unknown:
            unknown[place] = region.unknown
        else:
            marks[place] = Mark(region.label or "", region.upright)
    return ReadMarks(marks, unknown, frozenset(unplaced), sum(bool(region.rotation) for region in regions))


def stated_marks(
    control: Control, result: Result, project: int, task: int, size: Callable[[], Size | None]
) -> list[dict[str, Mark]]:
    """The states of labels that an earlier result may have left here: by the names of its classes then, and today."""
    today = marks_of_result(control, result, project, task, size)
    states = [today.marks]
    if control.renamed:
        states.append(marks_of_result(_as_written(control), result, project, task, size).marks)
    return states


def _as_written(control: Control) -> Control:
    """The same control with the former names of renamed classes."""
    classes = tuple(dict.fromkeys([*control.classes, *(before for before, _ in control.renamed)]))
    return replace(control, classes=classes, paths=(), renamed=())


def _place(project: int, task: int, region: str) -> str:
    return region if ObjectId.is_valid(region) else object_id(project, task, region)
