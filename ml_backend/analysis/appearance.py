"""Which samples look the same, by small gray pictures of them: mirrored and slightly cropped copies included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, no_progress, part_of
from .arrays import Floats, unit_rows
from .look_alike_details import details, groups_of_look_alikes
from .neighbors import NeighborFinder, knn
from .registration import same_picture, stretched

_COARSE = 8  # pixels of a side of what is compared first
_CROPS = (0.025, 0.05, 0.075, 0.1)  # shares of each side that a crop may have lost, as starts of the alignment
_COPY, _ALIKE = 0.95, 0.85  # correlation of copies at least, and above which others look alike, at 8 x 8 pixels
_CROPPED = 0.5  # correlation of an unevenly cropped copy at least
_DETAILS = 0.8  # cosine distance of details up to which look-alikes are compared
_NEAREST = 4  # candidates for a copy, in each version of a picture
_CHUNK = 4096

Rows = NDArray[np.integer]


@dataclass(frozen=True)
class Appearance:
    """Small pictures of n samples.

    Attributes:
        known: (n,) bool, whether the sample has a picture; the others are never compared.
        thumbnails: (n, 64, 64) uint8 gray levels; any side that is a multiple of 8 serves.
    """

    known: NDArray[np.bool_]
    thumbnails: NDArray[np.uint8]


class LookAlikes:
    """Finds samples that look the same, and says where closeness of embeddings is no evidence of a copy.

    Args:
        appearance: pictures of n samples.
        rows: (m,) the samples to compare.
        neighbors: (m, k) their neighbors by embedding.
    """

    def __init__(self, appearance: Appearance, rows: Rows, neighbors: Rows) -> None:
        known = appearance.known[rows]
        self._appearance, self._rows, self._neighbors = appearance, rows[known], neighbors[known]
        self._versions = _versions(appearance)
        self.narrow = self._narrow(rows, neighbors)

    def pairs(self, progress: Progress = no_progress) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of samples that look the same, found among all of them: (p,) and (p,)."""
        if len(self._rows) < 2:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        finder = NeighborFinder(self._versions[0][self._rows], _NEAREST)
        candidates = [np.empty((0, 2), np.int64)]
        for number, version in enumerate(self._versions):
            progress(0.2 * number / len(self._versions), "Looking for images that look the same")
            uneven = self._rows[version[self._rows].any(axis=1)]  # others, such as fine stripes, resemble none
            if not len(uneven):
                continue
            nearest = finder.find(version[uneven])
            at, place = np.nonzero(nearest.distances <= 1 - _COPY)
            candidates.append(np.stack([uneven[at], self._rows[nearest.indices[at, place]]], axis=1))
        candidates.append(self._by_details(part_of(progress, 0.2, 0.5)))
        near = np.unique(np.sort(np.concatenate(candidates), axis=1), axis=0)
        near = near[near[:, 0] < near[:, 1]]
        near = near[self.same(near[:, 0], near[:, 1], part_of(progress, 0.5, 1))]
        return near[:, 0], near[:, 1]

    def _by_details(self, progress: Progress) -> NDArray[np.int64]:
        """Candidates (p, 2) among look-alikes: those with the most similar details."""
        groups = self._groups()
        rows = np.concatenate([np.empty(0, np.int64), *groups])
        vectors = details(self._appearance.thumbnails, groups, self._versions[0], progress)
        uneven = vectors.any(axis=1)
        rows, vectors = rows[uneven], vectors[uneven]
        if len(rows) < 2:
            return np.empty((0, 2), np.int64)
        nearest = knn(vectors, min(_NEAREST, len(rows) - 1))
        at, place = np.nonzero(nearest.distances <= _DETAILS)
        return np.stack([rows[at], rows[nearest.indices[at, place]]], axis=1)

    def _groups(self) -> list[NDArray[np.int64]]:
        """Rows of look-alikes, a group each, with those that look unlike them but lie among them, as crops may."""
        k = self._neighbors.shape[1]
        among = self.narrow.copy()
        among[self._rows] |= 2 * self.narrow[self._neighbors].sum(axis=1) >= max(1, k)
        rows, others = np.repeat(self._rows, k), self._neighbors.ravel()
        linked = among[rows] & among[others]
        return groups_of_look_alikes(rows[linked], others[linked], len(among))

    def same(self, rows: Rows, others: Rows, progress: Progress = no_progress) -> NDArray[np.bool_]:
        """Whether the pairs of samples (p,) look the same, (p,)."""
        result = self._appearance.known[rows] & self._appearance.known[others]
        candidates = np.flatnonzero(result)
        for first in range(0, len(candidates), _CHUNK):
            progress(first / len(candidates), f"Compared {first:,} of {len(candidates):,} pairs of images")
            part = candidates[first : first + _CHUNK]
            result[part] = self._same(rows[part], others[part])
        return np.asarray(result)

    def confusable(self, rows: Rows, others: Rows) -> NDArray[np.bool_]:
        """Whether both of the pairs (p,) lie among samples that look much like them: only details tell copies there."""
        return np.asarray(self.narrow[rows] & self.narrow[others])

    def _narrow(self, rows: Rows, neighbors: Rows) -> NDArray[np.bool_]:
        """Which of all samples (n,) look much like at least half of their neighbors, or these mirrored."""
        whole, mirrored, *_ = self._versions
        known = self._appearance.known
        narrow = np.zeros(len(known), bool)
        for first in range(0, len(rows), _CHUNK):
            part, near = rows[first : first + _CHUNK], neighbors[first : first + _CHUNK]
            alike = [np.einsum("md,mkd->mk", version[part], whole[near]) for version in (whole, mirrored)]
            many = ((np.max(alike, axis=0) >= _ALIKE) & known[near]).sum(axis=1)
            narrow[part] = known[part] & (2 * many >= max(1, near.shape[1]))
        return narrow

    def _same(self, rows: Rows, others: Rows) -> NDArray[np.bool_]:
        """The same for samples that have pictures: aligned from the versions that are most alike."""
        whole = self._versions[0]
        alike = [np.einsum("pd,pd->p", version[rows], whole[others]) for version in self._versions]
        alike += [np.einsum("pd,pd->p", version[others], whole[rows]) for version in self._versions[2:]]
        best = np.argmax(alike, axis=0)
        result = np.max(alike, axis=0) >= _CROPPED
        candidates = np.flatnonzero(result)
        best, turned = best[candidates], best[candidates] >= len(self._versions)
        one = np.where(turned, others[candidates], rows[candidates])
        other = np.where(turned, rows[candidates], others[candidates])
        crop = np.array([0, 0, *_CROPS, *_CROPS])[best]
        thumbnails = self._appearance.thumbnails
        first = thumbnails[one].astype(np.float32)
        first[best == 1] = first[best == 1, :, ::-1]
        start = np.stack([crop, 1 - 2 * crop] * 2, axis=1)
        result[candidates] = same_picture(first, thumbnails[other].astype(np.float32), start)
        return np.asarray(result)


def _versions(appearance: Appearance) -> list[Floats]:
    """Unit vectors (n, 64) without their mean: each picture at 8 x 8 pixels, whole, mirrored, and cropped."""
    thumbnails = appearance.thumbnails
    versions = [np.empty((len(thumbnails), _COARSE**2), np.float32) for _ in range(2 + len(_CROPS))]
    crops = np.array([0.0, *_CROPS])
    side = thumbnails.shape[1]
    fine, _ = stretched(side, side, crops, 1 - 2 * crops)
    means = fine.reshape(len(crops), _COARSE, side // _COARSE, side).mean(axis=2)
    for first in range(0, len(thumbnails), _CHUNK):
        part = slice(first, first + _CHUNK)
        pictures = thumbnails[part].astype(np.float32)
        whole, *cropped = [matrix @ pictures @ matrix.T for matrix in means]
        for version, small in zip(versions, [whole, whole[:, :, ::-1], *cropped], strict=True):
            flat = small.reshape(len(small), -1)
            version[part] = unit_rows(flat - flat.mean(axis=1, keepdims=True))
    return versions
