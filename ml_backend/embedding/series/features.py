"""Features of windows of sensor data: spectrum and statistics, and random convolutions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..packages import require

Windows = NDArray[np.float32]  # (n, channels, moments)
Floats = NDArray[np.float32]

_SEGMENT = 64
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_POWER_FLOOR = 1e-8


def spectral_features(windows: Windows) -> Floats:
    """(n, channels x f) float32: log power spectrum (Welch), quantiles, mean, spread, skew, kurtosis, crossings.

    The spectrum has 33 frequencies, or fewer for windows shorter than 64 moments; a window has at least two.
    """
    from scipy import signal

    values = windows.astype(np.float64)
    mean, spread = values.mean(axis=2), values.std(axis=2)
    centered = values - mean[:, :, None]
    scaled = centered / np.maximum(spread, 1e-9)[:, :, None]
    segment = min(_SEGMENT, values.shape[2])
    _, power = signal.welch(centered, nperseg=segment, axis=2)
    quantiles = np.moveaxis(np.quantile(values, _QUANTILES, axis=2), 0, 2)
    crossings = (np.diff(np.signbit(centered), axis=2)).mean(axis=2)
    shape = [mean, spread, (scaled**3).mean(axis=2), (scaled**4).mean(axis=2), crossings]
    parts = [np.log(power + _POWER_FLOOR), quantiles, np.stack(shape, axis=2)]
    return np.asarray(np.concatenate(parts, axis=2).reshape(len(windows), -1), np.float32)


class RandomConvolutions:
    """Hydra (Dempster, Schmidt, and Webb 2023), as aeon computes it: counts of the best random kernel at each moment.

    Its kernels depend on the shape of the windows and the seed alone. Square roots keep large counts from dominating.

    Raises:
        Refusal: the packages of the extra “series” are not installed.
    """

    def __init__(self, channels: int, moments: int, seed: int = 0) -> None:
        module: Any = require("aeon.transformations.collection.convolution_based", "series")
        self._hydra = module.HydraTransformer(random_state=seed)
        self._hydra.fit(np.zeros((2, channels, moments), np.float32))

    def transform(self, windows: Windows) -> Floats:
        """(n, f) float32 of windows (n, channels, moments)."""
        counts = np.asarray(self._hydra.transform(windows), np.float32)
        return np.asarray(np.sqrt(np.maximum(counts, 0)), np.float32)
