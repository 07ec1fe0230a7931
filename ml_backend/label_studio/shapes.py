"""Regions that are not boxes: polygons, key points, ellipses, and brush strokes, each with the box around it.

A region is embedded by the pixels of its box, and its class is suggested from that. Its shape is stored as Label Studio
has it, so that a prediction of ours shows the same shape. No matter what a result contains, nothing here raises an
exception.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .geometry import Size

Percent = tuple[float, float, float, float]  # left, top, right, bottom, each in percent of the image's side
_AROUND_A_POINT = 6.0  # percent of the image's side, in each direction
_MOST_PIXELS = 100_000_000
_CHANNELS = 4  # of Label Studio's run-length code: RGBA, of which alpha says what is painted
_HEADER_BYTES = 4
_PARTS = {
    "polygonlabels": ("points", "closed"),
    "keypointlabels": ("x", "y", "width"),
    "ellipselabels": ("x", "y", "radiusX", "radiusY", "rotation"),
    "brushlabels": ("format", "rle"),
}
SHAPES = frozenset(_PARTS)


def read_shape(value: Mapping[str, Any], kind: str, size: Size | None) -> tuple[Percent, dict[str, Any]] | None:
    """The box around a region of this kind, and its shape as `as_value` gives it back; None if it cannot be used.

    Args:
        size: width and height of the image in pixels; a rotated ellipse and a brush stroke need it.
    """
    try:
        around = _READERS[kind](value, size)
    except (ArithmeticError, IndexError, KeyError, TypeError, ValueError, OverflowError):
        return None
    left, top, right, bottom = (min(max(float(side), 0.0), 100.0) for side in around)
    if not (left < right and top < bottom):
        return None
    shape = {name: value[name] for name in _PARTS[kind] if name in value}
    if "rle" in shape:
        shape["rle"] = bytes(shape["rle"])  # a tenth of what MongoDB takes for a list of numbers
    return (left, top, right, bottom), shape


def as_value(shape: Mapping[str, Any]) -> dict[str, Any]:
    """A shape as the value of a result's item, without its class."""
    return {name: list(part) if name == "rle" else part for name, part in shape.items()}


def _polygon(value: Mapping[str, Any], _: Size | None) -> Percent:
    points = np.array(value["points"], dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return left, top, right, bottom


def _key_point(value: Mapping[str, Any], _: Size | None) -> Percent:
    x, y = _finite(value["x"]), _finite(value["y"])
    return x - _AROUND_A_POINT, y - _AROUND_A_POINT, x + _AROUND_A_POINT, y + _AROUND_A_POINT


def _ellipse(value: Mapping[str, Any], size: Size | None) -> Percent:
    x, y, across, down = (_finite(value[name]) for name in ("x", "y", "radiusX", "radiusY"))
    turned = math.radians(_finite(value.get("rotation") or 0))
    if turned and size is None:
        raise ValueError
    width, height = size or (1, 1)
    half_x = math.hypot(across * width * math.cos(turned), down * height * math.sin(turned)) / width
    half_y = math.hypot(across * width * math.sin(turned), down * height * math.cos(turned)) / height
    return x - half_x, y - half_y, x + half_x, y + half_y


def _brush(value: Mapping[str, Any], size: Size | None) -> Percent:
    from label_studio_sdk.converter.brush import decode_rle

    code = bytes(value["rle"])
    if size is None or size[0] * size[1] > _MOST_PIXELS:
        raise ValueError
    width, height = size
    if int.from_bytes(code[:_HEADER_BYTES], "big") != width * height * _CHANNELS:
        raise ValueError
    painted = decode_rle(list(code)).reshape(height, width, _CHANNELS)[:, :, -1] > 0
    columns, rows = np.flatnonzero(painted.any(axis=0)), np.flatnonzero(painted.any(axis=1))
    left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    return 100 * left / width, 100 * top / height, 100 * right / width, 100 * bottom / height


def _finite(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool | str) or not math.isfinite(number):
        raise ValueError
    return number


_READERS: dict[str, Callable[[Mapping[str, Any], Size | None], Sequence[float]]] = {
    "polygonlabels": _polygon,
    "keypointlabels": _key_point,
    "ellipselabels": _ellipse,
    "brushlabels": _brush,
}
