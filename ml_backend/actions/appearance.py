"""The perceptual hashes of the images behind items, read from their files."""

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone.core.media as fom
import numpy as np

from ..analysis.appearance import Appearance
from ..embedding.base import Media
from ..embedding.perceptual_hash import hash_images
from ..progress import Progress
from ..store.media import UnusableItem
from ..wording import agree, count


@dataclass(frozen=True)
class Looks:
    """The appearance of all items, and how many images could not be read; these have no hash."""

    appearance: Appearance
    unreadable: int

    def sentence(self) -> str:
        """What could not be compared, after a space; nothing where everything could."""
        if not self.unreadable:
            return ""
        verb = agree(self.unreadable, "was")
        return f" {count(self.unreadable, 'image')} could not be read and {verb} compared by the embeddings alone."


def read_appearance(media: Sequence[Media | UnusableItem], *, progress: Progress | None = None) -> Looks:
    """Read the images among media and hash them; videos and other media have no appearance."""
    n = len(media)
    images = [
        (row, medium)
        for row, medium in enumerate(media)
        if isinstance(medium, Media) and medium.text is None and fom.get_media_type(medium.path) == fom.IMAGE
    ]
    found = hash_images([medium for _, medium in images], progress=progress)
    rows = np.asarray([row for row, _ in images], np.int64)[found.kept]
    known, whole, mirrored = np.zeros(n, bool), np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    crops = np.zeros((n, found.crops.shape[1]), np.uint64)
    known[rows], whole[rows], mirrored[rows], crops[rows] = True, found.whole, found.mirrored, found.crops
    return Looks(Appearance(known, whole, mirrored, crops), len(found.failed))
