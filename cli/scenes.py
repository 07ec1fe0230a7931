"""Images of many digits with boxes, and a simulated detector with errors: data for finding wrong and missing labels."""

from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from .digits import SCALE

SIDE = 320  # pixels per side of an image
CELL = SIDE // 4  # each digit of 64 pixels lies within its own cell, so that none hides another
_DIGIT = 8 * SCALE


@dataclass(frozen=True)
class Faults:
    """What is wrong with the labels of a scenes dataset, by object IDs: the walkthrough should find these.

    ``wrong``: IDs of labels with another digit's class. ``unlabeled``: IDs of right predictions without a label.
    """

    wrong: list[str]
    unlabeled: list[str]


def add_scenes(dataset: fo.Dataset, folder: Path, *, count: int = 60, seed: int = 0) -> Faults:
    """Fill a dataset with images of 3 to 9 digits: `ground_truth` with faults, `predictions` of a simulated detector.

    5% of the labels are wrong and 4% are missing. The detector misses 5%, confuses 5% (with lower confidence), and
    predicts a few digits that do not exist (with low confidence).
    """
    import cv2
    from sklearn.datasets import load_digits

    data = load_digits()
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    samples: list[fo.Sample] = []
    wrong: list[fo.Detection] = []
    unlabeled: list[fo.Detection] = []
    for number in range(count):
        path = folder / f"scene-{seed}-{number:04d}.png"
        picture = np.zeros((SIDE, SIDE), np.uint8)
        labels, guesses = [], []
        cells = rng.permutation(16)
        used = int(rng.integers(3, 10))
        for cell in cells[:used]:
            row = int(rng.integers(len(data.images)))
            digit = int(data.target[row])
            x, y = _place(int(cell), rng)
            pixels = np.kron(data.images[row] * (255 / 16), np.ones((SCALE, SCALE))).round().astype(np.uint8)
            picture[y : y + _DIGIT, x : x + _DIGIT] = pixels
            label = fo.Detection(label=str(digit), bounding_box=[v / SIDE for v in (x, y, _DIGIT, _DIGIT)])
            guess = _guess(digit, x, y, rng)
            fate = rng.random()
            if fate < 0.05:
                label.label = _other(digit, rng)
                wrong.append(label)
                guess = _guess(digit, x, y, rng, confident=True)
            if not 0.05 <= fate < 0.09:
                labels.append(label)
            else:
                guess = _guess(digit, x, y, rng, confident=True)
                unlabeled.append(guess)
            if fate < 0.95:
                guesses.append(guess)
        if rng.random() < 0.2:
            x, y = _place(int(cells[used]), rng)
            phantom = _guess(int(rng.integers(10)), x, y, rng)
            phantom.confidence = float(rng.uniform(0.1, 0.5))
            guesses.append(phantom)
        cv2.imwrite(str(path), picture)
        samples.append(
            fo.Sample(
                filepath=str(path),
                ground_truth=fo.Detections(detections=labels),
                predictions=fo.Detections(detections=guesses),
            )
        )
    dataset.add_samples(samples)
    return Faults([label.id for label in wrong], [guess.id for guess in unlabeled])


def _place(cell: int, rng: np.random.Generator) -> NDArray[np.int64]:
    corner = np.array([cell % 4, cell // 4]) * CELL
    return np.asarray(corner + rng.integers(0, CELL - _DIGIT + 1, 2), np.int64)


def _guess(digit: int, x: int, y: int, rng: np.random.Generator, *, confident: bool = False) -> fo.Detection:
    right = confident or rng.random() > 0.05
    confidence = rng.uniform(0.85, 0.99) if confident else rng.uniform(0.5, 0.99) if right else rng.uniform(0.2, 0.75)
    jitter = rng.normal(0, 4, 4)
    box = (np.array([x, y, _DIGIT, _DIGIT]) + jitter).clip(1, SIDE) / SIDE
    return fo.Detection(
        label=str(digit) if right else _other(digit, rng), bounding_box=box.tolist(), confidence=float(confidence)
    )


def _other(digit: int, rng: np.random.Generator) -> str:
    return str((digit + int(rng.integers(1, 10))) % 10)
