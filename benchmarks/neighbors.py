"""Nearest neighbors (k = 15, cosine): ours and our peers', each in a fresh process, with recall on 500 rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cold_process import main

K = 15


def labelscape(vectors: np.ndarray) -> Callable[[], np.ndarray]:
    def work() -> np.ndarray:
        from labelscape.ml_backend.analysis.neighbors import knn

        return knn(vectors, K).indices

    return work


def exact(vectors: np.ndarray) -> Callable[[], np.ndarray]:
    """What `labelscape` does for small tables, at any size."""

    def work() -> np.ndarray:
        from labelscape.ml_backend.analysis.neighbor_search import search_all, searchable

        (table,) = searchable(vectors, metric="cosine")
        return search_all(table, table, K, same=True, progress=lambda done, message: None)[0]

    return work


def pynndescent(vectors: np.ndarray) -> Callable[[], np.ndarray]:
    def work() -> np.ndarray:
        from pynndescent import NNDescent

        return NNDescent(vectors, n_neighbors=K + 1, metric="cosine", random_state=0).neighbor_graph[0][:, 1:]

    return work


def sklearn_brute(vectors: np.ndarray) -> Callable[[], np.ndarray]:
    def work() -> np.ndarray:
        from sklearn.neighbors import NearestNeighbors

        index = NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute", n_jobs=-1).fit(vectors)
        return index.kneighbors(return_distance=False)

    return work


def recall(vectors: np.ndarray, found: object) -> dict[str, float]:
    from labelscape.ml_backend.analysis.neighbors import neighbors_of

    rows = np.random.default_rng(1).permutation(len(vectors))[:500]
    truth = neighbors_of(vectors[rows], vectors, K + 1).indices
    hits = [len(set(true[true != row][:K]) & set(got)) for row, true, got in zip(rows, truth, found[rows], strict=True)]
    return {"recall": float(np.mean(hits)) / K}


if __name__ == "__main__":
    methods = {
        "labelscape": labelscape,
        "exact": exact,
        "pynndescent": pynndescent,
        "sklearn-brute": sklearn_brute,
    }
    main(__doc__, methods, list(methods), recall)
