"""Models `chronos/<repository or folder>`: Chronos-Bolt encoders of time series, by Amazon."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from ...progress import Progress
from ..base import Embedded, Media, UnreadableMedium
from ..fitted import load_arrays, save_arrays
from ..hub import local_or_hub, not_loadable
from ..packages import require
from ..pipeline import embed_in_batches, prepare_in_threads
from .reading import Series, read_series

_LONGEST = 2048  # moments that the encoder reads; the last ones of a longer series


class ChronosModel:
    """A Chronos-Bolt encoder: the mean of its tokens for each channel, one channel after the other.

    Args:
        reference: a repository of the hub, such as ``amazon/chronos-bolt-tiny``, or a local folder of one.
        fitted: the file with the number of channels of the dataset.

    Raises:
        Refusal: the package chronos-forecasting is not installed, the folder holds no such model, or the hub cannot be
            reached.
    """

    def __init__(self, reference: str, *, fitted: str | None = None) -> None:
        package = require("chronos", "series")
        self.name = f"chronos/{reference}"
        place = local_or_hub(reference)
        try:
            self._pipeline: Any = package.BaseChronosPipeline.from_pretrained(place)
        except Exception as error:  # the hub's client and configurations raise their own kinds of errors
            raise not_loadable(place, "a Chronos model", "chronos", error) from error
        self._width = int(self._encode(np.zeros((1, 64), np.float32)).shape[1])
        self._channels = self.fitted_on = 0
        if fitted is not None:
            read: dict[str, Any] = load_arrays(fitted, ("channels", "series"))
            self._channels, self.fitted_on = int(read["channels"]), int(read["series"])

    @property
    def dim(self) -> int:
        """Length of a vector: that of the encoder times the number of channels."""
        return self._width * max(self._channels, 1)

    def fit(self, media: Sequence[str | Media], *, progress: Progress | None = None) -> None:
        """Find the number of channels that most series have.

        Raises:
            Refusal: none of them can be read.
        """
        read = prepare_in_threads(media[:200], read_series, lambda series: series, 64)
        lengths = Counter(len(result.values) for _, result in read if isinstance(result, Series))
        if not lengths:
            raise Refusal("None of these series can be read.")
        self._channels, self.fitted_on = lengths.most_common(1)[0][0], len(media)

    def save(self, path: str) -> None:
        """Write the number of channels to a file."""
        save_arrays({"channels": np.asarray(self._channels), "series": np.asarray(self.fitted_on)}, path)

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed series in their order, one by one, as they differ in length; see `EmbeddingModel.embed`."""

        def read(path: str, parts: Sequence[Media]) -> list[Series | UnreadableMedium]:
            return [self._checked(series) for series in read_series(path, parts)]

        return embed_in_batches(
            media,
            read=read,
            prepare=lambda series: series.values[:, -_LONGEST:],
            forward=lambda batch: self._encode(np.asarray(batch[0], np.float32)).reshape(1, -1),
            dim=self.dim,
            batch_size=1,
            progress=progress,
        )

    def _encode(self, channels: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            tokens, _ = self._pipeline.embed(torch.from_numpy(np.ascontiguousarray(channels)))
        return np.asarray(tokens.float().mean(1).cpu().numpy(), np.float32)

    def _checked(self, series: Series | UnreadableMedium) -> Series | UnreadableMedium:
        if isinstance(series, UnreadableMedium) or len(series.values) == self._channels:
            return series
        return UnreadableMedium(f"it has {len(series.values)} channels, and most series have {self._channels}")
