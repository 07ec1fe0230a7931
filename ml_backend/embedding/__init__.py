"""Embedding of media. Independent of any host: paths and arrays in, arrays out."""

from . import builtin, builtin_media  # noqa: F401  (declare the models that come with Labelscape)
from .base import Embedded, EmbeddingModel, Failure, Media
from .registry import ModelFamily, Option, families, find_family, load, register

__all__ = [
    "Embedded",
    "EmbeddingModel",
    "Failure",
    "Media",
    "ModelFamily",
    "Option",
    "families",
    "find_family",
    "load",
    "register",
]
