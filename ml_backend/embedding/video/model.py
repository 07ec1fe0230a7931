"""Models `video/<image model>`: the mean of the vectors that an image model gives frames of a video."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from ...progress import Progress
from ..base import Embedded, EmbeddingModel, Media, TextTower, UnreadableMedium
from ..image.model import ImageModel
from ..image.preprocessing import features
from ..image.reading import check_file
from ..pipeline import embed_in_batches

Pixels = NDArray[np.uint8]
_FRAMES = 16


class VideoModel:
    """The mean of the vectors of evenly spaced frames, each first scaled to length 1.

    Args:
        name: the full name of an image model, such as ``torchvision/resnet18``.
        image_model: that model.
        frames: how many frames of a video, or of a clip, are used.

    Raises:
        Refusal: the image model cannot embed frames in memory, or ``frames`` is below 1.
    """

    def __init__(self, name: str, image_model: EmbeddingModel, *, frames: int = _FRAMES) -> None:
        if frames < 1:
            raise Refusal(f"The number of frames is {frames}; it must be at least 1.")
        self.name = f"video/{name}"
        self.dim = image_model.dim
        self._frames, self._image_model = frames, image_model
        if not isinstance(image_model, ImageModel) and image_model.name != "preprocessing":
            raise Refusal(f"{name} cannot embed the frames of a video: choose another image model.")
        self.has_text_tower = bool(getattr(image_model, "has_text_tower", isinstance(image_model, TextTower)))

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed videos, or their clips, in their order; see `EmbeddingModel.embed`."""
        model = self._image_model
        prepare: Any = model.prepare if isinstance(model, ImageModel) else features

        def read(path: str, parts: Sequence[Media]) -> list[list[Pixels] | UnreadableMedium]:
            return [_attempt(path, medium.span, self._frames) for medium in parts]

        return embed_in_batches(
            media,
            read=read,
            prepare=lambda frames: np.stack([prepare(frame) for frame in frames]),
            forward=self._forward,
            dim=self.dim,
            batch_size=1,
            progress=progress,
        )

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, dim) float32 of length 1, where the image model embeds texts.

        Raises:
            Refusal: it does not.
        """
        if not isinstance(self._image_model, TextTower):
            raise Refusal(f"{self.name} has no text tower: it embeds only videos.")
        return self._image_model.embed_text(texts)

    def _forward(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        (frames,) = batch
        model = self._image_model
        rows = model.forward(frames)[:, : self.dim] if isinstance(model, ImageModel) else frames
        units = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return np.asarray(units.mean(axis=0, keepdims=True), np.float32)


def _attempt(path: str, span: tuple[float, float] | None, count: int) -> list[Pixels] | UnreadableMedium:
    try:
        return read_frames(path, span, count)
    except UnreadableMedium as error:
        return error


def read_frames(path: str, span: tuple[float, float] | None, count: int) -> list[Pixels]:
    """Frames (height, width, 3) uint8 RGB at equal distances; ``span`` is the first and last frame, from 1 on.

    Raises:
        UnreadableMedium: no such file, not a video that can be decoded, or no frames in the span.
    """
    import cv2

    check_file(path)
    video = cv2.VideoCapture(path)
    try:
        total = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        if not video.isOpened() or total < 1:
            raise UnreadableMedium("it is not a video that can be decoded")
        first, last = (1, total) if span is None else (max(round(span[0]), 1), min(round(span[1]), total))
        if first > last:
            raise UnreadableMedium(f"the clip starts at frame {first}, after the last of {total} frames")
        places = np.unique(np.linspace(first - 1, last - 1, min(count, last - first + 1)).round().astype(int))
        frames = [frame for number in places.tolist() if (frame := _frame(video, number)) is not None]
    finally:
        video.release()
    if not frames:
        raise UnreadableMedium("none of its frames can be decoded")
    return [np.ascontiguousarray(frame[:, :, ::-1]) for frame in frames]


def _frame(video: Any, number: int) -> Pixels | None:
    import cv2

    if int(video.get(cv2.CAP_PROP_POS_FRAMES)) != number:
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
    sound, pixels = video.read()
    return np.asarray(pixels, np.uint8) if sound else None
