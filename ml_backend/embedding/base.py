"""The interface of embedding models: media in, one vector per medium out, in order, with reasons for failures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress

Content = TypeVar("Content")
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Media:
    """A file, or the part of an image inside ``box``: relative [x, y, width, height], FiftyOne's convention."""

    path: str
    box: Box | None = None


class UnreadableMedium(Exception):
    """A medium that cannot be read; the message says why, in words for the user."""


# Reads the requested parts of one file; a part that cannot be read is replaced by the reason.
Reader = Callable[[str, Sequence[Media]], Sequence[Content | UnreadableMedium]]


@dataclass(frozen=True)
class Failure:
    """A medium that could not be embedded, by its ``index`` in the input, and the reason in words."""

    index: int
    reason: str


@dataclass(frozen=True)
class Embedded:
    """Vectors (m, d) float32 of the media ``kept`` (m,) int64, ascending; the others are in ``failed``.

    ``logits`` (m, c) float32 are the scores of the model's classes before softmax, where the model predicts classes
    too and they were requested; None otherwise.
    """

    vectors: NDArray[np.float32]
    kept: NDArray[np.int64]
    failed: list[Failure]
    logits: NDArray[np.float32] | None = None


class EmbeddingModel(Protocol):
    """A model that turns media into vectors of ``dim`` numbers."""

    name: str
    dim: int

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed media in their order; those that cannot be read are skipped and reported.

        ``progress`` is called with the fraction done and a message; what it raises stops the run and is passed on.
        """


@runtime_checkable
class TextTower(Protocol):
    """The interface of a model that also embeds texts into the space of its images."""

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, dim) float32 of length 1, comparable with those of images."""


@runtime_checkable
class Classifier(Protocol):
    """The interface of a model that also predicts classes while embedding."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits."""
