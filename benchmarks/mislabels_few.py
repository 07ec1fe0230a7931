"""Are mislabel scores probabilities where there are only 60 to 200 labels?

Draws of 2, 5 and 10 classes, of which 0, 5, 10 and 20 % of the labels are wrong: by chance, or always taken for the
next class. Half of the draws have four unlabeled samples for each label. Besides the datasets: digits under noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from labeling_data import digits, tables
from labelscape.ml_backend.analysis.mislabels import mislabel_scores
from sklearn.metrics import average_precision_score

LABELS, CLASSES, RATES, SEEDS = (60, 100, 200), (2, 5, 10), (0.0, 0.05, 0.1, 0.2), range(10, 20)
NOISE = (1, 2)  # times the spread of the digits
EDGES = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Draw:
    """Labels (n,), -1 = none, some of them wrong, of the rows of a dataset."""

    rows: np.ndarray
    labels: np.ndarray
    wrong: np.ndarray
    rate: float

    def scores(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mislabel scores of the labeled samples, and which of them are wrong."""
        labeled = self.labels >= 0
        found = mislabel_scores(vectors[self.rows], self.labels, int(self.labels.max()) + 1)
        return found.scores[labeled], self.wrong[labeled]


def report(folder: Path | None) -> None:
    heads = zip(("AUPRC", "error", "above .5", "score", "wrong", "clean above .5"), (8, 8, 10, 8, 8, 16), strict=True)
    print(f"\n{'few labels':24s}" + "".join(f"{head:>{width}s}" for head, width in heads))
    everything, clean = [], []
    for name, vectors, truth in _tables(folder):
        drawn = [(draw.rate, *draw.scores(vectors)) for draw in _draws(truth)]
        everything += [pair for _, *pair in drawn]
        clean += [scores for rate, scores, _ in drawn if rate == 0]
        _print(name, [pair for _, *pair in drawn], [scores for rate, scores, _ in drawn if rate == 0])
    _print("all", everything, clean)
    scores, wrong = (np.concatenate(part) for part in zip(*everything, strict=True))
    bins = np.digitize(scores, EDGES)
    print(f"{'mean score':>14s}{'share wrong':>14s}{'labels':>10s}")
    for place in range(len(EDGES) + 1):
        inside = bins == place
        print(f"{scores[inside].mean():14.3f}{wrong[inside].mean():14.3f}{inside.sum():10,d}")


def _print(name: str, pairs: Sequence[Sequence[np.ndarray]], clean: Sequence[np.ndarray]) -> None:
    ranked = np.mean([average_precision_score(wrong, scores) for scores, wrong in pairs if wrong.any()])
    scores, wrong = (np.concatenate(part) for part in zip(*pairs, strict=True))
    bins = np.digitize(scores, EDGES)
    gaps = [abs(scores[bins == one].sum() - wrong[bins == one].sum()) for one in range(len(EDGES) + 1)]
    likely = scores > 0.5
    print(
        f"{name:24s}{ranked:8.3f}{sum(gaps) / len(scores):8.3f}{likely.sum():10,d}{scores[likely].mean():8.2f}"
        f"{wrong[likely].mean():8.2f}{(np.concatenate(clean) > 0.5).mean():16.4f}",
        flush=True,
    )


def _tables(folder: Path | None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    yield from ((name, vectors.astype(np.float32), truth) for name, vectors, truth in tables(folder))
    vectors, truth = digits()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    spread = np.linalg.norm(unit - unit.mean(axis=0), axis=1).mean() / np.sqrt(unit.shape[1])
    for level in NOISE:
        noise = np.random.default_rng(5).normal(size=unit.shape)
        yield f"digits, {level} x noise", (unit + level * spread * noise).astype(np.float32), truth


def _draws(truth: np.ndarray) -> Iterator[Draw]:
    for n in LABELS:
        for count in CLASSES:
            for rate in RATES:
                for seed in SEEDS:
                    yield _draw(truth, n, count, rate, seed, by_chance=True)
                    if rate and count > 2:
                        yield _draw(truth, n, count, rate, seed, by_chance=False)


def _draw(truth: np.ndarray, n: int, count: int, rate: float, seed: int, *, by_chance: bool) -> Draw:
    random = np.random.default_rng([seed, n, count, int(100 * rate), by_chance])
    classes = random.permutation(int(truth.max()) + 1)[:count]
    rows = random.permutation(np.flatnonzero(np.isin(truth, classes)))[: n * (1 if seed % 2 else 5)]
    labels = np.searchsorted(np.sort(classes), truth[rows])
    wrong = random.random(len(rows)) < rate
    shift = random.integers(1, count, len(rows)) if by_chance else np.ones(len(rows), int)
    labels = np.where(wrong, (labels + shift) % count, labels)
    labels[n:] = -1
    return Draw(rows, labels, wrong, rate)
