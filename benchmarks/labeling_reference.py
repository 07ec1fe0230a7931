"""Where the calibration of suggestions starts: `python benchmarks/labeling_reference.py DATA_FOLDER`.

Draws 1 to 100 labels a class from reference datasets, clean and with noise on the embeddings, looks at the evidence
for the suggestions and whether they were right, and estimates mean and covariance of the logistic coefficients over
datasets (a hierarchical Gaussian model, by expectation maximisation with Laplace approximations). Prints the constants
of ml_backend/analysis/reference.py, and writes labeling_references.json: the same without each dataset of the
benchmark, so that labeling.py measures every dataset with a starting point that has not seen it.

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
from labelscape.ml_backend.analysis.calibration import Reliability
from labelscape.ml_backend.analysis.propagation import weigh

EACH, SEEDS, SAMPLES, LOOKED_AT, ROUNDS = (1, 3, 10, 30, 100), range(2), 7_000, 150, 15
NOISE = {"digits": (0, 1, 2), "imagenette": (0, 1.5, 3), "fsdd": (0, 0.7), "cifar10n": (0, 1), "banking77": (0, 0.7)}
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


def noisy(folder: Path) -> Iterator[Dataset]:
    others = [dataset("fsdd", *spoken_digits(folder)), dataset("pixels", *pixels(folder))]
    for data in [*datasets(folder), *others]:
        for level in NOISE.get(data.name, (0,)):
            random = np.random.default_rng(1)
            rows = random.permutation(len(data.truth))[:SAMPLES]
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
