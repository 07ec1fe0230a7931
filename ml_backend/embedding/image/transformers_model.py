"""Models `hf/<repository or folder>`: vision models of transformers, with their processor's settings and text tower."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from ..hub import from_pretrained, local_or_hub
from ..packages import require
from .device import choose_device, mixed_precision
from .preparation import InputSettings, Preparation, override, triple
from .torch_forward import TorchImageModel

if TYPE_CHECKING:
    import torch
    from typing_extensions import Unpack

_RESAMPLING = {0: "nearest", 2: "bilinear", 3: "bicubic"}  # Pillow's numbers
_CLASS_TOKENS = ("cls_token", "class_embedding", "class_token")


class TransformersModel(TorchImageModel):
    """A vision model of transformers: DINOv2 and v3, SigLIP 2, CLIP, ViT, ConvNeXt and their like.

    The embedding is what the model compares with texts where it has a text tower (of length 1), else its class token,
    else the mean of its last feature map or tokens.

    Args:
        reference: a repository of the hub, such as ``facebook/dinov2-small``, or a local folder of one.
        preparation: how images are prepared, where it is not as the model's processor says; see `Preparation`.

    Raises:
        Refusal: transformers is not installed, the folder holds no vision model, or the hub cannot be reached.
    """

    def __init__(
        self,
        reference: str,
        **preparation: "Unpack[Preparation]",
    ) -> None:
        transformers = require("transformers", "models")
        self._reference = local_or_hub(reference)
        network = from_pretrained(transformers.AutoModel, self._reference, "a model of transformers", "hf")
        processor = from_pretrained(transformers.AutoImageProcessor, self._reference, "an image processor", "hf")
        settings = override(_settings(processor.to_dict(), self._reference), **preparation)
        device = choose_device()
        network = network.eval().to(device)
        self.has_text_tower = hasattr(network, "get_text_features")
        self._has_class_token = any(name.endswith(_CLASS_TOKENS) for name, _ in network.named_parameters())
        super().__init__(f"hf/{reference}", settings, network, self._embed, device)

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, dim) float32 of length 1, comparable with those of images.

        Raises:
            Refusal: the model has no text tower, or its tokenizer cannot be loaded.
        """
        import torch

        if not self.has_text_tower:
            raise Refusal(f"{self.name} has no text tower: it embeds only images.")
        network: Any = self.network
        # SigLIP was trained on texts filled up to its longest length.
        padding = "max_length" if "siglip" in network.config.model_type else True
        tokens = self._tokenizer(list(texts), padding=padding, truncation=True, return_tensors="pt").to(self.device)
        with torch.inference_mode(), mixed_precision(self.device):
            vectors = _unit(_features(network.get_text_features(**tokens)))
        return np.asarray(vectors.float().cpu().numpy(), np.float32)

    @cached_property
    def _tokenizer(self) -> Any:
        transformers = require("transformers", "models")
        return from_pretrained(transformers.AutoTokenizer, self._reference, "a tokenizer", "hf")

    def _embed(self, pixels: "torch.Tensor") -> "torch.Tensor":
        network: Any = self.network
        if self.has_text_tower:
            return _unit(_features(network.get_image_features(pixel_values=pixels)))
        last: torch.Tensor = network(pixel_values=pixels).last_hidden_state
        if last.ndim == 4:
            averaged: torch.Tensor = last.mean((2, 3))
            return averaged
        vectors: torch.Tensor = last[:, 0] if self._has_class_token else last.mean(1)
        return vectors


def _features(output: Any) -> "torch.Tensor":
    """Vectors (n, dim): transformers 5 wraps them, 4 does not."""
    vectors: torch.Tensor = getattr(output, "pooler_output", output)
    return vectors


def _unit(vectors: "torch.Tensor") -> "torch.Tensor":
    scaled: torch.Tensor = vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return scaled


def _settings(processor: dict[str, Any], reference: str) -> InputSettings:
    size, crop = processor.get("size") or {}, processor.get("crop_size") or {}
    crops = bool(processor.get("do_center_crop")) and bool(crop)
    shorter = size.get("shortest_edge") or size.get("height")
    side = (crop.get("height") or crop.get("shortest_edge")) if crops else (size.get("height") or shorter)
    if not side or not shorter:
        raise Refusal(
            f"The processor of '{reference}' prepares images of sizes that cannot be batched ({size or 'no size'}): "
            "set the options “size”, “mean”, and “std” of a model with a fixed size, or choose another model."
        )
    normalizes = processor.get("do_normalize", True)
    # A processor that does not rescale passes 0..255 on.
    unit = 1.0 if processor.get("do_rescale", True) else 1 / 255
    mean = processor["image_mean"] if normalizes else (0.0, 0.0, 0.0)
    std = processor["image_std"] if normalizes else (1.0, 1.0, 1.0)
    return InputSettings(
        size=int(side),
        resize=int(shorter),
        mean=triple("image_mean", [float(value) * unit for value in mean]),
        std=triple("image_std", [float(value) * unit for value in std]),
        interpolation=_RESAMPLING.get(int(processor.get("resample", 2)), "bicubic"),
        squash="height" in size and not crops,
    )
