"""Similar sounds get similar vectors in any file format; windows of a recording are items of their own."""

import numpy as np
import pytest
import soundfile
import soxr
from labelscape.ml_backend.analysis.baseline import neighbor_accuracy
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media

from .conftest import RATE, cosine


def test_preprocessing_puts_like_sounds_together(sounds):
    paths, labels = sounds
    vectors = load("audio-preprocessing").embed(paths).vectors
    assert vectors.shape == (140, 325)
    assert neighbor_accuracy(vectors, labels, 7, voters=5) > 0.85


@pytest.mark.parametrize(
    ("ending", "subtype", "rate", "channels"),
    [("wav", "PCM_24", RATE, 2), ("flac", "PCM_16", 44_100, 1), ("ogg", "VORBIS", 48_000, 2), ("mp3", None, 44_100, 1)],
)
def test_format_rate_and_stereo_hardly_change_a_vector(tmp_path, sounds, ending, subtype, rate, channels):
    original = sounds[0][6]
    samples, own = soundfile.read(original)
    copy = np.column_stack([soxr.resample(samples, own, rate)] * channels)
    path = str(tmp_path / f"copy.{ending}")
    soundfile.write(path, copy, rate, subtype=subtype)
    first, second = load("audio-preprocessing").embed([original, path]).vectors
    assert cosine(first, second) > 0.97


def test_windows_of_one_recording_are_items_of_their_own(tmp_path, sounds):
    paths, _ = sounds
    one, two = (soundfile.read(path)[0][: RATE // 2] for path in (paths[0], paths[4]))
    path = str(tmp_path / "long.wav")
    soundfile.write(path, np.concatenate([one, two, one]), RATE)
    spans = [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5), (9.0, 9.5)]
    embedded = load("audio-preprocessing").embed([Media(path, span=span) for span in spans])
    first, second, third = embedded.vectors
    assert cosine(first, third) > 0.999
    assert cosine(first, second) < 0.9
    assert "the window from 9 to 9.5 s lies outside" in embedded.failed[0].reason
