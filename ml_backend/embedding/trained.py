"""The model `trained`: a small network on top of another model's embeddings; its last hidden layer is the embedding."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal
from ..progress import Progress
from ..wording import count
from .base import Embedded, EmbeddingModel, Media

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

MIN_PER_CLASS = 4  # one of them is held out
_HELD_OUT = 0.2
_EPOCHS, _PATIENCE = 200, 20
_STEPS = 8_000  # the most steps, so that training on many labels takes fewer epochs rather than minutes
_BATCH = 256
_LEARNING_RATE, _WEIGHT_DECAY, _DROPOUT = 3e-3, 1e-2, 0.5


@dataclass(frozen=True)
class TrainedHead:
    """A trained head: vectors (n, d) in, embeddings (n, hidden) out.

    Attributes:
        classes: number of classes it was trained on.
        samples: labeled vectors it was trained on.
        accuracy: share of held-out labels, 0..1, that a head trained without them predicts. They do not affect when
            training stops either, so this is an unbiased, slightly low estimate for this head.
        held_out: how many labels were held out for that, the same share of every class.
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
        return len(self.second)

    def transform(self, vectors: ArrayLike) -> Floats:
        """Embeddings (n, hidden) float32 of base vectors (n, d).

        Raises:
            Refusal: vectors whose length differs from those it was trained on.
        """
        data = np.asarray(vectors, np.float32)
        if data.ndim != 2 or data.shape[1] != len(self.mean):
            raise Refusal(f"this head was trained on vectors of {len(self.mean)} numbers; got shape {data.shape}")
        hidden = _gelu(((data - self.mean) / self.scale) @ self.first.T + self.first_bias)
        return _gelu(hidden @ self.second.T + self.second_bias)


def train(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    hidden: int = 128,
    seed: int = 0,
    progress: Progress | None = None,
) -> TrainedHead:
    """Train a head on the labeled ones of ``vectors`` (n, d); ``labels`` (n,) ints, -1 = unlabeled.

    A fifth of the labels is held out to measure the accuracy, a fifth of the rest decides when to stop; then a head is
    trained on all of them for as long. Classes with fewer than four labels are left out.

    Raises:
        Refusal: fewer than two classes with at least four labels each.
    """
    data = np.asarray(vectors, np.float32)
    split = split_labels(labels, seed=seed)
    rows, targets, held_out = split.rows, split.targets, split.held_out
    rng = np.random.default_rng([seed, 1])
    known = data[rows]
    mean = known.mean(axis=0)
    # One scale for all: individual scales would amplify faint dimensions, such as those of a PCA, to the size of strong
    # ones (.41 instead of .61 right on CIFAR-10 with 30 labels a class).
    scale = np.full(known.shape[1], max(float(np.sqrt(known.var(axis=0).mean())), 1e-9), np.float32)
    known = (known - mean) / scale
    training = np.flatnonzero(~held_out)
    stopping = hold_out(targets[training], rng)
    fit = _Fit(known, targets, classes=split.classes, hidden=hidden, seed=seed, progress=progress)
    trial, epochs = fit.run(training[~stopping], stop_by=training[stopping])
    accuracy = fit.accuracy(trial, np.flatnonzero(held_out))
    network, _ = fit.run(np.arange(len(rows)), epochs=epochs)
    arrays = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    return TrainedHead(
        mean=mean,
        scale=scale,
        first=arrays["0.weight"],
        first_bias=arrays["0.bias"],
        second=arrays["3.weight"],
        second_bias=arrays["3.bias"],
        classes=split.classes,
        samples=len(rows),
        accuracy=accuracy,
        held_out=int(held_out.sum()),
    )


@dataclass(frozen=True)
class LabelSplit:
    """Labels that can be trained on: ``rows`` (m,) of them, ``targets`` (m,) 0..classes-1, ``held_out`` (m,) bool."""

    rows: NDArray[np.int64]
    targets: NDArray[np.int64]
    held_out: NDArray[np.bool_]
    classes: int


def split_labels(labels: ArrayLike, *, seed: int = 0) -> LabelSplit:
    """Choose the labels to train on, and hold a fifth of each class out to measure accuracy; the same for a seed.

    Raises:
        Refusal: fewer than two classes with at least four labels each.
    """
    codes = np.asarray(labels)
    counts = np.bincount(codes[codes >= 0]) if (codes >= 0).any() else np.zeros(0, int)
    usable = np.flatnonzero(counts >= MIN_PER_CLASS)
    if len(usable) < 2:
        raise Refusal(
            f"Training needs at least 2 classes with {MIN_PER_CLASS} labels each; there are {len(usable)} "
            f"({count(int(counts.sum()), 'label')} of {count(int((counts > 0).sum()), 'class')} in all): label more "
            "samples first."
        )
    rows = np.flatnonzero(np.isin(codes, usable))
    targets = np.searchsorted(usable, codes[rows])
    return LabelSplit(rows, targets, hold_out(targets, np.random.default_rng(seed)), len(usable))


def save_head(head: TrainedHead, path: str | Path) -> None:
    """Write a head to an .npz file, atomically."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.stem}.{os.getpid()}.npz")
    np.savez(scratch, **vars(head))
    scratch.replace(file)


def load_head(path: str | Path) -> TrainedHead:
    """Read a head.

    Raises:
        Refusal: no such file, or not a head's.
    """
    if not Path(path).is_file():
        raise Refusal(f"There is no trained head '{path}': compute the embeddings “trained” again.")
    with np.load(path, allow_pickle=False) as archive:
        fields = TrainedHead.__dataclass_fields__
        absent = [name for name in fields if name not in archive]
        if absent:
            raise Refusal(f"'{path}' is not a trained head: it lacks {', '.join(absent)}.")
        values = {name: archive[name] for name in fields}
    numbers = {name: value.item() if value.ndim == 0 else value for name, value in values.items()}
    return TrainedHead(**numbers)


class TrainedModel:
    """A base model followed by a trained head: also embeds media added after the training."""

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


def hold_out(targets: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose the same share of every class, at least one."""
    chosen = np.zeros(len(targets), bool)
    order = rng.permutation(len(targets))
    by_class = order[np.argsort(targets[order], kind="stable")]
    counts = np.bincount(targets)
    place = np.arange(len(targets)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen[by_class] = place < np.maximum(np.round(_HELD_OUT * np.repeat(counts, counts)), 1)
    return chosen


class _Fit:
    """Training on some rows of standardized vectors and their classes."""

    def __init__(
        self,
        data: Floats,
        targets: NDArray[np.int64],
        *,
        classes: int,
        hidden: int,
        seed: int,
        progress: Progress | None,
    ) -> None:
        import torch

        self._data, self._targets = torch.from_numpy(data), torch.from_numpy(targets)
        self._classes, self._hidden, self._seed, self._progress = classes, hidden, seed, progress

    def run(
        self, rows: NDArray[np.int64], *, epochs: int | None = None, stop_by: NDArray[np.int64] | None = None
    ) -> "tuple[torch.nn.Module, int]":
        """A network trained for ``epochs`` epochs, or until ``stop_by`` stops improving; and the number of epochs."""
        import torch
        from torch import nn

        x, y, training = self._data, self._targets, torch.from_numpy(rows)
        steps = -(-len(rows) // _BATCH)
        most = epochs or min(max(_STEPS // steps, 10), _EPOCHS)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            network = self._network()
            optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
            best, best_loss, best_epoch = network.state_dict(), float("inf"), most
            for epoch in range(1, most + 1):
                network.train()
                for batch in training[torch.randperm(len(training))].split(_BATCH):
                    optimizer.zero_grad()
                    nn.functional.cross_entropy(network(x[batch]), y[batch], label_smoothing=0.05).backward()
                    optimizer.step()
                network.eval()
                if self._progress is not None:
                    # The trial and the final training take half of the bar each.
                    share = (epoch / most + (0 if stop_by is not None else 1)) / 2
                    self._progress(share, f"Training, epoch {epoch} of at most {most}")
                if stop_by is not None:
                    with torch.inference_mode():
                        loss = float(nn.functional.cross_entropy(network(x[stop_by]), y[stop_by]))
                    if loss < best_loss:
                        best = {name: tensor.clone() for name, tensor in network.state_dict().items()}
                        best_loss, best_epoch = loss, epoch
                    if epoch - best_epoch >= _PATIENCE:
                        break
        if stop_by is not None:
            network.load_state_dict(best)
        return network, best_epoch

    def accuracy(self, network: "torch.nn.Module", rows: NDArray[np.int64]) -> float:
        """Share of the classes of ``rows`` that the network predicts."""
        import torch

        with torch.inference_mode():
            return float((network(self._data[rows]).argmax(1) == self._targets[rows]).float().mean())

    def _network(self) -> "torch.nn.Module":
        from torch import nn

        return nn.Sequential(
            nn.Linear(self._data.shape[1], 2 * self._hidden),
            nn.GELU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(2 * self._hidden, self._hidden),
            nn.GELU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(self._hidden, self._classes),
        )


def _gelu(values: NDArray[np.floating[Any]]) -> Floats:
    from scipy.special import erf

    return np.asarray(0.5 * values * (1 + erf(values / np.sqrt(2))), np.float32)
