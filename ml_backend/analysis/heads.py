"""Linear heads on embeddings, in closed form: one learns from labels, the others also from the graph's beliefs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, eigh

from .arrays import Floats, one_hot, unit_rows

Factor = tuple[NDArray[np.float64], bool]  # of `cho_factor`

SHARPNESS = 2.0  # softmax of standardized scores; measured best of 1, 2, 3
_LABEL_WEIGHT = 5.0  # weight of a labeled row, relative to an unlabeled one
_TAUGHT_RIDGE, _SELF_RIDGE, _LABEL_RIDGE = 1.0, 0.1, 0.01  # in units of the mean eigenvalue
_ROUNDS = 5
_NEGLIGIBLE = 1e-3  # share of the mean energy of a direction; far below the weakest ridge
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

    The rows are expressed in their principal directions, without those in which they hardly vary: the fewer directions,
    the faster heads are fitted.

    Attributes:
        space: the space.
        members: (m,) sorted numbers of the rows in it.
        basis: (d, r) the directions, orthonormal.
        rows: (m, r) the rows.
        gram: (r, r) float64, `rows.T @ rows`.
        mean: (r,) mean over the rows before others joined.
        energy: (r,) float64, mean square over the same rows.
    """

    space: Space
    members: NDArray[np.int64]
    basis: Floats
    rows: Floats
    gram: NDArray[np.float64]
    mean: Floats
    energy: NDArray[np.float64]

    def joined_by(self, others: NDArray[np.int64]) -> Population:
        """This population, and the rows with these numbers; scores are scaled as before."""
        new = np.setdiff1d(others, self.members)
        if not len(new):
            return self
        members = np.union1d(self.members, new)
        rows = np.empty((len(members), self.rows.shape[1]), np.float32)
        added = self.space.project(new, self.basis)
        rows[np.searchsorted(members, self.members)] = self.rows
        rows[np.searchsorted(members, new)] = added
        return replace(self, members=members, rows=rows, gram=self.gram + added.T @ added)

    def standardized(self, weights: Floats) -> Floats:
        """Scale weights (r, c) so that each score has unit standard deviation over the population."""
        exact = weights.astype(np.float64)
        variance = self.energy @ np.square(exact) - np.square(self.mean @ exact)
        return np.asarray(weights / np.maximum(np.sqrt(np.maximum(variance, 0)), 1e-9), dtype=np.float32)


def population(space: Space, members: NDArray[np.int64]) -> Population:
    """The rows of a space with these sorted numbers, at least one."""
    rows = space.rows(members)
    basis, energies = _principal_directions(rows)
    rows = rows @ basis
    return Population(space, members, basis, rows, np.diag(energies), rows.mean(axis=0), energies / len(rows))


def _principal_directions(rows: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """The directions (d, r) in which rows (m, d) vary more than negligibly, at least one; r <= min(m, d).

    Also returns the sum of squares (r,) of the rows in each: in these directions, their Gram matrix is diagonal.
    """
    few = len(rows) < rows.shape[1]
    energies, vectors = eigh((rows @ rows.T if few else rows.T @ rows).astype(np.float64))
    enough = energies > _NEGLIGIBLE * energies.sum() / rows.shape[1]
    enough[-1] = True
    directions, energies = vectors[:, enough], np.maximum(energies[enough], 0)
    if few:
        directions = rows.T @ (directions / np.sqrt(np.maximum(energies, 1e-12)))
    return np.ascontiguousarray(directions, dtype=np.float32), energies


class Teacher:
    """Fits heads to beliefs about a population; one factorization serves every fold of a cross-validation.

    Weighted ridge regression.

    Args:
        population: m rows, labeled and unlabeled.
        labeled: (m,) True where the row has a label.
    """

    def __init__(self, population: Population, labeled: NDArray[np.bool_]) -> None:
        self._population = population
        self._weights = np.where(labeled, _LABEL_WEIGHT, 1.0).astype(np.float32)[:, None]
        known = population.rows[labeled]
        gram = population.gram + (_LABEL_WEIGHT - 1) * (known.T @ known)
        scale = max(float(np.trace(gram)) / len(population.basis), 1e-12)
        self._taught = _ridge(gram, _TAUGHT_RIDGE * scale)
        self._self = _ridge(gram, _SELF_RIDGE * scale)

    def taught(self, beliefs: Floats) -> Floats:
        """Weights (r, c) of the linear head that best reproduces the beliefs (m, c)."""
        return self._fit(self._taught, beliefs)

    def self_trained(self, beliefs: Floats, labels: NDArray[np.int64]) -> Floats:
        """Weights (r, f * c) of heads that start from beliefs and then learn from their own predictions.

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

    def _fit(self, factor: Factor, beliefs: Floats) -> Floats:
        centered = self._weights * (beliefs - beliefs.mean(axis=0))
        weights = cho_solve(factor, self._population.rows.T @ centered).astype(np.float32)
        return self._population.standardized(weights)


def label_head(rows: Floats, labels: NDArray[np.int64], n_classes: int, population: Population) -> Floats:
    """Weights (r, c) of a ridge regression on (m, r) rows and (m,) labels, with unit variance over a population."""
    target = one_hot(labels, n_classes)
    target -= target.mean(axis=0)
    ridge = _LABEL_RIDGE * len(rows)
    if len(rows) <= rows.shape[1]:
        kernel = _ridge((rows @ rows.T).astype(np.float64), ridge)
        weights = rows.T @ cho_solve(kernel, target).astype(np.float32)
    else:
        gram = _ridge((rows.T @ rows).astype(np.float64), ridge)
        weights = cho_solve(gram, rows.T @ target).astype(np.float32)
    return population.standardized(weights)


def _ridge(gram: NDArray[np.float64], penalty: float) -> Factor:
    """Factorize a Gram matrix with a penalty added to its diagonal."""
    penalized = gram.copy()
    penalized.flat[:: len(gram) + 1] += penalty
    factor: Factor = cho_factor(penalized, overwrite_a=True)
    return factor


def log_softmax(scores: Floats) -> Floats:
    """Log probabilities (m, c) of scores (m, c)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float32)
