"""An image model of any framework: files in, prepared squares to the network, vectors and class scores out."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from ..base import Embedded, Media
from ..pipeline import embed_in_batches
from .decoding import Pixels
from .preparation import InputSettings
from .reading import image_reader

# Prepared squares (b, size, size, 3) uint8 to vectors (b, dim) float32, followed by the logits of the classes.
Forward = Callable[[NDArray[np.generic]], NDArray[np.float32]]


class ImageModel:
    """A network with the input it expects; ``classes`` names the last columns of what ``forward`` returns.

    Attributes:
        name: the model's full name, such as ``torchvision/resnet18``.
        dim: length of a vector.
        input: how images are prepared.
        classes: names of the classes it predicts in the same pass; empty if it predicts none.
    """

    def __init__(self, name: str, settings: InputSettings, forward: Forward, classes: Sequence[str] = ()) -> None:
        self.name = name
        self.input = settings
        self.classes = tuple(classes)
        self._forward = forward
        blank = np.zeros((1, settings.size, settings.size, 3), np.uint8)
        self.dim = int(forward(blank).shape[1]) - len(self.classes)

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed images in their order; see `EmbeddingModel.embed`."""
        embedded = embed_in_batches(
            media,
            read=image_reader(at_least=max(self.input.size, self.input.resize)),
            prepare=self.prepare,
            forward=self._forward,
            dim=self.dim + len(self.classes),
            batch_size=batch_size,
            progress=progress,
        )
        if not self.classes:
            return embedded
        vectors, logits = embedded.vectors[:, : self.dim], embedded.vectors[:, self.dim :]
        return Embedded(np.ascontiguousarray(vectors), embedded.kept, embedded.failed, np.ascontiguousarray(logits))

    def prepare(self, pixels: Pixels) -> Pixels:
        """The prepared square of an image, as input for the network."""
        return self.input.prepare(pixels)

    def forward(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """The output of the network for prepared squares (b, size, size, 3) uint8."""
        return self._forward(batch)
