"""Search in large embeddings by the approximate index of their backend: a million vectors need not be read."""

from dataclasses import asdict, dataclass

import fiftyone as fo
import numpy as np

from ..analysis.search import nearest_in_batches, unit_vectors
from ..progress import Progress, no_progress
from .embeddings import EmbeddingsRun, check_embeddings, locate, vector_table
from .items import Items, as_ids
from .records import open_store
from .search_tables import check_found
from .vector_table import VectorTable
from .vector_writes import recorded_write

EXACT_UP_TO = 100_000  # vectors; larger tables are searched by the index, if there is one
TARGET_RECALL = 0.98
_STORE = "labelscape.search_indexes"
PER_PARTITION = 1000
_SAMPLED = 20  # searches compared with their exact results
_RANK = 50  # results over which recall is measured
_BACKGROUND = 2048  # ids of a random sample that queries are compared with


@dataclass(frozen=True)
class IndexQuality:
    """How an index is searched: with which effort, and the resulting recall@50, measured on sampled searches.

    ``made`` tells the table that it was built of from a later one of the same name; ``size`` is the number of vectors
    then, and ``background`` the ids of a random sample of them.
    """

    effort: int
    recall: float
    made: str
    size: int
    background: tuple[str, ...]


@dataclass(frozen=True)
class LargeTable:
    """An indexed table: vectors are read by id, and results come from the index."""

    key: str
    run: EmbeddingsRun
    table: VectorTable
    quality: IndexQuality

    def __len__(self) -> int:
        return self.table.size()

    def vectors_of(self, ids: list[str], *, role: str) -> np.ndarray:
        """Unit vectors (m, d) of items, in their order.

        Raises:
            Refusal: some have no embedding.
        """
        batch = self.table.fetch(as_ids(ids))
        rows = locate(as_ids(ids), batch.ids)
        check_found(rows, self.key, role=role)
        vectors: np.ndarray = unit_vectors(batch.vectors)[rows]
        return vectors

    def background(self, count: int) -> np.ndarray:
        """Unit vectors (m, d) of some items, the same at each call."""
        return unit_vectors(self.table.fetch(as_ids(self.quality.background[:count])).vectors)

    def nearest(self, weights: np.ndarray, count: int) -> tuple[Items, np.ndarray]:
        """About the ``count`` items with the highest products, and their unit vectors, for the caller to rank."""
        hits = self.table.nearest(weights, count, self.quality.effort)
        items = Items(hits.ids, hits.sample_ids, self.run.patches_field, self.run.parts)
        return items, unit_vectors(hits.vectors)


def open_large_table(dataset: fo.Dataset, key: str) -> LargeTable | None:
    """The embeddings ``key`` by their index; None if they are few, not indexed yet, or in a backend without one."""
    table = vector_table(dataset, key)
    if not table.efforts or table.size() <= EXACT_UP_TO:
        return None
    record = open_store(dataset, _STORE).get(key)
    if record is None or record.get("made") != _made(dataset, key) or "effort" not in record or not table.has_index():
        return None
    return LargeTable(key, check_embeddings(dataset, key), table, IndexQuality(**record))


def index_large_table(dataset: fo.Dataset, key: str, *, progress: Progress = no_progress) -> IndexQuality | None:
    """Build the index of large embeddings, unless it exists, and measure its recall; None if none is needed.

    It is searched with the least effort that finds 98% of the 50 nearest of sampled searches; where none does, with
    the most. Reads every vector once, some thousands at a time.
    """
    table = vector_table(dataset, key)
    if not table.efforts or table.size() <= EXACT_UP_TO:
        return None
    known = open_large_table(dataset, key)
    if known is not None:
        return known.quality
    progress(0.0, f"Indexing {table.size():,} vectors")
    with recorded_write(dataset, key, table):
        table.build_index(PER_PARTITION)
    progress(0.8, "Measuring the recall of the index")
    quality = _measured(table, _made(dataset, key))
    open_store(dataset, _STORE).set(key, asdict(quality))
    return quality


def _measured(table: VectorTable, made: str) -> IndexQuality:
    ids = np.random.default_rng(1).permutation(np.sort(table.ids()))
    sampled = table.fetch(ids[:_SAMPLED])
    queries = unit_vectors(sampled.vectors)
    exact = nearest_in_batches(queries, ((batch.ids, batch.vectors) for batch in table.batches()), _RANK)
    recall, effort = 0.0, 0
    for effort in table.efforts:
        measured = [
            np.isin(truth, table.nearest(query, _RANK, effort).ids) for query, truth in zip(queries, exact, strict=True)
        ]
        recall = float(np.mean(measured))
        if recall >= TARGET_RECALL:
            break
    return IndexQuality(effort, recall, made, len(ids), tuple(ids[:_BACKGROUND].tolist()))


def _made(dataset: fo.Dataset, key: str) -> str:
    return f"{dataset.get_brain_info(key).timestamp.isoformat()} {vector_table(dataset, key).name}"
