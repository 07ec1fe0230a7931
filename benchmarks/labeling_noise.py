"""Do scores stay near the accuracy where embeddings hardly tell the classes apart? Few labels, weak vectors.

Vectors without any class, digits with so much noise that a guess is hardly better than chance, and digits of which only
three principal components are known. Printed for each: accuracy of the suggestions, their mean score, the share that is
confident at a target precision of 0.90, and how many of these are right.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from labeling_data import Dataset, dataset, digits
from labelscape.ml_backend.analysis.calibration import accept_suggestions
from labelscape.ml_backend.analysis.propagation import suggest
from sklearn.decomposition import PCA

EACH, SEEDS, SAMPLES, DIMENSIONS = (2, 4, 10, 40), range(4), 1_000, 64
CLASSES, NOISE, COMPONENTS = (3, 10, 30), (3, 5, 8), 3


def report() -> None:
    heads = zip(("labels a class", "accuracy", "mean score", "confident", "right"), (16, 10, 12, 11, 8), strict=True)
    print(f"{'weak embeddings':24s}" + "".join(f"{head:>{width}s}" for head, width in heads))
    for data in _datasets():
        for each in EACH:
            drawn = [_measured(data, each, seed) for seed in SEEDS]
            right, scores, chosen = (np.concatenate(part) for part in zip(*drawn, strict=True))
            told = f"{right.mean():10.3f}{scores.mean():12.3f}{chosen.mean():11.3f}"
            print(f"{data.name:24s}{each:16d}{told}{right[chosen].mean() if chosen.any() else np.nan:8.3f}", flush=True)


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
    yield dataset(
        f"digits, {COMPONENTS} components",
        PCA(COMPONENTS, random_state=0).fit_transform(vectors)[:SAMPLES],
        truth[:SAMPLES],
    )


def _measured(data: Dataset, each: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether each suggestion is right, its score, and whether it is confident."""
    labels = data.draw(each, seed)
    unlabeled = labels < 0
    found = suggest(data.vectors, data.neighbors, labels, data.n_classes, seed=seed)
    scores = found.confidence[unlabeled].astype(float)
    return (found.labels == data.truth)[unlabeled], scores, accept_suggestions(scores, 0.90)
