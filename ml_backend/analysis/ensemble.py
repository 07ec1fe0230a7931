"""The ensemble behind suggestions: five voters over one dataset and its labels."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from . import heads, spreading
from .arrays import Floats

Labels = NDArray[np.int64]
Answer = TypeVar("Answer")

VOTERS = (
    "graph spreading",
    "nearby labels",
    "linear head on the graph",
    "self-trained head",
    "linear head on labels",
)
ANCHORS = 3
LARGE = 200_000  # above this many samples, fewer steps, neighbors, and folds are used to get a result within seconds
_SAMPLE = 20_000  # rows that the heads learn from: a linear head gains nothing from more
_HELD_OUT = 2_000  # the most labels held out
_CHUNK = 16_384
_ANCHOR_POOL = 64  # labeled samples of a class that are candidates for anchors
_HELD_OUT_POOL = 512  # the same for held-out labels, which are few
_FLOOR = 1e-4
_STEPS, _STEPS_LARGE = (25, 8), (10, 3)  # steps of (far, near) spreading, on small and on large datasets
_THREADS = min(os.cpu_count() or 1, 8)
_CHUNK_CELLS = 2**20  # samples x classes that a thread processes together, at least 256 samples
_FIT_COLUMNS = 120  # classes x fits computed at once


def sample_of(data: Floats, seed: int) -> heads.Population:
    """The sample of a dataset that heads are fitted to; labels beyond it join later."""
    taken = np.sort(np.random.default_rng(seed).permutation(len(data))[:_SAMPLE])
    return heads.population(heads.space(data, taken), taken)


class Ensemble:
    """The voters over one dataset and its labels."""

    def __init__(
        self,
        data: Floats,
        spreader: spreading.Spreader,
        population: heads.Population,
        rows: Labels,
        codes: Labels,
        n_classes: int,
        seed: int,
    ) -> None:
        self.rows, self.codes, self.n_classes = rows, codes, n_classes
        open_rows = np.ones(len(data), bool)
        open_rows[rows] = False
        self.unlabeled = np.flatnonzero(open_rows)
        self.random = np.random.default_rng(seed)
        self.keys = self.random.random(len(data))
        self.folds = label_folds(codes, n_classes, self.keys[rows], len(data))
        self.space = population.space
        taught = self.random.permutation(len(rows))[:_SAMPLE]
        self.population = population.joined_by(rows[taught])
        self.sample = self.population.members
        self.sample_labels = np.full(len(self.sample), -1, dtype=np.int64)
        self.sample_labels[np.searchsorted(self.sample, rows[taught])] = codes[taught]
        self.teacher = heads.Teacher(self.population, self.sample_labels >= 0)
        fold_of = np.full(len(rows), -1, dtype=np.int64)
        for number, fold in enumerate(self.folds):
            fold_of[fold] = number
        needed = np.union1d(self.sample, rows[fold_of >= 0])
        steps = _STEPS if len(data) <= LARGE else _STEPS_LARGE
        self.far, self.near = (
            spreader.spread(rows, codes, fold_of, n_classes, needed, alpha=alpha, steps=most)
            for alpha, most in zip((spreading.FAR, spreading.NEAR), steps, strict=True)
        )

    def learn(self, report: Progress) -> tuple[Floats, Labels, Floats]:
        """Fit the heads, with all labels and without those of each fold.

        Returns:
            log probabilities (h, voters, classes) for held-out labels, predicted without them; the truth (h,);
            and the weights (d, 3 * classes) of the three heads that learned from all labels.
        """
        fits = [*range(len(self.folds)), None]
        together = max(1, _FIT_COLUMNS // self.n_classes)
        votes = [np.empty((0, len(VOTERS), self.n_classes), np.float32)]
        for start in range(0, len(fits), together):
            report(0.4 + 0.2 * start / len(fits), "Comparing methods on held-out labels")
            part = fits[start : start + together]
            for fold, weights in zip(part, self._heads(part), strict=True):
                if fold is not None:
                    votes.append(self._held_out_votes(fold, weights))
        places = np.concatenate([np.empty(0, np.int64), *self.folds])
        return np.concatenate(votes), self.codes[places], weights

    def _held_out_votes(self, fold: int, weights: Floats) -> Floats:
        rows = self.rows[self.folds[fold]]
        far, near = self.far.without(fold, rows), self.near.without(fold, rows)
        return self._votes(far * self._far_factors(fold), near, weights, rows)

    def decide(self, weights: Floats, judge: Callable[[Floats], Answer], report: Progress) -> list[Answer]:
        """Apply `judge` to the votes (m, voters, classes) for the unlabeled samples, a chunk at a time.

        ``weights``: those of the heads that learned from all labels, see `learn`.
        """
        factors = self._far_factors(None)
        chunk = min(_CHUNK, max(256, _CHUNK_CELLS // self.n_classes))

        def of_chunk(start: int) -> Answer:
            rows = self.unlabeled[start : start + chunk]
            return judge(self._votes(self.far.at(rows) * factors, self.near.at(rows), weights, rows))

        decided: list[Answer] = []
        pool = ThreadPoolExecutor(_THREADS)  # most of it is NumPy on narrow tables, which uses one core
        try:
            for answer in pool.map(of_chunk, range(0, len(self.unlabeled), chunk)):
                report(0.7 + 0.2 * len(decided) * chunk / len(self.unlabeled), "Suggesting")
                decided.append(answer)
        finally:
            pool.shutdown(cancel_futures=True)
        return decided

    def anchors(self, guess: Labels) -> tuple[NDArray[np.int32], Floats]:
        """The nearest labeled samples (u, 3) of the guessed class, and the cosine distance (u,) to the first."""
        anchors = np.full((len(self.unlabeled), ANCHORS), -1, dtype=np.int32)
        distances = np.empty(len(self.unlabeled), np.float32)
        for code in range(self.n_classes):
            members = self.rows[self.codes == code]
            pool = members[np.argsort(self.keys[members])[:_ANCHOR_POOL]]
            landmarks = self.space.rows(pool).T
            guessed = np.flatnonzero(guess == code)
            for start in range(0, len(guessed), _CHUNK):
                part = guessed[start : start + _CHUNK]
                similarity = self.space.project(self.unlabeled[part], landmarks)
                for place in range(min(ANCHORS, len(pool))):
                    nearest = similarity.argmax(axis=1)
                    anchors[part, place] = pool[nearest]
                    if place == 0:
                        distances[part] = 1 - similarity[np.arange(len(part)), nearest]
                    similarity[np.arange(len(part)), nearest] = -np.inf
        return anchors, distances

    def held_out_distances(self, guess: Labels) -> Floats:
        """Cosine distance (h,) of each held-out label to the nearest label of the guessed class.

        Labels in its own fold do not count; 2 if the class has no others.
        """
        distances = np.full(len(guess), 2, np.float32)
        fold = np.repeat(np.arange(len(self.folds)), [len(members) for members in self.folds])
        fold_of = np.full(len(self.rows), -1)
        places = np.concatenate([np.empty(0, np.int64), *self.folds])
        fold_of[places] = fold
        for code in np.unique(guess):
            asking, members = np.flatnonzero(guess == code), np.flatnonzero(self.codes == code)
            pool = members[np.argsort(self.keys[self.rows[members]])[:_HELD_OUT_POOL]]
            similarity = self.space.rows(self.rows[places[asking]]) @ self.space.rows(self.rows[pool]).T
            similarity[fold[asking][:, None] == fold_of[pool]] = -1
            distances[asking] = 1 - similarity.max(axis=1)
        return distances

    def held_out_mass(self) -> Floats:
        """Label mass (h,) that near spreading carries to each held-out label from labels outside its fold."""
        parts = [self.near.without(number, self.rows[fold]).sum(1) for number, fold in enumerate(self.folds)]
        return np.concatenate([np.empty(0, np.float32), *parts])

    def mass(self) -> Floats:
        """Label mass (u,) that near spreading carries to each unlabeled sample."""
        return np.asarray(self.near.total.sum(1).numpy()[self.unlabeled], np.float32)

    def _far_factors(self, fold: int | None) -> Floats:
        """Factors (c,) for the far mass of each class, computed from the labels outside a fold."""
        mass = self.far.total.sum(0).numpy()
        counts = np.bincount(self.codes, minlength=self.n_classes)
        if fold is not None:
            mass = mass - self.far.masses[fold]
            counts = counts - np.bincount(self.codes[self.folds[fold]], minlength=self.n_classes)
        return spreading.class_masses(mass, counts)

    def _heads(self, folds: Sequence[int | None]) -> list[Floats]:
        """Weights (d, 3 * c) of the three heads for each fold that they may not see; None sees everything."""
        beliefs, labels = [], np.repeat(self.sample_labels[None], len(folds), axis=0)
        for number, fold in enumerate(folds):
            far = self.far.at(self.sample) if fold is None else self.far.without(fold, self.sample)
            beliefs.append(_shares(far * self._far_factors(fold)))
            if fold is not None:
                labels[number, np.isin(self.sample, self.rows[self.folds[fold]])] = -1
        stacked = np.stack(beliefs, axis=1)
        taught = self.teacher.taught(stacked.reshape(len(self.sample), -1))
        own = self.teacher.self_trained(stacked, labels)
        fitted: list[Floats] = []
        for number in range(len(folds)):
            part, known = slice(number * self.n_classes, (number + 1) * self.n_classes), labels[number] >= 0
            seen = self.population.rows[known]
            alone = heads.label_head(seen, labels[number, known], self.n_classes, self.population)
            fitted.append(self.population.basis @ np.hstack([taught[:, part], own[:, part], alone]))
        return fitted

    def _votes(self, far: Floats, near: Floats, weights: Floats, rows: Labels) -> Floats:
        spread_scores = (np.log(_shares(mass) + _FLOOR) for mass in (far, near))
        parts = np.split(self.space.project(rows, weights), weights.shape[1] // self.n_classes, axis=1)
        return np.stack([*spread_scores, *(heads.log_softmax(heads.SHARPNESS * part) for part in parts)], axis=1)


def label_folds(codes: Labels, n_classes: int, keys: NDArray[np.float64], n: int) -> list[Labels]:
    """Label positions to hold out together, so that no class ever loses its last label.

    The fold of a label depends on its own key: when a label is added, nearly all others stay in their folds, so that
    measurements on them change no more than the labels justify.

    Args:
        codes: (m,) class of each label, 0..n_classes - 1.
        n_classes: how many classes.
        keys: (m,) a random number for each label, 0..1, tied to its sample.
        n: number of samples in the dataset; large datasets get fewer folds.
    """
    count = 10 if len(codes) <= 500 else 5
    if n > LARGE:
        count = 2
    order = np.lexsort((keys, codes))
    counts = np.bincount(codes, minlength=n_classes)
    ends = np.cumsum(counts)
    turn = (keys[order] * count).astype(np.int64)
    several = np.flatnonzero(counts >= 2)
    # The first and the last label of a class are in different folds, so that no fold contains the whole class.
    turn[ends[several] - counts[several]] = several % count
    turn[ends[several] - 1] = (several + 1) % count
    usable = counts[codes[order]] >= 2
    order, turn = order[usable], turn[usable]
    kept = np.argsort(keys[order] * count % 1)[:_HELD_OUT]
    order, turn = order[kept], turn[kept]
    return [order[turn == fold] for fold in range(count) if (turn == fold).any()]


def _shares(mass: Floats) -> Floats:
    total = mass.sum(axis=1, keepdims=True)
    shares: Floats = np.where(total > 0, mass / np.maximum(total, 1e-38), 1 / mass.shape[1]).astype(np.float32)
    return shares
