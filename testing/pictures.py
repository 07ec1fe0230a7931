"""Images for tests of embedding models."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np


def write_smooth_images(
    folder: Path, sizes: Sequence[tuple[int, int]], grain: tuple[int, int, int] = (6, 8, 3)
) -> list[str]:
    """Write one image of random smooth colors for each size (width, height), always the same; return their paths.

    ``grain`` is the shape of the random pixels that are enlarged.
    """
    random = np.random.default_rng(0)
    paths = [str(folder / f"{number}.png") for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        small = random.integers(0, 255, grain, dtype=np.uint8)
        cv2.imwrite(path, cv2.resize(small, size, interpolation=cv2.INTER_CUBIC))
    return paths
