"""Clear the explorer part by part: maps, embeddings, and suggestions are deleted, or renamed, one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import fiftyone as fo

from ..errors import Refusal
from ..report import Report
from ..store import embeddings as embeddings_store
from ..store import maps as maps_store
from ..store.embeddings import embeddings_size, list_embeddings
from ..store.items import item_fields
from ..store.maps import follow_renamed_embeddings, list_maps, map_size, provenance_of_map
from ..store.suggestions import rename_in_settings, suggestions_size
from ..wording import count, listing, noun
from .suggest import clear_suggestions

Kind = Literal["map", "embeddings", "suggestions"]
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Clearable:
    """A part of the explorer that can be cleared.

    ``key`` names the map or the embeddings; for suggestions, it is the field of their objects, "" for whole samples.
    ``count`` is None if the vectors cannot be read, ``size_bytes`` if it is not known.
    """

    kind: Kind
    key: str
    count: int | None
    size_bytes: int | None

    @property
    def undoable(self) -> bool:
        """Whether clearing it can be undone; if not, the user has to confirm."""
        return self.kind == "suggestions"

    @property
    def title(self) -> str:
        """What it is, in words."""
        if self.kind == "suggestions":
            return f"suggestions for the objects in '{self.key}'" if self.key else "suggestions for samples"
        return f"{self.kind} '{self.key}'"

    @property
    def amount(self) -> str:
        """How much it contains: “12 vectors”."""
        if self.count is None:
            return "damaged, or cannot be read right now"
        return count(self.count, {"map": "point", "embeddings": "vector", "suggestions": "suggestion"}[self.kind])

    def sentence(self) -> str:
        """A line of a checklist: what it is, and how large."""
        size = "" if self.size_bytes is None else f", {_size(self.size_bytes)}"
        undo = "can be undone" if self.undoable else "cannot be undone"
        return f"{self.title[:1].upper()}{self.title[1:]}: {self.amount}{size} ({undo})"


@dataclass(frozen=True, repr=False)
class ClearReport(Report):
    """What was cleared, and what could not be, with the reason."""

    cleared: list[Clearable]
    failed: list[tuple[Clearable, str]]

    def sentence(self) -> str:
        """The closing message."""
        parts = [f"Cleared {listing([part.title for part in self.cleared])}."] if self.cleared else []
        if any(part.undoable for part in self.cleared):
            parts.append("“Undo” restores the suggestions.")
        parts += [f"Could not clear {part.title}: {reason}" for part, reason in self.failed]
        return " ".join(parts)


def clearable(dataset: fo.Dataset) -> list[Clearable]:
    """Everything in the explorer that can be cleared, with its size."""
    parts = [Clearable("map", key, *map_size(dataset, key)) for key in list_maps(dataset)]
    parts += [Clearable("embeddings", key, *embeddings_size(dataset, key)) for key in list_embeddings(dataset)]
    for field in (None, *item_fields(dataset)):
        number, size = suggestions_size(dataset, field)
        if number:
            parts.append(Clearable("suggestions", field or "", number, size))
    return parts


def clear_explorer(dataset: fo.Dataset, chosen: Sequence[Clearable]) -> ClearReport:
    """Clear these parts; a part that cannot be cleared does not stop the others. Labels and samples stay.

    Raises:
        Refusal: nothing was chosen.
    """
    if not chosen:
        raise Refusal("Nothing is chosen: select what to clear.")
    clearing: dict[Kind, Callable[[str], object]] = {
        "suggestions": lambda key: clear_suggestions(dataset, patches_field=key or None),
        "map": lambda key: delete_map(dataset, key),
        "embeddings": lambda key: delete_embeddings(dataset, key),
    }
    cleared, failed = [], []
    for kind, clear in clearing.items():
        for part in (part for part in chosen if part.kind == kind):
            try:
                clear(part.key)
                cleared.append(part)
            except Refusal as error:
                failed.append((part, str(error)))
    return ClearReport(cleared, failed)


def delete_map(dataset: fo.Dataset, key: str) -> int:
    """Delete a map; embeddings, labels, and samples stay. Returns the number of its points."""
    number, _ = map_size(dataset, key)
    maps_store.delete_map(dataset, key)
    return number


def delete_embeddings(dataset: fo.Dataset, key: str) -> int | None:
    """Delete embeddings with their vectors, readable or not; maps made from them stay.

    Returns the number of vectors, None if they could not be read.
    """
    number, _ = embeddings_size(dataset, key)
    embeddings_store.delete_embeddings(dataset, key)
    return number


def rename_map(dataset: fo.Dataset, key: str, new_key: str) -> None:
    """Rename a map."""
    maps_store.rename_map(dataset, key, new_key)


def rename_embeddings(dataset: fo.Dataset, key: str, new_key: str) -> None:
    """Rename embeddings, and update the maps and suggestions that refer to them."""
    embeddings_store.rename_embeddings(dataset, key, new_key)
    follow_renamed_embeddings(dataset, key, new_key)
    rename_in_settings(dataset, key, new_key)


def maps_of(dataset: fo.Dataset, embeddings: str) -> list[str]:
    """The maps made from these embeddings."""
    made = {key: provenance_of_map(dataset, key) for key in list_maps(dataset)}
    return [key for key, how in made.items() if how is not None and how.embeddings == embeddings]


def consequence(dataset: fo.Dataset, embeddings: str) -> str:
    """Say what deleting embeddings means for the maps made from them."""
    maps = maps_of(dataset, embeddings)
    if not maps:
        return "No map was made from them."
    names = listing([f"'{key}'" for key in maps])
    return (
        f"The {noun(len(maps), 'map')} {names} {'stays' if len(maps) == 1 else 'stay'}, but labeling neighbors and "
        f"updating {'it' if len(maps) == 1 else 'them'} will no longer work."
    )


def _size(number: float) -> str:
    """A human-readable number of bytes: “1.4 MB”."""
    unit = 0
    while number >= 1000 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.1f} {_UNITS[unit]}" if unit else f"{int(number)} bytes"
