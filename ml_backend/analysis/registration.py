"""Whether two thumbnails show the same picture: align one with the other and check the largest remaining difference."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .arrays import Floats

_LEVELS = ((16, 5, 2.5), (32, 4, 2.5), (64, 4, 1.35))  # pixels a side, steps, largest difference of copies, from coarse
_LEAST_NOISE, _MOST_NOISE = 0.7, 4.6  # gray levels that copies may differ by, in plain areas and in fine patterns
_CURVED = 0.65  # additional gray levels allowed for each of difference from the mean of the neighbors
_CONTRAST = 0.06  # largest share of all gray levels in a picture that copies may differ by
_WINDOW = 3  # pixels of a side over which differences are averaged
_RIDGE = 1e-3
_LARGEST_STEP, _FARTHEST, _SCALES = 0.06, 0.16, (0.8, 1.25)  # in sides of the picture
_PROFILE_CROPS = np.linspace(0, 0.1, 13)  # shares of a side that a crop may have lost at either end
_CHUNK = 64
_THREADS = min(os.cpu_count() or 1, 8)

Result = TypeVar("Result")


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
    results = in_parallel(lambda part: _same(one[part], other[part], start[part]), len(one))
    return np.concatenate([np.empty(0, bool), *results])


def in_parallel(work: Callable[[slice], Result], n: int, report: Callable[[int], None] | None = None) -> list[Result]:
    """What the work returns for each part of n pictures, in turn: NumPy uses one core on arrays this small.

    Args:
        report: called with the number of pictures done; an exception it raises stops the work and is passed on.
    """
    results: list[Result] = []
    parts = [slice(first, first + _CHUNK) for first in range(0, n, _CHUNK)]
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for part, result in zip(parts, pool.map(work, parts), strict=True):
                results.append(result)
                if report is not None:
                    report(min(part.stop, n))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return results


def start_of_alignment(one: Floats, other: Floats) -> NDArray[np.float64]:
    """Shift and scale (m, 4) from which to align pairs of pictures (m, s, s): none, or a crop by their profiles."""
    return _better_start(one, other, np.tile([0.0, 1.0, 0.0, 1.0], (len(one), 1)))


def aligned_onto(one: Floats, other: Floats, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift and scale (m, 4), as `same_picture` takes them, that bring pictures (m, 64, 64) closest to others."""
    places = start.copy()
    for size, steps, _ in _LEVELS[1:]:
        first, second = shrunk(one, size), shrunk(other, size)
        aligned = _aligned(first, second, places, steps)
        better = mean_difference(first, second, aligned) < mean_difference(first, second, places)
        places[better] = aligned[better]
    return places


def crops_by_profile(one: Floats, other: Floats) -> NDArray[np.float64]:
    """Shift and scale (m, 4), as `same_picture` takes them, by which the profiles of pairs of pictures fit best.

    The profile of rows is each row's mean, and a crop shifts and stretches it whatever is cropped off the columns; so
    each axis is searched by itself, and neither lines of text nor a grid lead to a neighboring line.

    Args:
        one: (m, s, s) gray levels.
        other: (m, s, s).
    """
    return np.concatenate([_crops_along(one.mean(axis), other.mean(axis)) for axis in (2, 1)], axis=1)


def _crops_along(one: Floats, other: Floats) -> NDArray[np.float64]:
    """Shift and scale (m, 2) by which the profiles (m, s) fit best; either may be a crop of the other."""
    before, after = (side.ravel() for side in np.meshgrid(_PROFILE_CROPS, _PROFILE_CROPS))
    shift, scale = before, 1 - before - after
    size = one.shape[1]
    matrices = stretched(size, size, shift, scale)[0]
    of_one = _profile_fit(matrices @ one.T, other)
    of_other = _profile_fit(matrices @ other.T, one)
    best, reverse = of_one.argmax(axis=0), of_other.argmax(axis=0)
    turned = of_other.max(axis=0) > of_one.max(axis=0)
    direct = np.stack([shift[best], scale[best]], axis=1)
    inverse = np.stack([-shift[reverse] / scale[reverse], 1 / scale[reverse]], axis=1)
    return np.where(turned[:, None], inverse, direct)


def _profile_fit(cropped: Floats, whole: Floats) -> Floats:
    """Correlation (c, m) of c crops (c, s, m) of profiles with others (m, s)."""
    centered = cropped - cropped.mean(axis=1, keepdims=True)
    target = whole - whole.mean(axis=1, keepdims=True)
    fit = np.einsum("csm,ms->cm", centered, target)
    return np.asarray(fit / np.maximum(np.linalg.norm(centered, axis=1) * np.linalg.norm(target, axis=1), 1e-6))


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
    noise = np.minimum(_noise(one), _noise(other)).astype(np.float32)
    places = _better_start(one, other, start)
    same = np.ones(len(one), bool)
    for size, steps, limit in _LEVELS:
        rows = np.flatnonzero(same)
        first, second = shrunk(one[rows], size), shrunk(other[rows], size)
        aligned = _aligned(first, second, places[rows], steps)
        before = _difference(first, second, places[rows], noise[rows])
        after = _difference(first, second, aligned, noise[rows])
        better = after < before
        places[rows[better]] = aligned[better]
        same[rows] = np.minimum(before, after) <= limit
    return same


def _better_start(one: Floats, other: Floats, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each pair's start (m, 4), or its crop by profile where that leaves less of a difference."""
    profile = crops_by_profile(one, other)
    rest = [mean_difference(one, other, places) for places in (start, profile)]
    return np.where((rest[1] < rest[0])[:, None], profile, start)


def mean_difference(one: Floats, other: Floats, places: NDArray[np.float64]) -> Floats:
    """Gray levels (m,) by which pairs of pictures (m, s, s) differ on average, one placed onto the other."""
    warped, inside = warped_by(one, places)
    rest: Floats = (np.abs(other - warped) * inside).sum(axis=(1, 2)) / np.maximum(inside.sum(axis=(1, 2)), 1)
    return rest


def shrunk(images: Floats, size: int) -> Floats:
    """Pictures (m, s, s) at size x size pixels: the means of blocks; s is a multiple of the size."""
    factor = images.shape[1] // size
    means: Floats = images.reshape(len(images), size, factor, size, factor).mean(axis=(2, 4))
    return means


def _aligned(one: Floats, other: Floats, places: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Shifts and scales (m, 4) after some steps of least squares; a difference in brightness does not count."""
    size = one.shape[1]
    along = ((np.arange(size) + 0.5) / size).astype(np.float32)
    for _ in range(steps):
        warped, inside = warped_by(one, places)
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
    warped, inside = warped_by(one, places)
    count = _window_sums(inside)
    rest: Floats = np.abs(_window_sums((other - warped) * inside))
    steep = [_window_sums(np.hypot(*_slopes(image)) * inside) for image in (warped, other)]
    explained = noise[:, None, None] * np.maximum(count, 1) + (steep[0] + steep[1]) / 2
    most: Floats = np.where(2 * count > _WINDOW**2, rest / explained, 0).max(axis=(1, 2))
    return most


def warped_by(images: Floats, places: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Pictures (m, s, s) placed onto others, and where these lie inside them: (m, s, s), 0 or 1."""
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


def _noise(images: Floats) -> Floats:
    """Gray levels (m,) by which copies may differ: fine patterns, unlike plain areas, change with the size."""
    levels = np.ptp(images, axis=(1, 2))
    down = np.abs(images[:, 1:-1] - (images[:, 2:] + images[:, :-2]) / 2).mean(axis=(1, 2))
    right = np.abs(images[:, :, 1:-1] - (images[:, :, 2:] + images[:, :, :-2]) / 2).mean(axis=(1, 2))
    noise: Floats = np.minimum(_LEAST_NOISE + _CURVED * (down + right), np.minimum(_MOST_NOISE, _CONTRAST * levels))
    return noise


def _window_sums(values: Floats) -> Floats:
    """Sums (m, s, s) over the 3 x 3 pixels around each."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    across = padded[:, :, :-2] + padded[:, :, 1:-1] + padded[:, :, 2:]
    sums: Floats = across[:, :-2] + across[:, 1:-1] + across[:, 2:]
    return sums
