"""The model `series-preprocessing`: spectrum, statistics, and random convolutions of sensor data; no download."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from ...progress import Progress
from ..base import Embedded, Media, UnreadableMedium
from ..fitted import draw, load_arrays, save_arrays
from ..pipeline import embed_in_batches, prepare_in_threads
from .features import Floats, RandomConvolutions, Windows, spectral_features
from .reading import SHORTEST, Series, read_series

_AXES = 256
_MOST_SERIES = 2_000  # to fit on, chosen at random
_LONGEST_WINDOW, _MOST_WINDOWS = 512, 32
_SPECTRAL_WEIGHT = 0.1
_CLIP = 5.0  # standard deviations


@dataclass(frozen=True)
class _Space:
    """What was learned: the shape of windows, scales of channels (c,) and spectral features (f,), and the axes (d, k).

    ``rate`` is the sampling rate in Hz that all series are brought to; 0 if it is unknown.
    """

    channels: int
    moments: int
    rate: float
    center: Floats
    spread: Floats
    spectral_mean: Floats
    spectral_spread: Floats
    axes: Floats
    series: int

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return len(self.axes) + len(self.spectral_mean)


@dataclass
class _Fit:
    space: _Space
    convolutions: RandomConvolutions = field(init=False)

    def __post_init__(self) -> None:
        self.convolutions = RandomConvolutions(self.space.channels, self.space.moments)


class SeriesPreprocessing:
    """Random convolutions (Hydra) on their principal axes, with the spectrum and statistics of each channel.

    A series is brought to the sampling rate of the dataset and cut into overlapping windows of one length, whose
    features are averaged: nothing is stretched, and series of different lengths are comparable. Fitted on the series of
    the dataset, without labels.

    Args:
        fitted: the file of an earlier fit.

    Raises:
        Refusal: that file cannot be read, or the packages of the extra “series” are not installed.
    """

    name = "series-preprocessing"

    def __init__(self, *, fitted: str | None = None) -> None:
        self._fit: _Fit | None = None
        if fitted is not None:
            read: dict[str, Any] = load_arrays(fitted, tuple(_Space.__dataclass_fields__))
            plain = {name: value.item() if value.ndim == 0 else value for name, value in read.items()}
            self._fit = _Fit(_Space(**plain))

    @property
    def dim(self) -> int:
        """Length of a vector; 0 before it is fitted, as it depends on the number of channels."""
        return 0 if self._fit is None else self._fit.space.dim

    @property
    def fitted_on(self) -> int:
        """Number of series it was fitted on; 0 before."""
        return 0 if self._fit is None else self._fit.space.series

    def fit(self, media: Sequence[str | Media], *, progress: Progress | None = None) -> None:
        """Learn scales and axes from series; at most 2,000 of them, chosen at random.

        Raises:
            Refusal: none of them can be read.
        """
        read = prepare_in_threads(draw(media, _MOST_SERIES), read_series, lambda series: series, 64)
        results = [result for _, result in read]
        known = [result for result in results if isinstance(result, Series)]
        if not known:
            reason = next((str(result) for result in results if isinstance(result, UnreadableMedium)), "there is none")
            raise Refusal(f"None of these series can be read ({reason}).")
        if progress is not None:
            progress(0.0, f"Learning the scales of {len(known):,} series")
        self._fit = _fitted(known)

    def save(self, path: str) -> None:
        """Write scales and axes to a file."""
        save_arrays({name: np.asarray(value) for name, value in vars(self._ready().space).items()}, path)

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed series in their order; see `EmbeddingModel.embed`."""
        fit = self._ready()

        def read(path: str, parts: Sequence[Media]) -> list[Series | UnreadableMedium]:
            return [_checked(series, fit.space) for series in read_series(path, parts)]

        return embed_in_batches(
            media,
            read=read,
            prepare=lambda series: _features(series, fit),
            forward=lambda batch: np.asarray(batch, np.float32),
            dim=self.dim,
            batch_size=batch_size,
            progress=progress,
        )

    def _ready(self) -> _Fit:
        if self._fit is None:
            raise Refusal("“series-preprocessing” must be fitted on series before it can embed any.")
        return self._fit


def _checked(series: Series | UnreadableMedium, space: _Space) -> Series | UnreadableMedium:
    if isinstance(series, UnreadableMedium) or len(series.values) == space.channels:
        return series
    return UnreadableMedium(
        f"it has {len(series.values)} channels ({', '.join(series.names[:6])}), and the model was fitted on "
        f"{space.channels}"
    )


def _fitted(series: list[Series]) -> _Fit:
    channels = Counter(len(single.values) for single in series).most_common(1)[0][0]
    same = [single for single in series if len(single.values) == channels]
    rates = [single.rate for single in same if single.rate]
    rate = float(np.median(rates)) if rates else 0.0
    resampled = [at_rate(single, rate) for single in same]
    moments = int(np.clip(np.quantile([values.shape[1] for values in resampled], 0.1), SHORTEST, _LONGEST_WINDOW))
    every = np.concatenate(resampled, axis=1)
    center, spread = every.mean(axis=1, dtype=np.float64), every.std(axis=1, dtype=np.float64)
    spread = np.where(spread > 1e-12, spread, 1.0)
    scaled = [_scaled(values, center, spread) for values in resampled]
    convolutions = RandomConvolutions(channels, moments)
    pairs = [_averaged(cut_windows(values, moments), convolutions) for values in scaled]
    counts, spectral = (np.stack(part) for part in zip(*pairs, strict=True))
    spectral_spread = spectral.std(axis=0)
    space = _Space(
        channels,
        moments,
        rate,
        center.astype(np.float32),
        spread.astype(np.float32),
        spectral.mean(axis=0),
        np.where(spectral_spread > 1e-6, spectral_spread, 1.0).astype(np.float32),
        _principal_axes(counts),
        len(series),
    )
    return _Fit(space)


def _principal_axes(counts: Floats) -> Floats:
    from sklearn.utils.extmath import randomized_svd

    _, _, axes = randomized_svd(counts, min(_AXES, *counts.shape), n_iter=4, random_state=0)
    return np.asarray(axes, np.float32)


def _features(series: Series, fit: _Fit) -> Floats:
    space = fit.space
    scaled = _scaled(at_rate(series, space.rate), space.center, space.spread)
    counts, spectral = _averaged(cut_windows(scaled, space.moments), fit.convolutions)
    standard = np.clip((spectral - space.spectral_mean) / space.spectral_spread, -_CLIP, _CLIP)
    return np.asarray(np.concatenate([_unit(space.axes @ counts), _SPECTRAL_WEIGHT * _unit(standard)]), np.float32)


def _averaged(windows: Windows, convolutions: RandomConvolutions) -> tuple[Floats, Floats]:
    return convolutions.transform(windows).mean(axis=0), spectral_features(windows).mean(axis=0)


def _scaled(values: Floats, center: NDArray[Any], spread: NDArray[Any]) -> Floats:
    return np.asarray((values - center[:, None]) / spread[:, None], np.float32)


def at_rate(series: Series, rate: float) -> Floats:
    """The channels (c, t) at a sampling rate in Hz; without a rate, or a known one of the series, as they are.

    Values between moments are interpolated linearly. Faster series are averaged over the moments that are left out, to
    avoid aliasing.
    """
    values = series.values
    if not rate or not series.rate or np.isclose(series.rate, rate, rtol=1e-3):
        return values
    length = max(round(values.shape[1] * rate / series.rate), 1)
    edges = np.linspace(0, values.shape[1], length + 1)
    if rate < series.rate:
        starts = np.floor(edges[:-1]).astype(int)
        return np.asarray(np.add.reduceat(values, starts, axis=1) / np.diff([*starts, values.shape[1]]), np.float32)
    at = (edges[:-1] + edges[1:]) / 2 - 0.5
    rows = np.arange(values.shape[1])
    return np.stack([np.interp(at, rows, channel) for channel in values]).astype(np.float32)


def cut_windows(values: Floats, moments: int) -> Windows:
    """Windows (n, c, moments) of channels (c, t), half overlapping, at most 32; a shorter series is mirrored."""
    length = values.shape[1]
    if length < moments:
        return np.pad(values, ((0, 0), (0, moments - length)), mode="symmetric")[None]
    count = min(max(-(-2 * (length - moments) // moments), 0) + 1, _MOST_WINDOWS)
    starts = np.linspace(0, length - moments, count).round().astype(int)
    return np.stack([values[:, start : start + moments] for start in starts])


def _unit(values: Floats) -> Floats:
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-9), np.float32)
