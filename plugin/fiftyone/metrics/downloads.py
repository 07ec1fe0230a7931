"""Exports that the browser downloads: one file each, deleted after a day."""

import shutil
import tempfile
import time
from pathlib import Path

import fiftyone as fo

from ....ml_backend.actions.segments import ExportFormat, export_segment
from ....ml_backend.store.settings import data_directory

_KEPT_SECONDS = 24 * 3600


def export_to_file(dataset: fo.Dataset, *, slug: str, file_format: ExportFormat) -> Path:
    """Export a segment to a new file that the App's ``/media`` route serves: a table, or an archive with the media.

    Raises:
        Refusal: see `export_segment`.
    """
    root = data_directory() / "panel" / "downloads"
    _delete_old(root)
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{time.strftime('%Y%m%d-%H%M%S')}-", dir=root))
    written = export_segment(dataset, slug=slug, folder=folder / slug, format=file_format)
    if file_format == "csv":
        return written / f"{slug}.csv"
    archive = Path(shutil.make_archive(str(folder / slug), "zip", root_dir=written))
    shutil.rmtree(written)
    return archive


def _delete_old(root: Path) -> None:
    for folder in root.glob("*"):
        if time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
