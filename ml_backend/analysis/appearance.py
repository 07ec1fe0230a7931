"""Which samples look the same by their perceptual hashes, where hashes can tell look-alikes apart at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1024  # pairs compared at once, with all crops of both
_BITS_OF_A_COPY = (
    2  # hashes of copies differ in so many bits at most; at 4, a fifth of the matches among forms were wrong
)
_BITS_OF_OTHERS = 10  # typical neighbors must differ in so many bits for the hash to tell a copy from a look-alike
_ONES = np.asarray([value.bit_count() for value in range(1 << 16)], np.uint8)  # numpy 1.26 counts no bits


@dataclass(frozen=True)
class Appearance:
    """Perceptual hashes of n samples.

    Attributes:
        known: (n,) bool, whether the sample has hashes; those of the others are never compared.
        whole: (n,) uint64, of the whole image.
        mirrored: (n,) uint64, of the image mirrored left to right.
        crops: (n, w) uint64, of the image with parts of its sides cut off, and of the whole.
    """

    known: NDArray[np.bool_]
    whole: NDArray[np.uint64]
    mirrored: NDArray[np.uint64]
    crops: NDArray[np.uint64]

    def bits_apart(self, rows: NDArray[np.integer], others: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Bits (m,) in which the hashes of pairs of samples differ; 64 where one of them has no hash.

        It is the least over the whole of one against each crop of the other, and against its mirror image.
        """
        result = np.full(len(rows), 64, np.uint8)
        comparable = np.flatnonzero(self.known[rows] & self.known[others])
        for start in range(0, len(comparable), _CHUNK):
            some = comparable[start : start + _CHUNK]
            one, other = rows[some], others[some]
            apart = np.concatenate(
                (
                    _differing(self.whole[one, None], self.crops[other]),
                    _differing(self.whole[other, None], self.crops[one]),
                    _differing(self.mirrored[one, None], self.whole[other, None]),
                ),
                axis=1,
            )
            result[some] = apart.min(axis=1)
        return result


@dataclass(frozen=True)
class LookAlikes:
    """Judges pairs by their appearance, only where the hash tells a sample from its typical neighbors.

    Frames of a fixed camera or forms with few entries differ too little for 64 bits: there a small difference is no
    evidence of a copy, and `same` is False.
    """

    appearance: Appearance
    telling: NDArray[np.bool_]  # (n,) whether at least half of the sample's neighbors differ in enough bits

    @staticmethod
    def among(
        appearance: Appearance, rows: NDArray[np.integer], neighbors: NDArray[np.integer]
    ) -> tuple[LookAlikes, NDArray[np.bool_]]:
        """Make the judge of the samples ``rows`` (m,), from their neighbors (m, k).

        Returns:
            The judge, and whether each neighbor looks the same, (m, k). A sample is no neighbor of itself.
        """
        one, other = np.repeat(rows, neighbors.shape[1]), neighbors.ravel()
        comparable = (one != other) & appearance.known[one] & appearance.known[other]
        distances = np.full(len(one), 64, np.uint8)
        distances[comparable] = appearance.bits_apart(one[comparable], other[comparable])
        bits, known = distances.reshape(neighbors.shape), comparable.reshape(neighbors.shape)
        different = (known & (bits >= _BITS_OF_OTHERS)).sum(axis=1)
        telling = np.zeros(len(appearance.known), bool)
        telling[rows] = (different > 0) & (2 * different >= known.sum(axis=1))
        same = known & (bits <= _BITS_OF_A_COPY) & telling[rows, None] & telling[neighbors]
        return LookAlikes(appearance, telling), same

    def same(self, rows: NDArray[np.integer], others: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether the pairs of samples (m,) look the same, (m,)."""
        result = self.telling[rows] & self.telling[others]
        asked = np.flatnonzero(result)
        result[asked] = self.appearance.bits_apart(rows[asked], others[asked]) <= _BITS_OF_A_COPY
        return np.asarray(result)


def _differing(hashes: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.uint8]:
    different = np.ascontiguousarray(hashes ^ others)
    words = different.view(np.uint16).reshape(*different.shape, 4)
    return np.asarray(_ONES[words].sum(axis=-1, dtype=np.uint8))
