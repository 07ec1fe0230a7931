"""Small gray pictures of images, to compare what they show."""

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

SIZE = 64  # pixels of a side
_READ_AT_LEAST = 2 * SIZE
_LEAST_CONTRAST = 1.0  # standard deviation of the thumbnail, 0..255: less shows nothing but noise
_BATCH = 64
_BATCHES_AHEAD = 2


@dataclass(frozen=True)
class Thumbnails:
    """Thumbnails of m images.

    Attributes:
        kept: (m,) int64, the images that have one, by their index in the media passed in, ascending.
        pictures: (n, 64, 64) uint8, one for each of the n media: gray levels of the whole image, its sides stretched to
            a square; zeros where there is none.
        failed: media that could not be read, and why.
    """

    kept: NDArray[np.int64]
    pictures: NDArray[np.uint8]
    failed: list[Failure]


def read_thumbnails(media: Sequence[Media], *, progress: Progress | None = None) -> Thumbnails:
    """Read images in threads, in their order; those that cannot be read are reported, and flat ones get none.

    Args:
        progress: called with the fraction done; what it raises stops the work and is passed on.
    """
    tell = progress or no_progress
    pictures = np.zeros((len(media), SIZE, SIZE), np.uint8)
    kept: list[int] = []
    failed: list[Failure] = []
    done = 0
    with closing(_thumbnails(media)) as items:
        while batch := list(islice(items, _BATCH)):
            for index, item in batch:
                if isinstance(item, UnreadableMedium):
                    failed.append(Failure(index, str(item)))
                elif float(np.std(item)) >= _LEAST_CONTRAST:
                    pictures[index] = item
                    kept.append(index)
            done += len(batch)
            tell(done / len(media), f"Read {done:,} of {len(media):,} images to compare how they look")
    return Thumbnails(np.asarray(kept, np.int64), pictures, failed)


def _thumbnails(media: Sequence[Media]) -> Generator[tuple[int, Pixels | UnreadableMedium], None, None]:
    read = image_reader(at_least=_READ_AT_LEAST)
    return prepare_in_threads(media, read, _thumbnail, _BATCHES_AHEAD * _BATCH)


def _thumbnail(pixels: Pixels) -> Pixels:
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    shrinks = min(gray.shape) >= SIZE
    return np.asarray(cv2.resize(gray, (SIZE, SIZE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
