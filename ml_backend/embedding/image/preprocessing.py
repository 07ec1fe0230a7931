"""The model `preprocessing`: intensity, color, and gradients of an image, by signal processing alone."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from ..base import Embedded, Media
from ..pipeline import embed_in_batches
from .decoding import Pixels
from .reading import image_reader

Floats = NDArray[np.float32]

# Side length in pixels at which each kind of feature is computed, and its weight in the vector. Chosen by
# leave-one-out 15-NN accuracy on digits, small photos (CIFAR-10) and large ones (Imagenette): .985, .53, .50.
_INTENSITY_SIDE, _INTENSITY_WEIGHT = 8, 0.5
_COLOR_SIDE, _COLOR_WEIGHT = 4, 0.5
_HISTOGRAM_SIDE, _HISTOGRAM_BINS, _HISTOGRAM_WEIGHT = 64, (8, 4, 4), 1.0
_GRADIENT_SIDE, _GRADIENT_CELL, _GRADIENT_BINS, _GRADIENT_WEIGHT = 32, 8, 18, 1.5
_DIM = 8 * 8 + 4 * 4 * 3 + 4 * 8 * 4 * 4 + 3 * 3 * 4 * 18


class Preprocessing:
    """Vectors of 1272 numbers from size-normalized pixels; needs no weights and no network.

    Example:
        >>> Preprocessing().embed(["digit.png"]).vectors.shape
        (1, 1272)
    """

    name = "preprocessing"
    dim = _DIM

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed images in their order; see `EmbeddingModel.embed`."""
        return embed_in_batches(
            media,
            read=image_reader(at_least=_HISTOGRAM_SIDE),
            prepare=features,
            forward=lambda batch: np.asarray(batch, np.float32),
            dim=self.dim,
            batch_size=batch_size,
            progress=progress,
        )


def features(pixels: Pixels) -> Floats:
    """(1272,) float32 of an RGB image: intensity 8 x 8, color 4 x 4 (CIELAB), hue histograms, gradient histograms.

    Gradients are histograms of oriented gradients (Dalal and Triggs 2005) of the image at 32 x 32.
    """
    return np.concatenate(
        [
            _INTENSITY_WEIGHT * _unit(_intensity(pixels)),
            _COLOR_WEIGHT * _unit(_color(pixels)),
            _HISTOGRAM_WEIGHT * _unit(_hue_histograms(pixels)),
            _GRADIENT_WEIGHT * _unit(_gradients(pixels)),
        ]
    )


def _intensity(pixels: Pixels) -> Floats:
    gray = cv2.cvtColor(_resized(pixels, _INTENSITY_SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(gray - gray.mean(), np.float32)


def _color(pixels: Pixels) -> Floats:
    lab = cv2.cvtColor(_resized(pixels, _COLOR_SIDE).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    return np.asarray(lab - np.array([50, 0, 0]), np.float32)


def _hue_histograms(pixels: Pixels) -> Floats:
    """One hue, saturation, value histogram per quarter of the image; roots, so that large bins do not dominate."""
    hsv = cv2.cvtColor(_resized(pixels, _HISTOGRAM_SIDE), cv2.COLOR_RGB2HSV)
    half = _HISTOGRAM_SIDE // 2
    ranges = [0, 180, 0, 256, 0, 256]
    quarters = [hsv[y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
    counts = [cv2.calcHist([quarter], [0, 1, 2], None, list(_HISTOGRAM_BINS), ranges) for quarter in quarters]
    return np.asarray(np.sqrt(np.stack(counts)), np.float32)


def _gradients(pixels: Pixels) -> Floats:
    side, cell = _GRADIENT_SIDE, _GRADIENT_CELL
    block, step, bins = (2 * cell, 2 * cell), (cell, cell), _GRADIENT_BINS
    # OpenCV's defaults except the last argument, which keeps a gradient's sign: dark on light is not light on dark.
    descriptor = cv2.HOGDescriptor((side, side), block, step, step, bins, 1, -1, 0, 0.2, True, 64, True)
    return np.asarray(descriptor.compute(_resized(pixels, side)), np.float32)


def _resized(pixels: Pixels, side: int) -> Pixels:
    shrinking = min(pixels.shape[:2]) > side
    resized = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC)
    return np.asarray(resized, np.uint8)


def _unit(block: Floats) -> Floats:
    flat = block.ravel()
    return flat / max(float(np.linalg.norm(flat)), 1e-6)
