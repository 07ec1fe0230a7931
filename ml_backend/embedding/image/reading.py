"""Read image files as RGB pixels, no larger than needed, upright, whatever their format."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base import Box, Media, Reader, UnreadableMedium
from .decoding import decode, read_header

MAX_PIXELS = 178_000_000  # a decoded image of 534 MB; more is an error or an attack, and Pillow's own limit
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)

Pixels = NDArray[np.uint8]


def image_reader(*, at_least: int) -> "Reader[Pixels]":
    """A reader of image files that decodes no larger than ``at_least`` needs; see `read_patches`."""

    def read(path: str, media: Sequence[Media]) -> list[Pixels | UnreadableMedium]:
        return read_patches(path, [medium.box for medium in media], at_least=at_least)

    return read


def read_patches(path: str, boxes: Sequence[Box | None], *, at_least: int) -> list[Pixels | UnreadableMedium]:
    """Pixels (height, width, 3) uint8 RGB of each box of an image, upright; None is the whole image.

    A large JPEG is decoded at half, a quarter or an eighth of its size, as long as the shorter side of the smallest
    patch keeps ``at_least`` pixels: that is most of the time saved.

    Returns:
        In the place of a patch that cannot be read, the reason: no such file, a remote address, not an image,
        truncated, too large, or a box without area inside the image.
    """
    edges = [_clip(box) for box in boxes]
    inside = [edge for edge in edges if not isinstance(edge, UnreadableMedium)]
    if not inside:
        return [edge for edge in edges if isinstance(edge, UnreadableMedium)]
    try:
        pixels = _read(path, inside, at_least)
    except UnreadableMedium as error:
        return [error for _ in boxes]
    return [edge if isinstance(edge, UnreadableMedium) else _cut(pixels, edge) for edge in edges]


def _read(path: str, edges: Sequence[Box], at_least: int) -> Pixels:
    data = read_bytes(path)
    header = read_header(data)
    if header.width * header.height > MAX_PIXELS:
        raise UnreadableMedium(
            f"the image has {header.width} x {header.height} pixels, more than the {MAX_PIXELS:,} allowed"
        )
    # Turning upright may swap the sides; the shorter one stands for both, which never decodes too small.
    smallest = min(min(right - left, bottom - top) for left, top, right, bottom in edges)
    shrink = min(header.width, header.height) * smallest / at_least
    return decode(data, header, shrink=shrink)


def check_file(path: str) -> None:
    """Raise for what `read_bytes` refuses, in the same words, without reading all of a large file.

    Raises:
        UnreadableMedium: as `read_bytes`.
    """
    try:
        with open(path, "rb") as file:
            if file.read(1):
                return
    except (OSError, ValueError):
        pass
    read_bytes(path)
    raise UnreadableMedium("the file cannot be read")


def read_bytes(path: str) -> bytes:
    """The content of a local file.

    Raises:
        UnreadableMedium: no such file, a folder, an empty file, a remote address, or no permission.
    """
    remote = _SCHEME.match(path)
    if remote:
        raise UnreadableMedium(
            f"it is a remote address ({remote[1].lower()}://), and only local files are read: download the file and "
            "set the sample's filepath to the copy"
        )
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise UnreadableMedium("the file does not exist") from None
    except IsADirectoryError:
        raise UnreadableMedium("it is a folder, not a file") from None
    except OSError as error:
        raise UnreadableMedium(f"the file cannot be opened: {error.strerror}") from None
    except ValueError:
        raise UnreadableMedium("the path contains a null byte") from None
    if not data:
        raise UnreadableMedium("the file is empty")
    return data


def _cut(pixels: Pixels, edges: Box) -> Pixels | UnreadableMedium:
    left, top, right, bottom = edges
    rows, columns = pixels.shape[:2]
    patch = pixels[int(top * rows) : round(bottom * rows), int(left * columns) : round(right * columns)]
    return patch if patch.size else UnreadableMedium("the box is smaller than a pixel of the image")


def _clip(box: Box | None) -> Box | UnreadableMedium:
    if box is None:
        return 0.0, 0.0, 1.0, 1.0
    x, y, width, height = box
    edges = max(x, 0.0), max(y, 0.0), min(x + width, 1.0), min(y + height, 1.0)
    if not (edges[2] > edges[0] and edges[3] > edges[1]):
        return UnreadableMedium(f"the box {[round(value, 4) for value in box]} has no area inside the image")
    return edges
