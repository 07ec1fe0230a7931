"""Embedding models as the panel offers and uses them."""

from functools import lru_cache

import numpy as np

from ....ml_backend.embedding import EmbeddingModel, load

_OFFERED = ["preprocessing", "torchvision/resnet18", "open_clip/ViT-B-32:laion2b_s34b_b79k"]
_WITH_TEXT = "open_clip/"


def embedding_models() -> list[str]:
    """Names the form offers; any other that `embedding.load` knows may be typed."""
    return list(_OFFERED)


def searches_text(name: str) -> bool:
    """Whether a model embeds texts into the space of its images."""
    return name.startswith(_WITH_TEXT)


def embed_text(name: str, options: dict[str, object], text: str) -> np.ndarray:
    """The vector (d,) of a text; the model stays in memory for the next one."""
    model = _model(name, tuple(sorted(options.items())))
    vector: np.ndarray = model.embed_text([text])[0]  # type: ignore[attr-defined]
    return vector


@lru_cache(maxsize=1)
def _model(name: str, options: tuple[tuple[str, object], ...]) -> EmbeddingModel:
    return load(name, **dict(options))
