"""Train embeddings on existing labels: a head on top of other embeddings, and the last block of their network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np

from ..analysis.baseline import neighbor_accuracy
from ..embedding.base import EmbeddingModel, Media
from ..embedding.trained import TrainedHead, save_head, split_labels, train
from ..errors import Refusal
from ..progress import Progress, part_of
from ..report import Report
from ..store.embeddings import (
    Embeddings,
    Provenance,
    check_new_key,
    create_embeddings,
    load_embeddings,
    table_to_write,
)
from ..store.existence import ends_with_dataset, still_there
from ..store.fingerprints import read_fingerprints, write_fingerprints
from ..store.items import Items, item_view
from ..store.labels import DEFAULT_FIELD, read_labels
from ..store.media import list_media
from ..store.settings import data_directory
from ..wording import count, percent
from .embed import whole_or_gone
from .evidence import field_of_embeddings
from .models import find_family, load

LAST_BLOCK = "last_block"
_TUNABLE = ("torchvision", "timm", "open_clip", "hf")


@dataclass(frozen=True)
class Tuning:
    """The effect of fine-tuning: held-out accuracy of a head before and after, and whether it was kept."""

    before: float
    after: float
    images: int
    epochs: int

    @property
    def helped(self) -> bool:
        """Whether the tuned network is better, and therefore kept."""
        return self.after > self.before


@dataclass(frozen=True, repr=False)
class TrainingReport(Report):
    """A trained head, the number of items embedded, and the accuracy of a neighbor vote in its base embeddings."""

    key: str
    base: str
    head: TrainedHead
    count: int
    neighbor_accuracy: float
    tuning: Tuning | None = None

    def sentence(self) -> str:
        """The closing message."""
        head = self.head
        text = (
            f"Trained on {count(head.samples, 'label')} of {count(head.classes, 'class')}: {percent(head.accuracy)} of "
            f"{head.held_out:,} held-out labels right. {count(self.count, 'embedding')} of {head.dim} numbers each "
            f"are in '{self.key}'."
        )
        if self.tuning is not None:
            tuning = self.tuning
            change = f"{percent(tuning.before)} of the held-out labels right before, {percent(tuning.after)} after"
            learned = f"{count(tuning.images, 'image')}, {count(tuning.epochs, 'epoch')}"
            text += (
                f" Fine-tuning the last block helped: {change} ({learned})."
                if tuning.helped
                else f" Fine-tuning the last block did not help, so the network was left as it was: {change}."
            )
        if head.accuracy < self.neighbor_accuracy:
            text += (
                f" Warning: a vote of the nearest neighbors in '{self.base}' gets {percent(self.neighbor_accuracy)} "
                f"right, so '{self.base}' serves better: continue with that one, or label more samples and train again."
            )
        return text


def can_tune(model: str) -> bool:
    """Whether the network of these embeddings has a last block that can be fine-tuned."""
    try:
        return find_family(model)[0].name in _TUNABLE
    except Refusal:
        return False  # precomputed vectors, or those from another tool


@ends_with_dataset
def train_embeddings(
    samples: fo.core.collections.SampleCollection,
    *,
    key: str,
    base: str,
    field: str = DEFAULT_FIELD,
    tune: str | None = None,
    backend: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> TrainingReport:
    """Train a head on existing labels, on top of the embeddings ``base``, and store its embeddings under ``key``.

    Later calls of `compute_embeddings` with the options of ``key`` embed new samples with the same head.

    Args:
        tune: ``last_block`` also fine-tunes the last block of the network of ``base``, and keeps the result only if a
            head on top of it gets more of the held-out labels right, which neither network nor head has seen.

    Raises:
        Refusal: no such base, the key is taken, fewer than two classes, too few labels, or a model that cannot be
            fine-tuned.
    """
    dataset = samples._root_dataset
    check_new_key(dataset, key)
    if tune not in (None, LAST_BLOCK):
        raise Refusal(f"tune is '{tune}'; it must be {LAST_BLOCK} or nothing.")
    base_run = load_embeddings(samples, base)
    items, made = base_run.items, base_run.provenance
    if tune and not can_tune(made.model):
        raise Refusal(f"'{base}' was made by {made.model}, which has no block to fine-tune: train without it.")
    labels = read_labels(dataset, items, field_of_embeddings(dataset, base, field))
    folder = data_directory() / "heads"
    head_path, tuned_path = (folder / f"{dataset._doc.id}-{key}.{suffix}" for suffix in ("npz", "safetensors"))
    options: dict[str, Any] = {"base": made.model, "base_options": made.options, "head": str(head_path)}
    head = train(base_run.vectors, labels.codes, seed=seed, progress=part_of(progress, 0, 0.1 if tune else 1))
    rows, vectors, tuning = np.arange(len(items)), base_run.vectors, None
    with whole_or_gone(dataset, key, head_path, tuned_path):
        if tune:
            tuned = _tune(samples, base_run, labels.codes, tuned_path, seed, part_of(progress, 0.1, 1))
            tuning = Tuning(head.accuracy, tuned.head.accuracy, tuned.images, tuned.epochs)
            if tuning.helped:
                rows, vectors, head = tuned.rows, tuned.vectors, tuned.head
                options["tuned"] = str(tuned_path)
            else:
                tuned_path.unlink(missing_ok=True)
        save_head(head, head_path)
        provenance = Provenance(model="trained", options=options)
        rows, vectors = _left(dataset, items, rows, vectors)
        _store(samples, key, provenance, base_run, rows, head.transform(vectors), backend)
    baseline = neighbor_accuracy(base_run.vectors, labels.codes, len(labels.classes))
    return TrainingReport(key, base, head, len(rows), baseline, tuning)


def _left(dataset: fo.Dataset, items: Items, rows: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows, and their vectors, whose items were not deleted during training."""
    existing = still_there(dataset, items.take(rows))
    if not existing.any():
        raise Refusal("All items that were to be embedded were deleted during training.")
    return rows[existing], vectors[existing]


def _store(
    samples: fo.core.collections.SampleCollection,
    key: str,
    provenance: Provenance,
    base: Embeddings,
    rows: np.ndarray,
    vectors: np.ndarray,
    backend: str | None,
) -> None:
    """Store vectors (m, d) of the items in ``rows`` (m,) of the base, made of the same files as the base's."""
    dataset, kept = samples._root_dataset, base.items.take(rows)
    view = item_view(samples, kept) if kept.parts else samples
    create_embeddings(view, key, provenance, patches_field=kept.patches_field, backend=backend)
    table_to_write(dataset, key).upsert(kept.ids, kept.sample_ids, vectors)
    known = read_fingerprints(dataset, base.key)
    marked = [item for item in kept.ids.tolist() if item in known]
    write_fingerprints(dataset, key, marked, [known[item] for item in marked])


@dataclass(frozen=True)
class _TunedVectors:
    """Vectors (m, d) from a tuned network for the items in ``rows`` (m,), and the head trained on them."""

    rows: np.ndarray
    vectors: np.ndarray
    head: TrainedHead
    images: int
    epochs: int


def _tune(
    samples: fo.core.collections.SampleCollection,
    base: Embeddings,
    codes: np.ndarray,
    path: Path,
    seed: int,
    progress: Progress,
) -> _TunedVectors:
    """Fine-tune on the labels that are not held out, embed everything again, and train a head with the same split."""
    from ..embedding.image.tuning import save_tuned, tune_last_block

    model: EmbeddingModel = load(base.provenance.model, **base.provenance.options)
    media = list_media(samples, base.items)
    split = split_labels(codes, seed=seed)
    taught = [
        (medium, target)
        for row, target in zip(split.rows[~split.held_out], split.targets[~split.held_out], strict=True)
        if isinstance(medium := media[row], Media)
    ]
    targets = np.array([target for _, target in taught], np.int64)
    tuned = tune_last_block(
        model, [medium for medium, _ in taught], targets, seed=seed, progress=part_of(progress, 0, 0.6)
    )
    save_tuned(tuned, path)
    present = [row for row, medium in enumerate(media) if isinstance(medium, Media)]
    files = [medium for medium in media if isinstance(medium, Media)]
    embedded = model.embed(files, progress=part_of(progress, 0.6, 0.95))
    rows = np.asarray(present, np.int64)[embedded.kept]
    head = train(embedded.vectors, codes[rows], seed=seed, progress=part_of(progress, 0.95, 1))
    return _TunedVectors(rows, embedded.vectors, head, tuned.images, tuned.epochs)
