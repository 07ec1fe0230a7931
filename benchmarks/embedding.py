"""Images per second, next to FiftyOne on the same network and files: `python benchmarks/embedding.py [folder]`.

The folder is searched for images; without one, scikit-learn's digits are drawn at 500 x 375 as JPEG. The network has
the weights of `--weights`, else random ones: they change nothing about time. Each way runs `--repeats` times in turn,
after a warm-up, and the best run counts: other work on the machine only ever slows a run down. Reading alone and the
network alone show what bounds us.

`--families` measures every family of models in turn; see embedding_families.py. `--kind audio|text|series` measures
leave-one-out 15-NN accuracy on other media instead; see embedding_media.py. `--width 4032` first scales the images to
the size that cameras give.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from labelscape.ml_backend.embedding.image.preparation import InputSettings

SIDE = 224
BATCH = 64
ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--architecture", default="mobilenet_v2", help="a torchvision classification network")
    parser.add_argument("--weights", type=Path, help="a local file of its weights")
    parser.add_argument("--count", type=int, default=1000, help="images at most")
    parser.add_argument("--width", type=int, help="scale the images to this many pixels, as JPEG files, first")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--families", action="store_true", help="every family of models, instead of one network")
    parser.add_argument("--only", action="append", default=[], help="with --families: a family; repeat for several")
    parser.add_argument("--kind", default="image", choices=["image", "audio", "text", "series"])
    parser.add_argument("--model", action="append", default=[], help="with --kind: another model; repeat for several")
    arguments = parser.parse_args()
    if arguments.kind != "image":
        import embedding_media

        embedding_media.report(arguments.kind, arguments.folder, arguments.model)
        return
    with tempfile.TemporaryDirectory() as scratch:
        paths = image_paths(arguments.folder) if arguments.folder else drawn_digits(Path(scratch))
        paths = paths[: arguments.count]
        if arguments.width:
            paths = scaled(paths, arguments.width, Path(scratch))
        if arguments.families:
            import embedding_families

            embedding_families.report(paths, arguments.only, arguments.repeats, Path(scratch))
            return
        weights = arguments.weights or random_weights(Path(scratch), arguments.architecture)
        compare(paths, arguments.architecture, weights, arguments.repeats)


def compare(paths: list[str], architecture: str, weights: Path, repeats: int) -> None:
    from labelscape.ml_backend.embedding import load
    from labelscape.ml_backend.embedding.image.preprocessing import Preprocessing

    model = load(f"torchvision/{architecture}", weights=str(weights), size=SIDE)
    prepared = np.stack([model.prepare(read(path)) for path in paths[: 4 * BATCH]])
    samples = fiftyone_samples(paths)
    signal = Preprocessing()
    theirs = fiftyone_model(model.network, model.input)
    ways: dict[str, tuple[int, Callable[[], np.ndarray | None]]] = {
        "labelscape": (len(paths), lambda: model.embed(paths, batch_size=BATCH).vectors),
        "  its reading alone": (len(paths), lambda: read_all(model.prepare, paths)),
        "  its network alone": (len(prepared), lambda: run_all(model.forward, prepared)),
        "fiftyone, batches of 64": (len(paths), lambda: samples.compute_embeddings(theirs, batch_size=BATCH)),
        "fiftyone, as called by default": (len(paths), lambda: samples.compute_embeddings(theirs)),
        "labelscape preprocessing": (len(paths), lambda: signal.embed(paths, batch_size=BATCH).vectors),
    }
    model.embed(paths[:BATCH], batch_size=BATCH)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    vectors: dict[str, np.ndarray | None] = {}
    for _ in range(repeats):
        for name, (_, run) in ways.items():
            started = time.perf_counter()
            vectors[name] = run()
            seconds[name].append(time.perf_counter() - started)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{architecture}, {len(paths):,} images, {cores} cores, best of {repeats}")
    rates = {name: count / min(seconds[name]) for name, (count, _) in ways.items()}
    for name, rate in rates.items():
        spread = " ".join(f"{ways[name][0] / taken:.0f}" for taken in seconds[name])
        print(f"{name:32s}{rate:8.0f} images/s   (runs: {spread})")
    print(f"labelscape / fiftyone: {rates['labelscape'] / rates['fiftyone, batches of 64']:.1f}x in batches, ", end="")
    print(f"{rates['labelscape'] / rates['fiftyone, as called by default']:.1f}x as called by default")
    bound = 1 / (1 / rates["  its reading alone"] + 1 / rates["  its network alone"])
    print(f"bound of reading and network sharing the cores: {bound:.0f} images/s")
    print(f"cosine to fiftyone's vectors: {agreement(vectors):.4f} (median)")
    print(f"share of the 15 nearest that are the same: {shared_neighbors(vectors):.3f}")


def agreement(vectors: dict[str, np.ndarray | None]) -> float:
    ours, theirs = (unit(vectors[name]) for name in ("labelscape", "fiftyone, batches of 64"))
    return float(np.median((ours * theirs).sum(axis=1)))


def shared_neighbors(vectors: dict[str, np.ndarray | None]) -> float:
    from labelscape.ml_backend.analysis.neighbors import knn

    ours, theirs = (knn(unit(vectors[name]), 15).indices for name in ("labelscape", "fiftyone, batches of 64"))
    return float((ours[:, :, None] == theirs[:, None, :]).any(axis=2).mean())


def unit(vectors: np.ndarray | None) -> np.ndarray:
    table = np.asarray(vectors, np.float32)
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)


def read_all(prepare: Callable[[np.ndarray], np.ndarray], paths: list[str]) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda path: prepare(read(path)).shape, paths):
            pass


def read(path: str) -> np.ndarray:
    from labelscape.ml_backend.embedding.base import UnreadableMedium
    from labelscape.ml_backend.embedding.image.reading import read_patches

    (pixels,) = read_patches(path, [None], at_least=SIDE)
    if isinstance(pixels, UnreadableMedium):
        raise SystemExit(f"{path}: {pixels}")
    return pixels


def run_all(forward: Callable[[np.ndarray], np.ndarray], prepared: np.ndarray) -> None:
    for start in range(0, len(prepared), BATCH):
        forward(prepared[start : start + BATCH])


def fiftyone_samples(paths: list[str]) -> Any:
    import fiftyone as fo

    fo.config.show_progress_bars = False
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(filepath=path) for path in paths])
    return dataset


def fiftyone_model(network: Any, settings: InputSettings) -> Any:
    """FiftyOne's own wrapper around a copy of the same network, fed with RGB of the same side and normalization."""
    import copy

    import torch
    from fiftyone.utils.torch import TorchImageModel, TorchImageModelConfig

    config = {
        "model": copy.deepcopy(network).to(memory_format=torch.contiguous_format),
        "as_feature_extractor": True,
        "image_size": [settings.size, settings.size],
        "image_mean": list(settings.mean),
        "image_std": list(settings.std),
    }
    return TorchImageModel(TorchImageModelConfig(config))


def random_weights(folder: Path, architecture: str) -> Path:
    import torch
    import torchvision

    torch.manual_seed(0)
    torch.save(torchvision.models.get_model(architecture, weights=None).state_dict(), folder / "weights.pt")
    return folder / "weights.pt"


def image_paths(folder: Path) -> list[str]:
    paths = sorted(str(path) for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not paths:
        raise SystemExit(f"There are no images under {folder}.")
    return paths


def scaled(paths: list[str], width: int, folder: Path) -> list[str]:
    import cv2

    written = [str(folder / f"scaled-{index:05d}.jpg") for index in range(len(paths))]
    for source, target in zip(paths, written, strict=True):
        image = cv2.imread(source)
        height = round(image.shape[0] * width / image.shape[1])
        cv2.imwrite(target, cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC))
    return written


def drawn_digits(folder: Path) -> list[str]:
    import cv2
    from sklearn.datasets import load_digits

    paths = [str(folder / f"{index:04d}.jpg") for index in range(1797)]
    for path, image in zip(paths, load_digits().images, strict=True):
        cv2.imwrite(path, cv2.resize((image * 15).astype(np.uint8), (500, 375), interpolation=cv2.INTER_CUBIC))
    return paths


if __name__ == "__main__":
    main()
