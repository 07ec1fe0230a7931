"""The model `trained`: a small network on top of another model's embeddings; its last hidden layer is the embedding."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Embedded, EmbeddingModel, Media, Progress

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

MIN_PER_CLASS = 4  # one of them is held out
_HELD_OUT = 0.2
_EPOCHS, _PATIENCE = 200, 20
_BATCH = 256
_LEARNING_RATE, _WEIGHT_DECAY, _DROPOUT = 3e-3, 1e-2, 0.2


@dataclass(frozen=True)
class TrainedHead:
    """A trained head: vectors (n, d) in, embeddings (n, hidden) out.

    Attributes:
        classes: number of classes it was trained on.
        samples: labeled vectors it was trained on.
        accuracy: share of the held-out labels that it predicts, 0..1.
        held_out: how many labels were held out, the same share of every class.
    """

    mean: Floats
    scale: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats
    classes: int
    samples: int
    accuracy: float
    held_out: int

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self.second.shape[0]

    def transform(self, vectors: ArrayLike) -> Floats:
        """Embeddings (n, hidden) float32 of base vectors (n, d).

        Raises:
            ValueError: vectors of another length than those it was trained on.
        """
        data = np.asarray(vectors, np.float32)
        if data.ndim != 2 or data.shape[1] != len(self.mean):
            raise ValueError(f"this head was trained on vectors of {len(self.mean)} numbers; got shape {data.shape}")
        hidden = _gelu((data - self.mean) / self.scale @ self.first.T + self.first_bias)
        return np.asarray(_gelu(hidden @ self.second.T + self.second_bias), np.float32)


def train(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    hidden: int = 128,
    seed: int = 0,
    progress: Progress | None = None,
) -> TrainedHead:
    """Train a head on the labeled ones of ``vectors`` (n, d); ``labels`` (n,) ints, -1 = unlabeled.

    Training stops when the held-out labels are predicted no better for a while. Classes with fewer than four labels
    are left out.

    Raises:
        ValueError: fewer than two classes with at least four labels each.
    """
    data, codes = np.asarray(vectors, np.float32), np.asarray(labels)
    counts = np.bincount(codes[codes >= 0]) if (codes >= 0).any() else np.zeros(0, int)
    usable = np.flatnonzero(counts >= MIN_PER_CLASS)
    if len(usable) < 2:
        raise ValueError(
            f"Training needs at least 2 classes with {MIN_PER_CLASS} labels each; there are {len(usable)} "
            f"({int(counts.sum())} labels of {int((counts > 0).sum())} classes in all): label more samples first."
        )
    rows = np.flatnonzero(np.isin(codes, usable))
    targets = np.searchsorted(usable, codes[rows])
    held_out = _held_out(targets, np.random.default_rng(seed))
    known = data[rows]
    mean = known[~held_out].mean(axis=0)
    scale = np.maximum(known[~held_out].std(axis=0), 1e-3 * max(float(known.std()), 1e-6))
    network, accuracy = _fit((known - mean) / scale, targets, held_out, len(usable), hidden, seed, progress)
    first, second = network[0], network[3]
    arrays = [tensor.detach().numpy() for tensor in (first.weight, first.bias, second.weight, second.bias)]
    return TrainedHead(mean, scale, *arrays, len(usable), len(rows), accuracy, int(held_out.sum()))


def save_head(head: TrainedHead, path: str | Path) -> None:
    """Write a head to an .npz file, whole or not at all."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.stem}.{os.getpid()}.npz")
    np.savez(scratch, **vars(head))
    scratch.replace(file)


def load_head(path: str | Path) -> TrainedHead:
    """Read a head.

    Raises:
        ValueError: no such file, or not a head's.
    """
    if not Path(path).is_file():
        raise ValueError(f"There is no trained head '{path}': compute the embeddings “trained” again.")
    with np.load(path, allow_pickle=False) as archive:
        fields = TrainedHead.__dataclass_fields__
        absent = [name for name in fields if name not in archive]
        if absent:
            raise ValueError(f"'{path}' is no trained head: it lacks {', '.join(absent)}.")
        scalars = {"classes": int, "samples": int, "accuracy": float, "held_out": int}
        return TrainedHead(**{name: scalars.get(name, np.asarray)(archive[name]) for name in fields})


class TrainedModel:
    """A base model followed by a trained head: embeds media that were not there when it was trained."""

    def __init__(self, base: EmbeddingModel, head: TrainedHead) -> None:
        self.name = f"trained on {base.name}"
        self.dim = head.dim
        self._base, self._head = base, head

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed images in their order; see `EmbeddingModel.embed`."""
        embedded = self._base.embed(media, batch_size=batch_size, progress=progress)
        return Embedded(self._head.transform(embedded.vectors), embedded.kept, embedded.failed)


def _held_out(targets: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """The same share of every class, at least one."""
    chosen = np.zeros(len(targets), bool)
    order = rng.permutation(len(targets))
    by_class = order[np.argsort(targets[order], kind="stable")]
    counts = np.bincount(targets)
    place = np.arange(len(targets)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen[by_class] = place < np.maximum(np.round(_HELD_OUT * np.repeat(counts, counts)), 1)
    return chosen


def _fit(
    data: Floats,
    targets: NDArray[np.int64],
    held_out: NDArray[np.bool_],
    classes: int,
    hidden: int,
    seed: int,
    progress: Progress | None,
) -> "tuple[torch.nn.Sequential, float]":
    import torch
    from torch import nn

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(data.shape[1], 2 * hidden),
            nn.GELU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(2 * hidden, hidden),
            nn.GELU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(hidden, classes),
        )
        optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
        x, y = torch.from_numpy(data), torch.from_numpy(targets)
        training, testing = torch.from_numpy(np.flatnonzero(~held_out)), torch.from_numpy(np.flatnonzero(held_out))
        best, best_loss, best_accuracy, waited = network.state_dict(), float("inf"), 0.0, 0
        for epoch in range(_EPOCHS):
            network.train()
            for batch in training[torch.randperm(len(training))].split(_BATCH):
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(x[batch]), y[batch], label_smoothing=0.05).backward()
                optimizer.step()
            network.eval()
            with torch.inference_mode():
                output = network(x[testing])
                loss = float(nn.functional.cross_entropy(output, y[testing]))
                accuracy = float((output.argmax(1) == y[testing]).float().mean())
            waited = 0 if loss < best_loss else waited + 1
            if loss < best_loss:
                best = {name: tensor.clone() for name, tensor in network.state_dict().items()}
                best_loss, best_accuracy = loss, accuracy
            if progress is not None:
                progress((epoch + 1) / _EPOCHS, f"Training: {accuracy:.0%} of {len(testing)} held-out labels right")
            if waited >= _PATIENCE:
                break
        network.load_state_dict(best)
    return network, best_accuracy


def _gelu(values: Floats) -> Floats:
    from scipy.special import erf

    return np.asarray(0.5 * values * (1 + erf(values / np.float32(np.sqrt(2)))), np.float32)
