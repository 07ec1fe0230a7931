"""Do scores stay near the accuracy where embeddings hardly tell the classes apart? Few labels, noise on the vectors.

Vectors without any class, and digits with so much noise that a guess is hardly better than chance. Printed for each:
accuracy of the suggestions, their mean score, and the share that is confident at a target precision of 0.90.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from labeling_data import Dataset, dataset, digits
from labelscape.ml_backend.analysis.calibration import accept_suggestions
from labelscape.ml_backend.analysis.propagation import suggest

EACH, SEEDS, SAMPLES, DIMENSIONS = (2, 4, 10), range(4), 1_000, 64
CLASSES, NOISE = (3, 10, 30), (3, 5, 8)


def report() -> None:
    print(f"{'data close to noise':24s}{'labels a class':>16s}{'accuracy':>10s}{'mean score':>12s}{'confident':>11s}")
    for data in _datasets():
        for each in EACH:
            rows = np.array([_measured(data, each, seed) for seed in SEEDS]).mean(axis=0)
            print(f"{data.name:24s}{each:16d}{rows[0]:10.3f}{rows[1]:12.3f}{rows[2]:11.3f}", flush=True)


def _datasets() -> Iterator[Dataset]:
    random = np.random.default_rng(1)
    for classes in CLASSES:
        vectors = random.standard_normal((SAMPLES, DIMENSIONS))
        yield dataset(f"noise, {classes} classes", vectors, random.permutation(np.arange(SAMPLES) % classes))
    vectors, truth = digits()
    clean = dataset("digits", vectors[:SAMPLES], truth[:SAMPLES])
    for level in NOISE:
        noise = random.standard_normal(clean.vectors.shape) / np.sqrt(clean.vectors.shape[1])
        yield dataset(f"digits, {level} x noise", clean.vectors + level * noise, clean.truth)


def _measured(data: Dataset, each: int, seed: int) -> tuple[float, float, float]:
    labels = data.draw(each, seed)
    unlabeled = labels < 0
    found = suggest(data.vectors, data.neighbors, labels, data.n_classes, seed=seed)
    scores = found.confidence[unlabeled].astype(float)
    right = (found.labels == data.truth)[unlabeled]
    return float(right.mean()), float(scores.mean()), float(accept_suggestions(scores, 0.90).mean())
