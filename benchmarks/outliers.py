"""Outlier ranking against its peers with foreign samples mixed in.

near: foreign samples are of n_foreign held-out classes, "scattered" over several or in one "clump", 1 % and 5 % of the
rest. far: groups from elsewhere, 2 % to 10 % (foreign_groups.py). All carry the label of the class nearest to them.
PyOD's detectors take part in the far cases if it is installed.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from foreign_groups import groups, spaces
from labeling_data import tables, unit
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.analysis.outliers import outlier_scores
from sklearn.metrics import average_precision_score, roc_auc_score

SEEDS, SAMPLES = range(3), 4_000
GROUP_SEEDS = range(1)  # PyOD takes minutes a seed
Results = dict[str, dict[str, list[tuple[float, float]]]]


def report(folder: Path | None) -> None:
    table("outliers, near", near(folder))
    table("outliers, far", far(folder))


def far(folder: Path | None) -> Results:
    results: Results = {}
    for space in spaces(folder):
        for case, vectors, foreign, shown in groups(space, GROUP_SEEDS):
            for method, scores in (scored(vectors, shown, 0) | detectors(vectors)).items():
                pair = roc_auc_score(foreign, scores), average_precision_score(foreign, scores)
                results.setdefault(method, {}).setdefault(case, []).append(pair)
    return results


def near(folder: Path | None) -> Results:
    results: Results = {}
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
    return results


def table(title: str, results: Results) -> None:
    methods = list(results)
    cases = list(results[methods[0]])
    print(f"\n{title + ': AUROC / AUPRC':32s}" + "".join(f"{method:>22s}" for method in methods))
    means = {method: np.array([np.mean(results[method][case], axis=0) for case in cases]) for method in methods}
    for row, case in enumerate(cases):
        print(f"{case:32s}" + "".join(f"{means[m][row][0]:14.3f} / {means[m][row][1]:.3f}" for m in methods))
    worst = [means[method][:, 0].min() for method in methods]
    overall = [means[method].mean(axis=0) for method in methods]
    print(f"{'mean':32s}" + "".join(f"{auroc:14.3f} / {auprc:.3f}" for auroc, auprc in overall))
    print(f"{'lowest AUROC':32s}" + "".join(f"{auroc:14.3f}        " for auroc in worst))


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


def detectors(vectors: np.ndarray) -> dict[str, np.ndarray]:
    if find_spec("pyod") is None:
        return {}
    from pyod.models.ecod import ECOD
    from pyod.models.knn import KNN
    from pyod.models.pca import PCA

    models = {"PyOD ECOD": ECOD(), "PyOD PCA": PCA(), "PyOD KNN": KNN(n_neighbors=50)}
    return {name: model.fit(vectors).decision_scores_ for name, model in models.items()}
