"""Read image files as RGB pixels, no larger than needed, upright, whatever their format."""

import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .base import Media

MAX_PIXELS = 250_000_000  # a decoded image of 750 MB; more is an error or an attack
_REDUCED = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}
_TAIL = 512  # bytes in which a complete file has its end mark

Pixels = NDArray[np.uint8]


class UnreadableImage(ValueError):
    """An image that cannot be read; the message says why in words."""


def read_rgb(medium: Media, *, at_least: int) -> Pixels:
    """Pixels (height, width, 3) uint8 RGB of a medium, turned upright, cut to its box.

    A large JPEG is decoded at half, a quarter or an eighth of its size, as long as the shorter side of what is wanted
    keeps ``at_least`` pixels: that is most of the time saved.

    Raises:
        UnreadableImage: no such file, not an image, truncated, too large, or a box without area inside the image.
    """
    data = _read_bytes(medium.path)
    width, height, kind = _header(data)
    if width * height > MAX_PIXELS:
        raise UnreadableImage(f"the image has {width} x {height} pixels, more than the {MAX_PIXELS:,} allowed")
    left, top, right, bottom = _clip(medium.box)
    shorter = min((right - left) * width, (bottom - top) * height)
    flag = cv2.IMREAD_COLOR
    if kind == "JPEG":
        flag = next((_REDUCED[by] for by in _REDUCED if shorter / by >= at_least), flag)
    pixels = _decode(data, flag) if _looks_complete(data, kind) else _decode_strictly(data)
    if medium.box is None:
        return pixels
    rows, columns = pixels.shape[:2]
    y, x = slice(int(top * rows), round(bottom * rows)), slice(int(left * columns), round(right * columns))
    patch = pixels[y, x]
    if not patch.size:
        raise UnreadableImage(f"the box {_rounded(medium.box)} covers no pixel of the image")
    return patch


def _read_bytes(path: str) -> bytes:
    file = Path(path)
    if file.is_dir():
        raise UnreadableImage("it is a folder, not a file")
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise UnreadableImage("the file does not exist") from None
    except OSError as error:
        raise UnreadableImage(f"the file cannot be opened: {error.strerror}") from None
    if not data:
        raise UnreadableImage("the file is empty")
    return data


def _header(data: bytes) -> tuple[int, int, str]:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.width, image.height, image.format or ""
    except Image.DecompressionBombError:
        raise UnreadableImage(f"the image has more than the {MAX_PIXELS:,} pixels allowed") from None
    except (OSError, ValueError, SyntaxError):
        raise UnreadableImage("it is not an image in a known format") from None


def _looks_complete(data: bytes, kind: str) -> bool:
    """OpenCV fills what is missing of a truncated file with gray and does not tell."""
    mark = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND"}.get(kind)
    return mark is not None and mark in data[-_TAIL:]


def _decode(data: bytes, flag: int) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if pixels is None:
        return _decode_strictly(data)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _decode_strictly(data: bytes) -> Pixels:
    """Pillow reads more formats and raises where bytes are missing."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16") or upright.mode == "I":
                gray = (np.asarray(upright, np.uint32) >> 8).astype(np.uint8)
                return np.repeat(gray[..., None], 3, axis=2)
            return np.asarray(upright.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImage(f"the image is damaged: {error}") from None


def _clip(box: tuple[float, float, float, float] | None) -> tuple[float, float, float, float]:
    if box is None:
        return 0.0, 0.0, 1.0, 1.0
    x, y, width, height = box
    edges = max(x, 0.0), max(y, 0.0), min(x + width, 1.0), min(y + height, 1.0)
    if not (edges[2] > edges[0] and edges[3] > edges[1]):
        raise UnreadableImage(f"the box {_rounded(box)} has no area inside the image")
    return edges


def _rounded(box: tuple[float, float, float, float]) -> list[float]:
    return [round(value, 4) for value in box]
