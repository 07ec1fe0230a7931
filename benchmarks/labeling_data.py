"""Embeddings with true labels for the labeling benchmarks: digits, and the datasets in a data folder."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from labelscape.ml_backend.analysis.neighbors import Neighbors, knn
from PIL import Image

IMAGE_MEAN, IMAGE_SIZE, SMALL_IMAGE_SIZE = 127.5, 224, 128


@dataclass(frozen=True)
class Dataset:
    """Unit vectors (n, d), their neighbors and their true labels (n,)."""

    name: str
    vectors: np.ndarray
    truth: np.ndarray
    neighbors: Neighbors

    @property
    def n_classes(self) -> int:
        """Classes are 0..n_classes - 1."""
        return int(self.truth.max()) + 1

    def draw(self, each: int, seed: int) -> np.ndarray:
        """Labels (n,) with `each` random ones a class known, at most 80 % of a class; the rest -1."""
        random = np.random.default_rng(seed)
        labels = np.full(len(self.truth), -1)
        for name in range(self.n_classes):
            members = random.permutation(np.flatnonzero(self.truth == name))
            labels[members[: min(each, int(0.8 * len(members)))]] = name
        return labels


def datasets(folder: Path | None) -> Iterator[Dataset]:
    """Digits, and the three datasets of the folder, with their neighbors."""
    for name, vectors, truth in tables(folder):
        yield dataset(name, vectors, truth)


def tables(folder: Path | None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, embeddings (n, d) and true labels (n,) of digits, and of the three datasets of the folder."""
    yield "digits", *digits()
    if folder is not None:
        yield "imagenette", *_imagenette(folder)
        yield "cifar10n", *_cifar10n(folder)
        yield "banking77", *_banking77(folder)


def dataset(name: str, vectors: np.ndarray, truth: np.ndarray) -> Dataset:
    """Unit vectors of the rows given, with their neighbors."""
    vectors = unit(vectors)
    return Dataset(name, vectors, truth, knn(vectors, 15))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows (n, d) as float32 of unit length."""
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels (1797, 64), 0..16, and digits (1797,)."""
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


def _cifar10n(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    kept = folder / "cifar10n" / "mobilenetv2_128px_l2_pca256_f16.npy"
    return np.load(kept).astype(np.float32), cifar10n_labels(folder)[1]


def _banking77(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    texts, truth = questions(folder)
    return text_vectors(texts), truth


def questions(folder: Path) -> tuple[list[str], np.ndarray]:
    """Texts and intents (n,) of banking77."""
    with (folder / "banking77" / "train.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    return [row["text"] for row in rows], np.unique([row["category"] for row in rows], return_inverse=True)[1]


def text_vectors(texts: list[str]) -> np.ndarray:
    """TF-IDF of words and pairs of words, reduced to 256 dimensions."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2)).fit_transform(texts)
    return np.asarray(TruncatedSVD(256, random_state=0).fit_transform(words))


def _imagenette(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    paths = sorted((folder / "imagenette_val").glob("*/*"))
    truth = np.unique([path.parent.name for path in paths], return_inverse=True)[1]
    return embedded_images("imagenette", paths, folder, IMAGE_SIZE), truth


def cifar10n_embedded(folder: Path) -> np.ndarray:
    """Unit vectors (10000, 1280) of the images of CIFAR-10N, in the order of labels.csv."""
    return unit(embedded_images("cifar10n", cifar10n_labels(folder)[0], folder, SMALL_IMAGE_SIZE))


def cifar10n_labels(folder: Path) -> tuple[list[Path], np.ndarray]:
    """Image files and clean labels (10000,) in the order of labels.csv."""
    with (folder / "cifar10n" / "labels.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    return [folder / "cifar10n" / "images" / row["file"] for row in rows], np.array([int(row["clean"]) for row in rows])


def embedded_images(name: str, images: Sequence[Path | Image.Image], folder: Path, size: int) -> np.ndarray:
    """MobileNetV2 features (n, 1280) of images; embedded once and kept in the temporary folder."""
    kept = Path(tempfile.gettempdir()) / f"labelscape-benchmark-{name}.npy"
    if not kept.exists():
        np.save(kept, _features(images, folder / "weights" / "mobilenet_v2_torchvision_fp16.pt", size))
    return np.asarray(np.load(kept))


def _features(images: Sequence[Path | Image.Image], weights: Path, size: int) -> np.ndarray:
    import torch
    from torchvision.models import mobilenet_v2

    network = mobilenet_v2(num_classes=1001)
    state = torch.load(weights, weights_only=True)
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    network.eval()
    vectors = []
    with torch.inference_mode():
        for start in range(0, len(images), 32):
            opened = [Image.open(item) if isinstance(item, Path) else item for item in images[start : start + 32]]
            squares = [np.asarray(image.convert("RGB").resize((size, size)), np.float32) for image in opened]
            batch = torch.from_numpy(np.stack(squares) / IMAGE_MEAN - 1).permute(0, 3, 1, 2).flip(-1, -2)
            vectors.append(network.features(batch).mean((2, 3)).numpy())
    return np.concatenate(vectors)
