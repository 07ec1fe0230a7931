"""Embeddings of a dataset: a FiftyOne similarity run, its vectors, and how they were made."""

import json
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fiftyone.core.collections import SampleCollection

from ..errors import Refusal
from ..wording import agree, count, listing, plural
from .backends import BACKENDS, check_backend, default_backend, no_server, open_table, place_of
from .fingerprints import forget_fingerprints, rename_fingerprints
from .items import (
    FRAMES,
    Items,
    check_patches_field,
    is_parts,
    item_view,
    list_items,
    list_like,
    local_field,
    parts_of,
    root_field,
)
from .settings import adopt_lancedb_uri, check_vector_folder, elsewhere_hint, persist_lancedb_uri
from .table_ownership import (
    drop_abandoned_tables,
    leave_shared_table,
    own_table,
    point_to_table,
    spare_table_name,
    table_name,
)
from .vector_table import DamagedVectors, VectorTable, translate_damage, translate_server_errors
from .vector_writes import forget_writes


@dataclass(frozen=True)
class Provenance:
    """How embeddings were made: the embedding model's name and the options that change its vectors.

    ``predictions`` names the field that the classes which the model predicts in the same pass are written to.
    """

    model: str
    options: dict[str, Any]
    predictions: str | None = None


@dataclass(frozen=True)
class EmbeddingsRun:
    """The properties of a similarity run.

    ``patches_field`` and ``parts`` say what its items are, as in `Items`; ``folder`` is where LanceDB kept its vectors
    when they were made, None if that was not recorded.
    """

    key: str
    method: str
    patches_field: str | None
    parts: str | None
    provenance: Provenance
    folder: str | None

    @property
    def field(self) -> str | None:
        """What the items are, as `Items.field`."""
        return self.patches_field or self.parts


@dataclass(frozen=True)
class Embeddings:
    """The vectors (n, d) float32 of ``items``, row by row."""

    key: str
    items: Items
    vectors: np.ndarray
    provenance: Provenance


@dataclass(frozen=True)
class EmbeddingsStatus:
    """How well embeddings cover a view: ``missing`` items have no vector, ``orphaned`` vectors no sample.

    ``damage`` says why the vectors cannot be read; None if they can.
    """

    key: str
    total: int
    missing: int
    orphaned: int
    noun: str
    damage: str | None = None

    @property
    def complete(self) -> bool:
        """Whether everything is up to date."""
        return not self.missing and not self.orphaned and self.damage is None

    def sentence(self) -> str:
        """The status in words, with the fix."""
        if self.damage is not None:
            return self.damage
        parts = []
        if self.missing:
            verb = agree(self.missing, "has")
            parts.append(f"{self.missing:,} of {count(self.total, self.noun)} {verb} no embedding")
        if self.orphaned:
            verb = "belongs" if self.orphaned == 1 else "belong"
            parts.append(f"{count(self.orphaned, 'vector')} {verb} to {plural(self.noun)} that no longer exist")
        if not parts:
            return f"All {count(self.total, self.noun)} have an embedding in '{self.key}'."
        return f"{listing(parts)}: run “Compute embeddings” on '{self.key}' to update it."


def list_embeddings(dataset: fo.Dataset) -> list[str]:
    """Keys of the similarity runs of a dataset, Labelscape's or not, of samples or of patches."""
    keys: list[str] = dataset.list_brain_runs(type="similarity")
    return keys


def create_embeddings(
    samples: SampleCollection,
    key: str,
    provenance: Provenance,
    *,
    patches_field: str | None = None,
    backend: str | None = None,
    metric: str = "cosine",
) -> None:
    """Register an empty similarity run of the samples, frames, or clips of a view, or of patches in them.

    Raises:
        Refusal: the key is taken or not a valid name, the backend or the patches field is unknown, or the server of the
            backend does not answer.
    """
    dataset = samples._root_dataset
    check_new_key(dataset, key)
    backend = default_backend() if backend is None else check_backend(backend)
    samples, patches_field = _whole_parts(samples, patches_field)
    record: dict[str, Any] = {
        **asdict(provenance),
        "parts": None if patches_field else parts_of(samples),
        "patches_field": patches_field,
    }
    if backend == "lancedb":
        check_vector_folder()
        record["folder"] = persist_lancedb_uri()
    home = _home(samples, patches_field)
    try:
        drop_abandoned_tables(backend)
        index = fob.compute_similarity(
            home,
            embeddings=False,
            brain_key=key,
            backend=backend,
            patches_field=None if patches_field is None else local_field(home, patches_field),
            metric=metric,
            labelscape=record,
            **place_of(backend, table_name(dataset, key, backend)),
        )
        open_table(index)  # also configures the connection of the index that FiftyOne keeps
    except Exception as error:
        delete_unfinished(dataset, key)
        if backend == "lancedb" or backend not in BACKENDS:
            raise
        raise no_server(backend, error) from error


def _whole_parts(samples: SampleCollection, patches_field: str | None) -> tuple[SampleCollection, str | None]:
    """A view of frames or clips and None if ``patches_field`` names these; else the view and the dataset's field."""
    if patches_field is None:
        return samples, None
    if is_parts(samples._root_dataset, patches_field):
        return item_view(samples, list_items(samples, patches_field)), None
    check_patches_field(samples, patches_field)
    return samples, root_field(samples, patches_field)


def check_new_key(dataset: fo.Dataset, key: str) -> None:
    """Raise a Refusal unless ``key`` can name a new run of this dataset."""
    if not key.isidentifier():
        raise Refusal(f"'{key}' cannot be a name: use letters, digits, and _, not starting with a digit")
    if dataset.has_brain_run(key):
        raise Refusal(f"'{key}' already names a run of this dataset: choose another name or delete it")


def free_key(dataset: fo.Dataset, stem: str) -> str:
    """A key that no run of this dataset has yet: the stem, or the stem with a number."""
    taken = set(dataset.list_brain_runs())
    numbered = (f"{stem}_{number}" for number in range(2, len(taken) + 3))
    return next(key for key in (stem, *numbered) if key not in taken)


def check_embeddings(dataset: fo.Dataset, key: str) -> EmbeddingsRun:
    """The properties of the embeddings ``key``.

    Raises:
        Refusal: there are none of this name; the message lists those that exist.
    """
    runs = list_embeddings(dataset)
    if key not in runs:
        names = ", ".join(runs) or "none yet: run “Compute embeddings” first"
        raise Refusal(f"'{key}' does not name embeddings of this dataset; there are: {names}")
    config = dataset.get_brain_info(key).config
    record = getattr(config, "labelscape", None)
    if record is not None:
        ours = plain(record)
        provenance = Provenance(ours["model"], ours["options"], ours.get("predictions"))
        patches_field = ours.get("patches_field") or config.patches_field
        return EmbeddingsRun(key, config.method, patches_field, ours.get("parts"), provenance, ours.get("folder"))
    provenance = Provenance(model=config.model or "unknown", options={})
    of_frames = is_run_of_frames(dataset, key)
    if config.patches_field is not None:
        patches_field = f"{FRAMES}.{config.patches_field}" if of_frames else config.patches_field
        return EmbeddingsRun(key, config.method, patches_field, None, provenance, None)
    return EmbeddingsRun(key, config.method, None, FRAMES if of_frames else None, provenance, None)


def is_run_of_frames(dataset: fo.Dataset, key: str) -> bool:
    """Whether a run was made of a view of frames."""
    return any("fiftyone.core.stages.ToFrames" in stage for stage in dataset._doc.brain_methods[key].view_stages or [])


def provenance_of(dataset: fo.Dataset, key: str) -> Provenance:
    """How the embeddings ``key`` were made; for another tool's run, the model that FiftyOne recorded."""
    return check_embeddings(dataset, key).provenance


def vector_table(dataset: fo.Dataset, key: str) -> VectorTable:
    """The table of vectors behind the embeddings ``key``, to read from.

    Raises:
        DamagedVectors: the backend cannot open it.
    """
    run = check_embeddings(dataset, key)
    translate_errors = partial(translate_damage, key, f"the backend '{run.method}'")
    if run.method == "lancedb":
        translate_errors = partial(translate_damage, key, adopt_lancedb_uri())
        check_vector_folder()
    elif run.method in BACKENDS:
        translate_errors = partial(translate_server_errors, key, run.method, BACKENDS[run.method].address)
    if not _is_finished(dataset, key):
        raise DamagedVectors(
            f"The run that made the embeddings '{key}' did not finish: run “Compute embeddings” with this name again."
        )
    with translate_errors():
        return open_table(dataset.load_brain_results(key, load_view=False))


def table_to_write(dataset: fo.Dataset, key: str) -> VectorTable:
    """The table of vectors behind the embeddings ``key``, which no other dataset shares.

    Raises:
        DamagedVectors: the backend cannot open it.
        Refusal: a clone shares it in a backend that Labelscape cannot copy.
    """
    own_table(dataset, key)
    return vector_table(dataset, key)


def recreate_table(dataset: fo.Dataset, key: str) -> VectorTable:
    """Replace a damaged LanceDB table of embeddings by an empty one; the damaged table stays in the folder.

    Raises:
        DamagedVectors: another backend holds the vectors; what it holds is its own to repair.
    """
    if check_embeddings(dataset, key).method == "lancedb":
        check_vector_folder()
        point_to_table(dataset, key, spare_table_name(dataset))
    table = vector_table(dataset, key)
    forget_fingerprints(dataset, key)
    return table


def load_embeddings(samples: SampleCollection, key: str) -> Embeddings:
    """The vectors of a view, in its order; items without a vector are left out.

    Raises:
        Refusal: no such embeddings, they are damaged, or none of the view's items has a vector.
    """
    dataset = samples._root_dataset
    run = check_embeddings(dataset, key)
    items = list_like(samples, run.patches_field, run.parts)
    ids, vectors = vector_table(dataset, key).read()
    rows = locate(items.ids, ids)
    present = rows >= 0
    if not present.any():
        raise Refusal(
            f"No {items.noun} here has an embedding in '{key}': run “Compute embeddings” on them."
            + elsewhere_hint(run.folder)
        )
    in_order = len(rows) == len(ids) and np.array_equal(rows, np.arange(len(ids)))
    return Embeddings(key, items.take(present), vectors if in_order else vectors[rows[present]], run.provenance)


def embeddings_status(samples: SampleCollection, key: str) -> EmbeddingsStatus:
    """Count the items of a view without a vector, and the vectors without an item in the whole dataset."""
    dataset = samples._root_dataset
    run = check_embeddings(dataset, key)
    items = list_like(samples, run.patches_field, run.parts)
    try:
        ids = vector_table(dataset, key).ids()
    except DamagedVectors as damage:
        return EmbeddingsStatus(key, len(items), len(items), 0, items.noun, damage=str(damage))
    everything = items if samples is dataset else list_like(dataset, run.patches_field, run.parts)
    return EmbeddingsStatus(
        key=key,
        total=len(items),
        missing=int((locate(items.ids, ids) < 0).sum()),
        orphaned=int((locate(ids, everything.ids) < 0).sum()),
        noun=items.noun,
    )


def delete_unfinished(dataset: fo.Dataset, key: str) -> None:
    """Delete a run that was registered but has no results, because the process that made it was killed."""
    if dataset.has_brain_run(key) and not _is_finished(dataset, key):
        dataset.delete_brain_run(key)


def delete_embeddings(dataset: fo.Dataset, key: str) -> None:
    """Delete a similarity run with its fingerprints, and its vectors unless a clone still uses them."""
    method = check_embeddings(dataset, key).method
    leave_shared_table(dataset, key)
    with suppress(DamagedVectors) if method != "lancedb" else nullcontext():  # its server may be gone for good
        _drop_vectors(dataset, key)
    dataset.delete_brain_run(key)
    forget_fingerprints(dataset, key)
    forget_writes(dataset, key)
    with suppress(Exception) if method != "lancedb" else nullcontext():
        drop_abandoned_tables(method)


def _drop_vectors(dataset: fo.Dataset, key: str) -> None:
    """Drop the table of a run: deleting the run, FiftyOne (1.22) keeps that of an index that is not in its cache."""
    if not _is_finished(dataset, key):
        return
    try:
        table = vector_table(dataset, key)  # an index that is not open yet would leave its vectors behind
    except DamagedVectors:
        table = recreate_table(dataset, key)  # a damaged table cannot be opened to be deleted
    table.clear()


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a run's config as ordinary dictionaries and lists; FiftyOne gives it bound to its document."""
    copy: dict[str, Any] = json.loads(json.dumps(record))
    return copy


def locate(item_ids: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Row of each of ``item_ids`` in ``ids``, or -1 if missing. Shape of ``item_ids``, int64."""
    rows = pc.index_in(pa.array(item_ids.tolist(), pa.string()), value_set=pa.array(ids.tolist(), pa.string()))
    result: np.ndarray = rows.fill_null(-1).to_numpy().astype(np.int64)
    return result


def _is_finished(dataset: fo.Dataset, key: str) -> bool:
    return bool(dataset._doc.brain_methods[key].results)


def _home(samples: SampleCollection, patches_field: str | None) -> SampleCollection:
    """The collection a run is registered on, as FiftyOne's search needs it: the dataset, or all its frames or clips."""
    dataset = samples._root_dataset
    if not (samples._is_frames or samples._is_clips):
        return dataset
    if patches_field is not None:
        return dataset.to_frames() if samples._is_frames else dataset
    return item_view(dataset, Items(np.empty(0), np.empty(0), None, parts_of(samples)))


def rename_embeddings(dataset: fo.Dataset, key: str, new_key: str) -> None:
    """Rename embeddings, and the fingerprints of their media.

    Raises:
        ValueError: there are no such embeddings, or the new key is taken or no valid name.
    """
    check_embeddings(dataset, key)
    check_new_key(dataset, new_key)
    dataset.rename_brain_run(key, new_key)
    rename_fingerprints(dataset, key, new_key)


def embeddings_size(dataset: fo.Dataset, key: str) -> tuple[int | None, int | None]:
    """The number of vectors, None if they cannot be read; their size in bytes, None if that is not known."""
    try:
        table = vector_table(dataset, key)
        number, width = table.size(), table.dim()
    except DamagedVectors:
        return None, None
    return number, None if width is None else 4 * number * width
