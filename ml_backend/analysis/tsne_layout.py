"""t-SNE layout (van der Maaten and Hinton 2008) from a table of neighbors, with openTSNE."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress

_EARLY, _LATE = 250, 500  # rounds with and without exaggeration, as openTSNE
_REPORTS_EVERY = 10  # rounds
_EXAGGERATED_FROM = 60  # samples: with fewer, exaggerated attraction pulls all of them into one point


def layout(
    indices: NDArray[np.int32], start: NDArray[np.float32], *, seed: int, progress: Progress
) -> NDArray[np.float32]:
    """Move the points `start` (n, 2 or 3) until neighbors, the rows of `indices` (n, k), lie close together.

    At most a third of the other samples are used as neighbors: if all samples were neighbors of each other, no map
    would be better than another.
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import Uniform
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    indices = indices[:, : max(1, (len(start) - 1) // 3)]
    table = PrecomputedNeighbors(indices, np.ones(indices.shape))
    affinities = Uniform(knn_index=table, symmetrize="max")
    # The interpolation works in two dimensions only, and pays off from a few thousand points.
    gradient = "fft" if start.shape[1] == 2 and len(start) > 3000 else "bh"
    points = TSNEEmbedding(
        start.astype(np.float64),
        affinities,
        negative_gradient_method=gradient,
        # Small maps are faster on one thread: on a busy machine threads wait for each other (1 s against 6).
        n_jobs=1 if len(start) < 10_000 else -1,
        random_state=seed,
    )
    early = _EARLY if len(start) >= _EXAGGERATED_FROM else 0
    done, rounds = 0, early + _LATE

    def report(iteration: int, _error: float, _points: object) -> None:
        past = done + iteration
        progress(past / rounds, f"t-SNE, round {past} of {rounds}")

    options = {"inplace": True, "propagate_exception": True, "callbacks": report}
    options["callbacks_every_iters"] = _REPORTS_EVERY
    if early:
        points.optimize(early, exaggeration=12, momentum=0.5, **options)
    done = early
    points.optimize(_LATE, momentum=0.8, **options)
    return np.asarray(points, np.float32)
