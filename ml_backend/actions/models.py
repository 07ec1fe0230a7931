"""The embedding models that users can choose: the registry, including the models of FiftyOne's zoo."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..embedding import EmbeddingModel, ModelFamily, families, find_family, load, register
from ..embedding.base import TextTower
from ..embedding.ray_model import LOADER
from ..embedding.registry import Modality
from ..errors import Refusal
from ..store.zoo_models import ZOO
from ..wording import listing

PREPROCESSING = "preprocessing"
VIDEO = "video"

register(ZOO)  # here, because `embedding` knows no host

__all__ = [
    "ModelFamily",
    "embed_text",
    "families",
    "find_family",
    "load",
    "model_for",
    "offered_models",
    "searches_text",
    "worker_loader",
]


def offered_models(modality: Modality = "image") -> list[str]:
    """Full names of the models of a kind of medium that menus offer, defaults first; any other name may be typed."""
    shown = [family for family in families(modality) if family.in_menus]
    firsts = [family.default for family in shown if family.default]
    others = [family.model_name(argument) for family in shown for argument in family.examples[1:]]
    return firsts + others


def model_for(kind: Modality, model: str) -> str:
    """The full name of a model for media of a kind; “preprocessing” stands for that kind's own model.

    Raises:
        Refusal: an unknown model, or one for another kind of medium.
    """
    if model == PREPROCESSING and kind != "image":
        return f"video/{PREPROCESSING}" if kind == "video" else f"{kind}-{PREPROCESSING}"
    family, _ = find_family(model)
    if family.modality == kind or not family.in_menus:
        return model
    if (kind, family.modality) == ("video", "image"):
        hint = f"video/{model} takes the mean over their frames"
    else:
        hint = f"those for {kind} are {listing([offered.pattern for offered in families(kind) if offered.in_menus])}"
    raise Refusal(f"{model} embeds media of the kind “{family.modality}”, and these are “{kind}”: {hint}.")


def searches_text(model: str) -> bool:
    """Whether a model may embed texts into the space of its images; for some families, only loading it shows this."""
    try:
        family, argument = find_family(model)
    except Refusal:
        return False  # embeddings from another tool, or precomputed ones
    if family.name == VIDEO:
        return searches_text(argument)  # its frames are embedded by an image model
    return family.text_tower != "no"


def embed_text(model: str, options: Mapping[str, Any], text: str) -> np.ndarray:
    """The vector (d,) of a text; the model stays in memory for the next text.

    Raises:
        Refusal: the model has no text tower.
    """
    loaded = _loaded(model, tuple(sorted(options.items())))
    if not isinstance(loaded, TextTower):
        raise Refusal(f"{model} has no text tower: it embeds only images.")
    vector: np.ndarray = loaded.embed_text([text])[0]
    return vector


def worker_loader(model: str) -> str:
    """The function that loads a model on a cluster's worker; only models from FiftyOne's zoo need FiftyOne there."""
    family, _ = find_family(model)
    return "labelscape.ml_backend.actions.models:load" if family.name == ZOO.name else LOADER


@lru_cache(maxsize=1)
def _loaded(model: str, options: tuple[tuple[str, Any], ...]) -> EmbeddingModel:
    return load(model, **dict(options))
