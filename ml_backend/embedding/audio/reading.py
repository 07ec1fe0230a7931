"""Read recordings as mono waveforms of a given sampling rate, whole or a window of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import Media, Reader, UnreadableMedium
from ..image.reading import check_file
from ..packages import require

Waveform = NDArray[np.float32]
MAX_SECONDS = 1800.0  # longer recordings must be sliced: whole, they take too much memory and mix many sounds
ENDINGS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf")


@dataclass(frozen=True)
class Recording:
    """What the header of a recording says: length in seconds, sampling rate in Hz, number of channels, and format."""

    duration: float
    rate: int
    channels: int
    format: str = "WAV"


def audio_reader(rate: int) -> "Reader[Waveform]":
    """A reader of recordings and their windows as mono waveforms (n,) float32 of ``rate`` samples a second.

    Raises:
        Refusal: the packages of the extra “audio” are not installed.
    """
    require("soundfile", "audio")
    require("soxr", "audio")

    def read(path: str, media: Sequence[Media]) -> list[Waveform | UnreadableMedium]:
        return [_attempt(path, medium.span, rate) for medium in media]

    return read


def read_waveform(path: str, span: tuple[float, float] | None, rate: int | None = None) -> tuple[Waveform, int]:
    """The mean of the channels of a recording or a window of it, and its sampling rate: ``rate`` if that is given.

    Raises:
        UnreadableMedium: no such file, not audio, no samples, too long, or a window outside of it.
        Refusal: the packages of the extra “audio” are not installed.
    """
    soundfile = require("soundfile", "audio")
    check_file(path)
    try:
        with soundfile.SoundFile(path) as file:
            own = int(file.samplerate)
            start, frames = _stretch(file, span)
            file.seek(start)
            samples = file.read(frames, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise UnreadableMedium(_undecodable(error)) from None
    mono = np.ascontiguousarray(samples.mean(axis=1, dtype=np.float32))
    if not len(mono):
        raise UnreadableMedium("the recording contains no samples")
    if not np.isfinite(mono).all():
        raise UnreadableMedium("the recording contains values that are not finite numbers")
    if rate is None or rate == own:
        return mono, own
    soxr = require("soxr", "audio")
    return np.asarray(soxr.resample(mono, own, rate), np.float32), rate


def inspect_recording(path: str) -> Recording:
    """Read the header of a recording.

    Raises:
        UnreadableMedium: no such file, not audio, or no samples.
        Refusal: the packages of the extra “audio” are not installed.
    """
    soundfile = require("soundfile", "audio")
    check_file(path)
    try:
        info = soundfile.info(path)
    except soundfile.SoundFileError as error:
        raise UnreadableMedium(_undecodable(error)) from None
    if not info.frames:
        raise UnreadableMedium("the recording contains no samples")
    return Recording(info.frames / info.samplerate, int(info.samplerate), int(info.channels), str(info.format))


def _attempt(path: str, span: tuple[float, float] | None, rate: int) -> Waveform | UnreadableMedium:
    try:
        return read_waveform(path, span, rate)[0]
    except UnreadableMedium as error:
        return error


def _stretch(file: Any, span: tuple[float, float] | None) -> tuple[int, int]:
    """First frame and number of frames of a window; of the whole recording if there is none."""
    total, rate = int(file.frames), int(file.samplerate)
    if span is None:
        if total > MAX_SECONDS * rate:
            raise UnreadableMedium(
                f"the recording is {total / rate / 60:,.0f} minutes long; more than {MAX_SECONDS / 60:.0f} are not "
                "embedded as one: slice it into windows"
            )
        return 0, total
    start, end = round(span[0] * rate), min(round(span[1] * rate), total)
    if not 0 <= start < end:
        raise UnreadableMedium(
            f"the window from {span[0]:g} to {span[1]:g} s lies outside of the recording of {total / rate:g} s"
        )
    return start, end - start


def _undecodable(error: Exception) -> str:
    cause = str(error).rstrip(".").rsplit(": ", 1)[-1]
    return f"it is not audio that can be decoded ({cause}): convert it to WAV, FLAC, OGG, or MP3"
