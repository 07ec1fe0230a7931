"""Draw cards: the spectrogram of a recording, the channels of a series, the first lines of a text.

A card has a background of its own, so that it is readable in light and dark themes alike.
"""

import textwrap
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..audio.preprocessing import RATE, log_mel, mel_filters
from ..audio.reading import Waveform
from ..series.reading import Series

Pixels = NDArray[np.uint8]

WIDTH, HEIGHT = 480, 360
_MARGIN, _STRIP, _FOOT = 14, 64, 28
_PAPER, _INK, _FAINT = (250, 249, 246), (30, 32, 36), (120, 122, 128)
_NIGHT, _MOON = (12, 12, 20), (235, 235, 240)
# Okabe and Ito's colors, which people with color blindness tell apart; without the yellow, faint on paper.
_COLORS = [(0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (230, 159, 0), (0, 0, 0)]
_MOST_CHANNELS = 8
_MOST_COLUMNS = 2000  # of a spectrogram, before it is scaled to the card


def audio_card(waveform: Waveform) -> Pixels:
    """The waveform above the mel spectrogram of a mono recording of 16 kHz, low tones at the bottom.

    Raises:
        Refusal: the packages of the extra “audio” are not installed.
    """
    step = max(len(waveform) // (_MOST_COLUMNS * 160), 1)
    spectrum = log_mel(waveform if step == 1 else _excerpts(waveform, step), _filters())
    levels = np.clip((spectrum + 80) / 80 * 255, 0, 255).astype(np.uint8)[::-1]
    height = HEIGHT - _STRIP - _FOOT
    picture = cv2.resize(levels, (WIDTH, height), interpolation=cv2.INTER_AREA if levels.shape[1] > WIDTH else 1)
    colored = cv2.cvtColor(cv2.applyColorMap(picture, cv2.COLORMAP_MAGMA), cv2.COLOR_BGR2RGB)
    card = np.full((HEIGHT, WIDTH, 3), _NIGHT, np.uint8)
    card[_STRIP : _STRIP + height] = colored
    low, high = _extremes(waveform, WIDTH)
    peak = max(float(np.abs(waveform).max()), 1e-9)
    middle, reach = _STRIP / 2, _STRIP / 2 - 6
    for column in range(WIDTH):
        top, bottom = (round(middle - reach * value / peak) for value in (high[column], low[column]))
        card[top : bottom + 1, column] = _MOON
    return _with_foot(card, f"{len(waveform) / RATE:.2f} s", _MOON)


def series_card(series: Series) -> Pixels:
    """The channels of a series as lines over one another on one scale, with their names."""
    shown = series.values[:_MOST_CHANNELS]
    low, high = float(shown.min()), float(shown.max())
    extent = high - low if high > low else 1.0
    top, bottom = _MARGIN + 10, HEIGHT - _FOOT - _MARGIN
    card = np.full((HEIGHT, WIDTH, 3), _PAPER, np.uint8)
    for share in (0.0, 0.5, 1.0):
        row = round(bottom - share * (bottom - top))
        card[row, _MARGIN : WIDTH - _MARGIN] = (222, 221, 216)
    for number, channel in enumerate(shown):
        columns = WIDTH - 2 * _MARGIN
        lower, upper = _extremes(channel, min(columns, len(channel)))
        points = np.stack([lower, upper], axis=1).ravel() if len(channel) > columns else channel
        x = _MARGIN + np.linspace(0, columns, len(points))
        y = bottom - (points - low) / extent * (bottom - top)
        line = np.round(np.stack([x, y], axis=1) * 16).astype(np.int32)
        cv2.polylines(card, [line], False, _COLORS[number % len(_COLORS)], 2, cv2.LINE_AA, shift=4)
    length = f"{series.duration:g} s" if series.rate else f"{series.values.shape[1]:,} moments"
    return _with_names(card, series, f"{length} · {low:.3g} to {high:.3g}")


def text_card(text: str) -> Pixels:
    """The first lines of a text."""
    image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    draw = ImageDraw.Draw(image)
    start = " ".join(text[:2000].split())
    size = 30 if len(start) <= 120 else 22 if len(start) <= 320 else 17
    font = _font(size, start)
    lines = _wrapped(start, font, WIDTH - 2 * _MARGIN)
    room = (HEIGHT - 2 * _MARGIN) // round(size * 1.35)
    if len(lines) > room or len(text) > 2000:
        lines = [*lines[: room - 1], f"{lines[min(room, len(lines)) - 1].rstrip('… ')} …"]
    for number, line in enumerate(lines):
        draw.text((_MARGIN, _MARGIN + number * round(size * 1.35)), line, font=font, fill=_INK)
    return np.asarray(image)


def _excerpts(waveform: Waveform, step: int) -> Waveform:
    """Evenly spaced frames of a long recording, for a spectrogram of bounded width."""
    frames = waveform[: len(waveform) // 160 * 160].reshape(-1, 160)[::step]
    return np.ascontiguousarray(frames.ravel())


def _extremes(values: NDArray[np.float32], parts: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Minimum and maximum of each of ``parts`` stretches of equal length."""
    if len(values) < parts:
        values = np.interp(np.linspace(0, len(values) - 1, parts), np.arange(len(values)), values).astype(np.float32)
    starts = np.linspace(0, len(values), parts, endpoint=False).astype(int)
    return np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)


def _with_foot(card: Pixels, text: str, color: tuple[int, int, int]) -> Pixels:
    image = Image.fromarray(card)
    ImageDraw.Draw(image).text((_MARGIN, HEIGHT - _FOOT + 4), text, font=_font(16, text), fill=color)
    return np.asarray(image)


def _with_names(card: Pixels, series: Series, facts: str) -> Pixels:
    image = Image.fromarray(card)
    draw = ImageDraw.Draw(image)
    left = _MARGIN
    for number, name in enumerate(series.names[:_MOST_CHANNELS]):
        draw.text((left, HEIGHT - _FOOT + 2), name[:12], font=_font(15, name), fill=_COLORS[number % len(_COLORS)])
        left += round(draw.textlength(name[:12], font=_font(15, name))) + 12
        if left > WIDTH - 2 * _MARGIN:
            break
    draw.text((WIDTH - _MARGIN, 2), facts, font=_font(13, facts), fill=_FAINT, anchor="ra")
    return np.asarray(image)


def _wrapped(text: str, font: Any, width: int) -> list[str]:
    """Lines that fit; words longer than a line, and languages without spaces, are broken anywhere."""
    average = max(font.getlength(text[:200]) / max(len(text[:200]), 1), 1.0)
    return textwrap.wrap(text, max(int(width / average * 0.95), 4), break_long_words=True) or [""]


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float32]:
    return mel_filters(96)


def _font(size: int, text: str) -> Any:
    return _sized_font(size, _font_file("".join(sorted(set(text[:400]) - set(_LATIN)))[:40]))


_LATIN = "".join(map(chr, range(32, 127)))


@lru_cache(maxsize=64)
def _sized_font(size: int, path: str) -> Any:
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=256)
def _font_file(needed: str) -> str:
    """A font that has the characters: matplotlib's DejaVu Sans, else the first of the system's that has them."""
    import matplotlib
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    own = str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf")
    if not needed or set(map(ord, needed)) <= set(FT2Font(own).get_charmap()):
        return own
    best, most = own, len(set(map(ord, needed)) & set(FT2Font(own).get_charmap()))
    for path in font_manager.findSystemFonts():
        try:
            covered = len(set(map(ord, needed)) & set(FT2Font(path).get_charmap()))
        except (RuntimeError, OSError):
            continue
        if covered > most:
            best, most = path, covered
    return best
