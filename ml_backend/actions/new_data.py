"""Bring a dataset up to date: new samples are embedded, placed on the maps, and scored by every function."""

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo
import numpy as np

from ..errors import Refusal
from ..progress import Progress, no_progress, part_of, step_of
from ..report import Report
from ..store.embeddings import EmbeddingsRun, check_embeddings, locate, vector_table
from ..store.functions import list_functions
from ..store.items import Items, item_view, list_like
from ..store.maps import list_maps, map_status, provenance_of_map
from ..store.search_index import index_large_table
from ..wording import agree, count
from .embed import compute_embeddings
from .embedding_report import EmbeddingReport
from .functions import RunReport, run_functions
from .map import MapReport, update_map


@dataclass(frozen=True, repr=False)
class UpdateReport(Report):
    """The result of an update; ``skipped`` has a sentence for each part that could not be updated."""

    embedded: tuple[EmbeddingReport, ...]
    maps: tuple[MapReport, ...]
    functions: RunReport
    skipped: tuple[str, ...]

    def sentence(self) -> str:
        """The closing message."""
        return " ".join(self.sentences() + list(self.functions.skipped + self.skipped)) or "Everything is up to date."

    def sentences(self) -> list[str]:
        """One sentence for each of the updated embeddings, maps, and functions."""
        done = [report.sentence() for report in self.embedded]
        done += [report.sentence() for report in self.maps]
        return done + [run.sentence() for run in self.functions.runs]


def update_dataset(
    dataset: fo.Dataset, embeddings: Sequence[str] | None = None, *, progress: Progress = no_progress
) -> UpdateReport:
    """Embed items that have no vector yet, place them on the maps of these embeddings, and score them with functions.

    Only new items are embedded and placed, and only new scores are written. More than 100,000 vectors get an index, so
    that searches do not have to read all of them.

    Args:
        embeddings: keys of embeddings; None = those that functions search.

    Raises:
        Refusal: there is no function and no embeddings were named, or a key does not exist.
    """
    functions = list_functions(dataset)
    keys = list(
        dict.fromkeys([function.query.embeddings for function in functions] if embeddings is None else embeddings)
    )
    if not keys:
        raise Refusal(
            "This dataset has no function that determines what to update: create a function, or name the embeddings."
        )
    embedded: list[EmbeddingReport] = []
    maps: list[MapReport] = []
    skipped: list[str] = []
    for number, key in enumerate(keys):
        stage = step_of(part_of(progress, 0.0, 0.8), number, len(keys))
        try:
            report = embed_new(dataset, key, progress=part_of(stage, 0.0, 0.8))
            embedded += [] if report is None else [report]
            maps += update_maps_of(dataset, key, progress=part_of(stage, 0.8, 0.9))
            index_large_table(dataset, key, progress=part_of(stage, 0.9, 1.0))
        except Refusal as refusal:  # embeddings that cannot be updated do not stop the others
            skipped.append(f"'{key}' was not updated: {refusal}")
    chosen = [function.slug for function in functions if function.query.embeddings in keys]
    ran = run_functions(dataset, chosen, progress=part_of(progress, 0.8, 1.0)) if chosen else RunReport(())
    return UpdateReport(tuple(embedded), tuple(maps), ran, tuple(skipped))


def embed_new(dataset: fo.Dataset, key: str, *, progress: Progress = no_progress) -> EmbeddingReport | None:
    """Embed the items of a dataset that have no vector in the embeddings ``key``; None if all have one.

    Raises:
        Refusal: there are new items, and the vectors came from elsewhere or their model cannot be loaded here.
    """
    run = check_embeddings(dataset, key)
    items = list_like(dataset, run.patches_field, run.parts)
    missing = np.flatnonzero(locate(items.ids, vector_table(dataset, key).ids()) < 0)
    if not len(missing):
        return None
    if run.provenance.model in ("precomputed", "unknown"):
        raise Refusal(
            f"{count(len(missing), f'new {items.noun}')} {agree(len(missing), 'has')} no vector in it, and the others "
            "were imported: import new ones too."
        )
    return compute_embeddings(
        _view_of(dataset, run, items.take(missing)),
        key=key,
        model=run.provenance.model,
        options=run.provenance.options,
        patches_field=run.patches_field,
        progress=progress,
    )


def update_maps_of(dataset: fo.Dataset, key: str, *, progress: Progress = no_progress) -> list[MapReport]:
    """Place new items on every map of these embeddings that Labelscape made and that lacks some of them."""
    reports = []
    for name in list_maps(dataset):
        provenance = provenance_of_map(dataset, name)
        if provenance is not None and provenance.embeddings == key and map_status(dataset, name).stale:
            reports.append(update_map(dataset, key=name, progress=progress))
    return reports


def _view_of(dataset: fo.Dataset, run: EmbeddingsRun, items: Items) -> fo.core.collections.SampleCollection:
    """The samples of the new items; for frames or clips, all of them."""
    if run.parts is not None:
        return item_view(dataset, items)
    return dataset.select(list(dict.fromkeys(items.sample_ids.tolist())))
