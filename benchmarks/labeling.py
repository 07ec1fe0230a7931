"""Labeling, measured: `python benchmarks/labeling.py [data folder] [--section ...]`.

suggestions: 1 to 100 random labels a class, all else suggested at a target precision of 0.90, 0.95 and 0.99: real
    precision and coverage. Peers accept what their own probability promises ("as is"), or what their held-out labels
    allow ("held out"). Our starting point for the calibration is measured without the dataset being tested.
ways: the same for labels as people give them (lassos, easy ones, unseen classes, ...), see labeling_promise.py.
noise: scores of suggestions where embeddings hardly tell the classes apart, see labeling_noise.py.
clicks: human acts to a labeled dataset, see labeling_clicks.py.
time: seconds and memory from 10,000 to 1,000,000 samples, see labeling_time.py.
outliers: foreign samples mixed in, see outliers.py.
mislabels: real wrong labels, see mislabels.py.
few: mislabel scores as probabilities where there are few labels, see mislabels_few.py.

The data folder holds `cifar10n`, `banking77`, `imagenette_val` and `weights`; scikit-learn's digits always take part.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from unittest.mock import patch

import labeling_clicks
import labeling_noise
import labeling_promise
import labeling_time
import mislabels
import mislabels_few
import numpy as np
import outliers
from labeling_data import Dataset, datasets
from labeling_peers import held_out, held_out_promise, own_promise, peers
from labelscape.ml_backend.analysis import propagation
from labelscape.ml_backend.analysis.calibration import Reliability, accept_suggestions
from labelscape.ml_backend.analysis.reference import reliability

PRECISIONS, EACH, SEEDS = (0.90, 0.95, 0.99), (1, 3, 10, 30, 100), range(3)
REFERENCES = Path(__file__).with_name("labeling_references.json")

# method -> (dataset, labels a class, target) -> one (right, accepted, unlabeled) a draw
Results = dict[str, dict[tuple[str, int, float], list[tuple[int, int, int]]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    sections = ["suggestions", "ways", "noise", "clicks", "outliers", "mislabels", "few", "time"]
    parser.add_argument("--section", nargs="+", choices=sections, default=sections)
    parser.add_argument("--samples", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    arguments = parser.parse_args()
    if "suggestions" in arguments.section:
        results: Results = {}
        for data in datasets(arguments.folder):
            measure(data, results)
        report(results)
    if "ways" in arguments.section:
        names = json.loads(REFERENCES.read_text())
        labeling_promise.report(datasets(arguments.folder), {name: without(name) for name in names})
    if "noise" in arguments.section:
        labeling_noise.report()
    if "clicks" in arguments.section:
        labeling_clicks.report(datasets(arguments.folder))
    if "outliers" in arguments.section:
        outliers.report(arguments.folder)
    if "mislabels" in arguments.section:
        mislabels.report(arguments.folder)
    if "few" in arguments.section:
        mislabels_few.report(arguments.folder)
    if "time" in arguments.section:
        labeling_time.report(arguments.samples)


def measure(data: Dataset, results: Results) -> None:
    others = peers(data)
    second = np.array(json.loads(labeling_promise.CORRECTIONS.read_text())[data.name])
    with patch.object(propagation, "REFERENCE", without(data.name)), patch.object(propagation, "SECOND", second):
        for each in EACH:
            for seed in SEEDS:
                labels = data.draw(each, seed)
                found = propagation.suggest(data.vectors, data.neighbors, labels, data.n_classes, seed=seed)
                keys = np.random.default_rng(seed).random(len(labels))
                known, unlabeled = np.flatnonzero(labels >= 0), labels < 0
                folds = propagation.label_folds(labels[known], data.n_classes, keys[known], len(labels))
                hidden = [known[fold] for fold in folds]
                cases = {name: (peer(labels), held_out(peer, labels, hidden)) for name, peer in others.items()}
                for target in PRECISIONS:
                    taken = {"labelscape": (found.labels, unlabeled.copy())}
                    ours = accept_suggestions(found.confidence[unlabeled].astype(float), target)
                    taken["labelscape"][1][unlabeled] = ours
                    for name, ((guess, score), tested) in cases.items():
                        taken[f"{name}, as is"] = (guess, own_promise(name, score, target))
                        taken[f"{name}, held out"] = (guess, held_out_promise(score, *tested, target))
                    for name, (guess, accepted) in taken.items():
                        accepted = accepted & unlabeled
                        counts = int((guess == data.truth)[accepted].sum()), int(accepted.sum()), int(unlabeled.sum())
                        results.setdefault(name, {}).setdefault((data.name, each, target), []).append(counts)


def without(name: str) -> Reliability:
    """The starting point of the calibration, measured on the reference datasets other than this one."""
    return reliability(*json.loads(REFERENCES.read_text())[name])


def report(results: Results) -> None:
    print("real precision (of draws that accept some) / coverage, by dataset and labels a class")
    cells = list(next(iter(results.values())))
    print(f"{'labelscape':24s}" + "".join(f"{f'target {target:.2f}':>18s}" for target in PRECISIONS))
    for name, each in dict.fromkeys((name, each) for name, each, _ in cells):
        rows = [shown(results["labelscape"][name, each, target]) for target in PRECISIONS]
        print(f"{name:18s}{each:6d}" + "".join(f"{row:>18s}" for row in rows))
    print("\nmean over datasets and labels a class")
    print(f"{'method':26s}" + "".join(f"{f'target {target:.2f}':>18s}" for target in PRECISIONS))
    for method, cases in results.items():
        rows = [shown([draw for cell in cells if cell[2] == target for draw in cases[cell]]) for target in PRECISIONS]
        print(f"{method:26s}" + "".join(f"{row:>18s}" for row in rows))
    print("\nthe same by labels a class")
    for each in dict.fromkeys(each for _, each, _ in cells):
        for method, cases in results.items():
            chosen = [[d for c in cells if c[1:] == (each, w) for d in cases[c]] for w in PRECISIONS]
            print(f"{each:4d} {method:26s}" + "".join(f"{shown(draws):>18s}" for draws in chosen))


def shown(draws: list[tuple[int, int, int]]) -> str:
    precisions = [right / accepted for right, accepted, _ in draws if accepted]
    coverage = float(np.mean([accepted / unlabeled for _, accepted, unlabeled in draws]))
    return f"{np.mean(precisions) if precisions else float('nan'):.3f} / {coverage:.3f}"


if __name__ == "__main__":
    main()
