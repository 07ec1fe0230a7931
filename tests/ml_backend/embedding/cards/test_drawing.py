"""Cards of recordings, series, and texts have one size and show what distinguishes their content."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.cli.synthetic import motion
from labelscape.ml_backend.embedding.cards.drawing import HEIGHT, WIDTH, audio_card, series_card, text_card
from labelscape.ml_backend.embedding.series.reading import Series

RATE = 16_000


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE).astype(np.float32)


def brightest_row(card: np.ndarray) -> int:
    """The brightest row of the spectrogram, below the waveform and above the footer."""
    return int(card[70 : HEIGHT - 30].astype(int).sum((1, 2)).argmax())


@pytest.mark.parametrize("seconds", [0.05, 1.0, 90.0])
def test_a_recording_of_any_length_has_a_card_of_the_usual_size(seconds):
    assert audio_card(tone(440, seconds)).shape == (HEIGHT, WIDTH, 3)


def test_silence_has_a_card_and_high_tones_are_above_low_ones():
    assert audio_card(np.zeros(RATE, np.float32)).shape == (HEIGHT, WIDTH, 3)
    assert brightest_row(audio_card(tone(4000))) < brightest_row(audio_card(tone(200)))


@pytest.mark.parametrize("channels", [1, 3, 12])
def test_a_series_of_any_number_of_channels_has_a_card(channels):
    values = np.vstack([motion(1)] * 4)[:channels].astype(np.float32)
    names = tuple(f"channel {number}" for number in range(channels))
    assert series_card(Series(values, names, 50.0)).shape == (HEIGHT, WIDTH, 3)


def test_a_constant_series_has_a_card():
    assert series_card(Series(np.ones((1, 10), np.float32), ("x",), None)).shape == (HEIGHT, WIDTH, 3)


@settings(max_examples=30)
@given(st.text(min_size=1))
def test_any_text_has_a_card(text):
    assert text_card(text).shape == (HEIGHT, WIDTH, 3)


def test_different_texts_look_different_and_equal_ones_equal():
    assert np.array_equal(text_card("one"), text_card("one"))
    assert not np.array_equal(text_card("one"), text_card("two"))
