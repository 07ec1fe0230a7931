"""Linear heads on embeddings, in closed form: one learns from labels, the others also from the graph's beliefs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from .arrays import Floats, one_hot, unit_rows

SHARPNESS = 2.0  # softmax of standardized scores; measured best of 1, 2, 3
_LABEL_WEIGHT = 5.0  # weight of a labeled row, relative to an unlabeled one
_TAUGHT_RIDGE, _SELF_RIDGE, _LABEL_RIDGE = 1.0, 0.1, 0.01  # in units of the mean eigenvalue
_ROUNDS = 5
_NEARLY = 1.2  # rows form nearly a block if their range has at most this many times as many rows


@dataclass(frozen=True)
class Space:
    """Embeddings as the heads see them: centered, then unit length, without a second copy of the table.

    Attributes:
        vectors: (n, d), as given.
        center: (d,) mean of the unit vectors.
    """

    vectors: Floats
    center: Floats

    def rows(self, rows: NDArray[np.int64]) -> Floats:
        """These rows, centered and scaled to unit length."""
        return unit_rows(unit_rows(self.vectors[rows]) - self.center)

    def project(self, rows: NDArray[np.int64], onto: Floats) -> Floats:
        """Compute `rows(rows) @ onto` for onto (d, c) without building the rows, three times as fast."""
        first, last = (int(rows.min()), int(rows.max())) if len(rows) else (0, -1)
        if last - first < _NEARLY * len(rows):  # computing a few more costs less than copying the requested rows
            return self._project(self.vectors[first : last + 1], onto)[rows - first]
        return self._project(self.vectors[rows], onto)

    def _project(self, vectors: Floats, onto: Floats) -> Floats:
        energy = np.einsum("ij,ij->i", vectors, vectors)[:, None]
        products = (vectors @ np.column_stack([onto, self.center])) / np.maximum(np.sqrt(energy), 1e-12)
        along, center = products[:, -1:], self.center
        squared = (energy > 0) - 2 * along + float(center @ center)
        return np.asarray((products[:, :-1] - center @ onto) / np.sqrt(np.maximum(squared, 1e-12)), dtype=np.float32)


def space(vectors: Floats, sample: NDArray[np.int64]) -> Space:
    """Center the embeddings on the mean of a sample of rows."""
    return Space(vectors, unit_rows(vectors[sample]).mean(axis=0))


@dataclass(frozen=True)
class Population:
    """Rows of a Space that heads are fitted to, and over which their scores are scaled; independent of labels.

    Attributes:
        space: the space.
        members: (m,) sorted numbers of the rows in it.
        rows: (m, d) the rows.
        mean: (d,) their mean.
        gram: (d, d) float64, `rows.T @ rows`; None if there are fewer rows than dimensions.
    """

    space: Space
    members: NDArray[np.int64]
    rows: Floats
    mean: Floats
    gram: NDArray[np.float64] | None

    def joined_by(self, others: NDArray[np.int64]) -> Population:
        """This population, and the rows with these numbers."""
        new = np.setdiff1d(others, self.members)
        if not len(new):
            return self
        members = np.union1d(self.members, new)
        rows = np.empty((len(members), self.rows.shape[1]), np.float32)
        added = self.space.rows(new)
        rows[np.searchsorted(members, self.members)] = self.rows
        rows[np.searchsorted(members, new)] = added
        gram = _gram(rows) if self.gram is None else self.gram + added.T @ added
        return Population(self.space, members, rows, rows.mean(axis=0), gram)

    def standardized(self, weights: Floats) -> Floats:
        """Scale weights (d, c) so that each score has unit standard deviation over the population."""
        if self.gram is None:
            deviation = (self.rows @ weights).std(axis=0)
        else:
            exact = weights.astype(np.float64)
            energy = np.einsum("dc,dc->c", exact, self.gram @ exact) / len(self.rows)
            deviation = np.sqrt(np.maximum(energy - np.square(self.mean @ exact), 0))
        return np.asarray(weights / np.maximum(deviation, 1e-9), dtype=np.float32)


def population(space: Space, members: NDArray[np.int64]) -> Population:
    """The rows of a space with these sorted numbers."""
    rows = space.rows(members)
    return Population(space, members, rows, rows.mean(axis=0), _gram(rows))


def _gram(rows: Floats) -> NDArray[np.float64] | None:
    return None if len(rows) < rows.shape[1] else (rows.T @ rows).astype(np.float64)


class Teacher:
    """Fits heads to beliefs about a population; one factorization serves every fold of a cross-validation.

    Weighted ridge regression, solved on the smaller side: that of the rows if there are fewer than dimensions.

    Args:
        population: m rows, labeled and unlabeled.
        labeled: (m,) True where the row has a label.
    """

    def __init__(self, population: Population, labeled: NDArray[np.bool_]) -> None:
        self._population = population
        rows = population.rows
        d = rows.shape[1]
        weights = np.where(labeled, _LABEL_WEIGHT, 1.0).astype(np.float32)
        if population.gram is None:
            gram, penalty = (rows @ rows.T).astype(np.float64), 1 / weights
            total = float(weights @ gram.diagonal())
        else:
            known = rows[labeled]
            gram, penalty = population.gram + (_LABEL_WEIGHT - 1) * (known.T @ known), np.ones(d)
            total = float(np.trace(gram))
        self._weights = None if population.gram is None else weights[:, None]
        scale = max(total / d, 1e-12)
        self._taught = cho_factor(gram + np.diag(_TAUGHT_RIDGE * scale * penalty))
        self._self = cho_factor(gram + np.diag(_SELF_RIDGE * scale * penalty))

    def taught(self, beliefs: Floats) -> Floats:
        """Weights (d, c) of the linear head that best reproduces the beliefs (m, c)."""
        return self._fit(self._taught, beliefs)

    def self_trained(self, beliefs: Floats, labels: NDArray[np.int64]) -> Floats:
        """Weights (d, f * c) of heads that start from beliefs and then learn from their own predictions.

        Args:
            beliefs: (m, f, c) for each of f folds.
            labels: (f, m) codes that stay fixed, -1 if a row has none in that fold.
        """
        m, folds, classes = beliefs.shape
        fold, row = np.nonzero(labels >= 0)
        truth = one_hot(labels[fold, row], classes)
        for step in range(_ROUNDS):
            beliefs = beliefs.copy()
            beliefs[row, fold] = truth
            weights = self._fit(self._self, beliefs.reshape(m, -1))
            if step + 1 < _ROUNDS:
                scores = (self._population.rows @ weights).reshape(-1, classes)
                beliefs = np.exp(log_softmax(SHARPNESS * scores)).reshape(m, folds, classes)
        return weights

    def _fit(self, factor: tuple[NDArray[np.float64], bool], beliefs: Floats) -> Floats:
        rows, centered = self._population.rows, beliefs - beliefs.mean(axis=0)
        if self._weights is None:
            weights = rows.T @ cho_solve(factor, centered).astype(np.float32)
        else:
            weights = cho_solve(factor, rows.T @ (self._weights * centered)).astype(np.float32)
        return self._population.standardized(weights)


def label_head(rows: Floats, labels: NDArray[np.int64], n_classes: int, population: Population) -> Floats:
    """Weights (d, c) of a ridge regression on (m, d) rows and (m,) labels, with unit variance over a population."""
    target = one_hot(labels, n_classes)
    target -= target.mean(axis=0)
    if len(rows) <= rows.shape[1]:
        kernel = (rows @ rows.T).astype(np.float64)
        ridge = _LABEL_RIDGE * len(rows) * np.eye(len(rows))
        weights = rows.T @ cho_solve(cho_factor(kernel + ridge), target).astype(np.float32)
    else:
        gram = (rows.T @ rows).astype(np.float64)
        ridge = _LABEL_RIDGE * len(rows) * np.eye(len(gram))
        weights = cho_solve(cho_factor(gram + ridge), rows.T @ target).astype(np.float32)
    return population.standardized(weights)


def log_softmax(scores: Floats) -> Floats:
    """Log probabilities (m, c) of scores (m, c)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float32)
