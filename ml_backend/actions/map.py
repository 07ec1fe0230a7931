"""Make, update and clear maps of embeddings."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import fiftyone as fo
import numpy as np

from ..analysis.map_quality import map_quality
from ..analysis.neighbor_search import Metric
from ..analysis.projection import Method, neighbors_needed, place, project
from ..store.embeddings import check_new_key, load_embeddings, locate
from ..store.items import Items, plural
from ..store.maps import MapProvenance, check_map, delete_map, load_map, replace_map, save_map
from ..store.neighbor_tables import DEFAULT_K, neighbors_of

Progress = Callable[[float, str], None]
_LIBRARIES = ("numpy", "scikit-learn", "opentsne", "numba", "torch")
_MANY = 200_000


@dataclass(frozen=True)
class MapReport:
    """What a map run did; the qualities are None where too few points are on the map to measure them."""

    key: str
    method: str
    count: int
    placed: int
    removed: int
    trustworthiness: float | None
    neighbors_kept: float | None
    noun: str

    def sentence(self) -> str:
        """The closing message."""
        nouns = plural(self.noun)
        text = f"The map '{self.key}' ({self.method}) shows {self.count:,} {nouns}"
        if self.placed or self.removed:
            text += f": {self.placed:,} placed now, {self.removed:,} removed, the others kept their place"
        if self.trustworthiness is not None and self.neighbors_kept is not None:
            text += (
                f"; trustworthiness {self.trustworthiness:.2f}, {self.neighbors_kept:.0%} of the nearest neighbors kept"
            )
        return text + "."


def compute_map(
    samples: fo.core.collections.SampleCollection,
    *,
    embeddings: str,
    key: str,
    method: Method = "umap",
    dims: int = 2,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    perplexity: float = 30,
    spherize: bool = False,
    metric: Metric = "cosine",
    seed: int = 0,
    progress: Progress | None = None,
) -> MapReport:
    """Compute a map of a view and store it as a new visualization run.

    Raises:
        ValueError: no such embeddings, the key is taken, a parameter is out of range, nothing to show.
    """
    dataset = samples._root_dataset
    check_new_key(dataset, key)
    report = progress or _silent
    report(0.0, "Loading the embeddings")
    held = load_embeddings(samples, embeddings)
    parameters = {
        "umap": {"n_neighbors": n_neighbors, "min_dist": min_dist, "metric": metric},
        "tsne": {"perplexity": perplexity, "metric": metric},
        "pca": {},
    }.get(method, {})
    neighbors = None
    if method != "pca" and not spherize:
        k = max(neighbors_needed(method, n_neighbors=n_neighbors, perplexity=perplexity), DEFAULT_K)
        neighbors = neighbors_of(held, k=k, metric=metric, progress=_between(report, 0.0, 0.4))
    points = project(
        held.vectors,
        method=method,
        dims=dims,
        spherize=spherize,
        n_neighbors=n_neighbors,
        min_dist=min_dist,
        perplexity=perplexity,
        metric=metric,
        seed=seed,
        neighbors=neighbors,
        progress=_between(report, 0.4, 0.95),
    )
    report(0.95, "Storing the map")
    # Every sampled row is compared with all others: fewer of them where that takes minutes.
    rows = 2000 if len(points) < _MANY else 300
    quality = map_quality(held.vectors, points, metric=metric, sample=rows, seed=seed)
    provenance = MapProvenance(
        embeddings=embeddings,
        method=method,
        dims=dims,
        parameters={**parameters, "spherize": spherize, "seed": seed},
        count=len(points),
        trustworthiness=quality.trustworthiness,
        neighbors_kept=quality.neighbors_kept,
        versions={library: version(library) for library in _LIBRARIES},
    )
    save_map(samples, key, held.items, points, provenance)
    return _report(key, provenance, held.items, placed=0, removed=0)


def update_map(dataset: fo.Dataset, *, key: str, progress: Progress | None = None) -> MapReport:
    """Give samples that are new since a map was made a place on it, and take deleted ones off; others stay.

    Raises:
        ValueError: no such map, or Labelscape did not make it.
    """
    report = progress or _silent
    check_map(dataset, key)
    held = load_map(dataset, key)
    if held.provenance is None:
        raise ValueError(f"Labelscape did not make the map '{key}' and cannot update it: compute a new one.")
    embeddings = load_embeddings(dataset.load_brain_view(key), held.provenance.embeddings)
    rows = locate(embeddings.items.ids, held.items.ids)
    on_map = rows >= 0
    points = np.empty((len(rows), held.points.shape[1]), np.float32)
    points[on_map] = held.points[rows[on_map]]
    placed = int((~on_map).sum())
    if placed:
        report(0.2, f"Placing {placed:,} new ones on the map")
        points[~on_map] = place(embeddings.vectors[~on_map], embeddings.vectors[on_map], points[on_map])
    report(0.9, "Storing the map")
    replace_map(dataset, key, embeddings.items, points, held.provenance.placed_later + placed)
    removed = len(held.items) - int(on_map.sum())
    return _report(key, held.provenance, embeddings.items, placed=placed, removed=removed)


def clear_map(dataset: fo.Dataset, *, key: str) -> int:
    """Delete a map; the embeddings and the samples stay. Returns how many points it had."""
    count = len(load_map(dataset, key).items)
    delete_map(dataset, key)
    return count


def _report(key: str, provenance: MapProvenance, items: Items, *, placed: int, removed: int) -> MapReport:
    return MapReport(
        key=key,
        method=f"{provenance.method}, {provenance.dims}D",
        count=len(items),
        placed=placed,
        removed=removed,
        trustworthiness=provenance.trustworthiness,
        neighbors_kept=provenance.neighbors_kept,
        noun=items.noun,
    )


def _between(progress: Progress, low: float, high: float) -> Progress:
    def report(fraction: float, message: str) -> None:
        progress(low + fraction * (high - low), message)

    return report


def _silent(_fraction: float, _message: str) -> None:
    """Nobody is watching."""
