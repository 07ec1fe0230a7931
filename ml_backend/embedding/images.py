"""Read image files as RGB pixels, no larger than needed, upright, whatever their format."""

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

MAX_PIXELS = 178_000_000  # a decoded image of 534 MB; more is an error or an attack, and Pillow's own limit
_REDUCED = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}
_JPEG = ("JPEG", "MPO")  # cameras that add a preview or a depth picture write MPO
_TAIL = 512  # bytes in which a complete file has its end mark

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]


class UnreadableImage(ValueError):
    """An image that cannot be read; the message says why in words."""


def read_patches(path: str, boxes: Sequence[Box | None], *, at_least: int) -> list[Pixels | UnreadableImage]:
    """Pixels (height, width, 3) uint8 RGB of each box of an image, upright; None is the whole image.

    A large JPEG is decoded at half, a quarter or an eighth of its size, as long as the shorter side of the smallest
    patch keeps ``at_least`` pixels: that is most of the time saved.

    Returns:
        In the place of a patch that cannot be had, why: no such file, not an image, truncated, too large, or a box
        without area inside the image.
    """
    edges = [_clip(box) for box in boxes]
    inside = [edge for edge in edges if not isinstance(edge, UnreadableImage)]
    if not inside:
        return [edge for edge in edges if isinstance(edge, UnreadableImage)]
    try:
        pixels = _read(path, inside, at_least)
    except UnreadableImage as error:
        return [error for _ in boxes]
    return [edge if isinstance(edge, UnreadableImage) else _cut(pixels, edge) for edge in edges]


def _read(path: str, edges: Sequence[Box], at_least: int) -> Pixels:
    data = _read_bytes(path)
    width, height, kind = _header(data)
    if width * height > MAX_PIXELS:
        raise UnreadableImage(f"the image has {width} x {height} pixels, more than the {MAX_PIXELS:,} allowed")
    flag = cv2.IMREAD_COLOR
    if kind in _JPEG:
        # Turning upright may swap the sides; the shorter one stands for both, which never decodes too small.
        shorter = min(width, height) * min(min(right - left, bottom - top) for left, top, right, bottom in edges)
        flag = next((_REDUCED[by] for by in _REDUCED if shorter / by >= at_least), flag)
    return _decode(data, flag) if _looks_complete(data, kind) else _decode_strictly(data)


def _cut(pixels: Pixels, edges: Box) -> Pixels | UnreadableImage:
    left, top, right, bottom = edges
    rows, columns = pixels.shape[:2]
    patch = pixels[int(top * rows) : round(bottom * rows), int(left * columns) : round(right * columns)]
    return patch if patch.size else UnreadableImage("the box is smaller than a pixel of the image")


def _read_bytes(path: str) -> bytes:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise UnreadableImage("the file does not exist") from None
    except IsADirectoryError:
        raise UnreadableImage("it is a folder, not a file") from None
    except OSError as error:
        raise UnreadableImage(f"the file cannot be opened: {error.strerror}") from None
    except ValueError:  # a zero byte in the path
        raise UnreadableImage("its path is none") from None
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
    mark = b"\xff\xd9" if kind in _JPEG else {"PNG": b"IEND"}.get(kind)
    return mark is not None and mark in data[-_TAIL:]


def _decode(data: bytes, flag: int) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if pixels is None:
        return _decode_strictly(data)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


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


def _clip(box: Box | None) -> Box | UnreadableImage:
    if box is None:
        return 0.0, 0.0, 1.0, 1.0
    x, y, width, height = box
    edges = max(x, 0.0), max(y, 0.0), min(x + width, 1.0), min(y + height, 1.0)
    if not (edges[2] > edges[0] and edges[3] > edges[1]):
        return UnreadableImage(f"the box {[round(value, 4) for value in box]} has no area inside the image")
    return edges
