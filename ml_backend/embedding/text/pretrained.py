"""Models `sentence-transformers/<…>` and `model2vec/<…>`: pretrained text encoders, from the hub or a local folder."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from ..base import Embedded, Media
from ..hub import local_or_hub, not_loadable
from ..image.device import choose_device
from ..packages import require
from ..pipeline import embed_in_batches
from .reading import read_texts

Floats = NDArray[np.float32]

_MOST_CHARACTERS = 100_000  # encoders read some hundred words; tokenizing megabytes only to cut them takes seconds


class TextEncoder:
    """A function from texts to vectors, with the interface of an embedding model."""

    def __init__(self, name: str, encode: Callable[[list[str]], Floats]) -> None:
        self.name = name
        self._encode = encode
        self.dim = int(encode(["text"]).shape[1])

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed texts in their order; see `EmbeddingModel.embed`."""
        return embed_in_batches(
            media,
            read=read_texts,
            prepare=lambda text: np.array(text[:_MOST_CHARACTERS], object),
            forward=lambda batch: self._encode([str(text) for text in batch.tolist()]),
            dim=self.dim,
            batch_size=batch_size,
            progress=progress,
        )

    def embed_text(self, texts: Sequence[str]) -> Floats:
        """Vectors (n, dim) float32 of length 1, comparable with those of the texts."""
        vectors = self._encode(list(texts))
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)


def sentence_encoder(reference: str) -> TextEncoder:
    """A model of sentence-transformers, such as ``all-MiniLM-L6-v2``, or a local folder of one.

    Raises:
        Refusal: the package is not installed, the folder holds no such model, or the hub cannot be reached.
    """
    package = require("sentence_transformers", "text")
    place = local_or_hub(reference)
    try:
        model: Any = package.SentenceTransformer(place, device=str(choose_device()), trust_remote_code=False)
    except Exception as error:  # the hub's client and configurations raise their own kinds of errors
        raise not_loadable(place, "a model of sentence-transformers", "sentence-transformers", error) from error

    def encode(texts: list[str]) -> Floats:
        vectors = model.encode(texts, batch_size=len(texts), show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, np.float32)

    return TextEncoder(f"sentence-transformers/{reference}", encode)


def static_encoder(reference: str) -> TextEncoder:
    """A model of model2vec, such as ``minishlab/potion-base-8M``, or a local folder of one.

    Raises:
        Refusal: the package is not installed, the folder holds no such model, or the hub cannot be reached.
    """
    package = require("model2vec", "text")
    place = local_or_hub(reference)
    try:
        model: Any = package.StaticModel.from_pretrained(place)
    except Exception as error:  # the hub's client and configurations raise their own kinds of errors
        raise not_loadable(place, "a model of model2vec", "model2vec", error) from error

    def encode(texts: list[str]) -> Floats:
        return np.asarray(model.encode(texts, show_progress_bar=False), np.float32)

    return TextEncoder(f"model2vec/{reference}", encode)
