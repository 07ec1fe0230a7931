"""Nearest-neighbor tables kept on disk, so that maps, labeling and rankings compute them once."""

import hashlib
import os
import uuid
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..analysis.neighbor_search import Metric
from ..analysis.neighbors import Neighbors, knn
from ..progress import Progress
from .embeddings import Embeddings
from .settings import data_directory

DEFAULT_K = 50  # for outlier scores; maps and labeling use only the nearest ones
_KEPT_TABLES = 4  # a dataset and a few of its views


def neighbors_of(
    embeddings: Embeddings,
    *,
    k: int = DEFAULT_K,
    metric: Metric = "cosine",
    progress: Progress | None = None,
) -> Neighbors:
    """The k nearest neighbors of every item among the same items, read from disk if they are stored.

    A table is found by its content (the vectors' digest), so it can never be stale.
    """
    folder = data_directory() / "neighbors"
    digest = _digest(embeddings.vectors)
    stem = f"{digest}-{metric}"
    for path in folder.glob(f"{stem}-*.npz"):
        if int(path.stem.rsplit("-", 1)[1]) >= min(k, len(embeddings.vectors) - 1):
            with suppress(FileNotFoundError):  # another process may delete the oldest tables at the same time
                os.utime(path)
                return _read(path, k)
    table = knn(embeddings.vectors, k, metric=metric, progress=progress)
    _write(folder / f"{stem}-{table.indices.shape[1]}.npz", table)
    _drop_oldest(folder)
    return table


def _digest(vectors: np.ndarray) -> str:
    digest = hashlib.blake2b(str(vectors.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(vectors).data)
    return digest.hexdigest()


def _read(path: Path, k: int) -> Neighbors:
    with np.load(path, allow_pickle=False) as archive:
        return Neighbors(
            indices=np.ascontiguousarray(archive["indices"][:, :k]),
            distances=np.ascontiguousarray(archive["distances"][:, :k]),
            recall=float(archive["recall"]),
        )


def _write(path: Path, table: Neighbors) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.npz")
    np.savez(scratch, indices=table.indices, distances=table.distances, recall=table.recall)
    scratch.replace(path)


def _drop_oldest(folder: Path) -> None:
    by_age = sorted(folder.glob("[!.]*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[_KEPT_TABLES:]:
        path.unlink(missing_ok=True)
