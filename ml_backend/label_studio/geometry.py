"""Normalized boxes on an image: relative to its sides, of positive size, inside it."""

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

Box = tuple[float, float, float, float]  # x, y, width, height, each relative to the image's side
Size = tuple[int, int]  # width, height in pixels

_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height


def clipped(box: Sequence[float]) -> Box:
    """The part of a box that lies inside the image, whichever corner the box was drawn from."""
    x, y, width, height = box
    left, right = sorted((_inside(x), _inside(x + width)))
    top, bottom = sorted((_inside(y), _inside(y + height)))
    return left, top, right - left, bottom - top


def upright(box: Box, rotation: float, size: Size | None) -> Box:
    """The axis-aligned bounding box of a box rotated clockwise about its corner by ``rotation`` degrees, clipped.

    Args:
        size: of the image in pixels; rotations are in pixels, so it is optional only for a box that is not rotated.

    Raises:
        ValueError: the box is rotated and ``size`` is None.
    """
    if not rotation:
        return clipped(box)
    if size is None:
        raise ValueError("A rotated box needs the size of its image.")
    x, y, width, height = box
    across, down = size
    cosine, sine = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    corners = [(a * width * across, b * height * down) for a in (0, 1) for b in (0, 1)]
    xs = [x + (right * cosine - below * sine) / across for right, below in corners]
    ys = [y + (right * sine + below * cosine) / down for right, below in corners]
    return clipped((min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)))


def image_size(path: str | Path) -> Size | None:
    """Width and height of an image file as it is shown, its EXIF orientation applied; None where PIL cannot tell."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            sideways = image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
            return (height, width) if sideways else (width, height)
    except (OSError, UnidentifiedImageError, ValueError):  # a missing file, an SVG, or a broken file
        return None


def _inside(share: float) -> float:
    return min(max(share, 0.0), 1.0)
