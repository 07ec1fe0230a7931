"""The scores that a function wrote last, kept on disk, so that a run computes and writes only what changed."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np

from .items import as_ids
from .settings import data_directory
from .vector_writes import Moment


@dataclass(frozen=True)
class WrittenScores:
    """Scores (n,) float32 by item id (n,), and the samples (n,) that the items belong to.

    Attributes:
        moment: when their vectors were read; None = unknown.
        scorer: what computed them, see `Function.computed_by`; "" = unknown.
        existing: what `existence_stamp` was then; "" = unknown.
    """

    ids: np.ndarray
    sample_ids: np.ndarray
    scores: np.ndarray
    moment: Moment | None = None
    scorer: str = ""
    existing: str = ""


def nothing_written() -> WrittenScores:
    """What is known of a function whose scores are not."""
    return WrittenScores(as_ids([]), as_ids([]), np.empty(0, np.float32))


def read_written(dataset: fo.Dataset, slug: str) -> WrittenScores:
    """The scores a function wrote last; none if they are not known on this machine."""
    with suppress(FileNotFoundError), np.load(_path(dataset, slug), allow_pickle=False) as archive:
        return _as_written(archive)
    return nothing_written()


def keep_written(dataset: fo.Dataset, slug: str, written: WrittenScores) -> None:
    """Store the scores a function wrote."""
    path = _path(dataset, slug)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{uuid.uuid4().hex}.npz")
    moment = Moment("", 0) if written.moment is None else written.moment
    np.savez(
        scratch,
        ids=written.ids.astype("S24"),
        sample_ids=written.sample_ids.astype("S24"),
        scores=written.scores.astype(np.float32),
        record=np.asarray(moment.record),
        number=np.asarray(moment.number),
        scorer=np.asarray(written.scorer),
        existing=np.asarray(written.existing),
    )
    scratch.replace(path)


def forget_written(dataset: fo.Dataset, slug: str) -> None:
    """Drop the stored scores of a function whose field was deleted."""
    _path(dataset, slug).unlink(missing_ok=True)


def _as_written(archive: Any) -> WrittenScores:
    ids = archive["ids"].astype("U24")
    if "record" not in archive:  # of an earlier version: only the scores
        return WrittenScores(ids, ids, archive["scores"])
    moment = Moment(str(archive["record"]), int(archive["number"])) if archive["record"] else None
    words = str(archive["scorer"]), str(archive["existing"])
    return WrittenScores(ids, archive["sample_ids"].astype("U24"), archive["scores"], moment, *words)


def _path(dataset: fo.Dataset, slug: str) -> Path:
    return data_directory() / "functions" / f"{dataset._doc.id}-{slug}.npz"
