"""The demos of other media: synthetic sounds, sensor windows, or requests beside their map in the FiftyOne App."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import numpy as np
import pandas as pd
import typer

from ..ml_backend.actions.embed import compute_embeddings
from ..ml_backend.actions.import_media import import_media
from ..ml_backend.actions.map import MapSettings, compute_map
from ..ml_backend.actions.medium_sources import Source
from ..ml_backend.embedding.registry import Modality
from ..ml_backend.store.embeddings import delete_embeddings, list_embeddings
from .app_server import explorer_workspace, progress_bar, serve_app
from .demo import COLORS, LABELED_PER_DIGIT
from .synthetic import Made, make_requests, write_motions, write_sounds

EMBEDDINGS, MAP, TRUTH, LABELS = "preprocessing", "demo_map", "true_class", "ground_truth"


@dataclass(frozen=True)
class MediaDemo:
    """A demo: its kind of medium, the name of its dataset and workspace, what it shows, and how it is made."""

    kind: Modality
    name: str
    nouns: str
    make: Callable[[Path], Made]


def _requests(_folder: Path) -> Made:
    return make_requests()


DEMOS = {
    "audio": MediaDemo("audio", "labelscape-sounds", "synthetic sounds", write_sounds),
    "series": MediaDemo("series", "labelscape-motions", "synthetic accelerometer windows", write_motions),
    "text": MediaDemo("text", "labelscape-requests", "requests put together by a program", _requests),
}


def run(demo: MediaDemo, *, port: int, address: str, browser: bool, reset: bool) -> None:
    """Make the demo's dataset if it is missing, serve the App, and stay until Ctrl-C.

    Raises:
        Refusal: the port is taken, or a package is not installed.
    """
    if reset and fo.dataset_exists(demo.name):
        dataset = fo.load_dataset(demo.name)
        for key in list_embeddings(dataset):
            delete_embeddings(dataset, key)
        fo.delete_dataset(demo.name)
    serve_app(
        lambda: prepare(demo),
        workspace=demo.name,
        welcome=lambda dataset, page: _welcome(demo, dataset, page),
        port=port,
        address=address,
        browser=browser,
    )


def prepare(demo: MediaDemo) -> fo.Dataset:
    """Make the demo's dataset with its embeddings, map, and workspace, or finish what an earlier run began.

    Raises:
        Refusal: a package is not installed.
    """
    with progress_bar("Making") as progress:
        dataset = _dataset(demo, progress)
    if not dataset.has_brain_run(MAP):
        with progress_bar("Embedding") as progress:
            report = compute_embeddings(dataset, key=EMBEDDINGS, progress=progress)
        typer.echo(report.sentence())
        with progress_bar("Mapping") as progress:
            drawn = compute_map(
                dataset, embeddings=EMBEDDINGS, key=MAP, settings=MapSettings(method="tsne"), progress=progress
            )
        typer.echo(drawn.sentence())
    if not dataset.has_workspace(demo.name):
        dataset.save_workspace(demo.name, explorer_workspace(), description="The samples beside their map")
    return dataset


def _dataset(demo: MediaDemo, progress: Callable[[float, str], None]) -> fo.Dataset:
    folder = Path(fo.config.default_dataset_dir) / demo.name
    made = demo.make(folder)
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "demo.csv"
    column = "text" if demo.kind == "text" else "path"
    pd.DataFrame({column: made.media}).to_csv(table, index=False)
    import_media(Source(table, demo.kind), name=demo.name, progress=progress)
    dataset = fo.load_dataset(demo.name)
    if dataset.has_field(TRUTH):
        return dataset
    classes = dict(zip(made.media, made.classes, strict=True))
    truth = [classes[value] for value in dataset.values(demo.kind)]
    dataset.add_sample_field(LABELS, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    dataset.set_values(LABELS, _few_labels(truth))
    description = "The class that the sample was made as, for comparison; Labelscape does not read it"
    dataset.add_sample_field(TRUTH, fo.StringField, description=description)
    dataset.set_values(TRUTH, truth)
    dataset.app_config.color_scheme = fo.ColorScheme(color_by="value", color_pool=COLORS)
    dataset.save()
    return dataset


def _few_labels(truth: list[str]) -> list[fo.Classification | None]:
    """Labels for five samples of each class, chosen at random."""
    order = np.random.default_rng(0).permutation(len(truth)).tolist()
    labels: list[fo.Classification | None] = [None] * len(truth)
    given: dict[str, int] = {}
    for row in order:
        if given.get(truth[row], 0) < LABELED_PER_DIGIT:
            labels[row] = fo.Classification(label=truth[row])
            given[truth[row]] = given.get(truth[row], 0) + 1
    return labels


def _welcome(demo: MediaDemo, dataset: fo.Dataset, page: str) -> str:
    labeled = len(dataset.exists(LABELS))
    return f"""
{len(dataset):,} {demo.nouns}, {labeled:,} of them labeled, are on their map at

    {page}

They were made by a program, so they are easier than real data. The field “{demo.kind}” of a sample holds the real
medium; its picture is a card of it. Click a gray (unlabeled) point, press l, type a label, and press Enter: its
neighbors light up.
Press Ctrl-C to stop the demo.
"""
