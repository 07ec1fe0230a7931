"""Human actions until a dataset is labeled: the order of labeling, the guesses and their review, simulated.

The person labels L samples one by one (an act each), in the order a method asks for. The rest is guessed, and the
most confident guesses are shown by class, a screen of 25 at a time, until 95 % of the dataset has a label.
Taking a group is one act, and so is correcting a wrong one in it; the person overlooks one wrong guess in five.
Correctness is over everything labeled. Every method may stop labeling one by one at the L that costs it least, if
97 % is right then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from labeling_data import Dataset
from labeling_peers import knn_vote
from labelscape.ml_backend.analysis.next_best import next_to_label
from labelscape.ml_backend.analysis.propagation import suggest

SCREEN, OVERLOOKED, LABELED, CORRECT, SEEDS = 25, 0.2, 0.95, 0.97, range(3)
STEPS = (9, 18, 27, 36, 54, 72, 108, 144, 216, 324, 486, 729, 1100, 1650, 2500, 3700, 5600, 8400)

# (labels known) -> guess and score of every sample; (labels, guess, score, count, seed) -> what to label next
Guess = Callable[[Dataset, np.ndarray], tuple[np.ndarray, np.ndarray]]
Order = Callable[[Dataset, np.ndarray, np.ndarray | None, int, np.random.Generator], np.ndarray]


def report(data: Iterable[Dataset]) -> None:
    print(f"\nhuman acts to {LABELED:.0%} labeled, {CORRECT:.0%} of it right: mean of draws (of which one by one)")
    for one in data:
        print(f"{one.name} ({len(one.truth):,} samples)")
        for name, (order, guess) in METHODS.items():
            found = [acts(one, order, guess, seed) for seed in SEEDS]
            total, single = np.mean(found, axis=0)
            print(f"  {name:38s}{total:8.0f} ({single:.0f})", flush=True)


def acts(data: Dataset, order: Order, guess: Guess, seed: int) -> tuple[float, float]:
    """Least acts, and how many of them label one by one."""
    random = np.random.default_rng(seed)
    labels, score = np.full(len(data.truth), -1), None
    best = (float(len(labels)) * LABELED, float(len(labels)) * LABELED)
    for size in STEPS:
        if size >= min(best[0], len(labels)):
            break
        rows = order(data, labels, score, size - int((labels >= 0).sum()), random)
        labels[rows] = data.truth[rows]
        if len(np.unique(labels[labels >= 0])) < 2:
            continue
        guessed, score = guess(data, labels)
        rest = np.flatnonzero(labels < 0)
        shown = rest[np.argsort(-score[rest], kind="stable")][: max(0, int(LABELED * len(labels)) - size)]
        wrong = int((guessed[shown] != data.truth[shown]).sum())
        if 1 - OVERLOOKED * wrong / (LABELED * len(labels)) >= CORRECT:
            groups = int(np.ceil(np.bincount(guessed[shown]) / SCREEN).sum())
            best = min(best, (size + groups + (1 - OVERLOOKED) * wrong, size))
    return best


def ours(data: Dataset, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = suggest(data.vectors, data.neighbors, labels, data.n_classes)
    return found.labels, found.confidence


def votes(data: Dataset, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return knn_vote(data.vectors, labels, data.n_classes)


def regression(data: Dataset, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    known = labels >= 0
    model = LogisticRegression(C=10.0, max_iter=200).fit(data.vectors[known], labels[known])
    shares = model.predict_proba(data.vectors)
    return model.classes_[shares.argmax(axis=1)], shares.max(axis=1)


def teaching_most(
    data: Dataset, labels: np.ndarray, score: np.ndarray | None, count: int, random: np.random.Generator
) -> np.ndarray:
    found = None if score is None else score.astype(np.float32)
    seed = int(random.integers(1 << 30))
    return next_to_label(data.vectors, data.neighbors, labels, data.n_classes, confidence=found, count=count, seed=seed)


def at_random(
    data: Dataset, labels: np.ndarray, score: np.ndarray | None, count: int, random: np.random.Generator
) -> np.ndarray:
    return random.permutation(np.flatnonzero(labels < 0))[:count]


def least_sure(
    data: Dataset, labels: np.ndarray, score: np.ndarray | None, count: int, random: np.random.Generator
) -> np.ndarray:
    if score is None:
        return at_random(data, labels, score, count, random)
    rest = np.flatnonzero(labels < 0)
    return rest[np.argsort(score[rest], kind="stable")][:count]


METHODS: dict[str, tuple[Order, Guess]] = {
    "labelscape": (teaching_most, ours),
    "random order, labelscape suggestions": (at_random, ours),
    "random order, k-NN vote": (at_random, votes),
    "random order, logistic regression": (at_random, regression),
    "uncertainty, logistic regression": (least_sure, regression),
}
