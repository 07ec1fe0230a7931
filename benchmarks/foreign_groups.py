"""Embeddings with foreign groups for the ranking of outliers: hosts, and samples from elsewhere in the same space.

photos and small photos: MobileNetV2 of Imagenette and of CIFAR-10, with blood cells, pages, enlarged digits, and
spectrograms. digits: their 8 x 8 pixels, with patches of photos and pages. intents: banking77 as TF-IDF, with sentences
of Python's documentation. spoken digits: spectrograms, with tones, noise and clicks.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from labeling_data import (
    IMAGE_SIZE,
    SMALL_IMAGE_SIZE,
    cifar10n_labels,
    digits,
    embedded_images,
    questions,
    text_vectors,
    unit,
)
from PIL import Image, ImageDraw

RATES = (0.02, 0.05, 0.1)
SAMPLES = 3_000  # of a host at most
EACH = 300  # foreign samples of a source
RATE, SECONDS = 8_000, 0.6  # of recordings
STANDARD = (
    "json",
    "argparse",
    "email",
    "http",
    "logging",
    "pathlib",
    "statistics",
    "subprocess",
    "threading",
    "zipfile",
)


@dataclass(frozen=True)
class Space:
    """Unit vectors (n, d) of a host, their classes (n,), and foreign sources: name -> (m, d)."""

    name: str
    vectors: np.ndarray
    truth: np.ndarray
    foreign: dict[str, np.ndarray]


def spaces(folder: Path | None) -> Iterator[Space]:
    """Digits, and the hosts of the folder."""
    pictures = {"pages": [page(seed) for seed in range(EACH)]}
    if folder is not None:
        pictures["photos"] = [Image.open(path).convert("RGB") for path in photos(folder)[:: 1_500 // EACH]]
    small, truth = digits()
    yield Space("digits", unit(small), truth, {name: unit(pixels(images)) for name, images in pictures.items()})
    if folder is not None:
        yield from photo_spaces(folder, pictures["pages"])
        yield intents(folder)
        yield spoken_digits(folder)


def groups(space: Space, seeds: range) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Case, vectors, whether each is foreign, and the class shown: that of the nearest class for foreign ones."""
    for source, foreign in space.foreign.items():
        for rate in RATES:
            for seed in seeds:
                random = np.random.default_rng((seed, int(100 * rate)))
                count = min(len(foreign), int(rate * len(space.vectors)))
                added = foreign[random.permutation(len(foreign))[:count]]
                centers = unit(np.stack([space.vectors[space.truth == k].mean(0) for k in np.unique(space.truth)]))
                shown = np.concatenate((space.truth, (added @ centers.T).argmax(1)))
                vectors = np.concatenate((space.vectors, added))
                yield f"{space.name} + {source} {rate:.0%}", vectors, np.arange(len(vectors)) >= len(space.truth), shown


def photos(folder: Path) -> list[Path]:
    return sorted((folder / "imagenette_val").glob("*/*"))


def photo_spaces(folder: Path, pages: list[Image.Image]) -> Iterator[Space]:
    cells = [Image.open(path) for path in sorted((folder / "bccd").rglob("*.jpg"))[:EACH]]
    enlarged = [Image.fromarray((row.reshape(8, 8) * 15).astype(np.uint8)) for row in digits()[0][:EACH]]
    heard, _ = recordings(folder)
    seen = [Image.fromarray((255 * row.reshape(32, 32) / row.max()).astype(np.uint8)) for row in heard[::5]]
    sources = {"cells": cells, "pages": pages, "digits": enlarged, "spectrograms": seen}
    paths = photos(folder)
    truth = np.unique([path.parent.name for path in paths], return_inverse=True)[1]
    foreign = {name: unit(embedded_images(name, images, folder, IMAGE_SIZE)) for name, images in sources.items()}
    yield Space("photos", unit(embedded_images("imagenette", paths, folder, IMAGE_SIZE)), truth, foreign)
    files, truth = cifar10n_labels(folder)
    some = np.sort(np.random.default_rng(0).permutation(len(files))[:SAMPLES])
    size = SMALL_IMAGE_SIZE
    foreign = {n: unit(embedded_images(f"{n}-{size}", images, folder, size)) for n, images in sources.items()}
    vectors = embedded_images("cifar10n-some", [files[row] for row in some], folder, size)
    yield Space("small photos", unit(vectors), truth[some], foreign)


def intents(folder: Path) -> Space:
    asked, truth = questions(folder)
    some = np.sort(np.random.default_rng(0).permutation(len(asked))[:SAMPLES])
    told = sentences()
    vectors = unit(text_vectors([asked[row] for row in some] + told))
    return Space("intents", vectors[: len(some)], truth[some], {"documentation": vectors[len(some) :]})


def sentences() -> list[str]:
    """First lines of docstrings of the standard library."""
    found = []
    for name in STANDARD:
        package = import_module(name)
        parts = [m.name for m in pkgutil.iter_modules(getattr(package, "__path__", [])) if m.name != "__main__"]
        for module in [package, *(import_module(f"{name}.{part}") for part in parts)]:
            for _, thing in inspect.getmembers(module, lambda x: inspect.isclass(x) or inspect.isfunction(x)):
                found += [line.strip() for line in (inspect.getdoc(thing) or "").split(". ")[:2] if len(line) > 30]
    return sorted(set(found))[:EACH]


def spoken_digits(folder: Path) -> Space:
    heard, truth = recordings(folder)
    random = np.random.default_rng(0)
    time = np.arange(int(RATE * SECONDS)) / RATE
    tones = [
        np.sin(2 * np.pi * (pitch + slope * time) * time) for pitch, slope in random.uniform(100, 2_000, (EACH, 2))
    ]
    noise = [random.normal(size=len(time)) * np.exp(-random.uniform(0, 6) * time) for _ in range(EACH)]
    clicks = [(random.random(len(time)) < 0.002) * random.normal(size=len(time)) for _ in range(EACH)]
    foreign = {"tones": tones, "noise": noise, "clicks": clicks}
    return Space(
        "spoken digits",
        unit(heard),
        truth,
        {name: unit(np.stack([spectrogram(sound) for sound in sounds])) for name, sounds in foreign.items()},
    )


def recordings(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Spectrograms (n, 1024) and digits (n,)."""
    from scipy.io import wavfile

    paths = sorted((folder / "fsdd").glob("*.wav"))
    truth = np.array([int(path.name[0]) for path in paths])
    return np.stack([spectrogram(wavfile.read(path)[1].astype(float)) for path in paths]), truth


def spectrogram(sound: np.ndarray) -> np.ndarray:
    """Log spectrogram (1024,): 32 bands of 32 windows over the whole sound, its loudness taken out."""
    windows = np.stack([part[:256] for part in np.lib.stride_tricks.sliding_window_view(padded(sound), 256)[::64]])
    power = np.abs(np.fft.rfft(windows * np.hanning(256)))[:, 1:129].reshape(len(windows), 32, 4).mean(2)
    logs = np.log(power / max(power.max(), 1e-9) + 1e-3) - np.log(1e-3)
    return np.asarray(Image.fromarray(logs.astype(np.float32)).resize((32, 32))).ravel()


def padded(sound: np.ndarray) -> np.ndarray:
    return np.pad(sound, (0, max(0, 2_048 - len(sound))))


def page(seed: int) -> Image.Image:
    """A page of random words, as scanned."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (400, 560), (250, 250, 247))
    draw = ImageDraw.Draw(image)
    for line in range(int(random.integers(6, 15))):
        letters = random.integers(97, 123, (9, 8))
        words = ["".join(map(chr, row[: random.integers(3, 9)])) for row in letters]
        draw.text((random.integers(20, 60), 50 + line * 33), " ".join(words), fill=(25, 25, 25))
    return image


def pixels(images: list[Image.Image]) -> np.ndarray:
    """Gray pixels (n, 64) of images shrunk to 8 x 8, white on black as in scikit-learn's digits."""
    gray = [np.asarray(image.convert("L").resize((8, 8), Image.Resampling.BOX), float) for image in images]
    return np.stack(gray).reshape(len(images), 64) / 16
