"""The commands `labelscape import`, `labelscape slice`, and `labelscape segments`."""

from pathlib import Path

import fiftyone as fo
import typer

from ..ml_backend.actions.import_media import import_media, slice_recordings
from ..ml_backend.actions.medium_sources import Source
from ..ml_backend.actions.recording_segments import write_segments
from ..ml_backend.errors import Refusal
from .app_server import progress_bar


def run_import(source: Source, name: str, label_field: str) -> None:
    """Import a source and say what happened, with the first reasons for what was skipped.

    Raises:
        Refusal: see `import_media`.
    """
    with progress_bar("Importing") as progress:
        report = import_media(source, name=name, label_field=label_field, progress=progress)
    typer.echo(report.sentence())
    for skipped, reason in list(report.skipped.items())[:10]:
        typer.echo(f"  skipped {Path(skipped).name}: {reason}")
    typer.echo(f"Next: fiftyone app launch {report.dataset}")


def run_segments(dataset: str, file: Path, field: str) -> None:
    """Write the labels of a dataset's windows as segments of their recordings.

    Raises:
        Refusal: there is no such dataset, or see `write_segments`.
    """
    typer.echo(write_segments(_loaded(dataset), file, field=field).sentence())


def run_slice(dataset: str, length: float, hop: float | None, name: str) -> None:
    """Slice a dataset's recordings into windows.

    Raises:
        Refusal: there is no such dataset, or see `slice_recordings`.
    """
    recordings = _loaded(dataset)
    with progress_bar("Slicing") as progress:
        report = slice_recordings(recordings, length=length, hop=hop, name=name, progress=progress)
    typer.echo(report.sentence())


def _loaded(name: str) -> fo.Dataset:
    if not fo.dataset_exists(name):
        raise Refusal(f"There is no dataset '{name}'; there are: {', '.join(fo.list_datasets()) or 'none'}.")
    return fo.load_dataset(name)
