"""Which regions of a dataset have labels, and which sample to label first in each of the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..wording import count
from .arrays import Floats, unit_rows

_MOST_REGIONS = 30
_SAMPLE = 20_000  # rows that the regions are learned from
_CHUNK = 16_384
_ENOUGH = 0.7  # share of covered regions above which there is nothing to report


@dataclass(frozen=True)
class Regions:
    """A dataset divided into regions of similar samples, whatever their labels.

    Attributes:
        of: (n,) int32 region of each sample, 0 = the largest.
        central: (r,) row of the most central sample of each region.
    """

    of: NDArray[np.int32]
    central: NDArray[np.int64]


@dataclass(frozen=True)
class Coverage:
    """How much of a dataset has labels nearby.

    Attributes:
        regions: (n,) int32 region of each sample, 0 = the largest.
        covered: (r,) bool, True where a sample of the region has a label.
        next_to_label: rows, one for each region without a label, the largest region first: its most central sample.
        sentence: a summary for the user, empty if the labels cover most regions.
    """

    regions: NDArray[np.int32]
    covered: NDArray[np.bool_]
    next_to_label: NDArray[np.int64]
    sentence: str


def divide(data: Floats, *, seed: int = 0) -> Regions:
    """Divide vectors (n, d) into regions by k-means on unit vectors."""
    centers = _centers(data, seed)
    nearest, closeness = _assigned(data, centers)
    sizes = np.bincount(nearest, minlength=len(centers))
    order = np.argsort(-sizes, kind="stable")
    order = order[: int((sizes > 0).sum())]
    number = np.full(len(centers), -1, np.int32)
    number[order] = np.arange(len(order))
    regions = number[nearest]
    by_region = np.lexsort((-closeness, regions))
    starts = np.searchsorted(regions[by_region], np.arange(len(order)))
    return Regions(regions, by_region[starts].astype(np.int64))


def cover(regions: Regions, labeled: NDArray[np.int64]) -> Coverage:
    """Find the regions that contain a labeled row."""
    covered = np.zeros(len(regions.central), bool)
    covered[regions.of[labeled]] = True
    sentence = _sentence(int(covered.sum()), len(covered))
    return Coverage(regions.of, covered, regions.central[~covered], sentence)


def no_coverage(n: int) -> Coverage:
    """The coverage of n samples when it is unknown."""
    return Coverage(np.zeros(n, np.int32), np.ones(min(n, 1), bool), np.empty(0, np.int64), "")


def _sentence(covered: int, regions: int) -> str:
    if covered >= _ENOUGH * regions:
        return ""
    return f"your labels cover {covered} of about {count(regions, 'region')}; label one of the others first"


def _centers(data: Floats, seed: int) -> Floats:
    from sklearn.cluster import KMeans

    random = np.random.default_rng(seed)
    rows = unit_rows(data[np.sort(random.permutation(len(data))[:_SAMPLE])])
    n_regions = int(np.clip(round((len(data) / 2) ** 0.5), 1, _MOST_REGIONS))
    n_regions = min(n_regions, len(np.unique(rows[:_MOST_REGIONS], axis=0)))
    means = KMeans(n_regions, n_init=1, max_iter=25, random_state=seed).fit(rows)
    return np.asarray(means.cluster_centers_, np.float32)


def _assigned(data: Floats, centers: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The nearest center of each row, and how close it is."""
    half = np.square(centers).sum(axis=1) / 2
    nearest, closeness = np.empty(len(data), np.int64), np.empty(len(data), np.float32)
    for start in range(0, len(data), _CHUNK):
        scores = unit_rows(data[start : start + _CHUNK]) @ centers.T - half
        nearest[start : start + _CHUNK] = scores.argmax(axis=1)
        closeness[start : start + _CHUNK] = scores.max(axis=1)
    return nearest, closeness
