"""Media to vectors. Knows no host: paths and arrays in, arrays out."""

from typing import Any

from .base import Embedded, EmbeddingModel, Failure, Media

__all__ = ["MODELS", "Embedded", "EmbeddingModel", "Failure", "Media", "load"]

# What `load` takes, for forms and messages.
MODELS = {
    "preprocessing": "intensity, colour and gradients; no network, no download",
    "torchvision/<name>": "any torchvision classification backbone, such as torchvision/resnet18",
    "open_clip/<name>:<weights>": "any open_clip model, such as open_clip/ViT-B-32:laion2b_s34b_b79k; knows texts too",
    "trained": "a head trained on your labels, over another model's embeddings",
}


def load(name: str, **options: Any) -> EmbeddingModel:
    """Load an embedding model by its name.

    Args:
        name: ``preprocessing``, ``torchvision/<architecture>``, ``open_clip/<architecture>:<weights tag>`` or
            ``trained``.
        options: ``weights`` (a local file) for the pretrained ones, and how images are prepared (``crop``, ``resize``,
            ``mean``, ``std``) for torchvision's; ``base``, ``base_options`` and ``head`` (a file) for ``trained``.

    Raises:
        ValueError: an unknown name or option, weights that do not fit, or a hub that cannot be reached.
    """
    family, _, rest = name.partition("/")
    try:
        if name == "preprocessing":
            from .preprocessing import Preprocessing

            return Preprocessing(**options)
        if family == "torchvision" and rest:
            from .torchvision_model import TorchvisionModel

            return TorchvisionModel(rest, **options)
        if family == "open_clip" and rest:
            from .open_clip_model import OpenClipModel

            architecture, _, tag = rest.partition(":")
            return OpenClipModel(architecture, tag or None, **options)
        if name == "trained":
            return _load_trained(**options)
    except TypeError as error:
        raise ValueError(f"'{name}' does not know these options: {error}") from error
    listing = "; ".join(f"{known} ({what})" for known, what in MODELS.items())
    raise ValueError(f"'{name}' is no embedding model; there are: {listing}")


def _load_trained(*, base: str, head: str, base_options: dict[str, Any] | None = None) -> EmbeddingModel:
    from .trained import TrainedModel, load_head

    return TrainedModel(load(base, **(base_options or {})), load_head(head))
