"""Sounds, sensor windows, and requests that a program makes up, the same every time: data for the demos and tests.

None of it was recorded or written by people, and no license covers it. It is easier than real data: accuracies on it
say that the tools work, not how well they work on yours.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AUDIO_RATE, SERIES_RATE = 16_000, 50.0
SERIES_MOMENTS = 128
SERIES_CHANNELS = ("acc_x", "acc_y", "acc_z")
SOUNDS = ("bell", "chirp", "engine", "knock", "rain", "siren", "voice")
MOTIONS = ("rest", "slow lift", "fast lift", "swing", "tap", "walk")


@dataclass(frozen=True)
class Made:
    """Media that were made: their files or texts, and their true classes."""

    media: list[str]
    classes: list[str]


def write_sounds(folder: Path, *, count: int = 350, seed: int = 0) -> Made:
    """Write sounds of seven kinds as WAV files of 0.5 to 1.2 s at 16 kHz; existing files are kept.

    Raises:
        Refusal: the packages of the extra “audio” are not installed.
    """
    from ..ml_backend.embedding.packages import require

    soundfile = require("soundfile", "audio")
    folder.mkdir(parents=True, exist_ok=True)
    made = Made([], [])
    for number in range(count):
        kind = SOUNDS[number % len(SOUNDS)]
        path = folder / f"{kind}-{number:04d}.wav"
        if not path.exists():
            scratch = path.with_name(f".{path.name}")
            sound = _sound(kind, np.random.default_rng([seed, number]))
            soundfile.write(scratch, sound, AUDIO_RATE, format="WAV")
            scratch.replace(path)
        made.media.append(str(path))
        made.classes.append(kind)
    return made


def write_motions(folder: Path, *, count: int = 360, seed: int = 0) -> Made:
    """Write windows of a three-axis accelerometer at 50 Hz as CSV files with a time column; existing files are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Made([], [])
    for number in range(count):
        kind = MOTIONS[number % len(MOTIONS)]
        path = folder / f"{kind.replace(' ', '-')}-{number:04d}.csv"
        if not path.exists():
            scratch = path.with_name(f".{path.name}")
            table = np.column_stack([np.arange(SERIES_MOMENTS) / SERIES_RATE, motion(number, seed).T])
            header = ",".join(("time", *SERIES_CHANNELS))
            np.savetxt(scratch, table, fmt="%.4f", delimiter=",", header=header, comments="")
            scratch.replace(path)
        made.media.append(str(path))
        made.classes.append(kind)
    return made


def motion(number: int, seed: int = 0) -> Floats:
    """Accelerations (3, 128) in g, in turn of each of `MOTIONS`, with a speed, strength, and direction of its own."""
    rng = np.random.default_rng([seed, number])
    kind = MOTIONS[number % len(MOTIONS)]
    moments = np.arange(SERIES_MOMENTS) / SERIES_RATE
    phase = (rng.uniform(1.4, 2.6) * moments + rng.uniform()) % 1
    shapes = {
        "rest": np.zeros_like(moments),
        "slow lift": 2 * phase - 1,
        "fast lift": 1 - 2 * phase,
        "swing": np.sin(2 * np.pi * phase),
        "tap": 3.0 * (phase < 0.15),
        "walk": np.sin(2 * np.pi * phase) + 0.6 * np.sin(4 * np.pi * phase + rng.uniform(0, 2 * np.pi)),
    }
    along = rng.uniform(0.5, 1.5) * shapes[kind]
    axes = np.stack([along, 0.6 * np.roll(along, rng.integers(0, 8)), 0.3 * along])
    rotation, signs = np.linalg.qr(np.eye(3) + 0.25 * rng.normal(size=(3, 3)))
    turned = (rotation * np.sign(np.diag(signs))) @ axes
    gravity = np.array([[0.0], [0.0], [1.0]])
    return np.asarray(turned + gravity + rng.normal(0, 0.25, turned.shape))


def make_requests(*, count: int = 400, seed: int = 0) -> Made:
    """Requests to a shop in five intents and two languages, put together from parts."""
    rng = np.random.default_rng(seed)
    intents = list(_REQUESTS)
    made = Made([], [])
    for number in range(count):
        intent = intents[number % len(intents)]
        template = rng.choice(_REQUESTS[intent])
        filled = template.format(
            item=rng.choice(_ITEMS),
            article=rng.choice(_ARTICLES),
            days=rng.integers(2, 15),
            order=rng.integers(1_000, 10_000),
        )
        greeting = rng.choice(_GREETINGS if template in _ENGLISH else _GRUESSE)
        made.media.append(f"{greeting}{filled}")
        made.classes.append(intent)
    return made


def _sound(kind: str, rng: np.random.Generator) -> Floats:
    seconds = rng.uniform(0.5, 1.2)
    moments = np.arange(round(seconds * AUDIO_RATE)) / AUDIO_RATE
    made: dict[str, Any] = {
        "bell": lambda: _tones(moments, rng.uniform(500, 900), (1, 2.76, 5.4), rng) * np.exp(-4 * moments),
        "chirp": lambda: np.sin(2 * np.pi * (rng.uniform(400, 900) + rng.uniform(1200, 2500) * moments) * moments),
        "engine": lambda: _tones(moments, rng.uniform(60, 110), range(1, 12), rng),
        "knock": lambda: _knocks(moments, rng),
        "rain": lambda: rng.normal(0, 0.3, len(moments)),
        "siren": lambda: np.sin(
            2 * np.pi * rng.uniform(700, 1000) * moments + 60 * np.sin(2 * np.pi * rng.uniform(2, 4) * moments)
        ),
        "voice": lambda: _voice(moments, rng),
    }
    sound = made[kind]()
    noise = rng.normal(0, 0.02, len(moments))
    fade = np.minimum(1, np.minimum(moments, moments[-1] - moments) / 0.02)
    loud = (sound / max(np.abs(sound).max(), 1e-9) + noise) * fade
    return np.asarray(0.5 * loud / np.abs(loud).max())


def _tones(moments: Floats, pitch: float, partials: Any, rng: np.random.Generator) -> Floats:
    waves = [np.sin(2 * np.pi * pitch * one * moments + rng.uniform(0, 6)) / one**0.7 for one in partials]
    return np.asarray(np.sum(waves, axis=0))


def _knocks(moments: Floats, rng: np.random.Generator) -> Floats:
    sound = np.zeros_like(moments)
    for start in np.arange(rng.uniform(0.02, 0.1), moments[-1], rng.uniform(0.15, 0.25)):
        since = np.maximum(moments - start, 0)
        sound += (moments >= start) * np.sin(2 * np.pi * rng.uniform(140, 200) * since) * np.exp(-60 * since)
    return sound


def _voice(moments: Floats, rng: np.random.Generator) -> Floats:
    """A buzzing source through two resonances that glide, as in a vowel."""
    pitch = rng.uniform(100, 220)
    harmonics = np.arange(1, int(4000 / pitch))
    glide = moments / moments[-1]
    first, second = 300 + 500 * glide, 2200 - 1000 * glide
    total = np.zeros_like(moments)
    for one in harmonics:
        frequency = pitch * one
        strength = 1 / (1 + ((frequency - first) / 120) ** 2) + 1 / (1 + ((frequency - second) / 180) ** 2)
        total += strength * np.sin(2 * np.pi * frequency * moments)
    return total


_ITEMS = ("kettle", "desk lamp", "winter jacket", "phone case", "coffee grinder", "backpack", "keyboard")
_ARTICLES = ("Wasserkocher", "Rucksack", "Bildschirm", "Mantel", "Drucker", "Toaster")
_GREETINGS = ("", "Hi, ", "Hello there. ", "Quick question: ", "Good morning! ")
_GRUESSE = ("", "Hallo, ", "Guten Tag. ", "Kurze Frage: ")
_REQUESTS: dict[str, tuple[str, ...]] = {
    "where is it": (
        "where is my {item}? I have been waiting for {days} days",
        "order {order} has not arrived yet, can you track the parcel?",
        "the tracking page says nothing about my {item}",
        "wo bleibt mein {article}? Die Lieferung ist seit {days} Tagen überfällig",
    ),
    "send it back": (
        "I want to return the {item} and get my money back",
        "how do I send order {order} back for a refund?",
        "the {item} is not what I expected, how can I return it within {days} days?",
        "ich möchte den {article} zurückgeben und mein Geld zurück",
    ),
    "it is broken": (
        "the {item} stopped working after {days} days",
        "my {item} arrived damaged, there is a crack in it",
        "the {item} from order {order} is broken, does the warranty cover a repair?",
        "der {article} ist kaputt und geht nicht mehr an, gilt die Garantie?",
    ),
    "change the order": (
        "please change the address of order {order}",
        "can I still add a {item} to my order {order}?",
        "I ordered the {item} in the wrong color, please change it",
        "bitte ändern Sie die Adresse meiner Bestellung {order}",
    ),
    "payment": (
        "I was charged twice for order {order}",
        "my card was declined when I paid for the {item}",
        "why is there an extra fee of {days} dollars on my invoice?",
        "die Rechnung für den {article} stimmt nicht, mir wurde zu viel abgebucht",
    ),
}
_ENGLISH = {template for templates in _REQUESTS.values() for template in templates[:3]}
