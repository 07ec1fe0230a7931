"""The demo: real digits, most of them unlabeled, beside their map in the FiftyOne App."""

from pathlib import Path

import fiftyone as fo
import numpy as np
import typer
from numpy.typing import NDArray

from ..ml_backend.actions.embed import compute_embeddings
from ..ml_backend.actions.map import MapSettings, compute_map
from ..ml_backend.store.embeddings import delete_embeddings, list_embeddings
from .app_server import explorer_workspace, progress_bar, serve_app
from .digits import write_digits

DATASET = "labelscape-digits"
WORKSPACE = "labelscape-digits"  # FiftyOne (1.22) looks this name up among the workspaces of all datasets
EMBEDDINGS = "preprocessing"
MAP = "digits_map"
LABELED_PER_DIGIT = 5
COLORS = [  # ten that are easy to distinguish on a dark background
    "#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#ff9da7", "#c49c94", "#17becf",
]  # fmt: skip


def run(*, port: int, address: str, browser: bool, reset: bool) -> None:
    """Make the demo's dataset if it is missing, serve the App, and stay until Ctrl-C.

    Raises:
        Refusal: the port is taken
    """
    if reset:
        delete_demo()
    serve_app(prepare, workspace=WORKSPACE, welcome=_welcome, port=port, address=address, browser=browser)


def prepare() -> fo.Dataset:
    """Make the demo's dataset with its embeddings, map, and workspace, or finish what an earlier run began."""
    dataset = fo.load_dataset(DATASET) if fo.dataset_exists(DATASET) else None
    if dataset is None or not dataset.persistent:  # persistent is set last, so an interrupted start is redone
        dataset = _create_dataset()
    if not dataset.has_brain_run(MAP):
        with progress_bar("Embedding") as progress:
            report = compute_embeddings(dataset, key=EMBEDDINGS, model="preprocessing", progress=progress)
        typer.echo(report.sentence())
        with progress_bar("Mapping") as progress:
            drawn = compute_map(
                dataset, embeddings=EMBEDDINGS, key=MAP, settings=MapSettings(method="tsne"), progress=progress
            )
        typer.echo(drawn.sentence())
    if not dataset.has_workspace(WORKSPACE):
        description = "The samples beside their map, colored by label"
        dataset.save_workspace(WORKSPACE, explorer_workspace(), description=description)
    return dataset


def delete_demo() -> None:
    """Delete the demo's dataset and its vectors; the image files stay."""
    if fo.dataset_exists(DATASET):
        dataset = fo.load_dataset(DATASET)
        for key in list_embeddings(dataset):
            delete_embeddings(dataset, key)
        fo.delete_dataset(DATASET)


def _create_dataset() -> fo.Dataset:
    paths, digits = write_digits(Path(fo.config.default_dataset_dir) / DATASET)
    labeled = _choose_labeled(digits)
    dataset = fo.Dataset(DATASET, overwrite=True)
    dataset.add_sample_field(
        "ground_truth",
        fo.EmbeddedDocumentField,
        embedded_doc_type=fo.Classification,
        description="The labels given so far",
    )
    dataset.add_sample_field(
        "true_digit",
        fo.StringField,
        description="The digit that the image shows, for comparison; Labelscape does not read it",
    )
    dataset.add_samples(
        fo.Sample(
            filepath=str(path),
            true_digit=str(digit),
            ground_truth=fo.Classification(label=str(digit)) if row in labeled else None,
        )
        for row, (path, digit) in enumerate(zip(paths, digits.tolist(), strict=True))
    )
    # With this, thumbnails and maps in the App give each digit one color, and none is gray: gray means unlabeled.
    dataset.app_config.color_scheme = fo.ColorScheme(color_by="value", color_pool=COLORS)
    dataset.persistent = True
    dataset.save()
    return dataset


def _choose_labeled(digits: NDArray[np.int64]) -> set[int]:
    shuffled = np.random.default_rng(0).permutation(len(digits))
    rows = [shuffled[digits[shuffled] == digit][:LABELED_PER_DIGIT] for digit in range(10)]
    return set(np.concatenate(rows).tolist())


def _welcome(dataset: fo.Dataset, page: str) -> str:
    labeled = len(dataset.exists("ground_truth"))
    return f"""
{len(dataset):,} digits, {labeled:,} of them labeled, are on their map at

    {page}

Try this first, in the data explorer on the right: click a gray (unlabeled) point near colored ones, press l, type its
digit, and press Enter. Its neighbors light up; the slider sets how far the label spreads, Enter accepts, s saves,
u undoes, ? shows all keys. FiftyOne's own Embeddings panel, in the next tab, draws the same map, "{MAP}".
Press Ctrl-C to stop the demo.
"""
