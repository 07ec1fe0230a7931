"""The classes of the nearest labeled samples: a hint for a person who is about to label."""

import numpy as np
from numpy.typing import NDArray

from .arrays import unit_rows

_NEAREST = 5
_QUERIES = 64  # sampled from a larger selection: enough to estimate a share
_VOTERS = 10_000  # of more labels, by chance: 0.1 s for vectors of 1,000 numbers


def nearest_classes(
    vectors: NDArray[np.float32], labels: NDArray[np.integer], rows: NDArray[np.integer], *, seed: int = 0
) -> list[tuple[int, float]]:
    """The classes of the labeled samples nearest to some rows, with their share of all votes, largest first.

    Each row has five votes: the labels of the five samples nearest to it by cosine similarity. From more than 64 rows,
        or more than 10,000 labels, that many are sampled at random.

    Args:
        vectors: (n, d)
        labels: (n,) class of each sample, -1 = unlabeled
        rows: (m,) rows of the samples in question; a sample's own label does not count for it

    Returns:
        (class, share in 0..1) for each class with a vote; empty if no other sample is labeled.
    """
    chance = np.random.default_rng(seed)
    voters = np.flatnonzero(labels >= 0)
    if not len(voters) or not len(rows):
        return []
    if len(voters) > _VOTERS:
        voters = chance.choice(voters, _VOTERS, replace=False)
    queries = rows if len(rows) <= _QUERIES else chance.choice(rows, _QUERIES, replace=False)
    alike = unit_rows(vectors[queries]) @ unit_rows(vectors[voters]).T
    alike[queries[:, None] == voters] = -np.inf
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, :_NEAREST]
    counted = np.isfinite(np.take_along_axis(alike, nearest, axis=1))
    classes, votes = np.unique(labels[voters[nearest[counted]]], return_counts=True)
    order = np.argsort(-votes, kind="stable")
    return [(int(classes[place]), float(votes[place] / votes.sum())) for place in order]
