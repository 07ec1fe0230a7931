"""Images of many digits with boxes, and a simulated detector with errors: data for finding wrong and missing labels."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

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

    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    scenes = [_scene(rng) for _ in range(count)]
    paths = [str(folder / f"scene-{seed}-{number:04d}.png") for number in range(count)]
    for path, scene in zip(paths, scenes, strict=True):
        cv2.imwrite(path, scene.picture)
    dataset.add_samples(
        fo.Sample(
            filepath=path,
            ground_truth=fo.Detections(detections=scene.labels),
            predictions=fo.Detections(detections=scene.predictions),
        )
        for path, scene in zip(paths, scenes, strict=True)
    )
    return Faults(
        [label.id for scene in scenes for label in scene.wrong],
        [prediction.id for scene in scenes for prediction in scene.unlabeled],
    )


@dataclass
class _Scene:
    """One image, its labels and predictions, and those among them that are faults."""

    picture: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((SIDE, SIDE), np.uint8))
    labels: list[fo.Detection] = field(default_factory=list)
    predictions: list[fo.Detection] = field(default_factory=list)
    wrong: list[fo.Detection] = field(default_factory=list)
    unlabeled: list[fo.Detection] = field(default_factory=list)


def _scene(rng: np.random.Generator) -> _Scene:
    scene = _Scene()
    cells = rng.permutation(16)
    used = int(rng.integers(3, 10))
    for cell in cells[:used]:
        _add_digit(scene, int(cell), rng)
    if rng.random() < 0.2:
        x, y = _place(int(cells[used]), rng)
        phantom = _guess(int(rng.integers(10)), x, y, rng)
        phantom.confidence = float(rng.uniform(0.1, 0.5))
        scene.predictions.append(phantom)
    return scene


def _add_digit(scene: _Scene, cell: int, rng: np.random.Generator) -> None:
    data = _digits()
    row = int(rng.integers(len(data.images)))
    digit = int(data.target[row])
    x, y = _place(cell, rng)
    pixels = np.kron(data.images[row] * (255 / 16), np.ones((SCALE, SCALE))).round().astype(np.uint8)
    scene.picture[y : y + _DIGIT, x : x + _DIGIT] = pixels
    label = fo.Detection(label=str(digit), bounding_box=[v / SIDE for v in (x, y, _DIGIT, _DIGIT)])
    prediction = _guess(digit, x, y, rng)
    fate = rng.random()
    if fate < 0.05:
        label.label = _other(digit, rng)
        scene.wrong.append(label)
    if fate < 0.09:
        prediction = _guess(digit, x, y, rng, confident=True)
    if 0.05 <= fate < 0.09:
        scene.unlabeled.append(prediction)
    else:
        scene.labels.append(label)
    if fate < 0.95:
        scene.predictions.append(prediction)


@cache
def _digits() -> Any:
    from sklearn.datasets import load_digits

    return load_digits()


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
