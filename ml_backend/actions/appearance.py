"""What the images behind items look like, read from their files."""

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone.core.media as fom
import numpy as np

from ..analysis.appearance import Appearance
from ..embedding.base import Media
from ..embedding.thumbnails import SIZE, read_thumbnails
from ..progress import Progress
from ..store.media import UnusableItem
from ..wording import agree, count


@dataclass(frozen=True)
class ReadAppearance:
    """The appearance of all items, and how many images could not be read; these have none."""

    appearance: Appearance
    unreadable: int

    def sentence(self) -> str:
        """What could not be compared, after a space; empty if everything could."""
        if not self.unreadable:
            return ""
        verb = agree(self.unreadable, "was")
        return f" {count(self.unreadable, 'image')} could not be read and {verb} compared by embedding only."


def read_appearance(media: Sequence[Media | UnusableItem], *, progress: Progress | None = None) -> ReadAppearance:
    """Read the images among media; videos and other media have no appearance."""
    n = len(media)
    images = [
        (row, medium)
        for row, medium in enumerate(media)
        if isinstance(medium, Media) and medium.text is None and fom.get_media_type(medium.path) == fom.IMAGE
    ]
    thumbnails = read_thumbnails([medium for _, medium in images], progress=progress)
    rows = np.asarray([row for row, _ in images], np.int64)[thumbnails.kept]
    known = np.zeros(n, bool)
    known[rows] = True
    if len(images) == n:  # 4 GB for a million images: avoid a copy
        return ReadAppearance(Appearance(known, thumbnails.pictures), len(thumbnails.failed))
    pictures = np.zeros((n, SIZE, SIZE), np.uint8)
    pictures[rows] = thumbnails.pictures[thumbnails.kept]
    return ReadAppearance(Appearance(known, pictures), len(thumbnails.failed))
