"""The demo: real digits, most of them unlabeled, beside their map in the FiftyOne App."""

import socket
import time
import webbrowser
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import fiftyone as fo
import numpy as np
import requests
import typer
from fiftyone.core.service import ServerService
from numpy.typing import NDArray

from ..ml_backend.actions.embed import compute_embeddings
from ..ml_backend.actions.map import compute_map
from ..ml_backend.store.embeddings import delete_embeddings, list_embeddings
from .digits import write_digits
from .plugin_link import install, installed_plugins

DATASET = "labelscape-digits"
WORKSPACE = "labelscape-digits"  # FiftyOne (1.22) looks a workspace up by this, among those of all datasets
EMBEDDINGS = "preprocessing"
MAP = "digits_map"
LABELED_PER_DIGIT = 5
SECONDS_TO_START = 120
COLOURS = [  # ten that are told apart on a dark ground
    "#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#ff9da7", "#c49c94", "#17becf",
]  # fmt: skip


def run(*, port: int, address: str, browser: bool, reset: bool) -> None:
    """Make the demo's dataset where it is missing, serve the App and stay until Ctrl-C.

    Raises:
        ValueError: the port is taken
    """
    _check_port(port, address)
    if not installed_plugins():
        typer.echo(install())
    if reset:
        delete_demo()
    # The server alone and no FiftyOne session: a session (1.22) waits 10 s more where the server starts slowly.
    with ThreadPoolExecutor(1) as beside:
        starting = beside.submit(PatientServer, port, address=address, do_not_track=fo.config.do_not_track)
        dataset = prepare()
        server = starting.result()
    try:
        url = f"http://{'localhost' if address == '0.0.0.0' else address}:{port}"
        _wait_until_served(url)
        typer.echo(_welcome(dataset, url))
        if browser:
            webbrowser.open(_address(url))
        server.wait()
    except KeyboardInterrupt:
        typer.echo("\nStopped. The dataset stays: `labelscape demo` shows it again.")
    finally:
        server.stop()


class PatientServer(ServerService):
    """FiftyOne's server, which gives up (1.22) when a busy machine needs a minute to start it."""

    def _wait_for_child_port(self, port: int | None = None, timeout: int = SECONDS_TO_START) -> int:
        return int(super()._wait_for_child_port(port, timeout))


def prepare() -> fo.Dataset:
    """The demo's dataset with its embeddings, map and workspace; goes on where an earlier run stopped."""
    dataset = fo.load_dataset(DATASET) if fo.dataset_exists(DATASET) else None
    if dataset is None or not dataset.persistent:  # persistent is set last: an interrupted start is made anew
        dataset = _create_dataset()
    if not dataset.has_brain_run(MAP):
        with _progress("Embedding") as progress:
            report = compute_embeddings(dataset, key=EMBEDDINGS, model="preprocessing", progress=progress)
        typer.echo(report.sentence())
        with _progress("Mapping") as progress:
            drawn = compute_map(dataset, embeddings=EMBEDDINGS, key=MAP, method="tsne", progress=progress)
        typer.echo(drawn.sentence())
    if not dataset.has_workspace(WORKSPACE):
        description = "The samples beside their map, coloured by label"
        dataset.save_workspace(WORKSPACE, _workspace(), description=description)
    return dataset


def delete_demo() -> None:
    """Delete the demo's dataset with its vectors; the image files stay."""
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
        description="What the image shows, to compare with; Labelscape does not read it",
    )
    dataset.add_samples(
        fo.Sample(
            filepath=str(path),
            true_digit=str(digit),
            ground_truth=fo.Classification(label=str(digit)) if row in labeled else None,
        )
        for row, (path, digit) in enumerate(zip(paths, digits.tolist(), strict=True))
    )
    # Thumbnails and maps of the App then give a digit one colour, and no digit is gray: that is the unlabeled.
    dataset.app_config.color_scheme = fo.ColorScheme(color_by="value", color_pool=COLOURS)
    dataset.persistent = True
    dataset.save()
    return dataset


def _choose_labeled(digits: NDArray[np.int64]) -> set[int]:
    shuffled = np.random.default_rng(0).permutation(len(digits))
    rows = [shuffled[digits[shuffled] == digit][:LABELED_PER_DIGIT] for digit in range(10)]
    return set(np.concatenate(rows).tolist())


def _workspace() -> fo.Space:
    samples = fo.Panel(type="Samples", pinned=True)
    explorer, embeddings = fo.Panel(type="data_explorer"), fo.Panel(type="Embeddings")
    # Without an active child, the App (1.22) shows a panel's tab and leaves the panel empty.
    halves = [
        fo.Space(children=[samples], active_child=samples.component_id),
        fo.Space(children=[explorer, embeddings], active_child=explorer.component_id),
    ]
    return fo.Space(children=halves, orientation="horizontal")


def _welcome(dataset: fo.Dataset, url: str) -> str:
    labeled = len(dataset.exists("ground_truth"))
    return f"""
{len(dataset):,} digits, {labeled:,} of them labeled, are on their map at

    {_address(url)}

Click first, in the data explorer on the right: a gray point (not labeled yet) near coloured ones, press l, type its
digit and Enter. Its neighbors light up; the slider says how far the label goes, Enter accepts, s saves, u undoes,
? shows all keys. FiftyOne's own Embeddings panel, in the next tab, draws the same map: "{MAP}".
Ctrl-C stops the demo.
"""


def _address(url: str) -> str:
    return f"{url}/datasets/{DATASET}?workspace={WORKSPACE}"


def _wait_until_served(url: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        with suppress(requests.ConnectionError):
            requests.get(f"{url}/fiftyone", timeout=SECONDS_TO_START)
            return
        time.sleep(0.1)
    raise ValueError(f"FiftyOne's App did not answer at {url} within {SECONDS_TO_START} s; try again.")


def _check_port(port: int, address: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise ValueError(
                f"{address}:{port} cannot be served: {error.strerror}. Choose another port with --port."
            ) from error


@contextmanager
def _progress(label: str) -> Iterator[Callable[[float, str], None]]:
    steps = 1000
    with typer.progressbar(length=steps, label=label) as bar:
        yield lambda fraction, _message: bar.update(round(fraction * steps) - bar.pos)
        bar.update(steps - bar.pos)
