"""Import recordings, time series, or texts as samples whose picture is a card, and give existing samples cards."""

from dataclasses import dataclass, replace
from pathlib import Path

import fiftyone as fo
import fiftyone.core.media as fom
from pymongo import UpdateOne

from ..embedding.base import Media
from ..embedding.registry import Modality
from ..errors import Refusal
from ..progress import Progress, no_progress, part_of
from ..report import Report
from ..store.carried_media import media_cards, sample_fields
from ..store.items import list_items
from ..store.labels import DEFAULT_FIELD
from ..store.media import UnusableItem, list_media
from ..store.medium_fields import (
    CARRIED,
    END,
    START,
    MediumField,
    declare_medium_field,
    medium_field,
)
from ..wording import agree, count
from .medium_sources import FoundMedia, FoundMedium, Source, find_media, slice_medium

_PER_BATCH = 1000
_ITEM: dict[str, str] = {"audio": "recording", "series": "series", "text": "text"}


@dataclass(frozen=True, repr=False)
class ImportReport(Report):
    """Samples that were added to ``dataset``, were ``known`` before, or were ``skipped``, each with a reason."""

    dataset: str
    kind: Modality
    added: int
    known: int
    skipped: dict[str, str]
    windows: bool = False

    def sentence(self) -> str:
        """The closing message."""
        noun = "window" if self.windows else "sample"
        text = f"Imported {count(self.added, noun)} of the kind “{self.kind}” into the dataset '{self.dataset}'"
        if self.known:
            text += f"; {self.known:,} {agree(self.known, 'was')} already there"
        return f"{text}.{_about_skipped(self.skipped)}"


@dataclass(frozen=True, repr=False)
class CardsReport(Report):
    """Samples that got a card, and those whose medium cannot be read, with the reason by id."""

    kind: Modality
    field: str
    drawn: int
    skipped: dict[str, str]

    def sentence(self) -> str:
        """The closing message."""
        text = f"{count(self.drawn, 'sample')} {agree(self.drawn, 'has')} a card; the {self.kind} is in '{self.field}'."
        return f"{text}{_about_skipped(self.skipped)}"


def import_media(
    source: Source, *, name: str = "", label_field: str = DEFAULT_FIELD, progress: Progress | None = None
) -> ImportReport:
    """Create a dataset from a source, or add new media to it: each gets a card, with the original medium in a field.

    Args:
        name: the dataset's name; by default that of the folder or file.

    Raises:
        Refusal: the source contains nothing of this kind, nothing in it can be read, the existing dataset of this name
            does not come from an import of the same kind, or a package is not installed.
    """
    if source.kind not in CARRIED:
        raise Refusal(f"The kind is '{source.kind}'; it must be one of: {', '.join(CARRIED)}. Images need no import.")
    report = progress or no_progress
    report(0.0, "Looking for media")
    found_media = find_media(source)
    if not found_media.media:
        reason = next(iter(found_media.skipped.values()), "it is empty")
        raise Refusal(f"Nothing in {source.path} can be imported as {source.kind} (first: {reason}).")
    dataset = _dataset(name or source.path.expanduser().resolve().stem, source.kind)
    try:
        return _add(dataset, source.kind, found_media, label_field, part_of(report, 0.1, 1))
    except BaseException:
        if not len(dataset):
            fo.delete_dataset(dataset.name)
        raise


def slice_recordings(
    dataset: fo.Dataset, *, length: float, hop: float | None = None, name: str = "", progress: Progress | None = None
) -> ImportReport:
    """Create a dataset from windows of another one's recordings or series, each an item with source, start, and end.

    Args:
        length, hop: in seconds; without a hop, windows are adjacent.
        name: the new dataset's name; by default that of the dataset with “-windows”.

    Raises:
        Refusal: the dataset holds no recordings or series, or the windows are not valid.
    """
    carried = medium_field(dataset)
    if carried is None or carried.kind == "text":
        raise Refusal(f"'{dataset.name}' holds no recordings or series to slice: import some with --kind.")
    media = [medium for medium in list_media(dataset, list_items(dataset)) if isinstance(medium, Media)]
    found = FoundMedia()
    for medium in dict.fromkeys(media):
        whole = replace(medium, span=None)
        kind = carried.kind
        whole_media = find_media(Source(Path(whole.path), kind, rate=whole.rate, channels=whole.columns))
        found.skipped.update(whole_media.skipped)
        for recording in whole_media.media:
            found.media += slice_medium(recording, length, length if hop is None else hop)
    windows = _dataset(name or f"{dataset.name}-windows", carried.kind)
    return _add(windows, carried.kind, found, DEFAULT_FIELD, progress or no_progress)


def make_cards(
    dataset: fo.Dataset, kind: Modality, *, field: str | None = None, progress: Progress | None = None
) -> CardsReport:
    """Give the samples of an existing dataset cards; ids, labels, and everything else stay.

    Args:
        field: the field with the texts or paths; None where the samples' own files are the media: their paths then
            move to the field “audio”, “series”, or “text_file”, and the card becomes the samples' picture.

    Raises:
        Refusal: the kind or field does not fit, or no medium can be read.
    """
    if kind not in CARRIED:
        raise Refusal(f"The kind is '{kind}'; it must be one of: {', '.join(CARRIED)}.")
    if dataset.media_type not in (None, "unknown", fom.IMAGE, "audio"):
        raise Refusal(f"The samples of this dataset are of the kind “{dataset.media_type}” and need no cards.")
    if field is None:
        field = _take_over_files(dataset, kind)
    declare_medium_field(dataset, kind, field)
    items = list_items(dataset)
    media = list_media(dataset, items)
    skipped = {
        item: medium.reason
        for item, medium in zip(items.ids.tolist(), media, strict=True)
        if isinstance(medium, UnusableItem)
    }
    usable = [
        (item, medium) for item, medium in zip(items.ids.tolist(), media, strict=True) if isinstance(medium, Media)
    ]
    cards = media_cards([medium for _, medium in usable], kind, progress or no_progress)
    drawn = {item: card for (item, _), card in zip(usable, cards, strict=True) if isinstance(card, Path)}
    skipped |= {item: card for (item, _), card in zip(usable, cards, strict=True) if isinstance(card, str)}
    if not drawn:
        raise Refusal(f"No {kind} in '{field}' can be read (first: {next(iter(skipped.values()), 'it is empty')}).")
    _show(dataset, drawn)
    return CardsReport(kind, field, len(drawn), skipped)


def _take_over_files(dataset: fo.Dataset, kind: Modality) -> str:
    """Copy the samples' own paths (or, for texts, the content of their files) to a field."""
    from ..embedding.base import UnreadableMedium
    from ..embedding.text.reading import read_text

    if dataset.media_type == fom.IMAGE:
        raise Refusal("The samples of this dataset are images: name the field that holds the texts or paths.")
    paths = dataset.values("filepath")
    values: list[str | None] = list(paths)
    if kind == "text":
        for row, path in enumerate(paths):
            try:
                values[row] = read_text(Media(path))
            except UnreadableMedium:
                values[row] = None  # reported as empty
    declare_medium_field(dataset, kind, kind)
    dataset.set_values(kind, values)
    return kind


def _show(dataset: fo.Dataset, cards: dict[str, Path]) -> None:
    """Make cards the samples' pictures.

    FiftyOne (1.22) does not let a sample change from a file of unknown kind to an image: MongoDB is written directly.
    """
    from bson import ObjectId

    updates = [
        UpdateOne({"_id": ObjectId(item)}, {"$set": {"filepath": str(card), "_media_type": fom.IMAGE}})
        for item, card in cards.items()
    ]
    for start in range(0, len(updates), _PER_BATCH):
        dataset._sample_collection.bulk_write(updates[start : start + _PER_BATCH], ordered=False)
    dataset._doc.media_type = fom.IMAGE
    dataset._doc.save()
    dataset.reload()


def _dataset(name: str, kind: Modality) -> fo.Dataset:
    if not fo.dataset_exists(name):
        dataset = fo.Dataset(name, persistent=True)
        declare_medium_field(dataset, kind, kind)
        return dataset
    dataset = fo.load_dataset(name)
    if medium_field(dataset) != MediumField(kind, kind):
        raise Refusal(
            f"The dataset '{name}' already exists and is not an import of the kind “{kind}”: choose another name."
        )
    return dataset


def _add(
    dataset: fo.Dataset, kind: Modality, found_media: FoundMedia, label_field: str, progress: Progress
) -> ImportReport:
    known = _known(dataset, kind)
    new = [entry for entry in found_media.media if (entry.value, entry.medium.span) not in known]
    cards = media_cards([entry.medium for entry in new], kind, progress)
    skipped = dict(found_media.skipped)
    samples = []
    for entry, card in zip(new, cards, strict=True):
        if isinstance(card, Path):
            samples.append(_sample(entry, card, kind, label_field))
        else:
            skipped[entry.medium.title] = card
    if any(entry.label is not None for entry in new) and dataset.get_field(label_field) is None:
        dataset.add_sample_field(label_field, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    dataset.add_samples(samples, progress=False)
    windows = any(entry.medium.span is not None for entry in found_media.media)
    return ImportReport(dataset.name, kind, len(samples), len(found_media.media) - len(new), skipped, windows)


def _known(dataset: fo.Dataset, kind: Modality) -> set[tuple[str, tuple[float, float] | None]]:
    names = [name for name in (START, END) if dataset.has_field(name)]
    values, *edges = dataset.values([kind, *names])
    if len(edges) < 2:
        return {(value, None) for value in values}
    spans = zip(*edges, strict=True)
    return {(value, None if start is None else (start, end)) for value, (start, end) in zip(values, spans, strict=True)}


def _sample(entry: FoundMedium, card: Path, kind: Modality, label_field: str) -> fo.Sample:
    fields = sample_fields(entry, card, kind)
    if entry.label is not None:
        fields[label_field] = fo.Classification(label=entry.label)
    return fo.Sample(**fields)


def _about_skipped(skipped: dict[str, str]) -> str:
    if not skipped:
        return ""
    name, reason = next(iter(skipped.items()))
    return f" {len(skipped):,} {agree(len(skipped), 'was')} skipped (first: {Path(name).name}: {reason})."
