"""The interface of embedding models: media in, one vector per medium out, in order, with reasons for failures."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress

Content = TypeVar("Content")
Box = tuple[float, float, float, float]
_TITLE = 40  # characters of a text that stand for it in a message
# FiftyOne (1.22) takes “file:///a.png” for a relative path and stores “/here/file:/a.png”.
_FILE_ADDRESS = re.compile(r"(?:^|/)file:(?://(?:localhost)?)?(/[^/].*)", re.I)


def local_path(path: str) -> str:
    """The path of a file that an address ``file:///…`` of this machine means; any other path as it is."""
    match = _FILE_ADDRESS.search(path) if "file:/" in path.lower() else None
    if match is None or os.path.exists(path):
        return path
    return match[1] if os.path.exists(match[1]) else unquote(match[1])


@dataclass(frozen=True)
class Media:
    """A file, a part of one, or a text.

    Attributes:
        path: the file, also as an address ``file:///…``; "" for a text that a field holds.
        box: the part of an image: relative [x, y, width, height], FiftyOne's convention.
        text: the text itself, where a field holds it.
        span: the window of a recording or a series, as start and end in seconds; or of a video, in frames from 1 on.
        rate: the sampling rate of a series in Hz, which most files do not specify.
        columns: the channels of a series, by the names of their columns; empty for all.
    """

    path: str
    box: Box | None = None
    text: str | None = None
    span: tuple[float, float] | None = None
    rate: float | None = None
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Take the file that an address means; where it is read, only paths and remote addresses are known."""
        object.__setattr__(self, "path", local_path(self.path))

    @property
    def title(self) -> str:
        """A short name for messages: the file's name, or the beginning of the text."""
        if self.text is None:
            return os.path.basename(self.path)
        line = " ".join(self.text[:80].split())
        return line if len(line) <= _TITLE else f"{line[:_TITLE]}…"


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

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed media in their order; those that cannot be read are skipped and reported.

        ``progress`` is called with the fraction done and a message; an exception it raises stops the run and is passed
        on.
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


@runtime_checkable
class Fittable(Protocol):
    """The interface of a model that learns from the media it embeds, without labels: a vocabulary, scales, axes.

    What it learned is stored in a file, so that media added later get vectors in the same space.
    """

    @property
    def fitted_on(self) -> int:
        """Number of media it was fitted on; 0 before."""

    def fit(self, media: "Sequence[str | Media]", *, progress: Progress | None = None) -> None:
        """Learn from media.

        Raises:
            Refusal: none of them can be read.
        """

    def save(self, path: str) -> None:
        """Write what it learned to a file that the option ``fitted`` of its family reads."""
