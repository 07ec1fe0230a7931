"""Where the calibration of suggestions starts: `python benchmarks/labeling_reference.py DATA_FOLDER`.

Draws 1 to 100 labels a class from reference datasets, clean and with noise on the embeddings, looks at the evidence
for the suggestions and whether they were right, and estimates mean and covariance of the logistic coefficients over
datasets (a hierarchical Gaussian model, by expectation maximization with Laplace approximations). Prints the constants
of ml_backend/analysis/reference.py, and writes labeling_references.json: the same without each dataset of the
benchmark, so that labeling.py measures every dataset with a starting point that has not seen it.

Then the second calibration: every simulated way of labeling (labeling_ways.py) of every dataset, and logistic weights
under which the suggestions are as certain as they are right; labeling_corrections.json has them without each dataset.

Beside the datasets of the benchmark: `fsdd` (spectrograms of spoken digits) and the 8 x 8 pixels of `cifar10n`.
"""

from __future__ import annotations

import argparse
import csv
import json
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from labeling_data import Dataset, dataset, datasets
from labeling_ways import Labeling, imbalanced, labelings, scene
from labelscape.ml_backend.analysis.calibration import Reliability
from labelscape.ml_backend.analysis.propagation import weigh
from labelscape.ml_backend.analysis.reference import reliability
from labelscape.ml_backend.analysis.representativeness import correction_features
from scipy.special import expit

EACH, SEEDS, SAMPLES, LOOKED_AT, ROUNDS = (1, 3, 10, 30, 100), range(2), 7_000, 150, 15
NOISE = {"digits": (0, 1, 2), "imagenette": (0, 1.5, 3), "fsdd": (0, 0.7), "cifar10n": (0, 1), "banking77": (0, 0.7)}
# Ways that are harder to tell from random labels than others count more.
WAY_WEIGHTS = {"one lasso a class": 2.0, "unseen classes, one lasso": 2.0, "three small lassos": 1.5}
WAY_WEIGHTS |= {"only easy ones": 1.5, "a fifth of the classes unseen": 1.5}
WAY_SAMPLES, WAY_PENALTY = 2_000, 3e-3
SAME_IMAGES = {"cifar10n": ("cifar10n", "pixels")}


@dataclass(frozen=True)
class Draw:
    """Evidence (m, f) for suggestions of one draw of labels, and whether they were right (m,)."""

    name: str
    evidence: np.ndarray
    right: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    draws = [draw for data in noisy(folder) for draw in drawn(data)]
    print(json.dumps(written(estimate(draws))))
    without = {}
    for name in ("digits", "imagenette", "cifar10n", "banking77"):
        left_out = SAME_IMAGES.get(name, (name,))
        without[name] = written(estimate([draw for draw in draws if draw.name not in left_out]))
    Path(__file__).with_name("labeling_references.json").write_text(json.dumps(without))
    cases = [case for data in noisy(folder, WAY_SAMPLES) for case in corrections(data, without)]
    weights = {"all": correction(cases)}
    print(json.dumps(weights["all"]))
    for name in {case.name for case in cases}:
        left_out = SAME_IMAGES["cifar10n"] if name in SAME_IMAGES["cifar10n"] else (name,)
        weights[name] = correction([case for case in cases if case.name not in left_out])
    Path(__file__).with_name("labeling_corrections.json").write_text(json.dumps(weights))


@dataclass(frozen=True)
class Correction:
    """Features (m, f) of the second calibration for one labeling, whether suggestions were right, and its weight."""

    name: str
    features: np.ndarray
    right: np.ndarray
    weight: float


def corrections(data: Dataset, references: dict[str, list]) -> Iterator[Correction]:
    view = scene(data)
    for seed in SEEDS:
        for labeling in labelings(view, scene(imbalanced(data, seed)), seed):
            yield corrected_case(labeling, references, seed)


def corrected_case(labeling: Labeling, references: dict[str, list], seed: int) -> Correction:
    data, known = labeling.data, np.flatnonzero(labeling.labels >= 0)
    classes, codes = np.unique(labeling.labels[known], return_inverse=True)
    case = weigh(
        data.vectors, data.neighbors, known, codes, len(classes), seed=seed, report=lambda fraction, message: None
    )
    first = reliability(*references.get(data.name, references["cifar10n"]))
    if len(case.right):
        first = first.learn(case.held_out, case.right)
    features = correction_features(first.probability(case.evidence), case.surroundings)
    right = classes[case.guess] == data.truth[labeling.labels < 0]
    some = np.random.default_rng(seed).permutation(len(right))[:LOOKED_AT]
    return Correction(data.name, features[some], right[some], WAY_WEIGHTS.get(labeling.way, 1.0))


def correction(cases: list[Correction]) -> list[float]:
    """Logistic weights with a penalty on those of standardized features, by Newton's method."""
    table, right = np.concatenate([case.features for case in cases]), np.concatenate([case.right for case in cases])
    weight = np.concatenate([np.full(len(case.right), case.weight) for case in cases])
    center, scale = table[:, 1:].mean(axis=0), table[:, 1:].std(axis=0) + 1e-9
    rows = np.column_stack([np.ones(len(table)), (table[:, 1:] - center) / scale])
    penalty = np.diag([0.0] + [WAY_PENALTY * weight.sum()] * len(center))
    found = np.zeros(rows.shape[1])
    for _ in range(15):
        p = expit(rows @ found)
        hessian = (rows * (weight * p * (1 - p))[:, None]).T @ rows + penalty
        step = np.linalg.solve(hessian, rows.T @ (weight * (p - right)) + penalty @ found)
        found -= step / max(1.0, float(np.abs(step).max()) / 2)
    slopes = found[1:] / scale
    return [round(float(value), 4) for value in (found[0] - center @ slopes, *slopes)]


def noisy(folder: Path, samples: int = SAMPLES) -> Iterator[Dataset]:
    others = [dataset("fsdd", *spoken_digits(folder)), dataset("pixels", *pixels(folder))]
    for data in [*datasets(folder), *others]:
        for level in NOISE.get(data.name, (0,)):
            random = np.random.default_rng(1)
            rows = random.permutation(len(data.truth))[:samples]
            noise = random.standard_normal((len(rows), data.vectors.shape[1])) / np.sqrt(data.vectors.shape[1])
            yield dataset(data.name, data.vectors[rows] + level * noise, data.truth[rows])


def drawn(data: Dataset) -> Iterator[Draw]:
    for each in EACH:
        for seed in SEEDS:
            labels = data.draw(each, seed)
            known = np.flatnonzero(labels >= 0)
            case = weigh(
                data.vectors,
                data.neighbors,
                known,
                labels[known],
                data.n_classes,
                seed=seed,
                report=lambda fraction, message: None,
            )
            truth = data.truth[labels < 0]
            some = np.random.default_rng(seed).permutation(len(truth))[:LOOKED_AT]
            yield Draw(data.name, case.evidence[some], (case.guess == truth)[some])


def estimate(draws: list[Draw]) -> Reliability:
    features = draws[0].evidence.shape[1]
    found = Reliability(np.zeros(features), np.eye(features))
    for _ in range(ROUNDS):
        fits = [found.learn(draw.evidence, draw.right) for draw in draws]
        means = np.stack([fit.mean for fit in fits])
        center = means.mean(axis=0)
        within = np.mean([fit.covariance for fit in fits], axis=0)
        between = (means - center).T @ (means - center) / len(means)
        found = Reliability(center, within + between + 1e-4 * np.eye(features))
    return found


def written(found: Reliability) -> tuple[list[float], list[list[float]]]:
    triangle = [[round(float(value), 4) for value in row[: at + 1]] for at, row in enumerate(found.covariance)]
    return [round(float(value), 3) for value in found.mean], triangle


def spoken_digits(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    from scipy.ndimage import zoom
    from scipy.signal import stft

    vectors, truth = [], []
    for path in sorted((folder / "fsdd").glob("*.wav")):
        with wave.open(str(path)) as sound:
            wavelet = np.frombuffer(sound.readframes(sound.getnframes()), np.int16).astype(np.float32)
        power = np.log1p(np.abs(stft(np.pad(wavelet, (0, max(0, 512 - len(wavelet)))), nperseg=256, noverlap=192)[2]))
        vectors.append(zoom(power, (16 / power.shape[0], 16 / power.shape[1]), order=1).ravel())
        truth.append(int(path.name[0]))
    return np.stack(vectors) - np.mean(vectors, axis=0), np.array(truth)


def pixels(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    from PIL import Image

    with (folder / "cifar10n" / "labels.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    images = [Image.open(folder / "cifar10n" / "images" / row["file"]).convert("RGB").resize((8, 8)) for row in rows]
    vectors = np.stack([np.asarray(image, np.float32).ravel() for image in images])
    return vectors - vectors.mean(axis=0), np.array([int(row["clean"]) for row in rows])


if __name__ == "__main__":
    main()
