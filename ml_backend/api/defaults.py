"""Defaults for what a call leaves out."""

from collections.abc import Iterator
from contextlib import contextmanager

import fiftyone as fo

from ..errors import Refusal
from ..progress import Progress, no_progress
from ..store.embeddings import list_embeddings
from ..store.labels import default_label_field


def default_embeddings(dataset: fo.Dataset, name: str | None) -> str:
    """The key of the embeddings that were named, else of the newest.

    Raises:
        Refusal: the dataset has none.
    """
    keys = list_embeddings(dataset)
    if name is None and not keys:
        raise Refusal("This dataset has no embeddings yet: make some with labelscape.embed(dataset).")
    return name or keys[-1]


def default_field(dataset: fo.Dataset, name: str | None, patches_field: str | None) -> str:
    """The label field that was named, else the one that the menu offers first."""
    return default_label_field(dataset, patches_field).name if name is None else name


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
