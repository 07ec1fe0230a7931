"""Similarity search: a score for every vector from a few examples, the best of them, and those around a threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from ..errors import Refusal
from .arrays import Floats, unit_rows
from .checks import as_vectors
from .duplicates import near_duplicates

Rows = NDArray[np.int64]
ScorerKind = Literal["mean", "probe"]

SCORE_DECIMALS = 4  # of the scores that are stored and shown; a threshold is compared with these
NEGATIVES_WEIGHT = 0.25  # measured with marks from the top of a ranking: .25 helps, .5 and more lose the query itself


class UnitRows(Protocol):
    """Unit vectors (n, d) read by row: a table in memory, or one too large for it."""

    def __getitem__(self, rows: Rows, /) -> Floats:
        """The vectors (m, d) of some rows."""


@dataclass(frozen=True)
class Scorer:
    """A linear scorer of unit vectors: scores between 0 and 1, 1 = most similar to the query.

    Attributes:
        kind: "mean" scores by cosine similarity to a query vector, mapped from -1..1 to 0..1; "probe" is a logistic
            regression, and its score the probability that a person would mark the item as a match.
        weights: (d,) float32; of length 1 for "mean".
        slope: of a probe: the logistic function is applied to ``slope * product + offset``.
        offset: see ``slope``.
    """

    kind: ScorerKind
    weights: Floats
    slope: float = 1.0
    offset: float = 0.0

    def scores(self, unit: Floats) -> Floats:
        """Scores (n,) of unit vectors (n, d).

        Raises:
                Refusal: the dimension of the vectors differs from that of the query.
        """
        if unit.shape[1] != len(self.weights):
            raise Refusal(
                f"The query has {len(self.weights):,} dimensions and the embeddings have {unit.shape[1]:,}: the "
                "embeddings were recomputed with another model. Create the query again."
            )
        products = unit @ self.weights
        if self.kind == "mean":
            return np.asarray(np.clip((1 + products) / 2, 0, 1), np.float32)
        return np.asarray(expit(self.slope * products + self.offset), np.float32)


@dataclass(frozen=True)
class Around:
    """The rows just above and just below a threshold, each nearest to the threshold first."""

    above: Rows
    below: Rows


def unit_vectors(vectors: ArrayLike) -> Floats:
    """Vectors (n, d) scaled to length 1, float32; a zero vector stays zero and is orthogonal to every query.

    Raises:
        ValueError: the vectors are not a finite (n, d) table.
    """
    return unit_rows(as_vectors(vectors))


def mean_query(positives: ArrayLike, negatives: ArrayLike | None = None) -> Scorer:
    """Score by the mean of the positives minus a quarter of the mean of the negatives (Rocchio, 1971).

    Args:
        positives: (p, d) vectors to be similar to. Each counts the same, whatever its length.
        negatives: (q, d) vectors to be dissimilar to. Alone, they search for the vectors least similar to them.

    Raises:
        Refusal: neither positives nor negatives, or they cancel each other out.
    """
    direction: Floats | float = 0.0
    liked, disliked = _rows(positives), _rows(negatives)
    if len(liked):
        direction = unit_vectors(liked).mean(axis=0)
    if len(disliked):
        weight = NEGATIVES_WEIGHT if len(liked) else 1.0
        direction = direction - weight * unit_vectors(disliked).mean(axis=0)
    length = float(np.linalg.norm(direction))
    if length < 1e-6:
        raise Refusal(
            "There is nothing to search for: provide at least one positive example or a text, and examples that do not "
            "cancel each other out."
        )
    return Scorer("mean", np.asarray(direction / length, np.float32))


def rounded(scores: ArrayLike) -> NDArray[np.float64]:
    """Scores, or a threshold, with the decimals that are stored."""
    return np.asarray(np.round(np.asarray(scores, np.float64), SCORE_DECIMALS))


def reaches(scores: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Which scores are at least a threshold, both rounded: as with stored scores. NaN, for no score, never is."""
    return np.asarray(rounded(scores) >= rounded(threshold))


def top_rows(scores: Floats, count: int, *, among: Rows | None = None) -> Rows:
    """Rows of the ``count`` highest scores, highest first, ties by row; fewer if there are fewer rows.

    Args:
        scores: (n,).
        among: (m,) the rows that may be returned; None = all.
    """
    rows = np.arange(len(scores)) if among is None else among
    if count < len(rows):
        values = scores[rows]
        cut = np.partition(values, len(rows) - count)[len(rows) - count] if count else np.inf
        better = rows[values > cut]
        ties = np.sort(rows[values == cut])[: count - len(better)]
        rows = np.concatenate((better, ties))
    return np.asarray(rows[np.lexsort((rows, -scores[rows]))], np.int64)


def rows_above(scores: Floats, threshold: float, *, among: Rows | None = None) -> Rows:
    """Rows with a score of at least ``threshold`` (see `reaches`), highest first, ties by row."""
    rows = np.arange(len(scores)) if among is None else among
    kept = rows[reaches(scores[rows], threshold)]
    return np.asarray(kept[np.lexsort((kept, -scores[kept]))], np.int64)


def around_threshold(scores: Floats, threshold: float, count: int, *, among: Rows | None = None) -> Around:
    """The ``count`` rows just above and the ``count`` just below a threshold, so that a person can judge it."""
    rows = np.arange(len(scores)) if among is None else among
    inside = reaches(scores[rows], threshold)
    above, below = rows[inside], rows[~inside]
    return Around(above=top_rows(-scores, count, among=above), below=top_rows(scores, count, among=below))


def fold_duplicates(unit: UnitRows, ranked: Rows, *, threshold: float | None = None) -> tuple[Rows, NDArray[np.int64]]:
    """Keep only the highest-ranked row of each group of near duplicates.

    Args:
        unit: (n, d) unit vectors.
        ranked: (m,) rows, best first.
        threshold: cosine distance up to which two rows are near duplicates; None chooses it from the data, as in
            `near_duplicates`.

    Returns:
        The rows kept, in the order of ``ranked``, and how many others each one represents.
    """
    if len(ranked) < 2:
        return ranked, np.zeros(len(ranked), np.int64)
    groups = near_duplicates(unit[ranked], threshold).groups.astype(np.int64)
    alone = groups < 0
    groups[alone] = groups.max(initial=0) + 1 + np.arange(int(alone.sum()))
    _, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    order = np.argsort(first)
    return ranked[first[order]], sizes[order] - 1


def _rows(vectors: ArrayLike | None) -> Floats:
    return np.empty((0, 0), np.float32) if vectors is None else np.asarray(vectors, np.float32)


def nearest_in_batches(
    queries: Floats, batches: Iterable[tuple[NDArray[np.str_], Floats]], count: int
) -> list[NDArray[np.str_]]:
    """The ids of the ``count`` vectors of the highest cosine with each unit query (m, d), best first.

    Exact; of the ``batches`` of ids and vectors, one is in memory at a time.
    """
    best_scores = np.full((len(queries), 0), 0, np.float32)
    best_ids = np.empty((len(queries), 0), "U24")
    for ids, vectors in batches:
        scores = np.concatenate([best_scores, queries @ unit_vectors(vectors).T], axis=1)
        known = np.concatenate([best_ids, np.broadcast_to(ids, (len(queries), len(ids)))], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        best_scores, best_ids = np.take_along_axis(scores, order, 1), np.take_along_axis(known, order, 1)
    return list(best_ids)
