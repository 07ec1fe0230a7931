"""Numbers and words that a ranking writes on samples, or on the objects of patches."""

from collections.abc import Sequence

import fiftyone as fo
import numpy as np

from .items import Items, label_path

_DESCRIPTIONS = {
    "outlier_score": "Labelscape: 0..1, higher = look at it first",
    "outlier_reason": "Labelscape: why the outlier score is high",
    "mislabel_score": "Labelscape: 0..1, higher = the label is more likely wrong",
    "mislabel_suggestion": "Labelscape: the label its neighbors speak for",
    "duplicate_group": "Labelscape: samples with the same number show the same",
}


def write_numbers(dataset: fo.Dataset, items: Items, name: str, values: np.ndarray) -> None:
    """Write a float per item, NaN as nothing, into the field ``name`` (an attribute of the objects of patches)."""
    plain = values.astype(float)
    _write(dataset, items, name, fo.FloatField, [None if value != value else value for value in plain.tolist()])


def write_words(dataset: fo.Dataset, items: Items, name: str, values: Sequence[str | None]) -> None:
    """Write a text per item into the field ``name`` (an attribute of the objects of patches)."""
    _write(dataset, items, name, fo.StringField, list(values))


def read_words(dataset: fo.Dataset, items: Items, name: str) -> list[str | None]:
    """The text of each item in the field ``name``, None where there is none."""
    path = score_path(dataset, items.patches_field, name)
    if dataset.get_field(path) is None:
        return [None] * len(items)
    ids_path = "id" if items.patches_field is None else f"{label_path(dataset, items.patches_field)}.id"
    ids, words = dataset.values([ids_path, path], unwind=items.patches_field is not None)
    found = dict(zip(ids, words, strict=True))
    return [found.get(item) for item in items.ids.tolist()]


def score_path(dataset: fo.Dataset, patches_field: str | None, name: str) -> str:
    """Path of a score: a field of the sample, or an attribute of the objects."""
    return name if patches_field is None else f"{label_path(dataset, patches_field)}.{name}"


def _write(
    dataset: fo.Dataset,
    items: Items,
    name: str,
    field_type: type,
    values: list[float | None] | list[str | None],
) -> None:
    path = score_path(dataset, items.patches_field, name)
    held = dataset.get_field(path)
    if held is None:
        dataset.add_sample_field(path, field_type, description=_DESCRIPTIONS.get(name))
    elif not isinstance(held, field_type):
        raise ValueError(
            f"The field '{path}' is not Labelscape's: it holds {type(held).__name__}. Rename or delete it first."
        )
    by_item = dict(zip(items.ids.tolist(), values, strict=True))
    if items.patches_field is None:
        dataset.set_values(name, by_item, key_field="id")
    else:
        dataset.set_label_values(path, by_item)
