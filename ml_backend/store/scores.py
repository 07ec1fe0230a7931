"""Numbers and words that a ranking writes on samples or frames, or on the objects of patches and clips."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo
import numpy as np
from bson import ObjectId
from pymongo import UpdateOne

from .generated_views import show_in_generated_views
from .items import FRAMES, FRAMES_PREFIX, Items, every_sample, label_path
from .own_fields import check_own_field, delete_own_field, ensure_own_field
from .records import moment

Change = dict[str, float | str | None]  # field → value, of one item
_WRITE_AT_ONCE = 50_000
_FEW = 5_000  # items that are read by their ids
_DESCRIPTIONS = {
    "outlier_score": "0..1, higher = look at it first",
    "outlier_reason": "why the outlier score is high",
    "mislabel_score": "0..1, probability that the label is wrong",
    "mislabel_suggestion": "the label that its neighbors have",
    "duplicate_group": "samples with the same number show the same",
    "duplicate_distance": "distance to the sample of the group that is kept, which has 0",
    "duplicate_leak": "the group is in several splits",
    "search_score": "0..1, how much this is like what was searched for last",
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


def check_score_fields(dataset: fo.Dataset, items: Items, names: Sequence[str]) -> None:
    """Raise a Refusal if a field of one of these names does not belong to Labelscape."""
    for name in names:
        check_own_field(dataset, _path(dataset, items, name))


def write_scores(dataset: fo.Dataset, items: Items, scores: Sequence[Score]) -> int:
    """Write the columns of a ranking, all fields of a sample in one write; return how many samples or objects changed.

    Only what changed is written. Every field is checked before the first one is written, and where a write fails, the
    fields are as they were before.

    Raises:
        Refusal: a field is not Labelscape's, or read-only.
    """
    check_score_fields(dataset, items, [score.name for score in scores])
    new: list[Change] = [{} for _ in range(len(items))]
    old: list[Change] = [{} for _ in range(len(items))]
    for score in scores:
        values = zip(_read(dataset, items, score.name), score.plain(), strict=True)
        for row, (before, after) in enumerate(values):
            if before != after:
                old[row][score.name], new[row][score.name] = before, after
    rows = [row for row, change in enumerate(new) if change]
    changed = items.take(np.asarray(rows, int))
    added = [path for score in scores if dataset.get_field(path := _path(dataset, items, score.name)) is None]
    try:
        for score in scores:
            description = f"Labelscape: {_DESCRIPTIONS.get(score.name, score.name)}"
            path = _path(dataset, items, score.name)
            ensure_own_field(dataset, path, score.field_type, description=description)
        _write(dataset, changed, [new[row] for row in rows])
    except BaseException:
        _write(dataset, changed, [old[row] for row in rows])
        for path in added:
            delete_own_field(dataset, path)
        raise
    return len(rows)


def read_words(dataset: fo.Dataset, items: Items, name: str) -> list[str | None]:
    """The text of each item in the field ``name``, None if it has none."""
    return [value if isinstance(value, str) else None for value in _read(dataset, items, name)]


def score_path(dataset: fo.Dataset, patches_field: str | None, name: str, parts: str | None = None) -> str:
    """Path of a score in the dataset: a field of the sample or frame, or an attribute of the objects."""
    if patches_field is not None:
        return f"{label_path(dataset, patches_field)}.{name}"
    if parts == FRAMES:
        return f"{FRAMES_PREFIX}{name}"
    return name if parts is None else f"{label_path(dataset, parts)}.{name}"


def _path(dataset: fo.Dataset, items: Items, name: str) -> str:
    return score_path(dataset, items.patches_field, name, items.parts)


def _read(dataset: fo.Dataset, items: Items, name: str) -> list[float | str | None]:
    path = _path(dataset, items, name)
    if dataset.get_field(path) is None:
        return [None] * len(items)
    ids_path = f"{path.rsplit('.', 1)[0]}.id" if "." in path else "id"
    samples = every_sample(dataset)
    if len(items) <= _FEW:  # a search of 50 results must not read every sample
        samples = samples.select(list(set(items.sample_ids.tolist())))
    ids, values = samples.values([ids_path, path], unwind="." in path)
    known = dict(zip(ids, values, strict=True))
    return [known.get(item) for item in items.ids.tolist()]


def _write(dataset: fo.Dataset, items: Items, changes: Sequence[Change]) -> None:
    whole = items.patches_field is None and items.parts in (None, FRAMES)
    if whole:
        now = moment()
        writes = [
            UpdateOne({"_id": ObjectId(item)}, {"$set": {**change, "last_modified_at": now}})
            for item, change in zip(items.ids.tolist(), changes, strict=True)
        ]
        for start in range(0, len(writes), _WRITE_AT_ONCE):
            dataset._bulk_write(writes[start : start + _WRITE_AT_ONCE], frames=items.parts == FRAMES)
        return
    for name in dict.fromkeys(name for change in changes for name in change):
        by_label = {
            item: change[name] for item, change in zip(items.ids.tolist(), changes, strict=True) if name in change
        }
        every_sample(dataset).set_label_values(_path(dataset, items, name), by_label)
    field = items.patches_field or items.parts
    if field is not None and not field.startswith(FRAMES_PREFIX):
        show_in_generated_views(dataset, np.unique(items.sample_ids).tolist(), {field}, added=False)
