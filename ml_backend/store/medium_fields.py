"""The field that holds the real medium of samples whose picture is only a card: a recording, a series, or a text."""

from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.media as fom
from fiftyone.core.collections import SampleCollection

from ..embedding.registry import MODALITIES, Modality
from ..errors import Refusal

MEDIUM_MARK = "labelscape_medium"  # the key in a field's info, which a rename keeps
RATE, DURATION, CHANNELS = "sampling_rate", "duration", "channels"
SOURCE, START, END = "source", "start", "end"
WINDOWS_MARK = "labelscape_windows"  # the key in the info of a field whose boxes are windows of the medium
CARRIED: tuple[Modality, ...] = ("audio", "series", "text")  # what a field holds instead of `filepath`


@dataclass(frozen=True)
class MediumField:
    """The kind of medium, and the field with it: a path for audio and series, the text itself for text."""

    kind: Modality
    name: str


def medium_field(dataset: fo.Dataset) -> MediumField | None:
    """The field with the real medium of the samples; None if that is the file of the sample itself."""
    for name, field in dataset.get_field_schema(ftype=fo.StringField).items():
        kind = (field.info or {}).get(MEDIUM_MARK)
        if kind in CARRIED:
            return MediumField(kind, name)
    return None


def medium_kind(samples: SampleCollection) -> Modality:
    """The kind of medium that the items of a view are embedded by: frames and patches are images."""
    carried = medium_field(samples._root_dataset)
    if carried is not None:
        return carried.kind
    return "video" if samples.media_type == fom.VIDEO and not samples._is_frames else "image"


def item_kind(samples: SampleCollection, patches_field: str | None) -> Modality:
    """The kind of medium that items are embedded by: objects are images, unless they are windows of a recording."""
    if patches_field is None or are_windows(samples._root_dataset, patches_field):
        return medium_kind(samples)
    return "image"


def are_windows(dataset: fo.Dataset, field: str) -> bool:
    """Whether the boxes of a field are windows of the recordings or series that the samples' cards stand for."""
    declared = dataset.get_field(field)
    return declared is not None and bool((declared.info or {}).get(WINDOWS_MARK))


def declare_windows(dataset: fo.Dataset, field: str) -> None:
    """Mark a field of boxes as one of windows: a box reaches over the part of the card that is its time."""
    declared = dataset.get_field(field)
    if not are_windows(dataset, field):
        declared.info = {**(declared.info or {}), WINDOWS_MARK: True}
        declared.save()


def declare_medium_field(dataset: fo.Dataset, kind: Modality, name: str) -> None:
    """Make, or mark, the field that holds the real medium.

    Raises:
        Refusal: the kind is not one that a field holds, another field is marked already, or the field holds something
            else than strings.
    """
    if kind not in CARRIED:
        raise Refusal(f"The kind of medium is '{kind}'; it must be one of: {', '.join(CARRIED)} (of {MODALITIES}).")
    before = medium_field(dataset)
    if before is not None and before != MediumField(kind, name):
        raise Refusal(f"The field '{before.name}' already holds the {before.kind} of this dataset.")
    if dataset.get_field(name) is None:
        dataset.add_sample_field(name, fo.StringField, description=_DESCRIPTIONS[kind])
    field = dataset.get_field(name)
    if not isinstance(field, fo.StringField):
        raise Refusal(f"The field '{name}' holds {type(field).__name__}; it must hold strings.")
    if before is not None:
        return
    field.info = {**(field.info or {}), MEDIUM_MARK: kind}
    field.save()


_DESCRIPTIONS: dict[str, str] = {
    "audio": "The recording that the card shows",
    "series": "The file with the time series that the card shows",
    "text": "The text that the card shows",
}
