"""Numbers and texts that a ranking writes to samples or frames, or to the objects of patches and clips."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.frame as fofr
import fiftyone.core.sample as fos
import numpy as np
import pandas as pd
from bson import ObjectId
from pymongo import UpdateMany

from .column_updates import ROWS_PER_UPDATE, among, column, of_row
from .generated_views import show_in_generated_views
from .items import FRAMES, FRAMES_PREFIX, Items, every_sample, label_path, stored_path
from .own_fields import check_own_field, delete_own_field, ensure_own_field, own_path, taken_sentence
from .own_writes import bulk_write
from .records import as_oids, moment

_Column = list[float | str | None]
UPDATES_AT_ONCE = 250
_FEW = 5_000  # items that are read by their ids
_DESCRIPTIONS = {
    "outlier_score": "0..1, higher = look at it first",
    "outlier_reason": "why the outlier score is high",
    "mislabel_score": "0..1, probability that the label is wrong",
    "mislabel_suggestion": "the label that its neighbors have",
    "duplicate_group": "samples with the same number show the same",
    "duplicate_distance": "distance to the group's kept sample, which has 0",
    "duplicate_leak": "the group spans several splits",
    "search_score": "0..1, similarity to the last search query",
    "embedding_error": "why this could not be embedded",
}


@dataclass(frozen=True)
class Score:
    """A column of a ranking: the field's name and a value for each item, NaN and None as nothing."""

    name: str
    values: Sequence[float | str | None] | np.ndarray

    def plain(self) -> list[float | str | None]:
        """The values as MongoDB stores them."""
        values = self.values.tolist() if isinstance(self.values, np.ndarray) else self.values
        return [None if isinstance(value, float) and math.isnan(value) else value for value in values]

    @property
    def field_type(self) -> type[fo.Field]:
        """The field type for the values; floats for an array, else strings."""
        kind: type[fo.Field] = fo.FloatField if isinstance(self.values, np.ndarray) else fo.StringField
        return kind


def check_score_fields(dataset: fo.Dataset, items: Items, names: Sequence[str]) -> list[str]:
    """Raise a Refusal if the fields of these scores cannot be written; return the names that they will have."""
    return [check_own_field(dataset, _meant_path(dataset, items, name)).rsplit(".", 1)[-1] for name in names]


def score_name(dataset: fo.Dataset, items: Items, name: str) -> str:
    """The name that a score has in this dataset: another one where a field of this name is somebody else's."""
    return _path(dataset, items, name).rsplit(".", 1)[-1]


def taken_names(dataset: fo.Dataset, items: Items, names: Sequence[str]) -> str:
    """A sentence on the scores that have another name, because theirs is somebody else's; "" if none."""
    return taken_sentence(dataset, [_meant_path(dataset, items, name) for name in names])


def write_scores(dataset: fo.Dataset, items: Items, scores: Sequence[Score]) -> int:
    """Write the columns of a ranking, all fields of a sample in one write; return how many samples or objects changed.

    Only what changed is written. Every field is checked before the first one is written, and if a write fails, the
    fields are restored.

    Raises:
        Refusal: a field is read-only, or all names for it are taken.
    """
    paths = {score.name: _meant_path(dataset, items, score.name) for score in scores}
    for path in paths.values():
        check_own_field(dataset, path)
    added = [path for path in paths.values() if dataset.get_field(own_path(dataset, path)) is None]
    new = {score.name: score.plain() for score in scores}
    old = _read(dataset, items, list(new))
    differs = {name: np.asarray([a != b for a, b in zip(new[name], old[name], strict=True)], bool) for name in new}
    try:
        for score in scores:
            description = f"Labelscape: {_DESCRIPTIONS.get(score.name, score.name)}"
            ensure_own_field(dataset, paths[score.name], score.field_type, description=description)
        _write(dataset, items, new, differs)
    except BaseException:
        declared = {name for name in new if dataset.get_field(_path(dataset, items, name)) is not None}
        _write(dataset, items, old, {name: mask for name, mask in differs.items() if name in declared})
        for path in added:
            delete_own_field(dataset, path)
        raise
    return int(np.logical_or.reduce(list(differs.values())).sum())


def read_words(dataset: fo.Dataset, items: Items, name: str) -> list[str | None]:
    """The text of each item in the field ``name``, None if it has none."""
    return [value if isinstance(value, str) else None for value in _read(dataset, items, [name])[name]]


def read_numbers(dataset: fo.Dataset, items: Items, name: str) -> np.ndarray:
    """(n,) float64: the number of each item in the field ``name``, NaN if it has none."""
    return np.asarray(_read(dataset, items, [name])[name], float)


def score_path(dataset: fo.Dataset, patches_field: str | None, name: str, parts: str | None = None) -> str:
    """Path of a score in the dataset: a field of the sample or frame, or an attribute of the objects.

    Its last part differs from ``name`` if a field of that name is somebody else's.
    """
    return own_path(dataset, _path_of(dataset, patches_field, name, parts))


def _path_of(dataset: fo.Dataset, patches_field: str | None, name: str, parts: str | None) -> str:
    if patches_field is not None:
        return f"{label_path(dataset, patches_field)}.{name}"
    if parts == FRAMES:
        return f"{FRAMES_PREFIX}{name}"
    return name if parts is None else f"{label_path(dataset, parts)}.{name}"


def _path(dataset: fo.Dataset, items: Items, name: str) -> str:
    return score_path(dataset, items.patches_field, name, items.parts)


def _meant_path(dataset: fo.Dataset, items: Items, name: str) -> str:
    return _path_of(dataset, items.patches_field, name, items.parts)


def _is_whole(items: Items) -> bool:
    return items.patches_field is None and items.parts in (None, FRAMES)


def _read(dataset: fo.Dataset, items: Items, names: Sequence[str]) -> dict[str, _Column]:
    """Name → the value of each item in that field, None where it has none."""
    present = [name for name in names if dataset.get_field(_path(dataset, items, name)) is not None]
    by_name: dict[str, _Column] = {name: [None] * len(items) for name in names}
    if present and len(items):
        read = _read_whole if _is_whole(items) else _read_objects
        ids, columns = read(dataset, items, present)
        rows = pd.Index(items.ids).get_indexer(ids)
        for name, values in zip(present, columns, strict=True):
            for row, value in zip(rows.tolist(), values, strict=True):
                if row >= 0:
                    by_name[name][row] = value
    return by_name


def _read_whole(dataset: fo.Dataset, items: Items, names: Sequence[str]) -> tuple[list[str], list[_Column]]:
    """Ids and columns of the samples or frames that have a value in one of the fields; the others are not read."""
    paths = [stored_path(dataset, _path(dataset, items, name)) for name in names]
    query: dict[str, object] = {"$or": [{path: {"$ne": None}} for _, path in paths]}
    if len(items) <= _FEW:  # a search of 50 results must not look at every sample
        query["_id"] = {"$in": [ObjectId(item) for item in items.ids.tolist()]}
    documents = list(paths[0][0].find(query, [path for _, path in paths]))
    columns = [[document.get(path) for document in documents] for _, path in paths]
    return [str(document["_id"]) for document in documents], columns


def _read_objects(dataset: fo.Dataset, items: Items, names: Sequence[str]) -> tuple[list[str], list[_Column]]:
    samples = every_sample(dataset)
    if len(items) <= _FEW:
        samples = samples.select(list(set(items.sample_ids.tolist())))
    paths = [_path(dataset, items, name) for name in names]
    ids, *columns = samples.values([f"{paths[0].rsplit('.', 1)[0]}.id", *paths], unwind=True)
    return ids, columns


def _write(
    dataset: fo.Dataset, items: Items, columns: Mapping[str, _Column], differs: Mapping[str, np.ndarray]
) -> None:
    """Write the columns where they differ: ``differs[name]`` is a mask (n,)."""
    if _is_whole(items):
        stored = {name: stored_path(dataset, _path(dataset, items, name))[1] for name in differs}
        updates, in_frames = list(_updates(items, columns, differs, stored)), items.parts == FRAMES
        for start in range(0, len(updates), UPDATES_AT_ONCE):
            some = updates[start : start + UPDATES_AT_ONCE]
            bulk_write(dataset._frame_collection if in_frames else dataset._sample_collection, some, labels=False)
        if in_frames:
            fofr.Frame._reload_docs(dataset._frame_collection_name)
        else:
            fos.Sample._reload_docs(dataset._sample_collection_name)
        return
    for name, mask in differs.items():
        by_label = {str(items.ids[row]): columns[name][row] for row in np.flatnonzero(mask).tolist()}
        if by_label:
            _write_attribute(dataset, _path(dataset, items, name), by_label)
    field = items.patches_field or items.parts
    changed = np.logical_or.reduce([np.zeros(len(items), bool), *differs.values()])
    if field is not None and not field.startswith(FRAMES_PREFIX) and changed.any():
        show_in_generated_views(dataset, np.unique(items.sample_ids[changed]).tolist(), {field}, added=False)


def _write_attribute(dataset: fo.Dataset, path: str, by_label: dict[str, float | str | None]) -> None:
    """Write an attribute of objects, without those that are deleted before it is written."""
    while by_label:
        try:
            every_sample(dataset).set_label_values(path, by_label)
            return
        except KeyError as missing:  # FiftyOne (1.22) looks each object up, and stops at one that is gone
            if missing.args[0] not in by_label:
                raise
            there = set(every_sample(dataset).values(f"{path.rsplit('.', 1)[0]}.id", unwind=True))
            by_label = {label: value for label, value in by_label.items() if label in there}


def _updates(
    items: Items, columns: Mapping[str, _Column], differs: Mapping[str, np.ndarray], stored: Mapping[str, str]
) -> Iterator[UpdateMany]:
    """Updates of samples, all fields of each in one: those that differ in the same fields are written together."""
    now = moment()
    kinds = np.zeros(len(items), int)
    for bit, mask in enumerate(differs.values()):
        kinds |= mask.astype(int) << bit
    for kind in np.unique(kinds[kinds > 0]).tolist():
        names = [name for bit, name in enumerate(differs) if kind >> bit & 1]
        rows = np.flatnonzero(kinds == kind).tolist()
        for start in range(0, len(rows), ROWS_PER_UPDATE):
            part = rows[start : start + ROWS_PER_UPDATE]
            ids = as_oids(items.ids[part])
            values = {stored[name]: of_row(ids, column([columns[name][row] for row in part])) for name in names}
            yield UpdateMany({"_id": among(ids)}, [{"$set": {**values, "last_modified_at": now}}])
