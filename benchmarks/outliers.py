"""Outlier ranking against its peers with foreign samples mixed in.

Foreign samples come from n_foreign-out classes, "scattered" over several or in one "clump", 1 % and 5 % of the rest,
and carry the label of the class nearest to them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from labeling_data import tables, unit
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.analysis.outliers import outlier_scores
from sklearn.metrics import average_precision_score, roc_auc_score

SEEDS, SAMPLES = range(3), 4_000


def report(folder: Path | None) -> None:
    results: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for name, embeddings, truth in tables(folder):
        some = np.random.default_rng(0).permutation(len(truth))[:SAMPLES]
        vectors, labels = unit(embeddings[some]), truth[some]
        n_foreign = max(3, (labels.max() + 1) // 5)
        for rate in (0.01, 0.05):
            for clumped in (False, True):
                case = f"{name} {rate:.0%} {'clump' if clumped else 'scattered'}"
                for seed in SEEDS:
                    sample, foreign, shown = mixed(vectors, labels, n_foreign, rate, clumped, seed)
                    for method, scores in scored(sample, shown, seed).items():
                        pair = roc_auc_score(foreign, scores), average_precision_score(foreign, scores)
                        results.setdefault(method, {}).setdefault(case, []).append(pair)
    methods = list(results)
    cases = list(results[methods[0]])
    print(f"\n{'outliers: AUROC / AUPRC':32s}" + "".join(f"{method:>22s}" for method in methods))
    means = {method: np.array([np.mean(results[method][case], axis=0) for case in cases]) for method in methods}
    for row, case in enumerate(cases):
        print(f"{case:32s}" + "".join(f"{means[m][row][0]:14.3f} / {means[m][row][1]:.3f}" for m in methods))
    overall = [means[method].mean(axis=0) for method in methods]
    print(f"{'mean':32s}" + "".join(f"{auroc:14.3f} / {auprc:.3f}" for auroc, auprc in overall))


def mixed(
    vectors: np.ndarray, labels: np.ndarray, n_foreign: int, rate: float, clumped: bool, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    classes = random.permutation(labels.max() + 1)[:n_foreign]
    inside = np.flatnonzero(~np.isin(labels, classes))
    candidates = np.flatnonzero(np.isin(labels, classes[:1] if clumped else classes))
    outside = random.permutation(candidates)[: max(3, int(rate * len(inside)))]
    rows = np.concatenate((inside, outside))
    known = np.unique(labels[inside])
    centers = np.stack([vectors[inside][labels[inside] == name].mean(0) for name in known])
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    shown = labels[rows].copy()
    shown[len(inside) :] = known[(vectors[outside] @ centers.T).argmax(1)]
    return vectors[rows], np.arange(len(rows)) >= len(inside), shown


def scored(vectors: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import LocalOutlierFactor

    neighbors = knn(vectors, 50)
    return {
        "k-NN distance k=50": neighbors.distances[:, -1],
        "k-NN distance k=5": neighbors.distances[:, 4],
        "LOF": -LocalOutlierFactor(n_neighbors=20).fit(vectors).negative_outlier_factor_,
        "LOF k=50": -LocalOutlierFactor(n_neighbors=50).fit(vectors).negative_outlier_factor_,
        "isolation forest": -IsolationForest(random_state=seed).fit(vectors).score_samples(vectors),
        "labelscape": outlier_scores(vectors, neighbors=neighbors).scores,
        "labelscape, labels": outlier_scores(vectors, labels, neighbors=neighbors).scores,
    }
