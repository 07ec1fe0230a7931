"""Image models of PyTorch: run on prepared images, on the device and in the precision that is fastest."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .attention import fold_attention_inputs
from .device import mixed_precision
from .model import Forward, ImageModel
from .preparation import InputSettings

if TYPE_CHECKING:
    import torch


def torch_forward(
    compute: "Callable[[torch.Tensor], torch.Tensor]",
    settings: InputSettings,
    device: "torch.device",
    *,
    half: bool = True,
) -> Forward:
    """A `Forward` around ``compute``: normalized images (b, 3, size, size) on ``device`` to (b, …), flattened.

    Args:
        half: whether the network may run in half precision where that is faster.
    """
    import torch

    normalize = normalizer(settings, device)

    def forward(batch: NDArray[np.generic]) -> NDArray[np.float32]:
        with torch.inference_mode():
            pixels = normalize(torch.from_numpy(batch).to(device))
            if half:
                with mixed_precision(device):
                    output = compute(pixels)
            else:
                output = compute(pixels)
        return np.asarray(output.flatten(1).float().cpu().numpy(), np.float32)

    return forward


def normalizer(settings: InputSettings, device: "torch.device") -> "Callable[[torch.Tensor], torch.Tensor]":
    """Prepared squares (b, size, size, 3) uint8 on ``device`` to the network's input (b, 3, size, size) float32."""
    import torch

    mean = torch.tensor(settings.mean, device=device).view(1, 3, 1, 1) * 255
    std = torch.tensor(settings.std, device=device).view(1, 3, 1, 1) * 255

    def normalize(batch: torch.Tensor) -> torch.Tensor:
        # (b, height, width, 3) read as (b, 3, height, width) is already in channels-last order.
        pixels = batch.permute(0, 3, 1, 2)
        if settings.channels == "bgr":
            pixels = pixels.flip(1)
        if settings.flip:
            pixels = pixels.flip(-1, -2)
        return (pixels.float() - mean) / std

    return normalize


class TorchImageModel(ImageModel):
    """An image model of PyTorch, whose last block can be fine-tuned.

    Args:
        network: the network, on its device.
        compute: normalized images (b, 3, size, size) to vectors (b, …) with it.
    """

    def __init__(
        self,
        name: str,
        settings: InputSettings,
        network: "torch.nn.Module",
        compute: "Callable[[torch.Tensor], torch.Tensor]",
        device: "torch.device",
    ) -> None:
        self.network, self.compute, self.device = network, compute, device
        if device.type == "cpu":
            fold_attention_inputs(network)
        super().__init__(name, settings, torch_forward(compute, settings, device))
