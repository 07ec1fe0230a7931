"""Is the target precision reached for labels as people assign them? Compares us and a k-NN vote for labeling_ways.py.

Ours is measured with both calibrations learned without the dataset at hand. The k-NN vote accepts what its held-out
labels allow. Printed for each way: mean and worst real precision over draws that accept five or more, mean coverage,
and, where classes have no label yet, the share of their samples that was accepted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from unittest.mock import patch

import numpy as np
from labeling_data import Dataset, dataset
from labeling_peers import held_out, held_out_promise, knn_vote
from labeling_ways import Labeling, imbalanced, labelings, scene
from labelscape.ml_backend.analysis import propagation
from labelscape.ml_backend.analysis.calibration import Reliability, accept_suggestions

PRECISIONS, SEEDS, SAMPLES, FEWEST = (0.90, 0.95, 0.99), range(2), 1_500, 5
CORRECTIONS = Path(__file__).with_name("labeling_corrections.json")

# (method, way, target) -> one (real precision or nan, coverage, share of unseen classes accepted or nan) a draw
Outcomes = dict[tuple[str, str, float], list[tuple[float, float, float]]]


def report(data: Iterable[Dataset], references: dict[str, Reliability]) -> None:
    corrections = json.loads(CORRECTIONS.read_text())
    outcomes: Outcomes = {}
    for one in data:
        rows = np.sort(np.random.default_rng(1).permutation(len(one.truth))[:SAMPLES])
        part = dataset(one.name, one.vectors[rows], one.truth[rows])
        with (
            patch.object(propagation, "REFERENCE", references[one.name]),
            patch.object(propagation, "SECOND", np.array(corrections[one.name])),
        ):
            view = scene(part)
            for seed in SEEDS:
                for labeling in labelings(view, scene(imbalanced(part, seed)), seed):
                    measure(labeling, seed, outcomes)
    show(outcomes)


def measure(labeling: Labeling, seed: int, outcomes: Outcomes) -> None:
    data, labels = labeling.data, labeling.labels
    unlabeled, known = labels < 0, np.flatnonzero(labels >= 0)
    found = propagation.suggest(data.vectors, data.neighbors, labels, data.n_classes, seed=seed)
    keys = np.random.default_rng(seed).random(len(known))
    codes = np.unique(labels[known], return_inverse=True)[1]
    folds = propagation.label_folds(codes, int(codes.max()) + 1, keys, len(labels))

    def vote(some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return knn_vote(data.vectors, some, data.n_classes)

    guess, score = vote(labels)
    tested = held_out(vote, labels, [known[fold] for fold in folds])
    unseen = ~np.isin(data.truth, labels[known])
    for target in PRECISIONS:
        ours = unlabeled.copy()
        ours[unlabeled] = accept_suggestions(found.confidence[unlabeled].astype(float), target)
        theirs = held_out_promise(score, *tested, target) & unlabeled
        for method, proposed, accepted in (("labelscape", found.labels, ours), ("k-NN vote", guess, theirs)):
            right = (proposed == data.truth)[accepted]
            precision = float(right.mean()) if len(right) >= FEWEST else float("nan")
            novel = float(accepted[unseen].mean()) if unseen.any() else float("nan")
            way = f"{labeling.way}, {labeling.each}"
            coverage = float(accepted.sum() / unlabeled.sum())
            outcomes.setdefault((method, way, target), []).append((precision, coverage, novel))


def show(outcomes: Outcomes) -> None:
    print("\nlabels as people give them: real precision, mean [worst] / coverage; accepted of unseen classes at .90")
    print(f"{'':44s}" + "".join(f"{f'target {target:.2f}':>24s}" for target in PRECISIONS))
    for method, way in dict.fromkeys((method, way) for method, way, _ in outcomes):
        cells = [np.array(outcomes[method, way, target]) for target in PRECISIONS]
        text = "".join(f"{cell(draws):>24s}" for draws in cells)
        novel = cells[0][:, 2]
        print(f"{method:12s}{way:32s}{text}" + ("" if np.isnan(novel).all() else f"   {np.nanmean(novel):.2f}"))


def cell(draws: np.ndarray) -> str:
    precision = draws[:, 0][~np.isnan(draws[:, 0])]
    shown = f"{precision.mean():.3f} [{precision.min():.2f}]" if len(precision) else "none"
    return f"{shown} / {draws[:, 1].mean():.3f}"
