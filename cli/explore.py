"""A folder of photos to a map in the App with one command."""

from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import typer

from ..ml_backend.actions.embed import compute_embeddings
from ..ml_backend.actions.map import compute_map, update_map
from ..ml_backend.errors import Refusal
from ..ml_backend.store.embeddings import list_embeddings
from ..ml_backend.store.maps import list_maps
from ..ml_backend.wording import count
from .app_server import explorer_workspace, progress_bar, serve_app

EMBEDDINGS = "labelscape"
MAP = "labelscape_map"
LABELS = "ground_truth"


@dataclass(frozen=True)
class Exploration:
    """What to explore: a folder of images, the name of its dataset, and the embedding model."""

    folder: Path
    name: str
    model: str
    weights: Path | None
    labels_from_folders: bool

    @property
    def workspace(self) -> str:
        """The workspace's name; FiftyOne (1.22) looks it up among those of all datasets."""
        return f"{self.name}-explorer"


def run(exploration: Exploration, *, port: int, address: str, browser: bool) -> None:
    """Make the dataset, embed it, map it, and show it in the App until Ctrl-C; existing results are kept.

    Raises:
        Refusal: the folder has no images, the dataset's name is taken by another folder or is not a name for
            FiftyOne, or the port is taken
    """
    serve_app(
        lambda: prepare(exploration),
        workspace=exploration.workspace,
        welcome=_welcome,
        port=port,
        address=address,
        browser=browser,
    )


def prepare(exploration: Exploration) -> fo.Dataset:
    """Make or update the dataset of a folder, with its embeddings, map, and workspace.

    Raises:
        Refusal: the folder has no images, or the dataset's name is taken by another folder
    """
    dataset = _dataset_of(exploration)
    added = _add_new_images(dataset, exploration)
    if not len(dataset):
        fo.delete_dataset(dataset.name)
        raise Refusal(f"{exploration.folder} has no images: choose a folder that contains some, at any depth.")
    typer.echo(f"{count(len(dataset), 'image')} in the dataset '{dataset.name}', {added:,} of them new.")
    options = {"weights": str(exploration.weights)} if exploration.weights else {}
    if added or EMBEDDINGS not in list_embeddings(dataset):
        with progress_bar("Embedding") as progress:
            report = compute_embeddings(
                dataset, key=EMBEDDINGS, model=exploration.model, options=options, progress=progress
            )
        typer.echo(report.sentence())
    if MAP not in list_maps(dataset):
        with progress_bar("Mapping") as progress:
            typer.echo(compute_map(dataset, embeddings=EMBEDDINGS, key=MAP, progress=progress).sentence())
    elif added:
        typer.echo(update_map(dataset, key=MAP).sentence())
    if not dataset.has_workspace(exploration.workspace):
        dataset.save_workspace(exploration.workspace, explorer_workspace())
    return dataset


def _dataset_of(exploration: Exploration) -> fo.Dataset:
    folder = str(exploration.folder)
    if not fo.dataset_exists(exploration.name):
        try:
            dataset = fo.Dataset(exploration.name, persistent=True)
        except ValueError as error:
            raise Refusal(
                f"FiftyOne cannot call a dataset '{exploration.name}' ({error}): choose another name with --name."
            ) from error
        dataset.info["labelscape_folder"] = folder
        dataset.save()
        return dataset
    dataset = fo.load_dataset(exploration.name)
    if dataset.info.get("labelscape_folder") != folder:
        raise Refusal(
            f"The dataset '{exploration.name}' exists already and was not made from {folder}: "
            "choose another name with --name."
        )
    return dataset


def _add_new_images(dataset: fo.Dataset, exploration: Exploration) -> int:
    """Add the images of the folder that the dataset does not have, and return how many."""
    from fiftyone.core.media import get_media_type

    known = set(dataset.values("filepath"))
    files = sorted(path for path in exploration.folder.rglob("*") if path.is_file())
    images = [path for path in files if get_media_type(str(path)) == "image" and str(path) not in known]
    dataset.add_samples([_sample(path, exploration) for path in images])
    return len(images)


def _sample(path: Path, exploration: Exploration) -> fo.Sample:
    sample = fo.Sample(filepath=str(path))
    if exploration.labels_from_folders and path.parent != exploration.folder:
        sample[LABELS] = fo.Classification(label=path.parent.name)
    return sample


def _welcome(dataset: fo.Dataset, page: str) -> str:
    return f"""
{count(len(dataset), "image")} of '{dataset.name}' {"is" if len(dataset) == 1 else "are"} on the map at

    {page}

Click or lasso points, press l and type a label: the neighbors light up, and Enter accepts. ? shows all keys.
Press Ctrl-C to stop.
"""
