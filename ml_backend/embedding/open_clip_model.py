"""Models `open_clip/<architecture>:<tag>`: images and texts in one space."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .base import Embedded, Media, Progress
from .device import choose_device, mixed_precision
from .images import Pixels
from .pipeline import embed_in_batches
from .torchvision_model import center_crop
from .weights import fit_state, read_state


class OpenClipModel:
    """An open_clip model with both towers.

    Args:
        architecture: a name of ``open_clip.list_models``, such as ``ViT-B-32``.
        tag: which published weights, such as ``laion2b_s34b_b79k``; they also say how images are prepared.
        weights: a local file that takes the place of the published weights.

    Raises:
        ValueError: an unknown architecture or tag, weights that do not fit, or a hub that cannot be reached.
    """

    def __init__(self, architecture: str, tag: str | None = None, *, weights: str | None = None) -> None:
        import open_clip
        import torch

        network = _load(architecture, tag, weights)
        self.name = f"open_clip/{architecture}" + (f":{tag}" if tag else "")
        self._architecture = architecture
        self._device = choose_device()
        self._network = network.eval().to(self._device)
        # A network made for a local file does not know how its images are prepared; the tag does.
        published = (open_clip.get_pretrained_cfg(architecture, tag) or {}) if tag else {}
        preset = {**open_clip.get_model_preprocess_cfg(network), **published}
        size = preset["size"]
        self._side = size if isinstance(size, int) else size[0]
        self._squash = preset["resize_mode"] == "squash"  # SigLIP's way: the whole image, whatever its shape
        self._interpolation = cv2.INTER_LINEAR if preset["interpolation"] == "bilinear" else cv2.INTER_CUBIC
        self._mean = torch.tensor(preset["mean"], device=self._device).view(1, 3, 1, 1) * 255
        self._std = torch.tensor(preset["std"], device=self._device).view(1, 3, 1, 1) * 255
        self.dim = int(self._forward(np.zeros((1, self._side, self._side, 3), np.uint8)).shape[1])

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed images in their order; see `EmbeddingModel.embed`. Vectors have length 1."""
        return embed_in_batches(
            media,
            self._prepare,
            self._forward,
            at_least=self._side,
            dim=self.dim,
            batch_size=batch_size,
            progress=progress,
        )

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, dim) float32 of length 1, comparable with those of images.

        Raises:
            ValueError: the model's tokenizer lies on a hub that cannot be reached.
        """
        import torch

        tokens = self._tokenizer(list(texts)).to(self._device)
        with torch.inference_mode(), mixed_precision(self._device):
            output = self._network.encode_text(tokens, normalize=True)
        return np.asarray(output.float().cpu().numpy(), np.float32)

    @cached_property
    def _tokenizer(self) -> Any:
        # Only texts need it, and some architectures (SigLIP) fetch it: images must not fail for it.
        import open_clip

        try:
            return open_clip.get_tokenizer(self._architecture)
        except (OSError, ImportError) as error:
            raise ValueError(
                f"The tokenizer of {self._architecture} is not in the cache and could not be fetched "
                f"({type(error).__name__}): texts cannot be searched for until there is a network. Images can."
            ) from error

    def _prepare(self, pixels: Pixels) -> Pixels:
        side = self._side
        if self._squash:
            shrinking = min(pixels.shape[:2]) > side
            way = cv2.INTER_AREA if shrinking else self._interpolation
            return np.asarray(cv2.resize(pixels, (side, side), interpolation=way), np.uint8)
        return center_crop(pixels, side, side, self._interpolation)

    def _forward(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode(), mixed_precision(self._device):
            pixels = torch.from_numpy(batch).to(self._device).permute(0, 3, 1, 2)
            output = self._network.encode_image((pixels.float() - self._mean) / self._std, normalize=True)
        return np.asarray(output.float().cpu().numpy(), np.float32)


def _load(architecture: str, tag: str | None, weights: str | None) -> Any:
    import open_clip

    if architecture not in open_clip.list_models():
        raise ValueError(f"'{architecture}' is no open_clip model; there are: {', '.join(open_clip.list_models())}")
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if tag not in tags and (tag is not None or weights is None):
        raise ValueError(
            f"open_clip has no weights '{tag}' for {architecture}; there are: {', '.join(tags) or 'none'}. "
            "Or name a local file in the option “weights”."
        )
    if weights is not None:
        network = open_clip.create_model(architecture, pretrained=None)
        fit_state(network, read_state(weights), weights)
        return network
    try:
        return open_clip.create_model(architecture, pretrained=tag)
    except Exception as error:  # the hub's client raises many kinds where there is no network
        published = open_clip.get_pretrained_cfg(architecture, tag)
        place = published.get("url") or f"https://huggingface.co/{published.get('hf_hub', '')}"
        raise ValueError(
            f"The weights of open_clip/{architecture}:{tag} are not in the cache and could not be fetched "
            f"({type(error).__name__}). Fetch them from {place} where there is a network, and name the file in the "
            "option “weights”."
        ) from error
