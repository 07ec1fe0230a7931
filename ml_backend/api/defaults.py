"""Defaults for what a call leaves out."""

from collections.abc import Iterator
from contextlib import contextmanager

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from ..errors import Refusal
from ..progress import Progress, no_progress
from ..store.embeddings import list_embeddings
from ..store.items import is_parts, shown_field
from ..store.labels import default_label_field, field_of_parts


def default_embeddings(dataset: fo.Dataset, name: str | None) -> str:
    """The key of the embeddings that were named, else of the newest.

    Raises:
        Refusal: the dataset has none.
    """
    keys = list_embeddings(dataset)
    if name is None and not keys:
        raise Refusal("This dataset has no embeddings yet: compute some with labelscape.embed(dataset).")
    return name or keys[-1]


def default_items(samples: SampleCollection, patches_field: str | None) -> str | None:
    """The field of patches that was named, else what the view shows; "frames" for frames, None for whole samples."""
    return shown_field(samples) if patches_field is None else patches_field


def default_field(dataset: fo.Dataset, name: str | None, patches_field: str | None) -> str:
    """The label field that was named, else the menu's first choice; for frames and clips, by the name it has there."""
    if name is None:
        return default_label_field(dataset, patches_field).name
    return field_of_parts(name, patches_field) if is_parts(dataset, patches_field) else name


@contextmanager
def bar(shown: bool, title: str) -> Iterator[Progress]:
    """A progress bar for scripts and notebooks, or none."""
    if not shown:
        yield no_progress
        return
    from tqdm.auto import tqdm

    with tqdm(total=100, desc=title, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}") as drawn:

        def report(fraction: float, message: str, /) -> None:
            drawn.update(round(100 * fraction) - drawn.n)

        yield report
        drawn.update(100 - drawn.n)
