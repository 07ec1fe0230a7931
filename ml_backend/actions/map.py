"""Create, update, and delete maps of embeddings."""

import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import fiftyone as fo
import numpy as np
from fiftyone.core.collections import SampleCollection

from ..analysis.landmarks import choose_landmarks, place_among_landmarks
from ..analysis.map_quality import MapQuality, map_quality
from ..analysis.neighbor_search import Metric
from ..analysis.projection import METHOD_NAMES, Method, neighbors_needed, place, project
from ..errors import Refusal
from ..progress import Progress, no_progress, part_of
from ..report import Report
from ..store.embeddings import Embeddings, check_new_key, load_embeddings, locate, vector_table
from ..store.existence import ends_with_dataset, still_there
from ..store.items import Items
from ..store.maps import MapProvenance, delete_map, load_map, replace_map, save_map
from ..store.neighbor_tables import DEFAULT_K, neighbors_of
from ..store.stored_vectors import StoredVectors
from ..wording import count, noun, percent

_LIBRARIES = ("numpy", "scikit-learn", "opentsne", "numba", "torch")
_MANY = 200_000
LANDMARKS = 1_000_000  # most vectors that are laid out
_CHECKED = 100_000  # points on which the quality of a landmark map is measured


@dataclass(frozen=True, repr=False)
class MapReport(Report):
    """The result of a map run; the qualities are None if the map has too few points to measure them.

    ``landmarks`` of the points were laid out and the others placed among them; None if all were laid out.
    """

    key: str
    method: str
    count: int
    placed: int
    removed: int
    trustworthiness: float | None
    neighbors_kept: float | None
    noun: str
    landmarks: int | None = None

    def sentence(self) -> str:
        """The closing message."""
        text = f"The map '{self.key}' ({self.method}) shows {count(self.count, self.noun)}"
        if self.landmarks is not None:
            text += f": {count(self.landmarks, 'landmark')} laid out, the others placed among them"
        if self.placed or self.removed:
            text += f": {self.placed:,} placed now, {self.removed:,} removed, the others kept their place"
        if self.trustworthiness is not None and self.neighbors_kept is not None:
            kept = percent(self.neighbors_kept)
            text += f"; trustworthiness {self.trustworthiness:.2f}, {kept} of the nearest neighbors kept"
        return text + "."


@dataclass(frozen=True)
class MapSettings:
    """How to lay out a map; see `labelscape.ml_backend.analysis.projection.project` for what the numbers mean.

    ``index`` writes the points of a 2D map of samples into a field with a spatial index, for FiftyOne's own panel. If
    there are more vectors than ``landmarks``, only that many are laid out and held in memory; the others are placed
    among them.
    """

    method: Method = "umap"
    dims: int = 2
    n_neighbors: int = 15
    min_dist: float = 0.1
    perplexity: float = 30
    spherize: bool = False
    metric: Metric = "cosine"
    seed: int = 0
    index: bool = False
    landmarks: int = LANDMARKS

    def parameters(self) -> dict[str, Any]:
        """The settings that the method uses, for the record."""
        of_method: dict[str, dict[str, Any]] = {
            "umap": {"n_neighbors": self.n_neighbors, "min_dist": self.min_dist, "metric": self.metric},
            "tsne": {"perplexity": self.perplexity, "metric": self.metric},
        }
        return {**of_method.get(self.method, {}), "spherize": self.spherize, "seed": self.seed}


_DEFAULTS = MapSettings()


@ends_with_dataset
def compute_map(
    samples: SampleCollection,
    *,
    embeddings: str,
    key: str,
    settings: MapSettings = _DEFAULTS,
    progress: Progress | None = None,
) -> MapReport:
    """Compute a map of a view and store it as a new visualization run.

    Raises:
        Refusal: no such embeddings, the key is taken, a setting is out of range, nothing to show.
    """
    check_new_key(samples._root_dataset, key)
    report = progress or no_progress
    report(0.0, "Loading the embeddings")
    if vector_table(samples._root_dataset, embeddings).size() > settings.landmarks:
        return _compute_by_landmarks(samples, embeddings, key, settings, report)
    loaded = load_embeddings(samples, embeddings)
    points = _lay_out(loaded, settings, report)
    report(0.95, "Storing the map")
    # Every sampled row is compared with all others: sample fewer if this would take minutes.
    rows = 2000 if len(points) < _MANY else 300
    quality = map_quality(loaded.vectors, points, metric=settings.metric, sample=rows, seed=settings.seed)
    items, points = _left(samples, loaded.items, points)
    provenance = _provenance(embeddings, settings, len(points), quality)
    save_map(samples, key, items, points, provenance, index=settings.index)
    return _report(key, provenance, items, placed=0, removed=0)


def _compute_by_landmarks(
    samples: SampleCollection, embeddings: str, key: str, settings: MapSettings, progress: Progress
) -> MapReport:
    """Like `compute_map`, with only the landmarks in memory."""
    stored = StoredVectors(samples, embeddings)
    rows = choose_landmarks(
        stored.batches, len(stored.items), settings.landmarks, seed=settings.seed, progress=part_of(progress, 0, 0.1)
    )
    if len(rows) == len(stored.items):  # the view is smaller than the dataset
        return compute_map(samples, embeddings=embeddings, key=key, settings=replace(settings, landmarks=sys.maxsize))
    chosen = stored.take(rows)
    points = _lay_out(chosen, settings, part_of(progress, 0.1, 0.7))
    placed = place_among_landmarks(
        stored.batches,
        len(stored.items),
        locate(chosen.items.ids, stored.items.ids),
        chosen.vectors,
        points,
        metric=settings.metric,
        progress=part_of(progress, 0.7, 0.95),
    )
    progress(0.95, "Storing the map")
    present = np.flatnonzero(np.isfinite(placed).all(axis=1))
    checked = np.random.default_rng(settings.seed).permutation(present)[:_CHECKED]
    sample = stored.take(np.sort(checked))
    quality = map_quality(
        sample.vectors,
        placed[locate(sample.items.ids, stored.items.ids)],
        metric=settings.metric,
        sample=1000,
        seed=settings.seed,
    )
    items, points = _left(samples, stored.items.take(present), placed[present])
    provenance = _provenance(embeddings, settings, len(points), quality, landmarks=len(rows))
    save_map(samples, key, items, points, provenance, index=settings.index)
    return _report(key, provenance, items, placed=0, removed=0)


def _left(samples: SampleCollection, items: Items, points: np.ndarray) -> tuple[Items, np.ndarray]:
    """The items that were not deleted while their map was computed, with their points."""
    existing = still_there(samples._root_dataset, items)
    if not existing.any():
        raise Refusal("Everything that the map would show was deleted while it was being computed.")
    return items.take(existing), points[existing]


def _provenance(
    embeddings: str, settings: MapSettings, number: int, quality: MapQuality, *, landmarks: int | None = None
) -> MapProvenance:
    parameters = settings.parameters()
    if landmarks is not None:
        parameters["landmarks"] = landmarks
    return MapProvenance(
        embeddings=embeddings,
        method=settings.method,
        dims=settings.dims,
        parameters=parameters,
        count=number,
        trustworthiness=quality.trustworthiness,
        neighbors_kept=quality.neighbors_kept,
        versions={library: version(library) for library in _LIBRARIES},
    )


@ends_with_dataset
def update_map(dataset: fo.Dataset, *, key: str, progress: Progress | None = None) -> MapReport:
    """Place samples that are new since a map was made on it, and remove deleted ones; the others stay.

    Raises:
        Refusal: no such map, or Labelscape did not create it.
    """
    report = progress or no_progress
    old = load_map(dataset, key)
    if old.provenance is None:
        raise Refusal(f"Labelscape did not create the map '{key}' and cannot update it: compute a new one.")
    stored = StoredVectors(dataset.load_brain_view(key), old.provenance.embeddings)
    items = stored.with_vectors()
    rows = locate(items.ids, old.items.ids)
    on_map = rows >= 0
    points = np.empty((len(rows), old.points.shape[1]), np.float32)
    points[on_map] = old.points[rows[on_map]]
    placed = int((~on_map).sum())
    if placed:
        report(0.2, f"Placing {placed:,} new {noun(placed, old.items.noun)} on the map")
        points[~on_map] = _placed(stored, items, points, on_map)
    report(0.9, "Storing the map")
    existing = still_there(dataset, items)
    items, points, on_map = items.take(existing), points[existing], on_map[existing]
    placed = int((~on_map).sum())
    replace_map(dataset, key, items, points, old.provenance.placed_later + placed)
    removed = len(old.items) - int(on_map.sum())
    return _report(key, old.provenance, items, placed=placed, removed=removed)


def _placed(stored: StoredVectors, items: Items, points: np.ndarray, on_map: np.ndarray) -> np.ndarray:
    """Points for the items that are not on the map yet, placed among at most a million of those that are."""
    known = np.flatnonzero(on_map)
    if len(known) > LANDMARKS:
        known = np.sort(np.random.default_rng(0).choice(known, LANDMARKS, replace=False))
    drawn, new = stored.fetch(items.ids[known]), stored.fetch(items.ids[~on_map])
    return place(new, drawn, points[known])


def clear_map(dataset: fo.Dataset, *, key: str) -> int:
    """Delete a map; the embeddings and the samples stay. Returns the number of its points."""
    count = len(load_map(dataset, key).items)
    delete_map(dataset, key)
    return count


def _report(key: str, provenance: MapProvenance, items: Items, *, placed: int, removed: int) -> MapReport:
    return MapReport(
        key=key,
        method=f"{METHOD_NAMES.get(provenance.method, provenance.method)}, {provenance.dims}D",
        count=len(items),
        placed=placed,
        removed=removed,
        trustworthiness=provenance.trustworthiness,
        neighbors_kept=provenance.neighbors_kept,
        noun=items.noun,
        landmarks=provenance.parameters.get("landmarks"),
    )


def _lay_out(embeddings: Embeddings, settings: MapSettings, progress: Progress) -> np.ndarray:
    neighbors = None
    if settings.method != "pca" and not settings.spherize:
        needed = neighbors_needed(settings.method, n_neighbors=settings.n_neighbors, perplexity=settings.perplexity)
        neighbors = neighbors_of(
            embeddings, k=max(needed, DEFAULT_K), metric=settings.metric, progress=part_of(progress, 0.0, 0.4)
        )
    return project(
        embeddings.vectors,
        method=settings.method,
        dims=settings.dims,
        spherize=settings.spherize,
        n_neighbors=settings.n_neighbors,
        min_dist=settings.min_dist,
        perplexity=settings.perplexity,
        metric=settings.metric,
        seed=settings.seed,
        neighbors=neighbors,
        progress=part_of(progress, 0.4, 0.95),
    )
