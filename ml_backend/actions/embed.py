"""Embed a view: media to vectors, kept as a similarity run; only what is new or changed is computed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np

from ..embedding import EmbeddingModel, load
from ..store.embedding_errors import failed_items, record_errors
from ..store.embeddings import (
    Provenance,
    check_embeddings,
    create_embeddings,
    forget_fingerprints,
    locate,
    provenance_of,
    read_fingerprints,
    vector_table,
    write_fingerprints,
)
from ..store.items import Items, fingerprints, list_items, list_media
from ..store.settings import DEFAULT_BACKEND
from ..store.vector_table import VectorTable

Progress = Callable[[float, str], None]
_ITEMS_PER_COMMIT = 1024  # an interruption loses at most this much work


@dataclass(frozen=True)
class EmbeddingReport:
    """What a run did: counts of items ``embedded`` now, ``reused`` unchanged, ``removed`` and ``failed``."""

    key: str
    model: str
    dim: int
    embedded: int
    reused: int
    removed: int
    failed: int
    first_failure: str | None
    noun: str

    def sentence(self) -> str:
        """The closing message."""
        nouns = "patches" if self.noun == "patch" else f"{self.noun}s"
        text = f"Embedded {self.embedded:,} {nouns} with {self.model} ({self.dim} numbers each) in '{self.key}'"
        if self.reused:
            text += f"; {self.reused:,} were up to date"
        if self.removed:
            text += f"; {self.removed:,} vectors of deleted or changed {nouns} removed"
        if self.failed:
            text += (
                f"; {self.failed:,} could not be read and were skipped, the reason is in their field "
                f"“embedding_error” (first: {self.first_failure})"
            )
        return text + "."


def compute_embeddings(
    samples: fo.core.collections.SampleCollection,
    *,
    key: str,
    model: str = "preprocessing",
    options: Mapping[str, Any] | None = None,
    patches_field: str | None = None,
    backend: str = DEFAULT_BACKEND,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> EmbeddingReport:
    """Embed the samples of a view, or the patches of one of its fields, under ``key``.

    An existing key goes on where it stopped: media that are new, have changed or failed are embedded, vectors
    whose sample is gone are removed. Interrupted at any point, a second call ends with the same result.

    Args:
        model: a name that `labelscape.ml_backend.embedding.load` knows, with its ``options``.
        progress: called with a fraction 0..1 and a message; may raise to stop.

    Raises:
        ValueError: the model, the backend or the patches field is unknown, the view is empty, or the key holds
            the embeddings of another model.
    """
    dataset = samples._root_dataset
    items = list_items(samples, patches_field)
    if not len(items):
        raise ValueError("There is nothing to embed in this view: choose a view with samples, or the dataset.")
    provenance = Provenance(model=model, options=dict(options or {}))
    embedder = load(model, **provenance.options)
    if dataset.has_brain_run(key):
        _check_same_embeddings(dataset, key, provenance, patches_field)
    else:
        create_embeddings(samples, key, provenance, patches_field=patches_field, backend=backend)
    return _update(dataset, samples, key, items, embedder, batch_size, progress or _silent)


def _check_same_embeddings(dataset: fo.Dataset, key: str, provenance: Provenance, patches_field: str | None) -> None:
    config = check_embeddings(dataset, key)
    held = provenance_of(dataset, key)
    if held != provenance:
        raise ValueError(
            f"'{key}' holds embeddings of {held.model} {held.options or ''}; asked for {provenance.model} "
            f"{provenance.options or ''}: choose another key, or delete the embeddings '{key}' first."
        )
    if config.patches_field != patches_field:
        raise ValueError(
            f"'{key}' holds embeddings of {config.patches_field or 'whole samples'}; asked for "
            f"{patches_field or 'whole samples'}: choose another key."
        )


def _update(
    dataset: fo.Dataset,
    samples: fo.core.collections.SampleCollection,
    key: str,
    items: Items,
    embedder: EmbeddingModel,
    batch_size: int,
    progress: Progress,
) -> EmbeddingReport:
    table = vector_table(dataset, key)
    progress(0.0, "Looking for new and changed files")
    media = list_media(samples, items)
    marks = fingerprints(media)
    known = read_fingerprints(dataset, key)
    held = set(table.ids().tolist())
    todo = [
        row
        for row, (item, mark) in enumerate(zip(items.ids.tolist(), marks, strict=True))
        if not mark or item not in held or known.get(item) != mark
    ]
    removed = _remove_orphans(dataset, key, table, items.patches_field)
    failed = failed_items(dataset, items.patches_field)
    reasons: dict[str, str] = {}
    for start in range(0, len(todo), _ITEMS_PER_COMMIT):
        rows = todo[start : start + _ITEMS_PER_COMMIT]
        inner = _part_of(progress, start, len(rows), len(todo), items.noun)
        embedded = embedder.embed([media[row] for row in rows], batch_size=batch_size, progress=inner)
        kept = [rows[row] for row in embedded.kept]
        if kept:
            table.upsert(items.ids[kept], items.sample_ids[kept], embedded.vectors)
            write_fingerprints(dataset, key, items.ids[kept].tolist(), [marks[row] for row in kept])
        failures = {str(items.ids[rows[failure.index]]): failure.reason for failure in embedded.failed}
        removed += _drop_vectors(dataset, key, table, [item for item in failures if item in held])
        mended = {str(items.ids[row]) for row in kept} & failed
        record_errors(dataset, {**failures, **dict.fromkeys(mended)}, items.patches_field)
        reasons.update(failures)
    table.compact()
    return EmbeddingReport(
        key=key,
        model=embedder.name,
        dim=embedder.dim,
        embedded=len(todo) - len(reasons),
        reused=len(items) - len(todo),
        removed=removed,
        failed=len(reasons),
        first_failure=next(iter(reasons.values()), None),
        noun=items.noun,
    )


def _remove_orphans(dataset: fo.Dataset, key: str, table: VectorTable, patches_field: str | None) -> int:
    ids = table.ids()
    orphans = ids[locate(ids, list_items(dataset, patches_field).ids) < 0]
    return _drop_vectors(dataset, key, table, orphans.tolist())


def _drop_vectors(dataset: fo.Dataset, key: str, table: VectorTable, ids: Sequence[str]) -> int:
    if ids:
        table.remove(np.asarray(ids))
        forget_fingerprints(dataset, key, ids)
    return len(ids)


def _part_of(progress: Progress, done: int, count: int, total: int, noun: str) -> Progress:
    nouns = "patches" if noun == "patch" else f"{noun}s"

    def report(fraction: float, _message: str) -> None:
        reached = done + fraction * count
        progress(reached / total, f"Embedded {int(reached):,} of {total:,} {nouns}")

    return report


def _silent(_fraction: float, _message: str) -> None:
    """Nobody is watching."""
