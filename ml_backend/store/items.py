"""Items, which are what gets a vector: samples, frames, or clips of a view, or the object patches inside them.

Fields are named as the dataset names them, whatever the view: the boxes ``det`` of a video's frames
are ``frames.det`` here, also in a view made by `to_frames()`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import fiftyone as fo
import fiftyone.core.media as fom
import numpy as np
from fiftyone.core.collections import SampleCollection
from pymongo.collection import Collection

from ..errors import Refusal
from ..wording import plural
from .raw_batches import read_table

FRAMES = "frames"
FRAMES_PREFIX = "frames."
_PATCH_TYPES = (fo.Detections, fo.Detection, fo.Polylines, fo.Polyline)
_CLIP_TYPES = (fo.TemporalDetections, fo.TemporalDetection)
_LIST_TYPES = {fo.Detections: "detections", fo.Polylines: "polylines", fo.TemporalDetections: "detections"}


_ID_DOCUMENT, _ID_BYTES = 22, slice(9, 21)  # size of {_id: ObjectId} in BSON, and where the id is in it


@dataclass(frozen=True)
class Items:
    """Items in the order of the view they were read from.

    ``ids`` (n,) are ids of samples, frames, or clips, or label ids for patches; ``sample_ids`` (n,) are the samples
    they belong to. ``parts`` says what part of a sample an item is: None for the whole, "frames", or the field of
    temporal detections that the clips were made of.
    """

    ids: np.ndarray
    sample_ids: np.ndarray
    patches_field: str | None = None
    parts: str | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def field(self) -> str | None:
        """What `list_items` and the actions take to mean these: the field of patches or clips, "frames", or None."""
        return self.patches_field or self.parts

    @property
    def noun(self) -> str:
        """The noun for one of these on screen."""
        if self.patches_field:
            return "patch"
        if self.parts:
            return "frame" if self.parts == FRAMES else "clip"
        return "sample"

    @property
    def nouns(self) -> str:
        """The noun for several of these on screen."""
        return plural(self.noun)

    def take(self, rows: np.ndarray) -> "Items":
        """Return some of these items, by row number or by a mask."""
        return replace(self, ids=self.ids[rows], sample_ids=self.sample_ids[rows])


def list_items(samples: SampleCollection, patches_field: str | None = None) -> Items:
    """Read the ids of the samples (frames, clips) of a view, or of the patches of one of its label fields.

    A whole grouped dataset means all its slices; a view of dynamic groups is all samples of those groups.

    Args:
        patches_field: of boxes or polygons; a field of temporal detections stands for its clips, "frames" for the
            frames of videos; None = what the view shows.

    Raises:
        Refusal: ``patches_field`` is not a field of boxes or polygons, or the clips have no ids that last.
    """
    if patches_field is None:
        return list_whole(samples, parts_of(samples))
    if is_parts(samples._root_dataset, patches_field):
        return list_whole(samples, patches_field)
    check_patches_field(samples, patches_field)
    return _list_patches(every_sample(samples), root_field(samples, patches_field))


def list_like(samples: SampleCollection, patches_field: str | None, parts: str | None) -> Items:
    """Read the items of one kind in a view of any other: the frames of a view of videos, the videos of its frames.

    Raises:
        Refusal: the field that the items are of is gone.
    """
    if patches_field is None or is_parts(samples._root_dataset, patches_field):
        return list_whole(samples, patches_field or parts)
    return _list_patches(every_sample(samples), patches_field)


def list_whole(samples: SampleCollection, parts: str | None) -> Items:
    """Read the ids of the samples of a view, of their frames, or of the clips of a field; see `Items.parts`."""
    samples = every_sample(samples)
    if parts is None and isinstance(samples, fo.Dataset):
        ids = _all_sample_ids(samples)
        return Items(ids, ids)
    if parts == parts_of(samples) and not samples._is_patches:
        names = ["id", "id"] if parts is None else ["id", "sample_id"]
        ids, sample_ids = samples.values(names)
        return Items(as_ids(ids), as_ids(sample_ids), None, parts)
    if parts is None:
        ids = as_ids(list(dict.fromkeys(_ids_of_samples(samples))))
        return Items(ids, ids)
    if parts == FRAMES and samples._is_frames:  # patches of frames
        table = dict(zip(*samples.values(["frame_id", "sample_id"]), strict=True))
        return Items(as_ids(list(table)), as_ids(list(table.values())), None, parts)
    path = f"{FRAMES}.id" if parts == FRAMES else f"{label_path(samples._root_dataset, parts)}.id"
    return Items(*_unnest(_whole_samples(samples), path), None, parts)


def items_of(dataset: fo.Dataset, ids: Sequence[str] | np.ndarray, patches_field: str | None = None) -> Items:
    """The samples, or the objects of a field (see `list_items`), with these ids; deleted ones are left out."""
    every = every_sample(dataset)
    if patches_field is None:
        return list_whole(every.select(list(ids)), None)
    if is_parts(dataset, patches_field):
        of_frames = patches_field == FRAMES
        few = every.select_frames(list(ids)) if of_frames else every.select_labels(ids=list(ids), fields=patches_field)
        items = list_whole(few, patches_field)
        return items.take(np.isin(items.ids, as_ids(ids)))
    near = _list_patches(every.select_labels(ids=list(ids), fields=patches_field), patches_field)
    return near.take(np.isin(near.ids, as_ids(ids)))


def item_view(samples: SampleCollection, items: Items) -> fo.DatasetView:
    """A view of which each document is one item, to rank or select by: patches, frames, clips, or the samples.

    The document of an object in a field of a single box (or polygon) is its sample or frame: FiftyOne (1.22) makes no
    patches of such a field.
    """
    samples = every_sample(samples)
    if items.patches_field is not None:
        return _patch_view(samples, items.patches_field)
    if items.parts == parts_of(samples) and not samples._is_patches:
        return samples.view()
    whole = _whole_samples(samples)
    if items.parts is None:
        return whole.view()
    return whole.to_frames() if items.parts == FRAMES else whole.to_clips(items.parts)


def ordered_view(dataset: fo.Dataset, items: Items) -> fo.DatasetView:
    """A view of exactly these items, in their order."""
    view = item_view(dataset, items)
    alone = items.patches_field is not None and not view._is_patches
    return view.select((items.sample_ids if alone else items.ids).tolist(), ordered=True)


def every_sample(samples: SampleCollection) -> SampleCollection:
    """All group slices if ``samples`` is a whole grouped dataset, all members if it consists of dynamic groups.

    FiftyOne (1.22) itself iterates over the active slice only, and over one sample of each dynamic group.
    """
    if samples._is_dynamic_groups:
        samples = samples.flatten()
    if samples.media_type == fom.GROUP and not (isinstance(samples, fo.DatasetView) and samples._all_stages):
        return samples.select_group_slices(_allow_mixed=True)
    return samples


def parts_of(samples: SampleCollection) -> str | None:
    """The parts that the documents of this view are; see `Items.parts`.

    Raises:
        Refusal: a view of clips that were not made of temporal detections. Their ids change with each view.
    """
    if samples._is_frames:
        return FRAMES
    if not samples._is_clips:
        return None
    field = getattr(_clips_stage(samples), "field_or_expr", None)
    source = samples._root_dataset.get_field(field) if isinstance(field, str) else None
    if source is not None and getattr(source, "document_type", None) in _CLIP_TYPES:
        return str(field)
    raise Refusal(
        "These clips are not made of temporal detections, so their IDs change and cannot name vectors: "
        "add the segments as a field of TemporalDetections and open “to clips” of that field."
    )


def is_parts(dataset: fo.Dataset, name: str | None) -> bool:
    """Whether a name stands for parts of samples: "frames" of videos, or a field of temporal detections (clips)."""
    return name in parts_fields(dataset)


def parts_fields(dataset: fo.Dataset) -> list[str]:
    """What parts of its samples a dataset has: "frames", and the fields of temporal detections."""
    frames = [FRAMES] if dataset._has_frame_fields() else []
    return frames + list(dataset.get_field_schema(embedded_doc_type=_CLIP_TYPES))


def check_patches_field(samples: SampleCollection, field: str) -> None:
    """Raise a Refusal that lists the fields that hold patches, unless ``field`` is one of them, or stands for parts."""
    dataset = samples._root_dataset
    if is_parts(dataset, field) or field in frame_patches_fields(dataset):
        return
    usable = patches_fields(samples)
    if field not in usable and local_field(samples, field) not in usable:
        names = ", ".join(usable) or "none"
        raise Refusal(f"'{field}' holds no object patches; fields of this dataset that do: {names}")


def patches_fields(samples: SampleCollection) -> list[str]:
    """Names of the label fields whose objects can be cut out as patches, as this view names them."""
    return list(samples.get_field_schema(embedded_doc_type=_PATCH_TYPES))


def frame_patches_fields(dataset: fo.Dataset) -> list[str]:
    """The label fields of frames whose objects can be cut out as patches, as the dataset names them."""
    schema = dataset.get_frame_field_schema(embedded_doc_type=_PATCH_TYPES) or {}
    return [f"{FRAMES_PREFIX}{name}" for name in schema]


def item_fields(dataset: fo.Dataset) -> list[str]:
    """Everything that stands for items other than whole samples: fields of objects or clips, and "frames"."""
    return [*patches_fields(dataset), *frame_patches_fields(dataset), *parts_fields(dataset)]


def shown_field(samples: SampleCollection) -> str | None:
    """What stands for the documents of a view (`Items.field`): a field of objects or clips, "frames"; None = samples.

    Raises:
        Refusal: see `parts_of`.
    """
    if not samples._is_patches:
        return parts_of(samples)
    fields = item_fields(samples._root_dataset)
    return next((name for shown in samples.get_field_schema() if (name := root_field(samples, shown)) in fields), None)


def item_noun(dataset: fo.Dataset, field: str | None) -> str:
    """The noun for one such item (`Items.field`) in the panel: a sample, a frame, a clip, or an object."""
    if field is None:
        return "sample"
    if not is_parts(dataset, field):
        return "object"
    return "frame" if field == FRAMES else "clip"


def is_list_field(samples: SampleCollection, field: str) -> bool:
    """Whether the field has several objects per sample, rather than a single `Detection` or `Polyline`."""
    return getattr(samples.get_field(field), "document_type", None) in _LIST_TYPES


def label_path(samples: SampleCollection, field: str) -> str:
    """Path of the labels themselves: ``ground_truth`` or ``ground_truth.detections``.

    Raises:
        Refusal: there is no such field.
    """
    if not samples.has_field(field):
        raise Refusal(f"The field '{field}' no longer exists.")
    leaf = _LIST_TYPES.get(getattr(samples.get_field(field), "document_type", None))
    return f"{field}.{leaf}" if leaf else field


def root_field(samples: SampleCollection, field: str) -> str:
    """The name that the dataset has for a field of a view: ``frames.det`` for ``det`` of a view of frames."""
    return f"{FRAMES_PREFIX}{field}" if samples._is_frames and not field.startswith(FRAMES_PREFIX) else field


def local_field(samples: SampleCollection, field: str) -> str:
    """The name that a view has for a field of the dataset: ``det`` for ``frames.det`` in a view of frames."""
    return field.removeprefix(FRAMES_PREFIX) if samples._is_frames else field


def stored_path(dataset: fo.Dataset, path: str) -> tuple[Collection, str]:
    """The MongoDB collection that holds a path of the dataset, and the path in its documents."""
    if path.startswith(FRAMES_PREFIX):
        return dataset._frame_collection, path.removeprefix(FRAMES_PREFIX)
    return dataset._sample_collection, path


def as_ids(values: Sequence[str] | np.ndarray) -> np.ndarray:
    """Ids as a (n,) array of 24-character strings."""
    return np.asarray(values, dtype="U24")


def as_list(value: Any) -> list[Any]:
    """A list unchanged, any other value as a list of one, None as an empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _patch_view(samples: SampleCollection, patches_field: str) -> fo.DatasetView:
    if samples._is_patches:
        return samples.view()
    if patches_field.startswith(FRAMES_PREFIX):
        samples = samples if samples._is_frames else samples.to_frames()
    else:
        samples = _whole_samples(samples)
    name = local_field(samples, patches_field)
    return samples.to_patches(name) if is_list_field(samples, name) else samples.exists(name)


def _list_patches(samples: SampleCollection, patches_field: str) -> Items:
    name = local_field(samples, patches_field)
    if samples._is_patches:
        if not samples.has_field(name):
            raise Refusal(f"This view shows patches of a field other than '{name}': open the samples first.")
        label_ids, sample_ids = samples.values([f"{name}.id", "sample_id"])
        return Items(as_ids(label_ids), as_ids(sample_ids), patches_field)
    if not patches_field.startswith(FRAMES_PREFIX) or samples._is_clips:
        samples = _whole_samples(samples)
    return Items(*_unnest(samples, f"{label_path(samples, name)}.id"), patches_field)


def _whole_samples(samples: SampleCollection) -> SampleCollection:
    """The samples that the documents of a view of patches, frames, or clips belong to."""
    if not samples._is_generated:
        return samples
    return every_sample(samples._root_dataset).select(list(dict.fromkeys(_ids_of_samples(samples))))


def _unnest(samples: SampleCollection, path: str) -> tuple[np.ndarray, np.ndarray]:
    """Ids (n,) at a path that goes through lists, and ids (n,) of the samples they are in; those without are left out.

    An object that was written past FiftyOne may lack an id: nothing can be stored under it.
    """
    own = "sample_id" if samples._is_generated else "id"
    sample_ids, nested = samples.values([own, path])
    flat = [[label_id for label_id in _flatten(labels) if label_id is not None] for labels in nested]
    sample_of_each = np.repeat(as_ids(sample_ids), [len(ids) for ids in flat])
    return as_ids([label_id for ids in flat for label_id in ids]), sample_of_each


def _flatten(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in _flatten(part)] if isinstance(value, list) else as_list(value)


def _all_sample_ids(dataset: fo.Dataset) -> np.ndarray:
    """The ids of all documents of the samples, read as bytes: FiftyOne's `values` takes 50 us each."""
    encoded = read_table(dataset._sample_collection, [{"$project": {"_id": True}}], _ID_DOCUMENT)
    oids = np.ascontiguousarray(encoded[:, _ID_BYTES])
    return np.frombuffer(oids.tobytes().hex().encode(), "S24").astype("U24")


def _ids_of_samples(samples: SampleCollection) -> list[str]:
    ids: list[str] = samples.values("sample_id" if samples._is_generated else "id")
    return ids


def _clips_stage(samples: SampleCollection) -> Any:
    stages = getattr(samples, "_all_stages", [])
    return next((stage for stage in stages if type(stage).__name__ in ("ToClips", "ToTrajectories")), None)
