"""Embeddings of a dataset: a FiftyOne similarity run, its vectors, and which media they were made of."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fiftyone.core.odm.database import get_db_conn
from pymongo import DeleteMany, ReplaceOne

from .items import Items, check_patches_field, list_items, plural
from .settings import DEFAULT_BACKEND, adopt_lancedb_uri, persist_lancedb_uri
from .vector_table import VectorTable, open_table

_FINGERPRINTS = "labelscape.embedded"  # MongoDB collection: which medium each vector was made of
_WRITE_AT_ONCE = 10_000


@dataclass(frozen=True)
class Provenance:
    """How embeddings were made: the embedding model's name and the options that change its vectors."""

    model: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Embeddings:
    """The vectors (n, d) float32 of ``items``, row by row."""

    key: str
    items: Items
    vectors: np.ndarray
    provenance: Provenance


@dataclass(frozen=True)
class EmbeddingsStatus:
    """How well embeddings cover a view: ``missing`` items have no vector, ``orphaned`` vectors no sample."""

    key: str
    total: int
    missing: int
    orphaned: int
    noun: str

    @property
    def complete(self) -> bool:
        """Whether there is nothing to update."""
        return not self.missing and not self.orphaned

    def sentence(self) -> str:
        """What a user should know, with the mend."""
        parts = []
        if self.missing:
            verb = "has" if self.missing == 1 else "have"
            parts.append(f"{self.missing:,} of {self.total:,} {plural(self.noun)} {verb} no embedding")
        if self.orphaned:
            parts.append(f"{self.orphaned:,} vectors belong to no {self.noun} any more")
        if not parts:
            return f"All {self.total:,} {plural(self.noun)} have an embedding in '{self.key}'."
        return f"{' and '.join(parts)}: run “Compute embeddings” on '{self.key}' to mend."


def list_embeddings(dataset: fo.Dataset) -> list[str]:
    """Keys of the similarity runs of a dataset, Labelscape's or not, of samples or of patches."""
    keys: list[str] = dataset.list_brain_runs(type="similarity")
    return keys


def create_embeddings(
    samples: fo.core.collections.SampleCollection,
    key: str,
    provenance: Provenance,
    *,
    patches_field: str | None = None,
    backend: str = DEFAULT_BACKEND,
    metric: str = "cosine",
) -> None:
    """Register an empty similarity run.

    Raises:
        ValueError: the key is taken or no valid name, the backend or the patches field is unknown.
    """
    dataset = samples._root_dataset
    check_new_key(dataset, key)
    known = fob.brain_config.similarity_backends
    if backend not in known:
        raise ValueError(f"'{backend}' is no similarity backend; choose one of: {', '.join(sorted(known))}")
    if patches_field is not None:
        check_patches_field(samples, patches_field)
    if backend == "lancedb":
        persist_lancedb_uri()
    fob.compute_similarity(
        dataset,
        embeddings=False,
        brain_key=key,
        backend=backend,
        patches_field=patches_field,
        metric=metric,
        labelscape={"model": provenance.model, "options": provenance.options},
    )


def check_new_key(dataset: fo.Dataset, key: str) -> None:
    """Raise a ValueError unless ``key`` can name a new run of this dataset."""
    if not key.isidentifier():
        raise ValueError(f"'{key}' cannot be a key: use letters, digits and _, not starting with a digit")
    if dataset.has_brain_run(key):
        raise ValueError(f"'{key}' already names a run of this dataset: choose another key or delete it")


def free_key(dataset: fo.Dataset, stem: str) -> str:
    """A key that no run of this dataset has yet: the stem, or the stem with a number."""
    taken = set(dataset.list_brain_runs())
    numbered = (f"{stem}_{number}" for number in range(2, len(taken) + 3))
    return next(key for key in (stem, *numbered) if key not in taken)


def check_embeddings(dataset: fo.Dataset, key: str) -> Any:
    """The config of the embeddings ``key``; a ValueError that lists those there are if it names none."""
    runs = list_embeddings(dataset)
    if key not in runs:
        listing = ", ".join(runs) or "none yet: run “Compute embeddings” first"
        raise ValueError(f"'{key}' names no embeddings of this dataset; there are: {listing}")
    return dataset.get_brain_info(key).config


def provenance_of(dataset: fo.Dataset, key: str) -> Provenance:
    """How the embeddings ``key`` were made; a run that is not Labelscape's names the model FiftyOne knows."""
    config = check_embeddings(dataset, key)
    ours = getattr(config, "labelscape", None)
    if ours is None:
        return Provenance(model=config.model or "unknown", options={})
    return Provenance(**plain(ours))


def vector_table(dataset: fo.Dataset, key: str) -> VectorTable:
    """The table of vectors behind the embeddings ``key``."""
    config = check_embeddings(dataset, key)
    if config.method == "lancedb":
        adopt_lancedb_uri()
    return open_table(dataset.load_brain_results(key))


def load_embeddings(samples: fo.core.collections.SampleCollection, key: str) -> Embeddings:
    """The vectors of a view, in its order; items without a vector are left out.

    Raises:
        ValueError: no such embeddings, or none of the view's items has a vector.
    """
    dataset = samples._root_dataset
    config = check_embeddings(dataset, key)
    items = list_items(samples, config.patches_field)
    ids, vectors = vector_table(dataset, key).read()
    rows = locate(items.ids, ids)
    kept = rows >= 0
    if not kept.any():
        raise ValueError(f"No {items.noun} here has an embedding in '{key}': run “Compute embeddings” on them.")
    found = Items(items.ids[kept], items.sample_ids[kept], items.patches_field)
    in_order = len(rows) == len(ids) and np.array_equal(rows, np.arange(len(ids)))
    return Embeddings(key, found, vectors if in_order else vectors[rows[kept]], provenance_of(dataset, key))


def embeddings_status(samples: fo.core.collections.SampleCollection, key: str) -> EmbeddingsStatus:
    """Count the items of a view without a vector, and the vectors without an item in the whole dataset."""
    dataset = samples._root_dataset
    config = check_embeddings(dataset, key)
    items = list_items(samples, config.patches_field)
    ids = vector_table(dataset, key).ids()
    everything = items if samples is dataset else list_items(dataset, config.patches_field)
    return EmbeddingsStatus(
        key=key,
        total=len(items),
        missing=int((locate(items.ids, ids) < 0).sum()),
        orphaned=int((locate(ids, everything.ids) < 0).sum()),
        noun=items.noun,
    )


def delete_embeddings(dataset: fo.Dataset, key: str) -> None:
    """Delete a similarity run, its vectors and what is remembered of them."""
    vector_table(dataset, key)  # an index that is not open yet would leave its vectors behind
    dataset.delete_brain_run(key)
    forget_fingerprints(dataset, key)


def read_fingerprints(dataset: fo.Dataset, key: str) -> dict[str, str]:
    """Item id → fingerprint of the medium that its vector was made of."""
    owner = {"dataset": dataset._doc.id, "key": key}
    records = _fingerprint_collection().find(owner, {"item": 1, "fingerprint": 1})
    return {record["item"]: record["fingerprint"] for record in records}


def write_fingerprints(dataset: fo.Dataset, key: str, ids: Sequence[str], marks: Sequence[str]) -> None:
    """Remember of which medium the vectors of these items were made."""
    collection = _fingerprint_collection()
    owner = {"dataset": dataset._doc.id, "key": key}
    writes = [
        ReplaceOne({**owner, "item": item}, {**owner, "item": item, "fingerprint": mark}, upsert=True)
        for item, mark in zip(ids, marks, strict=True)
    ]
    for start in range(0, len(writes), _WRITE_AT_ONCE):
        collection.bulk_write(writes[start : start + _WRITE_AT_ONCE], ordered=False)


def forget_fingerprints(dataset: fo.Dataset, key: str, ids: Sequence[str] | None = None) -> None:
    """Forget the media of these items, or of all items of the embeddings."""
    owner: dict[str, Any] = {"dataset": dataset._doc.id, "key": key}
    if ids is not None:
        owner["item"] = {"$in": list(ids)}
    _fingerprint_collection().bulk_write([DeleteMany(owner)])


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a run's config as ordinary dictionaries and lists; FiftyOne gives it bound to its document."""
    copy: dict[str, Any] = json.loads(json.dumps(record))
    return copy


def locate(wanted: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Row of each wanted id in ``ids``; -1 where it is not there. Shape of ``wanted``, int64."""
    rows = pc.index_in(pa.array(wanted.tolist(), pa.string()), value_set=pa.array(ids.tolist(), pa.string()))
    found: np.ndarray = rows.fill_null(-1).to_numpy().astype(np.int64)
    return found


@lru_cache(maxsize=1)
def _indexed(database: str) -> bool:
    get_db_conn()[_FINGERPRINTS].create_index([("dataset", 1), ("key", 1), ("item", 1)], unique=True)
    return True


def _fingerprint_collection() -> Any:
    connection = get_db_conn()
    _indexed(connection.name)
    return connection[_FINGERPRINTS]
