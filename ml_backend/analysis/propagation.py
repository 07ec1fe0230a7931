"""Turn existing labels into suggestions for everything unlabeled, with confidences calibrated on held-out labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Refusal
from ..progress import Progress, no_progress
from . import spreading
from .arrays import Floats
from .calibration import Calibration, accept_suggestions, describe
from .checks import as_labels, as_vectors, check_neighbors, check_precision
from .coverage import Coverage, Regions, cover, divide, no_coverage
from .ensemble import ANCHORS, VOTERS, label_folds
from .evidence import Prepared, weigh
from .neighbors import Neighbors, knn
from .reference import REFERENCE, SECOND
from .region import Region, label_neighbors
from .representativeness import corrected

__all__ = ["Region", "Suggestions", "label_folds", "label_neighbors", "suggest", "weigh"]

Labels = NDArray[np.int64]

_CHUNK = 16_384


@dataclass(frozen=True)
class Suggestions:
    """A label proposed for each unlabeled sample, or none.

    Attributes:
        labels: (n,) proposed class; -1 = none, because the sample is already labeled or its vector is zero.
        confidence: (n,) float32, 0..1: probability that the proposal is right; 0 if there is no proposal.
        accepted: (n,) bool: confident enough for the target precision, which the expected precision of the accepted
            ones reaches; none is twice as likely to be wrong as the target allows.
        anchors: (n, 3) int32: the nearest labeled samples of the proposed class, nearest first, padded with -1.
        method: the voters that cross-validation trusted, in words.
        calibration: how far the confidences can be trusted.
        coverage: which regions of the dataset have labels, and which sample to label first in the others.
    """

    labels: Labels
    confidence: Floats
    accepted: NDArray[np.bool_]
    anchors: NDArray[np.int32]
    method: str
    calibration: Calibration
    coverage: Coverage


def suggest(
    vectors: ArrayLike,
    neighbors: Neighbors | None,
    labels: ArrayLike,
    n_classes: int,
    *,
    precision: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
    regions: Regions | None = None,
    prepared: Prepared | None = None,
) -> Suggestions:
    """Suggest a label for every unlabeled sample, and accept those that keep a target precision.

    Five voters predict from the labels: far spreading over the neighbor graph (Zhou et al., 2004), near spreading, a
    linear head fitted to the far spreading, a self-trained head, and a linear head on the labels alone.
    Cross-validation on the existing labels decides at every call how much each voter counts (log-linear pooling), and
    how certain the pooled guess is (logistic calibration). With few labels, both stay near the values measured on other
    datasets. Labels that a person chose are not a random sample, so a second calibration compares how near the labels
    are to unlabeled samples and to held-out labels (see representativeness.py).

    Args:
        vectors: (n, d) embeddings.
        neighbors: their neighbor table with 15 neighbors or more; None computes it.
        labels: (n,) int, class of each sample, -1 = unlabeled.
        n_classes: classes are 0..n_classes - 1; a class without labels is never suggested.
        precision: share of accepted suggestions that must be right, 0.5..1.
        seed: the same seed gives the same suggestions.
        progress: called with (fraction done, message); an exception it raises stops the work and is passed on.
        regions: the regions of the dataset, see `coverage.divide`; None computes them.
        prepared: these vectors and neighbors, see `evidence.prepare`, reused for later calls; None prepares them.

    Raises:
        ValueError: precision out of range, labels or a neighbor table that do not fit, or nothing labeled.
    """
    data = as_vectors(vectors)
    known = as_labels(labels, len(data), n_classes)
    check_precision(precision)
    rows = np.flatnonzero(known >= 0)
    if not len(rows):
        raise Refusal("no sample is labeled: first label at least one sample of each of two classes")
    classes, codes = np.unique(known[rows], return_inverse=True)
    if len(classes) < 2 or len(rows) == len(data):
        return _nothing(len(data), rows, len(classes))
    neighbors = knn(data, spreading.GRAPH_NEIGHBORS, seed=seed) if neighbors is None else neighbors
    check_neighbors(neighbors, len(data))
    report = progress or no_progress
    case = weigh(data, neighbors, rows, codes, len(classes), seed=seed, report=report, prepared=prepared)
    reliability = REFERENCE.learn(case.held_out, case.right) if len(case.right) else REFERENCE
    unlabeled = known < 0
    # A zero vector has no direction, and so no neighbors: there is no evidence for its guess.
    placed = ~_zeros(data)[unlabeled]
    confidence = np.where(placed, corrected(reliability.probability(case.evidence), case.surroundings, SECOND), 0)
    accepted = accept_suggestions(confidence, precision) & placed
    return Suggestions(
        labels=_spread(np.where(placed, classes[case.guess], -1), unlabeled, -1),
        confidence=_spread(confidence.astype(np.float32), unlabeled, 0),
        accepted=_spread(accepted, unlabeled, False),
        anchors=_spread(np.where(placed[:, None], case.anchors, -1).astype(np.int32), unlabeled, -1),
        method=_describe_voters(case.trust),
        calibration=describe(reliability, case.evidence[accepted], len(case.right), len(rows), confidence[accepted]),
        coverage=cover(regions or divide(data, seed=seed), rows),
    )


def _spread(values: NDArray[Any], chosen: NDArray[np.bool_], rest: Any) -> NDArray[Any]:
    """Values (m, …) of the chosen rows as values (n, …) of all rows, the rest filled."""
    spread = np.full((len(chosen), *values.shape[1:]), rest, dtype=values.dtype)
    spread[chosen] = values
    return spread


def _describe_voters(trust: NDArray[np.float64]) -> str:
    share = trust / max(trust.sum(), 1e-12)
    order = np.argsort(-share, kind="stable")
    return " + ".join(f"{VOTERS[voter]} ({share[voter]:.0%})" for voter in order if share[voter] >= 0.05)


def _zeros(data: Floats) -> NDArray[np.bool_]:
    """Which vectors (n,) are all zeros; only those that begin with a zero are read completely."""
    zeros: NDArray[np.bool_] = data[:, 0] == 0
    begun = np.flatnonzero(zeros)
    for start in range(0, len(begun), _CHUNK):
        rows = begun[start : start + _CHUNK]
        zeros[rows] = ~data[rows].any(axis=1)
    return zeros


def _nothing(n: int, rows: Labels, classes: int) -> Suggestions:
    why = (
        "everything is labeled"
        if len(rows) == n
        else "all labels are of one class: label a sample of another class to get suggestions"
    )
    return Suggestions(
        labels=np.full(n, -1),
        confidence=np.zeros(n, np.float32),
        accepted=np.zeros(n, bool),
        anchors=np.full((n, ANCHORS), -1, np.int32),
        method="none",
        calibration=Calibration(0, float("nan"), float("nan"), why),
        coverage=no_coverage(n),
    )
