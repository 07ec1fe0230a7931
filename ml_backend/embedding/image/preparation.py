"""How pixels are prepared for a network: size, normalization, channel order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from .decoding import Pixels

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MODES = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "nearest": cv2.INTER_NEAREST}
_LARGEST = 4096  # pixels per side; more is a typo and would exhaust the memory

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class InputSettings:
    """The input that a network expects.

    Attributes:
        size: side in pixels of the network's square input.
        resize: length in pixels of the shorter side before the center crop; unused with ``squash``.
        mean, std: of each channel, for values of 0..1, in the network's channel order.
        interpolation: ``bilinear``, ``bicubic`` or ``nearest``, for enlarging; shrinking averages areas.
        squash: resize the whole image to the square, whatever its shape, instead of cropping the center.
        channels: ``rgb`` or ``bgr``.
        flip: mirror the image both ways, which some converted networks expect.
    """

    size: int
    resize: int
    mean: Triple
    std: Triple
    interpolation: str = "bilinear"
    squash: bool = False
    channels: Literal["rgb", "bgr"] = "rgb"
    flip: bool = False

    def prepare(self, pixels: Pixels) -> Pixels:
        """Prepare an image of any size as a square (size, size, 3) uint8 RGB."""
        if not self.squash:
            return center_crop(pixels, self.resize, self.size, _MODES[self.interpolation])
        mode = cv2.INTER_AREA if min(pixels.shape[:2]) > self.size else _MODES[self.interpolation]
        return np.asarray(cv2.resize(pixels, (self.size, self.size), interpolation=mode), np.uint8)

    def normalize(self, batch: Pixels) -> NDArray[np.float32]:
        """Prepared squares (b, size, size, 3) as the network's input (b, 3, size, size) float32."""
        ordered = batch[..., ::-1] if self.channels == "bgr" else batch
        if self.flip:
            ordered = ordered[:, ::-1, ::-1]
        scale = (1 / (255 * np.asarray(self.std))).astype(np.float32)
        shift = (-np.asarray(self.mean) / np.asarray(self.std)).astype(np.float32)
        return np.ascontiguousarray((ordered * scale + shift).transpose(0, 3, 1, 2), np.float32)

    def sentence(self) -> str:
        """How images are prepared, for messages."""
        cut = "the whole image" if self.squash else "the middle of the image"
        extras = ", mirrored both ways" * self.flip + ", channels in BGR order" * (self.channels == "bgr")
        return f"{cut} at {self.size} x {self.size} pixels, mean {_listed(self.mean)}, std {_listed(self.std)}{extras}"


class Preparation(TypedDict, total=False):
    """How the user wants images to be prepared, as `override` takes it; None and nothing mean the same."""

    size: int | None
    resize: int | None
    mean: Sequence[float] | None
    std: Sequence[float] | None
    channels: str | None
    flip: bool | None


def override(
    settings: InputSettings,
    *,
    size: int | None = None,
    resize: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    channels: str | None = None,
    flip: bool | None = None,
) -> InputSettings:
    """Settings overridden by the user's; a new ``size`` without ``resize`` crops nothing off the shorter side.

    Raises:
        Refusal: a value that no network can have.
    """
    changes: dict[str, Any] = {}
    if size is not None:
        changes |= {"size": _side("size", size), "resize": _side("size", size)}
    if resize is not None:
        changes["resize"] = max(_side("resize", resize), size or settings.size)
    if mean is not None:
        changes["mean"] = triple("mean", mean)
    if std is not None:
        changes["std"] = triple("std", std)
        if min(changes["std"]) <= 0:
            raise Refusal(f"std is {_listed(std)}; each number must be above 0")
    if channels is not None:
        if channels not in ("rgb", "bgr"):
            raise Refusal(f"channels is '{channels}'; choose rgb or bgr")
        changes["channels"] = channels
    if flip is not None:
        changes["flip"] = flip
    return replace(settings, **changes)


def center_crop(pixels: Pixels, resize: int, crop: int, interpolation: int) -> Pixels:
    """Resize so that the shorter side is ``resize``, then crop the center (crop, crop, 3), as torchvision does."""
    height, width = pixels.shape[:2]
    scale = resize / min(height, width)
    size = max(round(width * scale), crop), max(round(height * scale), crop)
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else interpolation)
    top, left = (size[1] - crop) // 2, (size[0] - crop) // 2
    return np.ascontiguousarray(resized[top : top + crop, left : left + crop], np.uint8)


def _side(name: str, value: int) -> int:
    if not 1 <= value <= _LARGEST:
        raise Refusal(f"{name} is {value}; it must be 1 to {_LARGEST:,} pixels")
    return int(value)


def triple(name: str, values: Sequence[float]) -> Triple:
    """Numbers of the three channels.

    Raises:
        Refusal: not three finite numbers.
    """
    if len(values) != 3 or not np.isfinite(np.asarray(values, float)).all():
        raise Refusal(f"{name} must be three numbers, one for each channel, such as 0.5, 0.5, 0.5; got {list(values)}")
    first, second, third = (float(value) for value in values)
    return first, second, third


def _listed(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"
