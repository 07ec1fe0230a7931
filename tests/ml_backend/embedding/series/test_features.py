"""Features of windows of sensor data are finite, and tell a window by its shape."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from labelscape.ml_backend.embedding.series.features import spectral_features

VALUES = st.floats(-1e6, 1e6, width=32)
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(2, 100))


@given(SHAPES.flatmap(lambda shape: arrays(np.float32, shape, elements=VALUES)))
def test_features_are_finite_whatever_the_window(windows):
    features = spectral_features(windows)
    assert features.shape[0] == len(windows)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_windows_of_one_frequency_are_nearer_than_of_another():
    time = np.arange(128) / 50
    waves = np.stack([np.sin(2 * np.pi * hertz * time + phase) for hertz in (2, 9) for phase in (0, 1)])
    features = spectral_features(waves[:, None].astype(np.float32))
    near, far = (np.linalg.norm(features[0] - features[row]) for row in (1, 2))
    assert near < far


def test_a_window_does_not_depend_on_those_beside_it():
    windows = np.random.default_rng(0).normal(size=(5, 2, 70)).astype(np.float32)
    np.testing.assert_allclose(spectral_features(windows)[2:3], spectral_features(windows[2:3]), rtol=1e-5)
