"""Digits whose embeddings form a cluster for each digit, imported so that nothing has to be embedded."""

import numpy as np
from labelscape.ml_backend.actions.embed import import_embeddings


def cluster_vectors(dataset, noise=0.2, seed=0):
    """Vectors (n, 12) around a direction for each digit."""
    digits = np.asarray(dataset.values("true_digit"), int)
    random = np.random.default_rng(seed)
    return (np.eye(12)[digits] + random.normal(0, noise, (len(digits), 12))).astype(np.float32)


def embed_clusters(dataset, key="emb", **more):
    """Give a dataset of digits embeddings in clusters."""
    import_embeddings(
        dataset, key=key, ids=dataset.values("id"), vectors=cluster_vectors(dataset, **more), source="test"
    )
