"""Maps of embeddings: 2D or 3D points in a FiftyOne visualization run, with how they were made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np

from .embeddings import check_new_key, locate, plain, vector_table
from .items import Items, as_ids, list_items, plural

_UPDATING = "_updating"  # ends the key of a map that is about to take the place of another one


@dataclass(frozen=True)
class MapProvenance:
    """How a map was made: of which embeddings, by which method with which parameters, of how many items."""

    embeddings: str
    method: str
    dims: int
    parameters: dict[str, Any]
    count: int
    trustworthiness: float | None = None
    neighbors_kept: float | None = None
    placed_later: int = 0
    versions: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Map:
    """Points (n, dims) float32 of ``items``; ``provenance`` is None where Labelscape did not make the map."""

    key: str
    items: Items
    points: np.ndarray
    provenance: MapProvenance | None
    timestamp: datetime


@dataclass(frozen=True)
class MapStatus:
    """How well a map covers its view: ``missing`` items have a vector but no point, ``removed`` are gone."""

    key: str
    placed: int
    missing: int
    removed: int
    noun: str

    @property
    def stale(self) -> bool:
        """Whether the map should be updated."""
        return bool(self.missing or self.removed)

    def sentence(self) -> str:
        """What a user should know, with the mend."""
        nouns = plural(self.noun)
        if not self.stale:
            return f"The map '{self.key}' shows all {self.placed:,} {nouns}."
        parts = []
        if self.missing:
            parts.append(f"{self.missing:,} {nouns} are not on this map")
        if self.removed:
            parts.append(f"{self.removed:,} points belong to no {self.noun} any more")
        return f"Stale: {' and '.join(parts)}: run “Compute map” with “update” on '{self.key}' to mend."


def list_maps(dataset: fo.Dataset) -> list[str]:
    """Keys of the visualization runs of a dataset, Labelscape's or not."""
    keys: list[str] = dataset.list_brain_runs(type="visualization")
    return keys


def check_map(dataset: fo.Dataset, key: str) -> None:
    """Raise a ValueError that lists the maps there are unless ``key`` names one."""
    maps = list_maps(dataset)
    if key not in maps:
        listing = ", ".join(maps) or "none yet: run “Compute map” first"
        raise ValueError(f"'{key}' names no map of this dataset; there are: {listing}")


def save_map(
    samples: fo.core.collections.SampleCollection,
    key: str,
    items: Items,
    points: np.ndarray,
    provenance: MapProvenance,
) -> None:
    """Store points (n, dims) as a new visualization run that FiftyOne's own Embeddings panel lists and draws.

    A 2D map of samples gets a spatial index, which makes a lasso in that panel a constant-size query.

    Raises:
        ValueError: the key is taken or no valid name.
    """
    dataset = samples._root_dataset
    check_new_key(dataset, key)
    spread = bool(len(points)) and float(points.max()) > float(points.min())  # MongoDB indexes no single place
    indexed = provenance.dims == 2 and items.patches_field is None and spread
    fob.compute_visualization(
        samples,
        points=dict(zip(items.ids.tolist(), points.astype(np.float32), strict=True)),
        patches_field=items.patches_field,
        brain_key=key,
        create_index=indexed,
        labelscape=asdict(provenance),
    )


def load_map(dataset: fo.Dataset, key: str) -> Map:
    """Read a map; raises a ValueError that lists the maps there are when it does not exist."""
    check_map(dataset, key)
    info = dataset.get_brain_info(key)
    results = dataset.load_brain_results(key)
    patches_field = info.config.patches_field
    sample_ids = as_ids(results.sample_ids)
    ids = sample_ids if patches_field is None else as_ids(results.label_ids)
    return Map(
        key=key,
        items=Items(ids, sample_ids, patches_field),
        points=np.ascontiguousarray(results.points, np.float32),
        provenance=provenance_of_map(dataset, key),
        timestamp=info.timestamp,
    )


def provenance_of_map(dataset: fo.Dataset, key: str) -> MapProvenance | None:
    """How the map was made; None for a map that Labelscape did not make."""
    record = getattr(dataset.get_brain_info(key).config, "labelscape", None)
    return None if record is None else MapProvenance(**plain(record))


def map_status(dataset: fo.Dataset, key: str) -> MapStatus:
    """Compare a map with the view it was made of and with the embeddings it shows."""
    held = load_map(dataset, key)
    wanted = list_items(dataset.load_brain_view(key), held.items.patches_field)
    missing = locate(wanted.ids, held.items.ids) < 0
    if held.provenance is not None and dataset.has_brain_run(held.provenance.embeddings):
        missing &= locate(wanted.ids, vector_table(dataset, held.provenance.embeddings).ids()) >= 0
    removed = locate(held.items.ids, wanted.ids) < 0
    return MapStatus(key, len(held.items), int(missing.sum()), int(removed.sum()), held.items.noun)


def replace_map(dataset: fo.Dataset, key: str, items: Items, points: np.ndarray, placed_later: int) -> None:
    """Give a map new points under its old key, made of the same view, and say how many were placed later.

    The new points are stored under another key first: whatever interrupts this, one of the two maps is there.
    """
    held = load_map(dataset, key)
    view = dataset.load_brain_view(key)
    if held.provenance is None:
        raise ValueError(f"Labelscape did not make the map '{key}' and cannot update it: compute a new one.")
    provenance = replace(held.provenance, count=len(items), placed_later=placed_later)
    scratch = f"{key}{_UPDATING}"
    if dataset.has_brain_run(scratch):
        delete_map(dataset, scratch)  # left by an update that was interrupted
    save_map(view, scratch, items, points, provenance)
    delete_map(dataset, key)
    dataset.rename_brain_run(scratch, key)
    # FiftyOne (1.22) renames the field of the spatial index everywhere but in the results it keeps in memory.
    dataset._brain_cache.pop(key, None)


def delete_map(dataset: fo.Dataset, key: str) -> None:
    """Delete a map; FiftyOne deletes the field of its spatial index with it."""
    check_map(dataset, key)
    dataset.delete_brain_run(key)


def touch_map(dataset: fo.Dataset, key: str) -> None:
    """Make FiftyOne's Embeddings panel recolour: its colours are cached by the run's timestamp (1.22)."""
    document = dataset._doc.brain_methods[key]
    document.timestamp = datetime.utcnow()
    document.save()
