"""What tells pictures apart that look much alike, such as forms, scans, and frames of a fixed camera."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, no_progress
from .arrays import Floats, components, unit_rows
from .registration import aligned_onto, in_parallel, mean_difference, shrunk, start_of_alignment, warped_by

_FEWEST = 10  # pictures whose mean shows what all of them have in common
_SIDE = 16  # pixels of a side of the details

Rows = NDArray[np.integer]


def groups_of_look_alikes(rows: Rows, others: Rows, n: int) -> list[NDArray[np.int64]]:
    """Rows of 0..n-1 that pairs (p,) and (p,) of look-alikes connect, a group each; small groups are left out."""
    part = components(n, rows, others)
    order = np.argsort(part, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(part[order])) + 1)
    return [group for group in groups if len(group) >= _FEWEST]


def details(
    thumbnails: NDArray[np.uint8], groups: list[NDArray[np.int64]], coarse: Floats, progress: Progress = no_progress
) -> Floats:
    """Unit vectors (m, 256) of how pictures differ from the mean of their group, for the rows of all groups in turn.

    A copy that was cropped, or mirrored, differs more from its original than other members of the group do. Every
    picture is therefore placed onto the most typical one of its group first, mirrored where it fits better so.

    Args:
        thumbnails: (n, 64, 64) gray levels.
        groups: rows of look-alikes.
        coarse: (n, d) unit vectors of the pictures, by which the most typical one is chosen.
    """
    done, total = 0, sum(map(len, groups))

    def report(before: int, number: int) -> None:
        progress((before + number) / total, f"Aligned {before + number:,} of {total:,} images that look alike")

    parts = [np.empty((0, _SIDE**2), np.float32)]
    for group in groups:
        typical = thumbnails[group[np.argmax(coarse[group] @ coarse[group].mean(axis=0))]].astype(np.float32)
        parts.append(_apart_from_mean(thumbnails[group], typical, partial(report, done)))
        done += len(group)
    return np.concatenate(parts)


def _apart_from_mean(pictures: NDArray[np.uint8], typical: Floats, report: Callable[[int], None]) -> Floats:
    placed = in_parallel(lambda part: _placed(pictures[part].astype(np.float32), typical), len(pictures), report)
    levels, inside = (np.concatenate(side) for side in zip(*placed, strict=True))
    mean = (levels * inside).sum(axis=0) / np.maximum(inside.sum(axis=0), 1e-6)
    return unit_rows((levels - mean) * inside)


def _placed(pictures: Floats, typical: Floats) -> tuple[Floats, Floats]:
    """The pictures (m, 256) as the typical one shows them, and how much of each pixel (m, 256) they cover."""
    target = np.broadcast_to(typical, pictures.shape)
    sides = [pictures, pictures[:, :, ::-1]]
    starts = [start_of_alignment(side, target) for side in sides]
    rests = [mean_difference(side, target, start) for side, start in zip(sides, starts, strict=True)]
    turned = rests[1] < rests[0]
    chosen = np.where(turned[:, None, None], sides[1], sides[0])
    places = aligned_onto(chosen, target, np.where(turned[:, None], starts[1], starts[0]))
    warped, inside = warped_by(chosen, places)
    covered = _means(inside)
    return _means(warped * inside) / np.maximum(covered, 1e-6), covered


def _means(images: Floats) -> Floats:
    return shrunk(images, _SIDE).reshape(len(images), -1)
