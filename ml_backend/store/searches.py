"""The last search of a dataset: its query and results, so that it can be refined or cleared."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import fiftyone as fo

from .items import Items, as_ids
from .records import open_store, restored_on_failure

SCORE_FIELD = "search_score"
_STORE = "labelscape.searches"
_LAST = "last"


@dataclass(frozen=True)
class Query:
    """A query: search for items like the positives and the text, and unlike the negatives.

    Attributes:
        embeddings: key of the embeddings that are compared.
        positives: ids of samples, or of objects where the embeddings are of patches.
        negatives: ids of what is not meant.
        text: searched for by models with a text tower; "" for none.
        image_vector: the unit vector of an uploaded image; () for none.
        image_name: the name of its file, to show.
    """

    embeddings: str
    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    text: str = ""
    image_vector: tuple[float, ...] = ()
    image_name: str = ""


@dataclass(frozen=True)
class LastSearch:
    """A search with its results, and the threshold that was used or reached.

    The results are items, taken apart for the record; see `Items`.
    """

    query: Query
    ids: tuple[str, ...]
    sample_ids: tuple[str, ...]
    patches_field: str | None
    parts: str | None
    threshold: float

    @property
    def items(self) -> Items:
        """The results, best first."""
        return Items(as_ids(self.ids), as_ids(self.sample_ids), self.patches_field, self.parts)


@contextmanager
def saved_search(dataset: fo.Dataset, search: LastSearch) -> Iterator[None]:
    """Store a search as the last one, unless the block, which writes its scores, fails."""
    with restored_on_failure(dataset, {_STORE: [_LAST]}):
        open_store(dataset, _STORE).set(_LAST, asdict(search))
        yield


def last_search(dataset: fo.Dataset) -> LastSearch | None:
    """The last search of this dataset; None if there was none."""
    record = open_store(dataset, _STORE).get(_LAST)
    if record is None:
        return None
    return LastSearch(
        query=query_of_record(record["query"]),
        ids=tuple(record["ids"]),
        sample_ids=tuple(record["sample_ids"]),
        patches_field=record["patches_field"],
        parts=record["parts"],
        threshold=record["threshold"],
    )


def query_of_record(record: Mapping[str, Any]) -> Query:
    """A query from its record."""
    lists = ("positives", "negatives", "image_vector")
    values: dict[str, Any] = {name: tuple(value) if name in lists else value for name, value in record.items()}
    return Query(**values)
