"""Maps in 2D: ours and our peers', each in a fresh process, with trustworthiness at 15 and neighbors kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial

import numpy as np
from cold_process import main


def labelscape(method: str, vectors: np.ndarray) -> Callable[[], np.ndarray]:
    def work() -> np.ndarray:
        from labelscape.ml_backend.analysis.projection import project

        return project(vectors, method=method)

    return work


def umap_learn(vectors: np.ndarray) -> Callable[[], np.ndarray]:
    def work() -> np.ndarray:
        from umap import UMAP

        return UMAP(metric="cosine").fit_transform(vectors)

    return work


def fiftyone(vectors: np.ndarray) -> Callable[[], np.ndarray]:
    """`fiftyone.brain.compute_visualization` as called by default; making the dataset does not count."""
    os.environ["FIFTYONE_DATABASE_DIR"] = tempfile.mkdtemp(prefix="labelscape-benchmark-")
    os.environ["FIFTYONE_SHOW_PROGRESS_BARS"] = "false"
    import fiftyone as fo
    import fiftyone.brain as fob

    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(filepath=f"/missing/{row}.png") for row in range(len(vectors))])
    return lambda: fob.compute_visualization(dataset, embeddings=vectors, method="umap", verbose=False).points


def quality(vectors: np.ndarray, points: object) -> dict[str, float]:
    from labelscape.ml_backend.analysis.map_quality import map_quality

    measured = map_quality(vectors, np.asarray(points))
    return {"trustworthiness": measured.trustworthiness, "neighbors kept": measured.neighbors_kept}


if __name__ == "__main__":
    methods = {
        "pca": partial(labelscape, "pca"),
        "umap": partial(labelscape, "umap"),
        "tsne": partial(labelscape, "tsne"),
        "umap-learn": umap_learn,
        "fiftyone-umap": fiftyone,
    }
    main(__doc__, methods, list(methods), quality)
