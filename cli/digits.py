"""Scikit-learn's 1,797 handwritten digits as image files: real input that needs no download."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..ml_backend.errors import Refusal

# 8 x 8 pixels are hard to see in a grid of thumbnails; each pixel is repeated, so nothing is interpolated.
SCALE = 8


def write_digits(folder: Path, *, count: int = 1797) -> tuple[list[Path], NDArray[np.int64]]:
    """Write the first ``count`` digits as gray 64 x 64 PNG files and return their paths and true digits.

    Existing files are kept: they cannot differ.

    Args:
        folder: where the files go; created if it is missing
        count: how many to write, 1 to 1797

    Returns:
        paths: ``digit-0000.png`` … in the order of the data set
        digits: (count,) int64, the digit each image shows, 0 to 9

    Raises:
        Refusal: ``count`` is not in 1 to 1797
    """
    import cv2
    from sklearn.datasets import load_digits

    data = load_digits()
    if not 1 <= count <= len(data.images):
        raise Refusal(f"count is {count}, but there are {len(data.images)} digits: choose 1 to {len(data.images)}")
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"digit-{index:04d}.png" for index in range(count)]
    for path, image in zip(paths, data.images[:count], strict=True):
        if not path.exists():
            pixels = np.kron(image * (255 / 16), np.ones((SCALE, SCALE)))
            scratch = path.with_name(f".{path.name}")
            cv2.imwrite(str(scratch), pixels.round().astype(np.uint8))
            scratch.replace(path)
    return paths, data.target[:count].astype(np.int64)
