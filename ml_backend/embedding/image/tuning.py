"""Fine-tune the last block of a network on labeled images, and save the block in a file of plain tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from ...progress import Progress, part_of
from ..base import EmbeddingModel, Media
from ..pipeline import embed_in_batches
from ..trained import hold_out
from .device import mixed_precision
from .reading import image_reader
from .torch_forward import TorchImageModel, normalizer

if TYPE_CHECKING:
    import torch

MOST_IMAGES = 4000  # kept in memory, at 150 kB each for a network of 224 pixels
_EPOCHS, _PATIENCE = 12, 2
_BATCH = 32
_BLOCK_RATE, _HEAD_RATE, _WEIGHT_DECAY = 1e-4, 3e-3, 1e-2


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned block: its tensors by name, the number of training images, and the number of epochs."""

    state: "dict[str, torch.Tensor]"
    images: int
    epochs: int


def tune_last_block(
    model: EmbeddingModel,
    media: Sequence[Media],
    targets: NDArray[np.int64],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tuned:
    """Train the last block of a network, under a new linear classifier, on images with classes ``targets`` (n,).

    Everything before the block stays frozen, and so do the statistics of batch normalization. Training stops when a
    fifth of the images, which it does not learn from, no longer improves. The model itself is changed.

    Raises:
        Refusal: the model is not a network of PyTorch, or has no block to tune.
    """
    if not isinstance(model, TorchImageModel):
        raise Refusal(f"{model.name} has no block that can be fine-tuned: choose the embeddings of a network.")
    squares, targets = _read(model, media, targets, seed, part_of(progress, 0, 0.1))
    names = last_block(model.network)
    parameters = dict(model.network.named_parameters())
    for name, parameter in parameters.items():
        parameter.requires_grad_(name in names)
    block = {name: parameters[name] for name in names}
    best, best_epoch = _train_block(model, block, squares, targets, seed, part_of(progress, 0.1, 1))
    _put(model.network, best)
    for parameter in parameters.values():
        parameter.requires_grad_(False)
    return Tuned(best, len(targets), best_epoch)


def _train_block(
    model: TorchImageModel,
    block: "dict[str, torch.nn.Parameter]",
    squares: NDArray[np.uint8],
    targets: NDArray[np.int64],
    seed: int,
    progress: Progress,
) -> "tuple[dict[str, torch.Tensor], int]":
    """Train parameters until held-out images no longer improve; return the best values, and their epoch."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = nn.Linear(model.dim, int(targets.max()) + 1).to(model.device)
        optimizer = torch.optim.AdamW(
            [{"params": list(block.values()), "lr": _BLOCK_RATE}, {"params": head.parameters(), "lr": _HEAD_RATE}],
            weight_decay=_WEIGHT_DECAY,
        )
        stopping = hold_out(targets, np.random.default_rng(seed))
        fit = _Fit(model, head, squares, targets, optimizer)
        best, best_loss, best_epoch = _copy(block), fit.loss(np.flatnonzero(stopping)), 0
        for epoch in range(1, _EPOCHS + 1):
            fit.train(np.flatnonzero(~stopping), part_of(progress, (epoch - 1) / _EPOCHS, epoch / _EPOCHS), epoch)
            loss = fit.loss(np.flatnonzero(stopping))
            if loss < best_loss:
                best, best_loss, best_epoch = _copy(block), loss, epoch
            if epoch - best_epoch >= _PATIENCE:
                break
    return best, best_epoch


def last_block(network: "torch.nn.Module") -> list[str]:
    """Names of the parameters of the last block of a network of images, and of what comes after it.

    A block is an item of a list or sequence of layers that has at least two layers with weights.

    Raises:
        Refusal: the network has no such block.
    """
    from torch import nn

    modules = dict(network.named_modules())
    tower = next((name for name in ("visual", "vision_model") if name in modules), "")  # not the one of texts
    inside = f"{tower}." if tower else ""
    blocks = [
        name
        for name, module in modules.items()
        if name.startswith(inside)
        and isinstance(modules.get(name.rpartition(".")[0]), nn.Sequential | nn.ModuleList)
        and name
        and sum(1 for layer in module.modules() if next(layer.parameters(recurse=False), None) is not None) > 1
    ]
    if not blocks:
        raise Refusal("The network has no block that can be fine-tuned.")
    names = [name for name, _ in network.named_parameters() if name.startswith(inside)]
    first = next(position for position, name in enumerate(names) if name.startswith(f"{blocks[-1]}."))
    return names[first:]


def save_tuned(tuned: Tuned, path: str | Path) -> None:
    """Write the tensors of a fine-tuned block to a .safetensors file."""
    from safetensors.torch import save_file

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous().cpu() for name, tensor in tuned.state.items()}, str(path))


def load_tuned(model: EmbeddingModel, path: str | Path) -> None:
    """Load a fine-tuned block from its file into a network.

    Raises:
        Refusal: no such file, or it belongs to another network.
    """
    from safetensors.torch import load_file

    if not Path(path).is_file():
        raise Refusal(f"There is no fine-tuned block '{path}': compute the embeddings “trained” again.")
    if not isinstance(model, TorchImageModel):
        raise Refusal(f"The fine-tuned block '{path}' does not belong to {model.name}.")
    state = load_file(str(path))
    parameters = dict(model.network.named_parameters())
    if any(name not in parameters or parameters[name].shape != tensor.shape for name, tensor in state.items()):
        raise Refusal(f"The fine-tuned block '{path}' does not belong to {model.name}.")
    _put(model.network, state)


class _Fit:
    """The images, the classifier above the network, and one pass over some of them."""

    def __init__(
        self,
        model: TorchImageModel,
        head: "torch.nn.Module",
        squares: NDArray[np.uint8],
        targets: NDArray[np.int64],
        optimizer: "torch.optim.Optimizer",
    ) -> None:
        import torch

        self._model, self._head, self._optimizer = model, head, optimizer
        self._squares, self._targets = torch.from_numpy(squares), torch.from_numpy(targets)
        self._normalize = normalizer(model.input, model.device)

    def train(self, rows: NDArray[np.int64], progress: Progress, epoch: int) -> None:
        """Learn from each of these images once, in random order."""
        import torch

        batches = torch.from_numpy(rows)[torch.randperm(len(rows))].split(_BATCH)
        for number, batch in enumerate(batches, 1):
            self._optimizer.zero_grad()
            self._losses(batch).mean().backward()
            self._optimizer.step()
            progress(number / len(batches), f"Fine-tuning, epoch {epoch} of at most {_EPOCHS}")

    def loss(self, rows: NDArray[np.int64]) -> float:
        """Mean loss over these images, without learning."""
        import torch

        with torch.no_grad():
            return float(torch.cat([self._losses(batch) for batch in torch.from_numpy(rows).split(_BATCH)]).mean())

    def _losses(self, batch: "torch.Tensor") -> "torch.Tensor":
        from torch import nn

        device = self._model.device
        images = self._normalize(self._squares[batch].to(device))
        with mixed_precision(device):
            vectors = self._model.compute(images).flatten(1)
        scores = self._head(nn.functional.normalize(vectors.float(), dim=1) * vectors.shape[1] ** 0.5)
        return nn.functional.cross_entropy(scores, self._targets[batch].to(device), reduction="none")


def _read(
    model: TorchImageModel, media: Sequence[Media], targets: NDArray[np.int64], seed: int, progress: Progress
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Prepared squares (m, size, size, 3) of at most `MOST_IMAGES` readable images, and their classes."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(media))[:MOST_IMAGES])
    squares: list[NDArray[np.uint8]] = []

    def collect(batch: NDArray[np.generic]) -> NDArray[np.float32]:
        squares.append(np.asarray(batch, np.uint8))
        return np.zeros((len(batch), 1), np.float32)

    read = embed_in_batches(
        [media[row] for row in chosen],
        read=image_reader(at_least=max(model.input.size, model.input.resize)),
        prepare=model.prepare,
        forward=collect,
        dim=1,
        batch_size=_BATCH,
        progress=progress,
    )
    if not squares:
        raise Refusal("None of the labeled images can be read, so nothing can be fine-tuned.")
    return np.concatenate(squares), targets[chosen[read.kept]]


def _copy(block: "dict[str, torch.nn.Parameter]") -> "dict[str, torch.Tensor]":
    return {name: parameter.detach().clone() for name, parameter in block.items()}


def _put(network: "torch.nn.Module", state: "dict[str, torch.Tensor]") -> None:
    parameters = dict(network.named_parameters())
    for name, tensor in state.items():
        parameters[name].data.copy_(tensor)
