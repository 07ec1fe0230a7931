"""The rows of a map: which sample or object each is, where it lies, and which row an id has."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import fiftyone as fo
import numpy as np

from ...ml_backend.store.embeddings import vector_table
from ...ml_backend.store.items import label_path
from ...ml_backend.store.maps import load_map
from .columns import digest
from .values import fetch_ids


@dataclass(frozen=True)
class MapRows:
    """A map as the panel names its samples: row 0 … n-1.

    ``ids`` and ``sample_ids`` (n,) are 12-byte ids ("S12"), the same for a map of samples; ``points`` (n, 2 or 3).
    ``root`` is the path of the objects of a map of patches.
    """

    key: str
    ids: np.ndarray
    sample_ids: np.ndarray
    points: np.ndarray
    patches_field: str | None
    root: str | None
    embeddings: str | None
    points_field: str | None
    digest: str

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def noun(self) -> str:
        """What one row is called on screen."""
        return "sample" if self.patches_field is None else "patch"

    @cached_property
    def _order(self) -> np.ndarray | None:
        """Rows by id; None where they are in that order already."""
        if len(self.ids) < 2 or bool((self.ids[1:] > self.ids[:-1]).all()):
            return None
        return np.argsort(self.ids, kind="stable")

    def locate(self, ids: np.ndarray) -> np.ndarray:
        """Row of each id ("S12"), -1 where it is not on the map."""
        if len(ids) == len(self.ids) and np.array_equal(ids, self.ids):
            return np.arange(len(ids))
        if not len(self.ids):
            return np.full(len(ids), -1)
        order = self._order
        ordered = self.ids if order is None else self.ids[order]
        places = np.minimum(np.searchsorted(ordered, ids), len(ordered) - 1)
        found = places if order is None else order[places]
        return np.where(self.ids[found] == ids, found, -1)

    def names(self, rows: np.ndarray) -> list[str]:
        """Ids of rows as text."""
        return as_texts(self.ids[rows])

    def sample_names(self, rows: np.ndarray) -> list[str]:
        """Ids of the samples that rows belong to, as text."""
        return as_texts(self.sample_ids[rows])


def read_rows(dataset: fo.Dataset, key: str) -> MapRows:
    """Load the rows of a map."""
    held = load_map(dataset, key)
    ids = as_bytes(held.items.ids)
    sample_ids = ids if held.items.patches_field is None else as_bytes(held.items.sample_ids)
    patches_field = held.items.patches_field
    return MapRows(
        key=key,
        ids=ids,
        sample_ids=sample_ids,
        points=held.points,
        patches_field=patches_field,
        root=None if patches_field is None else label_path(dataset, patches_field),
        embeddings=None if held.provenance is None else held.provenance.embeddings,
        points_field=getattr(dataset.get_brain_info(key).config, "points_field", None),
        digest=digest(ids.tobytes() + held.points.tobytes()),
    )


@dataclass(frozen=True)
class Staleness:
    """How many samples, or objects, have no point on a map though they could, and how many points are of none."""

    missing: int
    removed: int


def staleness(dataset: fo.Dataset, rows: MapRows) -> Staleness:
    """Compare a map with the samples it was made of: those with a vector, where it was made of embeddings."""
    wanted = fetch_ids(dataset.load_brain_view(rows.key), rows.root)
    places = rows.locate(wanted)
    missing = wanted[places < 0]
    if len(missing) and rows.embeddings is not None and dataset.has_brain_run(rows.embeddings):
        missing = missing[np.isin(missing, as_bytes(vector_table(dataset, rows.embeddings).ids()))]
    return Staleness(len(missing), len(rows) - int((places >= 0).sum()))


def as_bytes(ids: Any) -> np.ndarray:
    """Ids in text (n,) as 12 bytes each ("S12")."""
    return np.frombuffer(bytes.fromhex("".join(ids)), "S12") if len(ids) else np.empty(0, "S12")


def as_texts(ids: np.ndarray) -> list[str]:
    """12-byte ids as text of 24 characters."""
    texts: list[str] = np.frombuffer(ids.tobytes().hex().encode(), "S24").astype("U24").tolist() if len(ids) else []
    return texts


def iso(moment: datetime | None) -> str | None:
    """A time of the database, which is UTC, as text."""
    return None if moment is None else f"{moment.isoformat(timespec='seconds')}Z"
