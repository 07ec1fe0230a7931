"""Methods that suggestions are compared with: k-NN vote, scikit-learn's LabelSpreading, and a radius on a 2D map."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from labeling_data import Dataset
from labelscape.ml_backend.analysis.projection import project

# (known labels) -> the guess and the score (n,) of every sample
Peer = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
VOTES, BATCH = 5, 2048
RADIUS = 0.02  # of the width of the map


def peers(data: Dataset) -> dict[str, Peer]:
    points = project(data.vectors, method="tsne", neighbors=data.neighbors)
    points = points / np.ptp(points, axis=0).max()
    n, k = data.neighbors.indices.shape
    edges = (np.ones(n * k), data.neighbors.indices.ravel(), np.arange(0, n * k + 1, k))
    graph = sp.csr_matrix(edges, shape=(n, n)) + sp.eye(n, format="csr")
    return {
        "k-NN vote": lambda labels: knn_vote(data.vectors, labels, data.n_classes),
        "LabelSpreading": lambda labels: label_spreading(graph, labels),
        "2D radius": lambda labels: map_radius(points, labels),
    }


def knn_vote(vectors: np.ndarray, labels: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    known = np.flatnonzero(labels >= 0)
    guess, score = np.empty(len(labels), int), np.empty(len(labels))
    for start in range(0, len(labels), BATCH):
        part = slice(start, start + BATCH)
        similarity = vectors[part] @ vectors[known].T
        near = np.argsort(-similarity, axis=1)[:, :VOTES]
        weights = np.maximum(np.take_along_axis(similarity, near, axis=1), 1e-6)
        votes = np.zeros((len(similarity), n_classes))
        np.add.at(votes, (np.arange(len(votes))[:, None], labels[known][near]), weights)
        guess[part], score[part] = votes.argmax(axis=1), votes.max(axis=1) / votes.sum(axis=1)
    return guess, score


def label_spreading(graph: sp.csr_matrix, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.semi_supervised import LabelSpreading

    model = LabelSpreading(kernel=lambda x, y: graph.copy(), max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(np.zeros((len(labels), 1)), labels)
    shares = np.nan_to_num(model.label_distributions_)
    return model.classes_[shares.argmax(axis=1)], shares.max(axis=1)


def map_radius(points: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.neighbors import NearestNeighbors

    known = np.flatnonzero(labels >= 0)
    distance, nearest = NearestNeighbors(n_neighbors=1).fit(points[known]).kneighbors(points)
    return labels[known][nearest[:, 0]], -distance[:, 0]


def own_promise(name: str, score: np.ndarray, precision: float) -> np.ndarray:
    """What a peer accepts when its own probability is believed, or a usual radius is taken."""
    return score >= (-RADIUS if name == "2D radius" else precision)


def held_out_promise(
    score: np.ndarray, held_out_score: np.ndarray, held_out_right: np.ndarray, precision: float
) -> np.ndarray:
    """What a peer accepts at the lowest score above which its held-out guesses kept the precision."""
    order = np.argsort(-held_out_score, kind="stable")
    kept = np.cumsum(held_out_right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(kept >= precision)
    if not len(enough):
        return np.zeros(len(score), bool)
    return score >= held_out_score[order[enough[-1]]]


def held_out(peer: Peer, labels: np.ndarray, folds: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Scores of labels that their own fold did not see, and whether the guesses were right."""
    scores, right = [np.empty(0)], [np.empty(0, bool)]
    for fold in folds:
        hidden = labels.copy()
        hidden[fold] = -1
        guess, score = peer(hidden)
        scores.append(score[fold])
        right.append(guess[fold] == labels[fold])
    return np.concatenate(scores), np.concatenate(right)
