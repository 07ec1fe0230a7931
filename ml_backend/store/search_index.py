"""Search in large LanceDB tables by an approximate index, re-ranked exactly: a million vectors need not be read."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import fiftyone as fo
import numpy as np
import pyarrow as pa

from ..analysis.search import unit_vectors
from ..progress import Progress, no_progress
from .embeddings import EmbeddingsRun, check_embeddings, locate, vector_table
from .items import Items, as_ids
from .records import open_store
from .search_tables import check_found

EXACT_UP_TO = 100_000  # vectors; larger tables are searched by the index, if there is one
TARGET_RECALL = 0.98
_STORE = "labelscape.search_indexes"
_PER_PARTITION = 1000
_PROBES = (8, 16, 32, 64, 128, 256)
_REFINE = 4  # candidates re-ranked exactly for each result
_SAMPLED = 20  # searches compared with their exact results
_RANK = 50  # results over which recall is measured
_BUILD_SECONDS = 3600


@dataclass(frozen=True)
class IndexQuality:
    """How an index is searched: partitions probed, and the resulting recall@50, measured on sampled searches.

    ``made`` tells the table that it was built of from a later one of the same name.
    """

    probes: int
    recall: float
    made: str


@dataclass(frozen=True)
class LargeTable:
    """An indexed table: vectors are read by id, and results come from the index."""

    key: str
    run: EmbeddingsRun
    table: Any
    quality: IndexQuality

    def __len__(self) -> int:
        return int(self.table.count_rows())

    def vectors_of(self, ids: list[str], *, role: str) -> np.ndarray:
        """Unit vectors (m, d) of items, in their order.

        Raises:
            Refusal: some have no embedding.
        """
        quoted = ", ".join(f"'{one}'" for one in as_ids(ids).tolist())
        found = self.table.search().where(f"id IN ({quoted})").select(["id", "vector"]).limit(len(ids)).to_arrow()
        rows = locate(as_ids(ids), as_ids(found["id"].to_pylist()))
        check_found(rows, self.key, role=role)
        vectors: np.ndarray = unit_vectors(_matrix(found))[rows]
        return vectors

    def background(self, count: int) -> np.ndarray:
        """Unit vectors (m, d) of some items, the same at each call."""
        rows = np.random.default_rng(0).permutation(len(self))[:count]
        return unit_vectors(_matrix(self.table.take_offsets(np.sort(rows).tolist()).select(["vector"]).to_arrow()))

    def nearest(self, weights: np.ndarray, count: int) -> tuple[Items, np.ndarray]:
        """About the ``count`` items with the highest products, and their unit vectors, for the caller to rank."""
        found = _search(self.table, weights, count, self.quality.probes, ["id", "sample_id", "vector"])
        ids, sample_ids = (as_ids(found[name].to_pylist()) for name in ("id", "sample_id"))
        return Items(ids, sample_ids, self.run.patches_field, self.run.parts), unit_vectors(_matrix(found))


def open_large_table(dataset: fo.Dataset, key: str) -> LargeTable | None:
    """The embeddings ``key`` by their index; None if they are few, in another backend, or not indexed yet."""
    table = _lance_table(dataset, key)
    if table is None or table.count_rows() <= EXACT_UP_TO:
        return None
    record = open_store(dataset, _STORE).get(key)
    if record is None or record["made"] != _made(dataset, key) or not table.list_indices():
        return None
    return LargeTable(key, check_embeddings(dataset, key), table, IndexQuality(**record))


def index_large_table(dataset: fo.Dataset, key: str, *, progress: Progress = no_progress) -> IndexQuality | None:
    """Build the index of large embeddings, unless it exists, and measure its recall; None if none is needed.

    An inverted file with scalar quantization (IVF_SQ), of which four candidates for each result are re-ranked by their
    full vectors. The partitions looked at are the fewest that find 98% of the 50 nearest of sampled searches.
    """
    table = _lance_table(dataset, key)
    if table is None or table.count_rows() <= EXACT_UP_TO:
        return None
    known = open_large_table(dataset, key)
    if known is not None:
        return known.quality
    progress(0.0, f"Indexing {table.count_rows():,} vectors")
    table.create_index(
        metric="cosine",
        vector_column_name="vector",
        index_type="IVF_SQ",
        num_partitions=max(table.count_rows() // _PER_PARTITION, 1),
        replace=True,
        wait_timeout=timedelta(seconds=_BUILD_SECONDS),
    )
    progress(0.8, "Measuring the recall of the index")
    quality = _measured(table, _made(dataset, key))
    open_store(dataset, _STORE).set(key, asdict(quality))
    return quality


def _measured(table: Any, made: str) -> IndexQuality:
    rows = np.random.default_rng(1).permutation(table.count_rows())[:_SAMPLED]
    queries = _matrix(table.take_offsets(np.sort(rows).tolist()).select(["vector"]).to_arrow())
    exact = [_ids(table.search(query).distance_type("cosine").bypass_vector_index().limit(_RANK)) for query in queries]
    recall = 0.0
    for probes in _PROBES:
        found = [set(_search(table, query, _RANK, probes, ["id"])["id"].to_pylist()) for query in queries]
        recall = float(np.mean([len(near & truth) / len(truth) for near, truth in zip(found, exact, strict=True)]))
        if recall >= TARGET_RECALL:
            break
    return IndexQuality(probes, recall, made)


def _search(table: Any, query: np.ndarray, count: int, probes: int, columns: list[str]) -> pa.Table:
    search = table.search(query).distance_type("cosine").nprobes(probes).refine_factor(_REFINE)
    return search.select([*columns, "_distance"]).limit(count).to_arrow()  # unnamed, LanceDB (0.40) warns of it


def _ids(search: Any) -> set[str]:
    return set(search.select(["id", "_distance"]).to_arrow()["id"].to_pylist())


def _matrix(table: pa.Table) -> np.ndarray:
    column = table["vector"].combine_chunks()
    dim = table.schema.field("vector").type.list_size
    matrix: np.ndarray = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)
    return matrix


def _lance_table(dataset: fo.Dataset, key: str) -> Any:
    """The current LanceDB table behind embeddings; None for other backends and if nothing is embedded."""
    if check_embeddings(dataset, key).method != "lancedb":
        return None
    vector_table(dataset, key)  # opens it in our folder, and sees what other processes wrote
    return dataset.load_brain_results(key, load_view=False).table


def _made(dataset: fo.Dataset, key: str) -> str:
    return f"{dataset.get_brain_info(key).timestamp.isoformat()} {dataset.load_brain_results(key).config.table_name}"
