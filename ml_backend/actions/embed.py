"""Embed a view: media to vectors, kept as a similarity run; only what is new or changed is computed."""

import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np

from ..analysis.baseline import neighbor_accuracy
from ..embedding import EmbeddingModel, load
from ..embedding.equal_vectors import EqualVectors, VectorTally
from ..embedding.precomputed import check_vectors, read_npy, read_parquet
from ..embedding.trained import TrainedHead, save_head, train
from ..store.embedding_errors import failed_items, record_errors
from ..store.embeddings import (
    Provenance,
    check_embeddings,
    check_new_key,
    create_embeddings,
    delete_embeddings,
    forget_fingerprints,
    load_embeddings,
    locate,
    provenance_of,
    read_fingerprints,
    vector_table,
    write_fingerprints,
)
from ..store.items import Items, fingerprints, list_items, list_media, plural
from ..store.labels import DEFAULT_FIELD, label_field, read_labels
from ..store.settings import DEFAULT_BACKEND, data_directory
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
    equal: EqualVectors | None = None

    def sentence(self) -> str:
        """The closing message."""
        nouns = plural(self.noun)
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
        text += "."
        if self.equal:
            first, second = (os.path.basename(path) for path in self.equal.examples)
            text += (
                f" Warning: at least {self.equal.count:,} different {nouns} have one and the same vector, such as "
                f"{first} and {second}: {self.model} cannot tell them apart. Look at these files, or choose another "
                "model."
            )
        return text


@dataclass(frozen=True)
class TrainingReport:
    """A trained head, how many items got its embedding, and how many labels a neighbor vote in its base gets right."""

    key: str
    base: str
    head: TrainedHead
    count: int
    neighbor_accuracy: float

    def sentence(self) -> str:
        """The closing message."""
        head = self.head
        text = (
            f"Trained on {head.samples:,} labels of {head.classes:,} classes: {head.accuracy:.0%} of {head.held_out:,} "
            f"held-out labels right. {self.count:,} embeddings of {head.dim} numbers each are in '{self.key}'."
        )
        if head.accuracy < self.neighbor_accuracy:
            text += (
                f" Warning: a vote of the nearest neighbors in '{self.base}' gets {self.neighbor_accuracy:.0%} right, "
                f"so '{self.base}' serves better: go on with that one, or label more samples and train again."
            )
        return text


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


def train_embeddings(
    samples: fo.core.collections.SampleCollection,
    *,
    key: str,
    base: str,
    field: str = DEFAULT_FIELD,
    backend: str = DEFAULT_BACKEND,
    seed: int = 0,
    progress: Progress | None = None,
) -> TrainingReport:
    """Train a head on the labels there are, over the embeddings ``base``, and store its embeddings under ``key``.

    Later calls of `compute_embeddings` with the options of ``key`` embed new samples with the same head.

    Raises:
        ValueError: no such base, the key is taken, fewer than two classes, or too few labels.
    """
    dataset = samples._root_dataset
    check_new_key(dataset, key)
    held = load_embeddings(samples, base)
    items = held.items
    labels = read_labels(dataset, items, label_field(dataset, items.patches_field or field, items.patches_field))
    head = train(held.vectors, labels.codes, seed=seed, progress=progress)
    path = data_directory() / "heads" / f"{dataset._doc.id}-{key}.npz"
    save_head(head, path)
    options = {"base": held.provenance.model, "base_options": held.provenance.options, "head": str(path)}
    provenance = Provenance(model="trained", options=options)
    create_embeddings(samples, key, provenance, patches_field=items.patches_field, backend=backend)
    with _whole_or_gone(dataset, key):
        vector_table(dataset, key).upsert(items.ids, items.sample_ids, head.transform(held.vectors))
        known = read_fingerprints(dataset, base)
        marked = [item for item in items.ids.tolist() if item in known]
        write_fingerprints(dataset, key, marked, [known[item] for item in marked])
    baseline = neighbor_accuracy(held.vectors, labels.codes, len(labels.classes))
    return TrainingReport(key, base, head, len(items), baseline)


def import_embeddings(
    samples: fo.core.collections.SampleCollection,
    *,
    key: str,
    ids: Sequence[str],
    vectors: np.ndarray,
    source: str,
    patches_field: str | None = None,
    backend: str = DEFAULT_BACKEND,
) -> EmbeddingReport:
    """Store vectors that are there already: (n, d), of the samples or patches ``ids``.

    An id may be a sample's id, its file's path or name where that is the only one.

    Raises:
        ValueError: another count, NaN, an id twice or unknown (the first are named), or the key is taken.
    """
    dataset = samples._root_dataset
    check_new_key(dataset, key)
    items = list_items(samples, patches_field)
    found = _as_item_ids(samples, items, ids)
    checked = check_vectors(found, vectors, known=items.ids.tolist())
    rows = locate(np.asarray(found, items.ids.dtype), items.ids)
    create_embeddings(
        samples, key, Provenance("precomputed", {"source": source}), patches_field=patches_field, backend=backend
    )
    with _whole_or_gone(dataset, key):
        vector_table(dataset, key).upsert(items.ids[rows], items.sample_ids[rows], checked)
    return EmbeddingReport(
        key=key,
        model=f"precomputed vectors of {source}",
        dim=checked.shape[1],
        embedded=len(checked),
        reused=0,
        removed=0,
        failed=0,
        first_failure=None,
        noun=items.noun,
    )


def import_field(
    samples: fo.core.collections.SampleCollection, *, key: str, field: str, backend: str = DEFAULT_BACKEND
) -> EmbeddingReport:
    """Store the vectors of a field of the samples; samples without one are left out.

    Raises:
        ValueError: no such field, or vectors of different lengths, with NaN, or none at all (the first are named).
    """
    if not samples.has_field(field):
        raise ValueError(
            f"There is no field '{field}'; fields with vectors: {', '.join(vector_fields(samples)) or 'none'}."
        )
    ids, held = samples.values(["id", field])
    present = [row for row, vector in enumerate(held) if vector is not None]
    if not present:
        raise ValueError(f"The field '{field}' is empty here: there are no vectors to take over.")
    return import_embeddings(
        samples,
        key=key,
        ids=[ids[row] for row in present],
        vectors=check_vectors([ids[row] for row in present], [np.asarray(held[row]) for row in present]),
        source=f"the field '{field}'",
        backend=backend,
    )


def import_file(
    samples: fo.core.collections.SampleCollection,
    *,
    key: str,
    path: str,
    ids_path: str | None = None,
    patches_field: str | None = None,
    backend: str = DEFAULT_BACKEND,
) -> EmbeddingReport:
    """Store the vectors of a Parquet file, or of a ``.npy`` file with the ids in ``ids_path``.

    Raises:
        ValueError: a file is missing, or what `import_embeddings` refuses.
    """
    if path.endswith(".npy"):
        if not ids_path:
            raise ValueError(f"'{path}' holds no ids: name a second file with them, .npy or text with one id a line.")
        ids, vectors = read_npy(path, ids_path)
    else:
        ids, vectors = read_parquet(path)
    return import_embeddings(
        samples,
        key=key,
        ids=ids,
        vectors=vectors,
        source=f"the file '{path}'",
        patches_field=patches_field,
        backend=backend,
    )


def vector_fields(samples: fo.core.collections.SampleCollection) -> list[str]:
    """Fields of the samples that hold vectors."""
    return list(samples.get_field_schema(ftype=(fo.VectorField, fo.ArrayField)))


@contextmanager
def _whole_or_gone(dataset: fo.Dataset, key: str) -> Iterator[None]:
    """Delete a new run whose vectors could not be written: its key stays free for the next try."""
    try:
        yield
    except BaseException:
        delete_embeddings(dataset, key)
        raise


def _as_item_ids(samples: fo.core.collections.SampleCollection, items: Items, names: Sequence[str]) -> list[str]:
    """Ids as they are; file paths and unambiguous file names as the ids of their samples."""
    if items.patches_field is not None:
        return list(names)
    ids, paths = samples.values(["id", "filepath"])
    by_name: dict[str, str] = {}
    ambiguous: set[str] = set()
    for item, path in zip(ids, paths, strict=True):
        # macOS writes names in another Unicode form (NFD): the composed form stands for both.
        for name in {composed for spelled in (path, os.path.basename(path)) for composed in (spelled, _nfc(spelled))}:
            if name in by_name:
                ambiguous.add(name)
            by_name[name] = item
    return [_item_of(name, by_name, ambiguous) for name in names]


def _item_of(name: str, by_name: Mapping[str, str], ambiguous: set[str]) -> str:
    for spelled in (name, _nfc(name)):
        if spelled in by_name and spelled not in ambiguous:
            return by_name[spelled]
    return name


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


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
    tally = VectorTally()
    for start in range(0, len(todo), _ITEMS_PER_COMMIT):
        rows = todo[start : start + _ITEMS_PER_COMMIT]
        inner = _part_of(progress, start, len(rows), len(todo), items.noun)
        embedded = embedder.embed([media[row] for row in rows], batch_size=batch_size, progress=inner)
        kept = [rows[row] for row in embedded.kept]
        if kept:
            tally.add([media[row] for row in kept], embedded.vectors)
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
        equal=tally.equal_vectors(),
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
    nouns = plural(noun)

    def report(fraction: float, _message: str) -> None:
        reached = done + fraction * count
        progress(reached / total, f"Embedded {int(reached):,} of {total:,} {nouns}")

    return report


def _silent(_fraction: float, _message: str) -> None:
    """Nobody is watching."""
