"""What an embedding model is: media in, one vector a medium out, in order, with the reasons of those that failed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[float, str], object]


@dataclass(frozen=True)
class Media:
    """An image file, or the part of it inside ``box``: relative [x, y, width, height], FiftyOne's convention."""

    path: str
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Failure:
    """A medium, by its ``index`` in what was asked, that could not be embedded, and why, in words."""

    index: int
    reason: str


@dataclass(frozen=True)
class Embedded:
    """Vectors (m, d) float32 of the media ``kept`` (m,) int64, ascending; the others are in ``failed``."""

    vectors: NDArray[np.float32]
    kept: NDArray[np.int64]
    failed: list[Failure]


class EmbeddingModel(Protocol):
    """A model that turns media into vectors of ``dim`` numbers."""

    name: str
    dim: int

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed media in their order; those that cannot be read are skipped and reported.

        ``progress`` is called with (share done, message); what it raises stops the run and is passed on.
        """
