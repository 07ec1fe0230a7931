"""What gets a vector: the samples of a view, or the object patches inside them."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np

from ..embedding.base import Media

_PATCH_TYPES = (fo.Detections, fo.Detection, fo.Polylines, fo.Polyline)
_LIST_TYPES = {fo.Detections: "detections", fo.Polylines: "polylines"}


@dataclass(frozen=True)
class Items:
    """Samples, or the patches of one field, in the order of the view they were read from.

    ``ids`` (n,) are sample ids, or label ids for patches; ``sample_ids`` (n,) are the samples they belong to.
    """

    ids: np.ndarray
    sample_ids: np.ndarray
    patches_field: str | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def noun(self) -> str:
        """What one of these is called on screen."""
        return "patch" if self.patches_field else "sample"

    @property
    def nouns(self) -> str:
        """What several of these are called on screen."""
        return plural(self.noun)


def plural(noun: str) -> str:
    """“samples” or “patches”."""
    return "patches" if noun == "patch" else f"{noun}s"


def list_items(samples: fo.core.collections.SampleCollection, patches_field: str | None = None) -> Items:
    """Read the ids of the samples of a view, or of the patches of one of its label fields.

    Raises:
        ValueError: ``patches_field`` is no field of boxes or polygons.
    """
    if patches_field is None:
        # In a view of patches, the samples are those the patches lie in.
        named = dict.fromkeys(samples.values("sample_id")) if samples._is_patches else samples.values("id")
        ids = as_ids(list(named))
        return Items(ids=ids, sample_ids=ids)
    check_patches_field(samples, patches_field)
    if samples._is_patches:
        label_ids, sample_ids = samples.values([f"{patches_field}.id", "sample_id"])
        return Items(as_ids(label_ids), as_ids(sample_ids), patches_field)
    sample_ids, nested = samples.values(["id", f"{label_path(samples, patches_field)}.id"])
    counts = [len(_as_list(labels)) for labels in nested]
    flat = [label for labels in nested for label in _as_list(labels)]
    return Items(as_ids(flat), np.repeat(as_ids(sample_ids), counts), patches_field)


def items_of(dataset: fo.Dataset, ids: Sequence[str] | np.ndarray, patches_field: str | None = None) -> Items:
    """The samples, or the objects of a field, with these ids; those that are gone are left out."""
    if patches_field is None:
        return list_items(dataset.select(list(ids)))
    near = list_items(dataset.select_labels(ids=list(ids), fields=patches_field), patches_field)
    meant = np.isin(near.ids, as_ids(ids))
    return Items(near.ids[meant], near.sample_ids[meant], patches_field)


def list_media(samples: fo.core.collections.SampleCollection, items: Items) -> list[Media]:
    """The file of each item, with the relative box of a patch; in the order of ``items``."""
    if items.patches_field is None:
        path_of = dict(zip(*samples.values(["id", "filepath"]), strict=True))
        return [Media(path=path_of[item]) for item in items.ids.tolist()]
    root = items.patches_field if samples._is_patches else label_path(samples, items.patches_field)
    shape_path = f"{root}.{_shape_attribute(samples, items)}"
    filepaths, ids, shapes = samples.values(["filepath", f"{root}.id", shape_path])
    media = {
        label_id: Media(path=path, box=_bounding_box(shape))
        for path, labels, label_shapes in zip(filepaths, ids, shapes, strict=True)
        for label_id, shape in zip(_as_list(labels), _as_shapes(labels, label_shapes), strict=True)
    }
    return [media[item] for item in items.ids.tolist()]


def fingerprints(media: Sequence[Media]) -> list[str]:
    """A short text for each medium that changes when its file or its box does; "" for a missing file."""
    return [_fingerprint(medium) for medium in media]


def check_patches_field(samples: fo.core.collections.SampleCollection, field: str) -> None:
    """Raise a ValueError that lists the fields that hold patches, unless ``field`` is one of them."""
    usable = patches_fields(samples)
    if field not in usable:
        listing = ", ".join(usable) or "none"
        raise ValueError(f"'{field}' holds no object patches; fields of this dataset that do: {listing}")


def patches_fields(samples: fo.core.collections.SampleCollection) -> list[str]:
    """Names of the label fields whose objects can be cut out as patches."""
    schema = samples.get_field_schema(embedded_doc_type=_PATCH_TYPES)
    return list(schema)


def label_path(samples: fo.core.collections.SampleCollection, field: str) -> str:
    """Path of the labels themselves: ``ground_truth`` or ``ground_truth.detections``."""
    if not samples.has_field(field):
        raise ValueError(f"There is no field '{field}' any more.")
    label_type = samples.get_field(field).document_type
    leaf = _LIST_TYPES.get(label_type)
    return f"{field}.{leaf}" if leaf else field


def as_ids(values: Sequence[str] | np.ndarray) -> np.ndarray:
    """Ids as a (n,) array of 24-character strings."""
    return np.asarray(values, dtype="U24")


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _as_shapes(labels: Any, shapes: Any) -> list[Any]:
    """Shapes as a list as long as the labels: a single box is itself a list of four numbers."""
    return _as_list(shapes) if isinstance(labels, list) else [shapes] * len(_as_list(labels))


def _shape_attribute(samples: fo.core.collections.SampleCollection, items: Items) -> str:
    document = samples.get_field(items.patches_field).document_type
    return "bounding_box" if document in (fo.Detections, fo.Detection) else "points"


def _bounding_box(shape: list[Any]) -> tuple[float, float, float, float]:
    """The relative [x, y, width, height] of a box, or around the shapes of a polyline."""
    if len(shape) == 4 and not isinstance(shape[0], list):
        x, y, width, height = shape
        return x, y, width, height
    corners = np.concatenate([np.asarray(ring, dtype=float).reshape(-1, 2) for ring in shape])
    (left, top), (right, bottom) = corners.min(0), corners.max(0)
    return float(left), float(top), float(right - left), float(bottom - top)


def _fingerprint(medium: Media) -> str:
    try:
        status = os.stat(medium.path)
    except OSError:
        return ""
    identity = f"{medium.path}\n{status.st_size}\n{status.st_mtime_ns}\n{medium.box}"
    return hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
