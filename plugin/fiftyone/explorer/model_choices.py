"""Ways to compute embeddings, as the panel offers them."""

from typing import Any

from ....ml_backend.actions.embed import FITTED_OPTION
from ....ml_backend.actions.models import ModelFamily, families
from ....ml_backend.embedding.registry import Modality
from ....ml_backend.errors import Refusal

TRAINED = "trained"
PRECOMPUTED = "precomputed"
_WITHOUT_FAMILY: list[dict[str, Any]] = [
    {
        "way": TRAINED,
        "title": "Trained on your labels",
        "why": "A small network on top of other embeddings, trained on existing labels",
    },
    {
        "way": PRECOMPUTED,
        "title": "Vectors you have",
        "why": "From a field of the samples, a Parquet file, or .npy with IDs",
    },
]


def model_choices(modality: Modality = "image") -> list[dict[str, Any]]:
    """`ModelChoice` of contract.ts for each family that menus offer, then for training and vectors that exist."""
    offered = [_choice(family) for family in families(modality) if family.in_menus]
    plain: dict[str, Any] = {"argument": "", "names": [], "inspects": False, "options": []}
    return [*offered, *({**way, **plain} for way in _WITHOUT_FAMILY)]


def model_name(way: str, argument: str | None) -> str:
    """The full name of a model of one of the ways offered.

    Raises:
        Refusal: an unknown way.
    """
    family = family_of(way)
    return family.model_name(argument or "") if family.argument else family.name


def family_of(way: str) -> ModelFamily:
    """The family of models of one of the ways offered; raises as `model_name`."""
    family = next((family for family in families() if family.name == way), None)
    if family is None:
        raise Refusal(f"“{way}” is not a way to compute embeddings: choose one from the list.")
    return family


def _choice(family: ModelFamily) -> dict[str, Any]:
    return {
        "way": family.name,
        "title": family.title,
        "why": family.sentence,
        "argument": family.argument.strip("<>"),
        "names": list(family.examples),
        "inspects": family.inspect is not None,
        "options": [
            {"name": option.name, "kind": option.kind, "sentence": option.sentence, "choices": list(option.choices)}
            for option in family.options
            if option.name != FITTED_OPTION  # set when the embeddings are made
        ],
    }
