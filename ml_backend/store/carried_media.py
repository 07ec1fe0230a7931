"""Media stored in a field of samples: their headers, their cards, and the fields of their samples."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..embedding.audio.reading import inspect_recording
from ..embedding.base import Media
from ..embedding.cards.files import draw_cards
from ..embedding.registry import Modality
from ..embedding.series.reading import read_one
from ..embedding.text.reading import read_text
from ..progress import Progress
from .media import read_marks
from .medium_fields import CHANNELS, DURATION, END, RATE, SOURCE, START
from .settings import data_directory


@dataclass(frozen=True)
class CarriedMedium:
    """One medium with its length in seconds, its sampling rate in Hz, and its channels, where they are known."""

    medium: Media
    duration: float | None = None
    rate: float | None = None
    channels: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """What its field holds: the text, or the path."""
        return self.medium.path if self.medium.text is None else self.medium.text


def inspect_medium(medium: Media, kind: Modality) -> CarriedMedium:
    """Read the header of a recording or series; a text is returned as it is.

    Raises:
        UnreadableMedium: it cannot be read, with the reason.
        Refusal: the packages that read this kind of medium are not installed.
    """
    if kind == "text":
        return CarriedMedium(Media(path="", text=read_text(medium)))
    if kind == "audio":
        recording = inspect_recording(medium.path)
        return CarriedMedium(medium, recording.duration, float(recording.rate))
    series = read_one(medium)
    return CarriedMedium(replace(medium, columns=series.names), series.duration, series.rate, series.names)


def media_cards(media: Sequence[Media], kind: Modality, progress: Progress | None = None) -> list[Path | str]:
    """The file of each medium's card; for a medium that cannot be read, the reason.

    Raises:
        Refusal: the packages that read this kind of medium are not installed.
    """
    marks, _ = read_marks(media)
    return draw_cards(media, marks, kind, data_directory() / "cards", progress=progress)


def sample_fields(carried: CarriedMedium, card: Path, kind: Modality) -> dict[str, Any]:
    """The values of the fields of a medium's sample, whose picture is the card."""
    fields: dict[str, Any] = {"filepath": str(card), kind: carried.value}
    if carried.duration is not None:
        fields[DURATION] = carried.duration
    if carried.rate is not None:
        fields[RATE] = carried.rate
    if carried.channels:
        fields[CHANNELS] = list(carried.channels)
    if carried.medium.span is not None:
        fields |= {SOURCE: carried.medium.path, START: carried.medium.span[0], END: carried.medium.span[1]}
    return fields
