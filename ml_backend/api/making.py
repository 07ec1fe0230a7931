"""Make embeddings and maps, and keep them up to date."""

from dataclasses import dataclass
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from ..actions.embed import compute_embeddings
from ..actions.embedding_report import EmbeddingReport
from ..actions.map import MapReport, MapSettings, compute_map
from ..actions.new_data import UpdateReport, update_dataset
from ..analysis.projection import Method
from ..report import Report
from ..store.embeddings import free_key
from ..store.pictures import map_html
from .defaults import bar, default_embeddings, default_items


@dataclass(frozen=True, repr=False)
class DrawnMap(Report):
    """A map that was computed; a notebook shows its picture, colored by label."""

    dataset: str
    report: MapReport

    def sentence(self) -> str:
        """Say what the map shows and how faithful it is."""
        return self.report.sentence()

    def _repr_html_(self) -> str:
        return super()._repr_html_() + map_html(fo.load_dataset(self.dataset), self.report.key)


def embed(
    samples: SampleCollection,
    model: str = "preprocessing",
    *,
    name: str | None = None,
    patches_field: str | None = None,
    progress: bool = True,
    **options: Any,
) -> EmbeddingReport:
    """Embed the samples, frames, clips, or patches of a dataset or view, or the patches of one of its fields.

    Args:
        model: a name of the model registry, such as ``timm/vit_small_patch16_224``; its options are keyword arguments.
        name: key of the embeddings; existing embeddings of that name are updated; by default, new ones are created.
        progress: show a progress bar.

    Raises:
        Refusal: an unknown model, field, or option, or nothing to embed.
    """
    key = name or free_key(samples._root_dataset, model.rpartition("/")[2])
    patches_field = default_items(samples, patches_field) if samples._is_patches else patches_field
    with bar(progress, "Embedding") as report:
        return compute_embeddings(
            samples, key=key, model=model, options=options, patches_field=patches_field, progress=report
        )


def project(
    samples: SampleCollection,
    *,
    embeddings: str | None = None,
    method: Method = "umap",
    dims: int = 2,
    name: str | None = None,
    progress: bool = True,
    **settings: Any,
) -> DrawnMap:
    """Compute a map of embeddings in 2 or 3 dimensions.

    Args:
        embeddings: their key; by default, the newest.
        settings: further fields of `MapSettings`, such as ``n_neighbors``, ``min_dist``, and ``seed``.

    Raises:
        Refusal: no embeddings, or a setting out of range.
    """
    dataset = samples._root_dataset
    chosen = default_embeddings(dataset, embeddings)
    key = name or free_key(dataset, f"{chosen}_{method}")
    with bar(progress, "Mapping") as report:
        drawn = compute_map(
            samples,
            embeddings=chosen,
            key=key,
            settings=MapSettings(method=method, dims=dims, **settings),
            progress=report,
        )
    return DrawnMap(dataset.name, drawn)


def update(dataset: fo.Dataset, *, progress: bool = True) -> UpdateReport:
    """Bring a dataset up to date: embed new samples, place them on the maps, and score them with every function.

    Raises:
        Refusal: there are no saved functions.
    """
    with bar(progress, "Updating") as report:
        return update_dataset(dataset, progress=report)
