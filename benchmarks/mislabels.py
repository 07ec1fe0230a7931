"""Mislabel ranking against its peers on the same embeddings: the human labels of CIFAR-10N against the clean ones.

The images of the data folder get 1280-d embeddings of MobileNetV2. Without a folder: scikit-learn's digits with labels
changed at random.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from labeling_data import cifar10n_embedded
from labelscape.ml_backend.analysis.mislabels import mislabel_scores
from labelscape.ml_backend.analysis.neighbors import Neighbors, knn
from sklearn.metrics import average_precision_score

REGULARISATIONS = (0.01, 0.001)  # of scikit-learn's usual grid; the second does best


def report(folder: Path | None) -> None:
    cases = list(digits() if folder is None else cifar10n(folder))
    vectors = cases[0][1]
    started = time.perf_counter()
    neighbors = knn(vectors, 50)
    print(f"\nwrong labels: {vectors.shape[0]} x {vectors.shape[1]}; neighbors {time.perf_counter() - started:.1f} s")
    print(f"{'AUPRC':42s}" + "".join(f"{name:>12s}" for name, *_ in cases) + "   seconds a set")
    rows: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for _, _, labels, wrong in cases:
        for name, (scores, spent) in scored(vectors, labels, neighbors).items():
            rows.setdefault(name, []).append(average_precision_score(wrong, scores))
            seconds[name] = seconds.get(name, 0) + spent / len(cases)
    for name, values in rows.items():
        print(f"{name:42s}" + "".join(f"{value:12.3f}" for value in values) + f"   {seconds[name]:8.1f}")


def scored(vectors: np.ndarray, labels: np.ndarray, neighbors: Neighbors) -> dict[str, tuple[np.ndarray, float]]:
    result = {
        "chance": timed(lambda: np.zeros(len(labels))),
        "k-NN disagreement, k=50": timed(lambda: (labels[neighbors.indices] != labels[:, None]).mean(1)),
    }
    disagreement, spent = result["k-NN disagreement, k=50"]
    for c in REGULARISATIONS:
        confidence, more = timed(lambda: cleanlab_scores(vectors, labels, c))  # noqa: B023
        result[f"cleanlab, 5-fold logistic regression, C={c:g}"] = confidence, more
        result[f"mean of it and k-NN, C={c:g}"] = (confidence + disagreement) / 2, spent + more
    result["labelscape mislabel_scores"] = timed(
        lambda: mislabel_scores(vectors, labels, int(labels.max()) + 1, neighbors=neighbors).scores
    )
    return result


def timed(score: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    started = time.perf_counter()
    return score(), time.perf_counter() - started


def cleanlab_scores(vectors: np.ndarray, labels: np.ndarray, c: float) -> np.ndarray:
    from cleanlab.rank import get_self_confidence_for_each_label
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=200))
    # labels.csv is sorted by the clean label: folds that are not shuffled hold all the wrong labels of a class out
    # together, which tells the model what is right (AUPRC on aggre .59 instead of .51).
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    probabilities = cross_val_predict(model, vectors, labels, cv=folds, method="predict_proba")
    return 1 - get_self_confidence_for_each_label(labels, probabilities)


def cifar10n(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    with open(folder / "cifar10n" / "labels.csv", newline="") as file:
        table = list(csv.DictReader(file))
    vectors = cifar10n_embedded(folder)
    clean = np.array([int(row["clean"]) for row in table])
    for name in ("aggre", "random1", "worse"):
        labels = np.array([int(row[name]) for row in table])
        yield name, vectors, labels, labels != clean


def digits() -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    from sklearn.datasets import load_digits

    vectors, truth = load_digits(return_X_y=True)
    for rate in (0.05, 0.2, 0.4):
        random = np.random.default_rng(0)
        labels = truth.copy()
        changed = random.random(len(labels)) < rate
        labels[changed] = (labels[changed] + random.integers(1, 10, changed.sum())) % 10
        yield f"{rate:.0%} wrong", vectors.astype(np.float32), labels, labels != truth
