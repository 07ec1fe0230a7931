"""The scores that a function wrote last, kept on disk, so that a run writes only what changed."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import numpy as np

from .items import as_ids
from .settings import data_directory


@dataclass(frozen=True)
class WrittenScores:
    """Scores (n,) float32 by item id (n,)."""

    ids: np.ndarray
    scores: np.ndarray


def read_written(dataset: fo.Dataset, slug: str) -> WrittenScores:
    """The scores a function wrote last; empty if they are not known on this machine."""
    with suppress(FileNotFoundError), np.load(_path(dataset, slug), allow_pickle=False) as archive:
        return WrittenScores(archive["ids"], archive["scores"])
    return WrittenScores(as_ids([]), np.empty(0, np.float32))


def keep_written(dataset: fo.Dataset, slug: str, written: WrittenScores) -> None:
    """Store the scores a function wrote."""
    path = _path(dataset, slug)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{uuid.uuid4().hex}.npz")
    np.savez(scratch, ids=written.ids, scores=written.scores)
    scratch.replace(path)


def forget_written(dataset: fo.Dataset, slug: str) -> None:
    """Drop the stored scores of a function whose field was deleted."""
    _path(dataset, slug).unlink(missing_ok=True)


def _path(dataset: fo.Dataset, slug: str) -> Path:
    return data_directory() / "functions" / f"{dataset._doc.id}-{slug}.npz"
