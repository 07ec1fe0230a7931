"""Models `open_clip/<architecture>:<tag>`: images and texts in one space."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from .device import choose_device, mixed_precision
from .preparation import InputSettings, Preparation, override
from .torch_forward import TorchImageModel
from .weights import fit_state, read_state

if TYPE_CHECKING:
    import torch
    from typing_extensions import Unpack


class OpenClipModel(TorchImageModel):
    """An open_clip model with both towers; vectors have length 1.

    Args:
        architecture: a name of ``open_clip.list_models``, such as ``ViT-B-32``.
        tag: which published weights, such as ``laion2b_s34b_b79k``; they also say how images are prepared.
        weights: a local file that takes the place of the published weights.
        preparation: how images are prepared, where a local file expects something else; see `Preparation`.

    Raises:
        Refusal: an unknown architecture or tag, weights that do not fit, or a hub that cannot be reached.
    """

    def __init__(
        self,
        architecture: str,
        tag: str | None = None,
        *,
        weights: str | None = None,
        **preparation: "Unpack[Preparation]",
    ) -> None:
        network = _load(architecture, tag, weights)
        settings = override(_settings(network, architecture, tag), **preparation)
        self._architecture = architecture
        device = choose_device()
        network = network.eval().to(device)
        name = f"open_clip/{architecture}" + (f":{tag}" if tag else "")
        super().__init__(name, settings, network, self._encode_image, device)

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, dim) float32 of length 1, comparable with those of images.

        Raises:
            Refusal: the model's tokenizer is on a hub that cannot be reached.
        """
        import torch

        tokens = self._tokenizer(list(texts)).to(self.device)
        network: Any = self.network
        with torch.inference_mode(), mixed_precision(self.device):
            output = network.encode_text(tokens, normalize=True)
        return np.asarray(output.float().cpu().numpy(), np.float32)

    @cached_property
    def _tokenizer(self) -> Any:
        # Only texts need it, and some architectures (SigLIP) download it: embedding images must not depend on it.
        import open_clip

        try:
            return open_clip.get_tokenizer(self._architecture)
        except (OSError, ImportError) as error:
            raise Refusal(
                f"The tokenizer of {self._architecture} is not in the cache and could not be downloaded "
                f"({type(error).__name__}), so this model cannot search by text while offline. Images still work."
            ) from error

    def _encode_image(self, pixels: "torch.Tensor") -> "torch.Tensor":
        network: Any = self.network
        encoded: torch.Tensor = network.encode_image(pixels, normalize=True)
        return encoded


def _settings(network: Any, architecture: str, tag: str | None) -> InputSettings:
    import open_clip

    # A network created for a local file has no image preparation settings; those of the tag apply.
    published = (open_clip.get_pretrained_cfg(architecture, tag) or {}) if tag else {}
    preset = {**open_clip.get_model_preprocess_cfg(network), **published}
    side = preset["size"] if isinstance(preset["size"], int) else preset["size"][0]
    return InputSettings(
        size=side,
        resize=side,
        mean=tuple(preset["mean"]),
        std=tuple(preset["std"]),
        interpolation="bilinear" if preset["interpolation"] == "bilinear" else "bicubic",
        squash=preset["resize_mode"] == "squash",  # SigLIP's way
    )


def _load(architecture: str, tag: str | None, weights: str | None) -> Any:
    import open_clip

    names = open_clip.list_models()
    if architecture not in names:
        raise Refusal(f"'{architecture}' is not an open_clip model; there are: {', '.join(names)}")
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if tag not in tags and (tag is not None or weights is None):
        raise Refusal(
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
        raise Refusal(
            f"The weights of open_clip/{architecture}:{tag} are not in the cache and could not be downloaded "
            f"({type(error).__name__}). Download them from {place} on a machine that is online, and name the file in "
            "the option “weights”."
        ) from error
