"""What a model learns from a dataset without labels: what it learns from, and files of plain arrays, no pickles."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..errors import Refusal

T = TypeVar("T")
Arrays = Mapping[str, NDArray[np.generic]]


def draw(media: Sequence[T], most: int) -> list[T]:
    """At most ``most`` media, drawn at random with a fixed seed, in their order."""
    if len(media) <= most:
        return list(media)
    rows = np.sort(np.random.default_rng(0).choice(len(media), most, replace=False))
    return [media[row] for row in rows.tolist()]


def save_arrays(arrays: Arrays, path: str | Path) -> None:
    """Write arrays to an .npz file, atomically."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.stem}.{os.getpid()}.npz")
    np.savez(scratch, **dict(arrays))  # type: ignore[arg-type]
    scratch.replace(file)


def load_arrays(path: str | Path, names: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """Read the arrays of these names.

    Raises:
        Refusal: no such file, or another kind of file.
    """
    if not Path(path).is_file():
        raise Refusal(
            f"The file '{path}', which these embeddings were fitted with, no longer exists: compute embeddings "
            "under a new name."
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except (KeyError, ValueError, OSError, EOFError, BadZipFile) as error:
        raise Refusal(
            f"'{path}' cannot be read ({error}): it is not what these embeddings were fitted with. Compute embeddings "
            "under a new name."
        ) from error
