"""Perceptual hashes: 64 bits that stay nearly the same when an image is saved again, resized, or slightly cropped."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, no_progress
from .base import Failure, Media, UnreadableMedium
from .image.reading import Pixels, image_reader
from .pipeline import prepare_in_threads

_SIZE = 64  # pixels of a side of the gray thumbnail that is hashed
_READ_AT_LEAST = 2 * _SIZE
_FREQUENCIES = 8  # in each direction: 8 x 8 = 64 bits
_INSETS = (0.0, 0.025, 0.05, 0.075, 0.1)  # shares of a side that a crop may have lost, in steps a hash hardly notices
_LEAST_CONTRAST = 1.0  # standard deviation of the thumbnail, 0..255: the hash of less is made of noise
_BATCH = 64
_BATCHES_AHEAD = 2

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class PerceptualHashes:
    """Hashes of m images.

    Attributes:
        kept: (m,) int64, the images that have hashes, by their index in the media passed in, ascending.
        whole: (m,) uint64, of the whole image.
        mirrored: (m,) uint64, of the image mirrored left to right.
        crops: (m, w) uint64, of crops that leave 0 to 10 % of each side away, in steps of 2.5 %; the whole image first.
        failed: media that could not be read, and why.
        flat: how many images have no contrast, and therefore no hash.
    """

    kept: NDArray[np.int64]
    whole: Hashes
    mirrored: Hashes
    crops: Hashes
    failed: list[Failure]
    flat: int


def hash_images(media: Sequence[Media], *, progress: Progress | None = None) -> PerceptualHashes:
    """Hash images in threads, in their order; those that cannot be read are reported, and flat ones counted.

    Args:
        progress: called with the fraction done; what it raises stops the work and is passed on.
    """
    tell = progress or no_progress
    parts: list[Hashes] = []
    kept: list[int] = []
    failed: list[Failure] = []
    done = 0
    with closing(_thumbnails(media)) as items:
        while batch := list(islice(items, _BATCH)):
            failed += [Failure(index, str(item)) for index, item in batch if isinstance(item, UnreadableMedium)]
            good = [(index, item) for index, item in batch if not isinstance(item, UnreadableMedium)]
            good = [(index, item) for index, item in good if float(np.std(item)) >= _LEAST_CONTRAST]
            if good:
                parts.append(hash_thumbnails(np.stack([item for _, item in good])))
                kept += [index for index, _ in good]
            done += len(batch)
            tell(done / len(media), f"Compared the look of {done:,} of {len(media):,} images")
    hashes = np.concatenate(parts) if parts else np.empty((0, 1 + len(_INSETS) ** 4), np.uint64)
    return PerceptualHashes(
        kept=np.asarray(kept, np.int64),
        whole=hashes[:, 1],
        mirrored=hashes[:, 0],
        crops=hashes[:, 1:],
        failed=failed,
        flat=len(media) - len(kept) - len(failed),
    )


def hash_thumbnails(thumbnails: NDArray[np.number]) -> Hashes:
    """Hashes (n, 1 + w) of gray thumbnails (n, 64, 64): the mirrored image, the whole one, and its other crops.

    A bit says whether one of the lowest 8 x 8 frequencies of the discrete cosine transform, without the constant ones,
    is above their median (pHash: Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010).
    The transform of a crop is a product with the cosines stretched over its part of each side, so that all crops
    together take two matrix products.
    """
    waves = _waves()
    sides = len(_INSETS) ** 2
    products = np.einsum("ay,nyx->nax", waves, thumbnails.astype(np.float32), optimize=True) @ waves.T
    shape = (len(thumbnails), sides, _FREQUENCIES, sides, _FREQUENCIES)
    spectra = products.reshape(shape).transpose(0, 1, 3, 2, 4)
    spectra = spectra.reshape(len(thumbnails), sides * sides, _FREQUENCIES, _FREQUENCIES)
    signs = np.where(np.arange(1, _FREQUENCIES + 1) % 2, -1, 1).astype(np.float32)  # odd cosines turn over in a mirror
    return _bits(np.concatenate((spectra[:, :1] * signs, spectra), axis=1))


def _bits(spectra: NDArray[np.float32]) -> Hashes:
    flat = spectra.reshape(*spectra.shape[:2], -1)
    above = flat > np.median(flat, axis=-1, keepdims=True)
    return np.packbits(above, axis=-1).view(np.uint64)[..., 0]


def _waves() -> NDArray[np.float32]:
    """Cosines (crops of a side * frequencies, 64) over what each crop leaves of a side, 0 outside of it."""
    start = np.arange(_SIZE)
    rows = []
    for before in _INSETS:
        for after in _INSETS:
            low, high = before * _SIZE, (1 - after) * _SIZE
            first, last = np.maximum(start, low), np.minimum(start + 1, high)
            covered = np.clip(last - first, 0, 1)
            place = ((first + last) / 2 - low) / (high - low)
            waves = np.cos(np.pi * np.arange(1, _FREQUENCIES + 1)[:, None] * place)
            rows.append(waves * covered / np.sqrt(high - low))
    return np.asarray(np.concatenate(rows), np.float32)


def _thumbnails(media: Sequence[Media]) -> Generator[tuple[int, Pixels | UnreadableMedium], None, None]:
    read = image_reader(at_least=_READ_AT_LEAST)
    return prepare_in_threads(media, read, _thumbnail, _BATCHES_AHEAD * _BATCH)


def _thumbnail(pixels: Pixels) -> Pixels:
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    shrinks = min(gray.shape) >= _SIZE
    return np.asarray(cv2.resize(gray, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
