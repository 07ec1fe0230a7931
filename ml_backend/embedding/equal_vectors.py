"""Detect a model that gives many different files the same vector, because it does not see their content."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .base import Media

MANY = 5  # different contents with the same vector; two or three may be blank pages
_FILES_READ = 200  # of the largest group, to tell different contents from copies of one


@dataclass(frozen=True)
class EqualVectors:
    """At least ``count`` media of different content have the same vector; ``examples`` names two of them."""

    count: int
    examples: tuple[str, str]


class VectorTally:
    """Stores a hash of every vector of a run, batch by batch."""

    def __init__(self) -> None:
        self._media: list[Media] = []
        self._hashes: list[NDArray[np.uint64]] = []
        self._factors = np.zeros(0, np.uint64)

    def add(self, media: Sequence[Media], vectors: NDArray[np.float32]) -> None:
        """Count the vectors (n, d) of these media."""
        if len(self._factors) != vectors.shape[1]:
            rng = np.random.default_rng(0)
            self._factors = rng.integers(1, 2**63, vectors.shape[1], np.uint64) * np.uint64(2) + np.uint64(1)
        # Adding 0 turns -0.0 into 0.0, which has other bits and is the same number.
        bits = np.ascontiguousarray(vectors + np.float32(0)).view(np.uint32).astype(np.uint64)
        self._hashes.append((bits * self._factors).sum(axis=1, dtype=np.uint64))
        self._media += media

    def equal_vectors(self) -> EqualVectors | None:
        """The largest group of media of different content with the same vector; None if smaller than `MANY`."""
        if not self._media:
            return None
        _, group_of, sizes = np.unique(np.concatenate(self._hashes), return_inverse=True, return_counts=True)
        if sizes.max() < MANY:
            return None
        group = [self._media[row] for row in np.flatnonzero(group_of == sizes.argmax())[:_FILES_READ]]
        different = {_content(medium): medium for medium in reversed(group)}
        if len(different) < MANY:
            return None
        first, second, *_ = (medium.title for medium in reversed(different.values()))
        return EqualVectors(len(different), (first, second))


def _content(medium: Media) -> bytes:
    part = medium.box if medium.span is None else (medium.box, medium.span)
    digest = hashlib.blake2b(repr(part).encode(), digest_size=16)
    if medium.text is not None:
        digest.update(medium.text.encode(errors="surrogatepass"))
        return digest.digest()
    try:
        with Path(medium.path).open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError:
        return b"gone since"
    return digest.digest()
