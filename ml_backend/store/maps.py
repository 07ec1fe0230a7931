"""Maps of embeddings: 2D or 3D points in a FiftyOne visualization run, with how they were made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
from fiftyone.core.collections import SampleCollection
from gridfs import NoFile

from ..errors import Refusal
from ..wording import agree, count, listing, plural
from .embeddings import check_new_key, is_run_of_frames, locate, plain, vector_table
from .items import FRAMES, FRAMES_PREFIX, Items, as_ids, every_sample, item_view, list_like, local_field, parts_of

_UPDATING = "_updating"  # suffix of the key of a map that is about to replace another one


@dataclass(frozen=True)
class MapProvenance:
    """How a map was made: of which embeddings, by which method with which parameters, of how many items.

    ``patches_field`` and ``parts`` say what the items are, as in `Items`.
    """

    embeddings: str
    method: str
    dims: int
    parameters: dict[str, Any]
    count: int
    trustworthiness: float | None = None
    neighbors_kept: float | None = None
    placed_later: int = 0
    versions: Mapping[str, str] | None = None
    patches_field: str | None = None
    parts: str | None = None


@dataclass(frozen=True)
class Map:
    """Points (n, dims) float32 of ``items``; ``provenance`` is None if Labelscape did not make the map."""

    key: str
    items: Items
    points: np.ndarray
    provenance: MapProvenance | None
    timestamp: datetime


@dataclass(frozen=True)
class MapStatus:
    """How well a map covers its view: ``missing`` items have a vector but no point, ``removed`` were deleted."""

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
        """The status in words, with the fix."""
        if not self.stale:
            return f"The map '{self.key}' shows all {count(self.placed, self.noun)}."
        parts = []
        if self.missing:
            parts.append(f"{count(self.missing, self.noun)} {agree(self.missing, 'is')} not on this map")
        if self.removed:
            verb = "belongs" if self.removed == 1 else "belong"
            parts.append(f"{count(self.removed, 'point')} {verb} to {plural(self.noun)} that no longer exist")
        return f"Stale: {listing(parts)}. Run “Compute map” with “update” on '{self.key}' to update it."


def list_maps(dataset: fo.Dataset) -> list[str]:
    """Keys of the visualization runs of a dataset, Labelscape's or not."""
    keys: list[str] = dataset.list_brain_runs(type="visualization")
    return keys


def check_map(dataset: fo.Dataset, key: str) -> None:
    """Raise a Refusal that lists the existing maps unless ``key`` names one."""
    maps = list_maps(dataset)
    if key not in maps:
        names = ", ".join(maps) or "none yet: run “Compute map” first"
        raise Refusal(f"'{key}' does not name a map of this dataset; there are: {names}")


def save_map(
    samples: SampleCollection,
    key: str,
    items: Items,
    points: np.ndarray,
    provenance: MapProvenance,
    *,
    index: bool = False,
) -> None:
    """Store points (n, dims) as a new visualization run that FiftyOne's own Embeddings panel lists and draws.

    Args:
        index: also write the points of a 2D map of samples into a field of the samples, with a spatial index: a lasso
            in that panel is then a query of constant size. It takes about 75 µs a sample.

    Raises:
        Refusal: the key is taken or not a valid name.
    """
    dataset = samples._root_dataset
    check_new_key(dataset, key)
    home = _home(samples, items)
    spread = bool(len(points)) and float(points.max()) > float(points.min())  # MongoDB cannot index one single point
    of_samples = items.patches_field is None and items.parts is None
    try:
        fob.compute_visualization(
            home,
            points=dict(zip(items.ids.tolist(), points.astype(np.float32), strict=True)),
            patches_field=None if items.patches_field is None else local_field(home, items.patches_field),
            brain_key=key,
            create_index=index and provenance.dims == 2 and of_samples and spread,
            labelscape=asdict(replace(provenance, patches_field=items.patches_field, parts=items.parts)),
        )
    except BaseException:
        if dataset.has_brain_run(key):
            dataset.delete_brain_run(key)
        raise


def load_map(dataset: fo.Dataset, key: str) -> Map:
    """Read a map. Raises a Refusal that lists the existing maps if it does not exist."""
    check_map(dataset, key)
    info = dataset.get_brain_info(key)
    results = dataset.load_brain_results(key, load_view=False)
    if results is None:
        raise Refusal(f"The map '{key}' has no points: the run that made it did not finish. Delete it and compute it.")
    provenance = provenance_of_map(dataset, key)
    patches_field, parts = _kind_of_items(dataset, key, info.config.patches_field, provenance)
    sample_ids = as_ids(results.sample_ids)
    ids = sample_ids if patches_field is None else as_ids(results.label_ids)
    return Map(
        key=key,
        items=Items(ids, sample_ids, patches_field, parts),
        points=np.ascontiguousarray(results.points, np.float32),
        provenance=provenance,
        timestamp=info.timestamp,
    )


def provenance_of_map(dataset: fo.Dataset, key: str) -> MapProvenance | None:
    """How the map was made; None for a map that Labelscape did not make."""
    record = getattr(dataset.get_brain_info(key).config, "labelscape", None)
    return None if record is None else MapProvenance(**plain(record))


def map_status(dataset: fo.Dataset, key: str) -> MapStatus:
    """Compare a map with the view it was made from and with the embeddings it shows."""
    items, provenance = load_map(dataset, key).items, provenance_of_map(dataset, key)
    present = list_like(dataset.load_brain_view(key), items.patches_field, items.parts)
    missing = locate(present.ids, items.ids) < 0
    if provenance is not None and dataset.has_brain_run(provenance.embeddings):
        missing &= locate(present.ids, vector_table(dataset, provenance.embeddings).ids()) >= 0
    removed = locate(items.ids, present.ids) < 0
    return MapStatus(key, len(items), int(missing.sum()), int(removed.sum()), items.noun)


def replace_map(dataset: fo.Dataset, key: str, items: Items, points: np.ndarray, placed_later: int) -> None:
    """Replace the points of a map under the same key, and record how many were placed later.

    The new points are stored under another key first: whatever interrupts this, one of the two maps is there.

    Raises:
        Refusal: no such map, or Labelscape did not make it.
    """
    check_map(dataset, key)
    provenance = provenance_of_map(dataset, key)
    if provenance is None:
        raise Refusal(f"Labelscape did not create the map '{key}' and cannot update it: compute a new one.")
    view = dataset.load_brain_view(key)
    indexed = dataset.get_brain_info(key).config.points_field is not None
    updated = replace(provenance, count=len(items), placed_later=placed_later)
    scratch = f"{key}{_UPDATING}"
    if dataset.has_brain_run(scratch):
        delete_map(dataset, scratch)  # left over from an interrupted update
    try:
        save_map(view, scratch, items, points, updated, index=indexed)
        delete_map(dataset, key)
        dataset.rename_brain_run(scratch, key)
    except Exception:
        _settle(dataset, key, scratch)
        raise
    # FiftyOne (1.22) renames the field of the spatial index everywhere but in the results it keeps in memory.
    dataset._brain_cache.pop(key, None)


def delete_map(dataset: fo.Dataset, key: str) -> None:
    """Delete a map; FiftyOne deletes the field of its spatial index with it."""
    check_map(dataset, key)
    dataset.delete_brain_run(key)


def touch_map(dataset: fo.Dataset, key: str) -> None:
    """Make FiftyOne's Embeddings panel recolor: its colors are cached by the run's timestamp (1.22)."""
    document = dataset._doc.brain_methods[key]
    document.timestamp = datetime.utcnow()
    document.save()


def rename_map(dataset: fo.Dataset, key: str, new_key: str) -> None:
    """Rename a map and the field of its spatial index.

    Raises:
        ValueError: there is no such map, or the new key is taken or not a valid name.
    """
    check_map(dataset, key)
    check_new_key(dataset, new_key)
    dataset.rename_brain_run(key, new_key)
    dataset._brain_cache.pop(new_key, None)  # see `replace_map`


def map_size(dataset: fo.Dataset, key: str) -> tuple[int, int]:
    """The number of points of a map, and its size in the database in bytes."""
    stored_map = load_map(dataset, key)
    results = dataset._doc.brain_methods[key].results
    return len(stored_map.items), int(results.length or 0) if results else 0


def follow_renamed_embeddings(dataset: fo.Dataset, key: str, new_key: str) -> None:
    """Update the maps of renamed embeddings to the new key."""
    for name in list_maps(dataset):
        document = dataset._doc.brain_methods[name]
        made = (document.config or {}).get("labelscape") or {}
        if made.get("embeddings") == key:
            document.config["labelscape"]["embeddings"] = new_key
            document.save()
            dataset._brain_cache.pop(name, None)


def _settle(dataset: fo.Dataset, key: str, scratch: str) -> None:
    """After a failed update, keep the old map if it still exists, else the new one in its place."""
    dataset.reload()
    if not dataset.has_brain_run(scratch):
        return
    if dataset.has_brain_run(key):
        if _has_points(dataset, key):
            dataset.delete_brain_run(scratch)
            return
        dataset.delete_brain_run(key)
    dataset.rename_brain_run(scratch, key)
    dataset._brain_cache.pop(key, None)


def _has_points(dataset: fo.Dataset, key: str) -> bool:
    """Whether the results of a run can be read: a failed deletion may have removed them but not the run."""
    try:
        return dataset.load_brain_results(key, cache=False, load_view=False) is not None
    except (AttributeError, NoFile):  # what is left of a deleted file raises
        return False


def _home(samples: SampleCollection, items: Items) -> SampleCollection:
    """The view that a map of these items is registered on, as FiftyOne's Embeddings panel draws it."""
    of_other_documents = samples._is_patches or items.parts != parts_of(samples)
    if items.patches_field is None and of_other_documents:
        return item_view(samples, items)
    if items.patches_field is not None and items.patches_field.startswith(FRAMES_PREFIX):
        return item_view(samples, items)
    return every_sample(samples)


def _kind_of_items(
    dataset: fo.Dataset, key: str, patches_field: str | None, provenance: MapProvenance | None
) -> tuple[str | None, str | None]:
    """The patches field and the parts of a map's items; those of foreign maps and older ones are read off their run."""
    if provenance is not None and (provenance.patches_field or provenance.parts):
        return provenance.patches_field, provenance.parts
    if not is_run_of_frames(dataset, key):
        return patches_field, None
    return (f"{FRAMES_PREFIX}{patches_field}", None) if patches_field else (None, FRAMES)
