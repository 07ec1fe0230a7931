"""The rows of a map: which sample or object each is, where it lies, and which row an id has."""

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

import fiftyone as fo
import numpy as np

from ....ml_backend.store.embeddings import provenance_of, vector_table
from ....ml_backend.store.items import FRAMES, item_noun, label_path, list_like, stored_path
from ....ml_backend.store.maps import load_map
from ....ml_backend.store.scores import score_path
from .column_files import digest
from .field_values import fetch_ids


@dataclass(frozen=True)
class MapRows:
    """A map as the panel names its samples: row 0 … n-1.

    ``ids`` and ``sample_ids`` (n,) are 12-byte ids ("S12"), the same for a map of samples; ``points`` (n, 2 or 3).
    ``patches_field`` is `Items.field`: of patches or clips, or "frames". ``root`` is the path of the objects of a map
    of patches or clips, in the documents of frames for rows ``in_frames``. ``items`` names what the rows are,
    ``digest`` also where; ``noun`` is what one is called on screen.
    """

    key: str
    ids: np.ndarray
    sample_ids: np.ndarray
    points: np.ndarray
    patches_field: str | None
    root: str | None
    embeddings: str | None
    points_field: str | None
    digest: str
    items: str
    noun: str
    in_frames: bool = False

    def collection(self, dataset: fo.Dataset) -> Any:
        """The MongoDB collection whose documents hold the rows: that of the samples, or of the frames of videos."""
        return dataset._frame_collection if self.in_frames else dataset._sample_collection

    def __len__(self) -> int:
        return len(self.ids)

    def score_path(self, dataset: fo.Dataset, name: str) -> str:
        """The path at which the dataset stores a score of the rows, such as “outlier_score”."""
        return score_path(dataset, None, name, self.patches_field)

    @cached_property
    def _order(self) -> np.ndarray | None:
        """Rows by id; None where they are in that order already."""
        if len(self.ids) < 2 or bool((self.ids[1:] > self.ids[:-1]).all()):
            return None
        return np.argsort(self.ids, kind="stable")

    def locate(self, ids: np.ndarray) -> np.ndarray:
        """Row of each id ("S12"), -1 where it is not on the map."""
        if len(ids) == len(self.ids) and np.array_equal(ids, self.ids):
            return np.arange(len(ids))
        if not len(self.ids):
            return np.full(len(ids), -1)
        order = self._order
        ordered = self.ids if order is None else self.ids[order]
        places = np.minimum(np.searchsorted(ordered, ids), len(ordered) - 1)
        rows = places if order is None else order[places]
        return np.where(self.ids[rows] == ids, rows, -1)

    def names(self, rows: np.ndarray) -> list[str]:
        """Ids of rows as text."""
        return as_texts(self.ids[rows])

    def sample_names(self, rows: np.ndarray) -> list[str]:
        """Ids of the samples that rows belong to, as text."""
        return as_texts(self.sample_ids[rows])


def read_rows(dataset: fo.Dataset, key: str) -> MapRows:
    """Load the rows of a map."""
    loaded = load_map(dataset, key)
    ids = as_bytes(loaded.items.ids)
    patches_field = loaded.items.field
    if patches_field is None:
        sample_ids = ids
    else:
        # FiftyOne (1.22) stores the ids of the frames or clips where those of the samples are expected.
        owner = dict(zip(*_owners(dataset, patches_field), strict=True))
        sample_ids = as_bytes([owner.get(item, item) for item in loaded.items.ids.tolist()])
    root = None if patches_field in (None, FRAMES) else stored_path(dataset, label_path(dataset, str(patches_field)))[1]
    items = digest(ids.tobytes() + str(patches_field).encode())
    return MapRows(
        key=key,
        ids=ids,
        sample_ids=sample_ids,
        points=loaded.points,
        patches_field=patches_field,
        root=root,
        embeddings=None if loaded.provenance is None else loaded.provenance.embeddings,
        points_field=getattr(dataset.get_brain_info(key).config, "points_field", None),
        digest=digest(items.encode() + loaded.points.tobytes()),
        items=items,
        noun=item_noun(dataset, patches_field),
        in_frames=(patches_field or "").split(".")[0] == FRAMES,
    )


def _owners(dataset: fo.Dataset, field: str) -> tuple[list[str], list[str]]:
    """The ids of all items of a field, and of the samples that they belong to."""
    everything = list_like(dataset, field, None)
    return everything.ids.tolist(), everything.sample_ids.tolist()


@dataclass(frozen=True)
class Staleness:
    """How many samples or objects lack a point that they could have, and how many points belong to deleted ones."""

    missing: int
    removed: int


def staleness(dataset: fo.Dataset, rows: MapRows, made_at: datetime | None) -> Staleness:
    """Compare a map with the samples of its view.

    Where it was made of embeddings, a sample without a vector counts only if it was added since ``made_at`` (UTC) and
    can be embedded: the others were left out on purpose, or could not be read.
    """
    in_view = present_ids(dataset, rows)
    places = rows.locate(in_view)
    missing = in_view[places < 0]
    count = len(missing)
    if count and rows.embeddings is not None and dataset.has_brain_run(rows.embeddings):
        bare = _without_vector(dataset, rows.embeddings, missing)
        count += len(_new_ones(dataset, rows.embeddings, bare, made_at)) - len(bare)
    return Staleness(count, len(rows) - int((places >= 0).sum()))


def present_ids(dataset: fo.Dataset, rows: MapRows) -> np.ndarray:
    """Ids ("S12") of the items that the view of a map has now."""
    view = dataset.load_brain_view(rows.key)
    if rows.in_frames or view._is_generated:
        return as_bytes(list_like(view, rows.patches_field, None).ids)
    return fetch_ids(view, rows.root)


def to_embed(dataset: fo.Dataset, rows: MapRows, made_at: datetime | None) -> list[str]:
    """Ids of the samples, or objects, added since a map was made (UTC) that have no vector yet and can get one."""
    if rows.embeddings is None or not dataset.has_brain_run(rows.embeddings):
        return []
    in_view = present_ids(dataset, rows)
    bare = _without_vector(dataset, rows.embeddings, in_view[rows.locate(in_view) < 0])
    return as_texts(_new_ones(dataset, rows.embeddings, bare, made_at))


def _without_vector(dataset: fo.Dataset, embeddings: str, ids: np.ndarray) -> np.ndarray:
    return ids[~np.isin(ids, as_bytes(vector_table(dataset, embeddings).ids()))]


def _new_ones(dataset: fo.Dataset, embeddings: str, ids: np.ndarray, made_at: datetime | None) -> np.ndarray:
    """Those of these ids that were created since; an id begins with the second it was created in."""
    if made_at is None or provenance_of(dataset, embeddings).model == "precomputed":
        return ids[:0]
    seconds = np.frombuffer(ids.tobytes(), [("at", ">u4"), ("rest", "V8")])["at"]
    return ids[seconds > made_at.replace(tzinfo=timezone.utc).timestamp()]


def as_bytes(ids: Any) -> np.ndarray:
    """Ids in text (n,) as 12 bytes each ("S12")."""
    return np.frombuffer(bytes.fromhex("".join(ids)), "S12") if len(ids) else np.empty(0, "S12")


def as_texts(ids: np.ndarray) -> list[str]:
    """12-byte ids as text of 24 characters."""
    texts: list[str] = np.frombuffer(ids.tobytes().hex().encode(), "S24").astype("U24").tolist() if len(ids) else []
    return texts


def iso(moment: datetime | None) -> str | None:
    """A time of the database, which is UTC, as text."""
    return None if moment is None else f"{moment.isoformat(timespec='seconds')}Z"
