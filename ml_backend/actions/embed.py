"""Embed a view: media to vectors, kept as a similarity run; only new or changed media are embedded."""

import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np

from ..embedding import EmbeddingModel
from ..embedding.base import Classifier, Embedded, Fittable, Media
from ..embedding.image.preparation import InputSettings
from ..embedding.on_engine import on_engine
from ..embedding.precomputed import check_vectors, read_npy, read_parquet
from ..errors import Refusal
from ..progress import Progress, no_progress
from ..store.embedding_errors import ERROR_FIELD
from ..store.embeddings import (
    Provenance,
    check_embeddings,
    check_new_key,
    create_embeddings,
    delete_embeddings,
    delete_unfinished,
    locate,
    plain,
    table_to_write,
    vector_table,
)
from ..store.items import FRAMES, Items, every_sample, list_items, list_like
from ..store.media import FRAMES_TO_SAMPLE, list_media
from ..store.medium_fields import item_kind
from ..store.predictions import add_predictions_field, check_predictions_field, write_predictions
from ..store.scores import score_name
from ..store.settings import data_directory
from ..wording import count
from .embed_update import Keep, Update, update_vectors
from .embedding_report import EmbeddingReport
from .models import load, model_for, worker_loader

FITTED_OPTION = "fitted"


def compute_embeddings(
    samples: fo.core.collections.SampleCollection,
    *,
    key: str,
    model: str = "preprocessing",
    options: Mapping[str, Any] | None = None,
    patches_field: str | None = None,
    predictions: str | None = None,
    backend: str | None = None,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> EmbeddingReport:
    """Embed the samples of a view, or the patches of one of its fields, under ``key``.

    With an existing key, the run continues where it stopped: media that are new, changed, or failed are embedded, and
    vectors whose sample is gone are removed. If interrupted at any point, a second call leads to the same result.

    Args:
        model: a name that `labelscape.ml_backend.actions.models.load` knows, with its ``options``.
        predictions: the field for the classes that the model predicts in the same pass (`own/…` does); None keeps none.
        progress: called with a fraction 0..1 and a message; may raise to stop.

    Raises:
        Refusal: the model, the backend, or the patches field is unknown, the view is empty, or the key holds the
            embeddings of another model.
    """
    dataset = samples._root_dataset
    items = _items_to_embed(samples, patches_field)
    dataset.reload()  # another process may have started the same embeddings
    delete_unfinished(dataset, key)
    is_new = not dataset.has_brain_run(key)
    if predictions is None and not is_new:
        predictions = check_embeddings(dataset, key).provenance.predictions
    model = model_for("image" if items.parts == FRAMES else item_kind(samples, items.patches_field), model)
    provenance = Provenance(model=model, options=plain(options or {}), predictions=predictions)
    if not is_new:
        provenance = _with_earlier_fit(provenance, check_embeddings(dataset, key).provenance)
    embedder = load(model, **provenance.options)
    if isinstance(embedder, Fittable) and not embedder.fitted_on:
        provenance = _fitted(embedder, samples, items, key, provenance, progress or no_progress)
    keep = None if predictions is None else _keeper(dataset, predictions, embedder, items)
    if is_new:
        create_embeddings(samples, key, provenance, patches_field=patches_field, backend=backend)
    else:
        _check_same_embeddings(dataset, key, provenance, items)
    running = on_engine(embedder, model, provenance.options, loader=worker_loader(model))
    with _gone_if_empty(dataset, key) if is_new else nullcontext(), running as runner:
        update = update_vectors(
            samples, key, items, runner, batch_size=batch_size, progress=progress or no_progress, keep=keep
        )
    report = _as_report(dataset, key, embedder, items, update)
    return replace(report, predictions=predictions, prepared=_prepared(embedder, provenance))


def _items_to_embed(samples: fo.core.collections.SampleCollection, patches_field: str | None) -> Items:
    """The items of a view, at least one."""
    items = list_items(samples, patches_field)
    if len(items):
        return items
    no_files = samples._is_frames and not samples._root_dataset.has_frame_field("filepath")
    what_to_do = FRAMES_TO_SAMPLE if no_files else "choose a view with samples, or the dataset"
    raise Refusal(f"There is nothing to embed in this view: {what_to_do}.")


def _with_earlier_fit(provenance: Provenance, earlier: Provenance) -> Provenance:
    """The provenance, with the file of what the model learned when the embeddings were first computed."""
    fitted = earlier.options.get(FITTED_OPTION)
    if earlier.model != provenance.model or fitted is None or FITTED_OPTION in provenance.options:
        return provenance
    return replace(provenance, options={**provenance.options, FITTED_OPTION: fitted})


def _fitted(
    model: Fittable,
    samples: fo.core.collections.SampleCollection,
    items: Items,
    key: str,
    provenance: Provenance,
    progress: Progress,
) -> Provenance:
    """Let a model learn from the media of a view, and store what it learned."""
    progress(0.0, f"Learning from {count(len(items), items.noun)}")
    model.fit([medium for medium in list_media(samples, items) if isinstance(medium, Media)], progress=progress)
    path = data_directory() / "fitted" / f"{samples._root_dataset._doc.id}-{key}.npz"
    model.save(str(path))
    return replace(provenance, options={**provenance.options, FITTED_OPTION: str(path)})


def import_embeddings(
    samples: fo.core.collections.SampleCollection,
    *,
    key: str,
    ids: Sequence[str],
    vectors: np.ndarray,
    source: str,
    patches_field: str | None = None,
    backend: str | None = None,
) -> EmbeddingReport:
    """Store existing vectors (n, d) of the samples or patches ``ids``.

    An ID may be a sample's ID, or its file's path or name if that is unambiguous.

    Raises:
        Refusal: the counts differ, NaN, a duplicate or unknown ID (the first are named), or the key is taken.
    """
    dataset = samples._root_dataset
    check_new_key(dataset, key)
    items = list_items(samples, patches_field)
    item_ids = _as_item_ids(samples, items, ids)
    checked = check_vectors(item_ids, vectors, known=items.ids.tolist())
    rows = locate(np.asarray(item_ids, items.ids.dtype), items.ids)
    provenance = Provenance("precomputed", {"source": source})
    with whole_or_gone(dataset, key):
        create_embeddings(samples, key, provenance, patches_field=patches_field, backend=backend)
        table_to_write(dataset, key).upsert(items.ids[rows], items.sample_ids[rows], checked)
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
    samples: fo.core.collections.SampleCollection, *, key: str, field: str, backend: str | None = None
) -> EmbeddingReport:
    """Store the vectors of a field of the samples; samples without one are left out.

    Raises:
        Refusal: no such field, or vectors of different lengths, with NaN, or none at all (the first are named).
    """
    if not samples.has_field(field):
        raise Refusal(
            f"There is no field '{field}'; fields with vectors: {', '.join(vector_fields(samples)) or 'none'}."
        )
    ids, values = every_sample(samples).values(["id", field])
    present = [row for row, vector in enumerate(values) if vector is not None]
    if not present:
        raise Refusal(f"The field '{field}' is empty here: there are no vectors to import.")
    return import_embeddings(
        samples,
        key=key,
        ids=[ids[row] for row in present],
        vectors=check_vectors([ids[row] for row in present], [np.asarray(values[row]) for row in present]),
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
    backend: str | None = None,
) -> EmbeddingReport:
    """Store the vectors of a Parquet file, or of a ``.npy`` file with the ids in ``ids_path``.

    Raises:
        Refusal: a file is missing, or as in `import_embeddings`.
    """
    if path.endswith(".npy"):
        if not ids_path:
            raise Refusal(f"'{path}' has no IDs: name a second file with them, as .npy or text with one ID per line.")
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
    """Fields of the samples that contain vectors."""
    return list(samples.get_field_schema(ftype=(fo.VectorField, fo.ArrayField)))


@contextmanager
def _gone_if_empty(dataset: fo.Dataset, key: str) -> Iterator[None]:
    """Delete a new run that ended before its first vector; one that has vectors continues with the next call."""
    try:
        yield
    except BaseException:
        if fo.dataset_exists(dataset.name) and dataset.has_brain_run(key):
            with suppress(Refusal):
                if not len(vector_table(dataset, key).ids()):
                    delete_embeddings(dataset, key)
        raise


@contextmanager
def whole_or_gone(dataset: fo.Dataset, key: str, *files: Path) -> Iterator[None]:
    """Delete a new run (and its files) whose vectors could not be written, so that its key is free for the next try."""
    try:
        yield
    except BaseException:
        if dataset.has_brain_run(key):
            delete_embeddings(dataset, key)
        for file in files:
            file.unlink(missing_ok=True)
        raise


def _as_item_ids(samples: fo.core.collections.SampleCollection, items: Items, names: Sequence[str]) -> list[str]:
    """Keep IDs; replace file paths and unambiguous file names by the IDs of their samples."""
    if items.patches_field is not None:
        return list(names)
    ids, paths = every_sample(samples).values(["id", "filepath"])
    by_name: dict[str, str] = {}
    ambiguous: set[str] = set()
    for item, path in zip(ids, paths, strict=True):
        # macOS writes names in another Unicode form (NFD): compare both in composed form.
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


def _check_same_embeddings(dataset: fo.Dataset, key: str, provenance: Provenance, items: Items) -> None:
    run = check_embeddings(dataset, key)
    if run.provenance != provenance:
        raise Refusal(
            f"'{key}' holds embeddings of {_described(run.provenance)}, not of {_described(provenance)}: choose "
            f"another name, or delete the embeddings '{key}' first."
        )
    if (run.patches_field, run.parts) != (items.patches_field, items.parts):
        here = items.patches_field or f"whole {items.nouns}"
        other = run.patches_field or f"whole {list_like(dataset.limit(0), None, run.parts).nouns}"
        raise Refusal(f"'{key}' holds embeddings of {other}, not of {here}: choose another name.")


def _keeper(dataset: fo.Dataset, field: str, model: EmbeddingModel, items: Items) -> Keep:
    """Make the function that stores a model's predicted classes in a field of the samples."""
    check_predictions_field(dataset, field, items.patches_field)
    if not isinstance(model, Classifier) or not model.classes:
        raise Refusal(f"{model.name} does not predict classes: leave the field for predictions empty.")
    add_predictions_field(dataset, field, model.name)
    classes = model.classes

    def keep(ids: Sequence[str], embedded: Embedded) -> None:
        if embedded.logits is not None:
            write_predictions(dataset, field, ids, embedded.logits, classes)

    return keep


def _prepared(model: EmbeddingModel, provenance: Provenance) -> str | None:
    """Say how images were prepared for a network from a file, for which only its author knows the right settings."""
    settings = getattr(model, "input", None)
    from_file = provenance.options.get("weights") or provenance.model.startswith("own/")
    return settings.sentence() if isinstance(settings, InputSettings) and from_file else None


def _described(provenance: Provenance) -> str:
    return f"{provenance.model} {provenance.options}" if provenance.options else provenance.model


def _as_report(dataset: fo.Dataset, key: str, model: EmbeddingModel, items: Items, update: Update) -> EmbeddingReport:
    return EmbeddingReport(
        key=key,
        model=model.name,
        dim=model.dim,
        embedded=update.embedded,
        reused=update.reused,
        removed=update.removed,
        failed=len(update.failures),
        first_failure=next(iter(update.failures.values()), None),
        noun=items.noun,
        equal=update.equal,
        unavailable=len(update.unavailable),
        first_unavailable=next(iter(update.unavailable.values()), None),
        error_field=score_name(dataset, items, ERROR_FIELD),
        restarted=update.restarted,
    )
