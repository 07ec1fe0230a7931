"""Whether two thumbnails show the same picture: align one with the other and check the largest remaining difference."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from .arrays import Floats

_LEVELS = ((16, 5, 2.5), (32, 4, 2.5), (64, 4, 1.3))  # pixels a side, steps, largest difference of copies, from coarse
_NOISE, _CONTRAST = 4.0, 0.05  # gray levels that copies may differ by; at most this share of all levels in the picture
_WINDOW = 3  # pixels of a side over which differences are averaged
_RIDGE = 1e-3
_LARGEST_STEP, _FARTHEST, _SCALES = 0.06, 0.16, (0.8, 1.25)  # in sides of the picture
_CHUNK = 64
_THREADS = min(os.cpu_count() or 1, 8)


def same_picture(one: Floats, other: Floats, start: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether pairs of thumbnails show the same picture, up to a crop, the size, and compression.

    One is shifted and stretched onto the other, from coarse to fine (Lucas & Kanade, 1981). The difference that is
    left, averaged over 3 x 3 pixels, must be small everywhere compared with how steep the pictures are there: a
    slightly shifted edge differs more than a plain area. Pairs that differ at a coarse level are not examined further.

    Args:
        one: (m, 64, 64) gray levels, 0..255.
        other: (m, 64, 64).
        start: (m, 4) shift and scale of rows, then of columns, from which to align: place u of `other`, 0..1, shows
            place shift + scale * u of `one`.
    """
    with ThreadPoolExecutor(_THREADS) as pool:  # NumPy on small arrays, which uses one core
        parts = [slice(first, first + _CHUNK) for first in range(0, len(one), _CHUNK)]
        results = list(pool.map(lambda part: _same(one[part], other[part], start[part]), parts))
    return np.concatenate([np.empty(0, bool), *results])


def stretched(count: int, size: int, shift: NDArray[np.float64], scale: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Matrices (m, count, size) that sample a side of `size` pixels at `count` places by linear interpolation.

    Args:
        shift: (m,) where the samples begin, in sides.
        scale: (m,) how far they reach.

    Returns:
        The matrices, and which of the places (m, count) are inside, 0 or 1.
    """
    place = (shift[:, None] + scale[:, None] * (np.arange(count) + 0.5) / count) * size - 0.5
    inside = (place > -0.5001) & (place < size - 0.4999)
    place = np.clip(place, 0, size - 1)
    before = np.minimum(place.astype(np.int64), size - 2)
    after = (place - before).astype(np.float32)
    matrices = np.zeros((len(place), count, size), np.float32)
    pair, row = np.indices(before.shape)
    matrices[pair, row, before] = 1 - after
    matrices[pair, row, before + 1] = after
    return matrices, inside.astype(np.float32)


def _same(one: Floats, other: Floats, start: NDArray[np.float64]) -> NDArray[np.bool_]:
    levels = np.minimum(np.ptp(one, axis=(1, 2)), np.ptp(other, axis=(1, 2)))
    noise = np.minimum(_NOISE, _CONTRAST * levels).astype(np.float32)
    places = start.copy()
    same = np.ones(len(one), bool)
    for size, steps, limit in _LEVELS:
        rows = np.flatnonzero(same)
        first, second = _shrunk(one[rows], size), _shrunk(other[rows], size)
        aligned = _aligned(first, second, places[rows], steps)
        before = _difference(first, second, places[rows], noise[rows])
        after = _difference(first, second, aligned, noise[rows])
        better = after < before
        places[rows[better]] = aligned[better]
        same[rows] = np.minimum(before, after) <= limit
    return same


def _shrunk(images: Floats, size: int) -> Floats:
    factor = images.shape[1] // size
    means: Floats = images.reshape(len(images), size, factor, size, factor).mean(axis=(2, 4))
    return means


def _aligned(one: Floats, other: Floats, places: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Shifts and scales (m, 4) after some steps of least squares; a difference in brightness does not count."""
    size = one.shape[1]
    along = ((np.arange(size) + 0.5) / size).astype(np.float32)
    for _ in range(steps):
        warped, inside = _warped(one, places)
        down, right = (slope * inside * size for slope in _slopes(warped))
        rest = (other - warped) * inside
        covered = np.maximum(inside.sum(axis=(1, 2)), 1)
        rest -= (rest.sum(axis=(1, 2)) / covered)[:, None, None] * inside
        slopes = np.stack([down, down * along[:, None], right, right * along], axis=1).reshape(-1, 4, size * size)
        curvature = (slopes @ slopes.transpose(0, 2, 1)).astype(np.float64)
        ridge = _RIDGE * (np.trace(curvature, axis1=1, axis2=2) / 4 + 1)
        curvature += ridge[:, None, None] * np.eye(4)
        step = np.linalg.solve(curvature, (slopes @ rest.reshape(-1, size * size, 1)).astype(np.float64))[..., 0]
        places = places + np.clip(step, -_LARGEST_STEP, _LARGEST_STEP) * places[:, [1, 1, 3, 3]]
        places[:, [0, 2]] = np.clip(places[:, [0, 2]], -_FARTHEST, _FARTHEST)
        places[:, [1, 3]] = np.clip(places[:, [1, 3]], *_SCALES)
    return places


def _difference(one: Floats, other: Floats, places: NDArray[np.float64], noise: Floats) -> Floats:
    """The largest difference (m,), where 1 is as much as the noise and the steepness of the pictures explain."""
    warped, inside = _warped(one, places)
    count = _window_sums(inside)
    rest: Floats = np.abs(_window_sums((other - warped) * inside))
    steep = [_window_sums(np.hypot(*_slopes(image)) * inside) for image in (warped, other)]
    explained = noise[:, None, None] * np.maximum(count, 1) + (steep[0] + steep[1]) / 2
    most: Floats = np.where(2 * count > _WINDOW**2, rest / explained, 0).max(axis=(1, 2))
    return most


def _warped(images: Floats, places: NDArray[np.float64]) -> tuple[Floats, Floats]:
    size = images.shape[1]
    rows, inside_rows = stretched(size, size, places[:, 0], places[:, 1])
    columns, inside_columns = stretched(size, size, places[:, 2], places[:, 3])
    warped = np.asarray(rows @ images @ columns.transpose(0, 2, 1), np.float32)
    return warped, inside_rows[:, :, None] * inside_columns[:, None, :]


def _slopes(images: Floats) -> tuple[Floats, Floats]:
    """Change a pixel (m, s, s) downward and to the right; 0 at the border."""
    down, right = np.zeros_like(images), np.zeros_like(images)
    down[:, 1:-1] = (images[:, 2:] - images[:, :-2]) / 2
    right[:, :, 1:-1] = (images[:, :, 2:] - images[:, :, :-2]) / 2
    return down, right


def _window_sums(values: Floats) -> Floats:
    """Sums (m, s, s) over the 3 x 3 pixels around each."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    across = padded[:, :, :-2] + padded[:, :, 1:-1] + padded[:, :, 2:]
    sums: Floats = across[:, :-2] + across[:, 1:-1] + across[:, 2:]
    return sums
