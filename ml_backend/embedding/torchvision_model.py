"""Models `torchvision/<name>`: the features of any classification backbone before its classifier."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .base import Embedded, Media, Progress
from .device import choose_device, mixed_precision
from .images import Pixels
from .pipeline import embed_in_batches
from .weights import fit_state, read_state

if TYPE_CHECKING:
    import torch

_TRAINING_HEADS = ("AuxLogits", "aux1", "aux2")  # Inception's and GoogLeNet's, of no use afterwards
_FROM_TENSORFLOW = ("googlenet", "inception_v3")
# Names in torchvision's published DenseNet files, from before PyTorch forbade the dot in them.
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TorchvisionModel:
    """A torchvision classification network without its classifier.

    Args:
        architecture: a name of ``torchvision.models.list_models``, such as ``resnet18``.
        weights: a local file of weights; None takes torchvision's own, from its cache or its hub.
        crop, resize, mean, std: how images are prepared, where a local file needs it otherwise than the
            architecture's own weights do.

    Raises:
        ValueError: an unknown architecture, weights that do not fit, or a hub that cannot be reached.
    """

    def __init__(
        self,
        architecture: str,
        *,
        weights: str | None = None,
        crop: int | None = None,
        resize: int | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        import torch

        network, preset = _load(architecture, weights)
        self.name = f"torchvision/{architecture}"
        self._crop = crop or preset["crop"]
        self._resize = resize or (crop if crop else preset["resize"])
        self._interpolation = preset["interpolation"]
        self._device = choose_device()
        self._network = network.eval().to(self._device).to(memory_format=torch.channels_last)
        self._mean = torch.tensor(mean or preset["mean"], device=self._device).view(1, 3, 1, 1) * 255
        self._std = torch.tensor(std or preset["std"], device=self._device).view(1, 3, 1, 1) * 255
        self.dim = int(self._forward(np.zeros((1, self._crop, self._crop, 3), np.uint8)).shape[1])

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed images in their order; see `EmbeddingModel.embed`."""
        return embed_in_batches(
            media,
            self._prepare,
            self._forward,
            at_least=self._resize,
            dim=self.dim,
            batch_size=batch_size,
            progress=progress,
        )

    def _prepare(self, pixels: Pixels) -> Pixels:
        return center_crop(pixels, self._resize, self._crop, self._interpolation)

    def _forward(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode(), mixed_precision(self._device):
            # (b, height, width, 3) read as (b, 3, height, width) is already in channels-last order.
            pixels = torch.from_numpy(batch).to(self._device).permute(0, 3, 1, 2)
            output = self._network((pixels.float() - self._mean) / self._std)
        return np.asarray(output.flatten(1).float().cpu().numpy(), np.float32)


def center_crop(pixels: Pixels, resize: int, crop: int, interpolation: int) -> Pixels:
    """Resize so that the shorter side is ``resize``, then cut the middle (crop, crop, 3) out, as torchvision does."""
    height, width = pixels.shape[:2]
    scale = resize / min(height, width)
    size = max(round(width * scale), crop), max(round(height * scale), crop)
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else interpolation)
    top, left = (size[1] - crop) // 2, (size[0] - crop) // 2
    return np.ascontiguousarray(resized[top : top + crop, left : left + crop], np.uint8)


def _load(architecture: str, weights: str | None) -> "tuple[torch.nn.Module, dict[str, Any]]":
    import torchvision
    from torch import nn

    names = torchvision.models.list_models(module=torchvision.models)
    if architecture not in names:
        raise ValueError(f"'{architecture}' is no torchvision classification model; there are: {', '.join(names)}")
    published = torchvision.models.get_model_weights(architecture).DEFAULT
    if weights is None:
        network = _from_hub(architecture, published)
        classifier = _classifier_name(network)
    else:
        state = {_OLD_DENSENET.sub(r"\1\2", name): tensor for name, tensor in read_state(weights).items()}
        # Torchvision's weights of these two came from TensorFlow and want their input scaled again.
        options = {"transform_input": True, "init_weights": False} if architecture in _FROM_TENSORFLOW else {}
        network = torchvision.models.get_model(architecture, weights=None, **options)
        classifier = _classifier_name(network)
        fit_state(network, state, weights, free=(classifier, *_TRAINING_HEADS))
    parent, _, leaf = classifier.rpartition(".")
    setattr(network.get_submodule(parent), leaf, nn.Identity())
    for side in _TRAINING_HEADS:
        if hasattr(network, side):
            setattr(network, side, None)
    return network, _preset(published)


def _from_hub(architecture: str, published: Any) -> "torch.nn.Module":
    import urllib.error

    import torchvision

    try:
        network: torch.nn.Module = torchvision.models.get_model(architecture, weights=published)
    except (urllib.error.URLError, OSError) as error:
        raise ValueError(
            f"The weights of torchvision/{architecture} are not in the cache and could not be fetched ({error}). "
            f"Fetch {published.url} where there is a network, and name the file in the option “weights”."
        ) from error
    return network


def _classifier_name(network: "torch.nn.Module") -> str:
    """Name of the last linear (or 1 x 1 convolution) layer, which gives the classes."""
    from torch import nn

    *_, last = (
        str(name)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d) and not name.startswith(_TRAINING_HEADS)
    )
    return last


def _preset(published: Any) -> dict[str, Any]:
    transform = published.transforms()
    modes = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "nearest": cv2.INTER_NEAREST}
    return {
        "crop": transform.crop_size[0],
        "resize": transform.resize_size[0],
        "mean": transform.mean or _IMAGENET_MEAN,
        "std": transform.std or _IMAGENET_STD,
        "interpolation": modes.get(transform.interpolation.value, cv2.INTER_LINEAR),
    }
