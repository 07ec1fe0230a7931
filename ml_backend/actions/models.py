"""The embedding models that users can choose: the registry, including the models of FiftyOne's zoo."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..embedding import EmbeddingModel, ModelFamily, families, find_family, load, register
from ..embedding.base import TextTower
from ..embedding.ray_model import LOADER
from ..errors import Refusal
from ..store.zoo_models import ZOO

register(ZOO)  # here, because `embedding` knows no host

__all__ = [
    "ModelFamily",
    "embed_text",
    "families",
    "find_family",
    "load",
    "offered_models",
    "searches_text",
    "worker_loader",
]


def offered_models() -> list[str]:
    """Full names of the image models that menus offer, the defaults first; any other name may be typed."""
    shown = [family for family in families("image") if family.in_menus]
    firsts = [family.default for family in shown if family.default]
    others = [family.model_name(argument) for family in shown for argument in family.examples[1:]]
    return firsts + others


def searches_text(model: str) -> bool:
    """Whether a model may embed texts into the space of its images; for some families only loading it can tell."""
    try:
        family, _ = find_family(model)
    except Refusal:
        return False  # embeddings from another tool, or precomputed ones
    return family.text_tower != "no"


def embed_text(model: str, options: Mapping[str, Any], text: str) -> np.ndarray:
    """The vector (d,) of a text; the model stays in memory for the next text.

    Raises:
        Refusal: the model has no text tower.
    """
    loaded = _loaded(model, tuple(sorted(options.items())))
    if not isinstance(loaded, TextTower):
        raise Refusal(f"{model} has no text tower: it embeds images alone.")
    vector: np.ndarray = loaded.embed_text([text])[0]
    return vector


def worker_loader(model: str) -> str:
    """The function that loads a model in a worker of a cluster; only those of FiftyOne's zoo need FiftyOne there."""
    family, _ = find_family(model)
    return "labelscape.ml_backend.actions.models:load" if family.name == ZOO.name else LOADER


@lru_cache(maxsize=1)
def _loaded(model: str, options: tuple[tuple[str, Any], ...]) -> EmbeddingModel:
    return load(model, **dict(options))
