"""Labels and predictions of a view as columns, for the confusion analysis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import fiftyone as fo
import numpy as np
import pandas as pd
from fiftyone.core.collections import SampleCollection

from ..analysis.confusion import Objects
from ..errors import Refusal
from .items import as_ids, every_sample, label_path

EvaluationKind = Literal["detection", "classification"]
_BOXED = (fo.Detections, fo.Detection)
_NO_BOX = [0.0, 0.0, 0.0, 0.0]
_CLASSED = (fo.Classification, fo.Classifications)


@dataclass(frozen=True, eq=False)
class LabelColumns:
    """The labels of one field: ``objects`` as numbers, with the id (n,) of each and whether it has a confidence."""

    field: str
    objects: Objects
    ids: np.ndarray

    @property
    def scored(self) -> bool:
        """Whether any of them has a confidence, so that a confidence threshold means something."""
        return bool((~np.isnan(self.objects.confidence)).any())


@dataclass(frozen=True, eq=False)
class EvaluationColumns:
    """Labels and predictions of the same samples, with shared class numbers.

    ``sample_ids`` (s,) and ``filepaths`` are those of the samples that ``Objects.sample`` numbers.
    """

    kind: EvaluationKind
    classes: list[str]
    truth: LabelColumns
    predictions: LabelColumns
    sample_ids: np.ndarray
    filepaths: list[str]


def evaluation_fields(dataset: fo.Dataset) -> dict[EvaluationKind, list[str]]:
    """Fields that can be compared with each other, by kind of label."""
    return {
        "detection": list(dataset.get_field_schema(embedded_doc_type=_BOXED)),
        "classification": list(dataset.get_field_schema(embedded_doc_type=_CLASSED)),
    }


def read_evaluation(samples: SampleCollection, *, truth_field: str, prediction_field: str) -> EvaluationColumns:
    """Read both fields of a view. Labels without a class are left out; an invalid box overlaps nothing.

    Samples that somebody checked and found none of the classes in are `Objects.empty`. A whole grouped dataset means
    all its slices.

    Raises:
        Refusal: a patches view, or fields that are missing, equal, or of different kinds.
    """
    kind = _check_fields(samples, truth_field, prediction_field)
    samples = every_sample(samples)
    sample_ids, filepaths = samples.values(["id", "filepath"])
    raw = [_read(samples, name, kind) for name in (truth_field, prediction_field)]
    names = pd.concat([table["label"] for table in raw], ignore_index=True)
    codes, classes = pd.factorize(names.replace("", None), sort=True)
    truth_codes, prediction_codes = np.split(codes, [len(raw[0])])
    return EvaluationColumns(
        kind=kind,
        classes=[str(name) for name in classes],
        truth=_columns(truth_field, raw[0], truth_codes, kind),
        predictions=_columns(prediction_field, raw[1], prediction_codes, kind),
        sample_ids=as_ids(sample_ids),
        filepaths=list(filepaths),
    )


def _check_fields(samples: SampleCollection, truth_field: str, prediction_field: str) -> EvaluationKind:
    if samples._is_patches or samples._is_frames or samples._is_clips:
        raise Refusal("A view of patches, frames, or clips has no whole samples to compare: open the samples first.")
    if truth_field == prediction_field:
        raise Refusal(f"'{truth_field}' was chosen twice: choose a label field and a different field of predictions.")
    fields = evaluation_fields(samples._root_dataset)
    kinds = [next((kind for kind in fields if name in fields[kind]), None) for name in (truth_field, prediction_field)]
    for name, kind in zip((truth_field, prediction_field), kinds, strict=True):
        if kind is None:
            listing = ", ".join(name for names in fields.values() for name in names) or "none"
            raise Refusal(f"'{name}' holds no classes or boxes; fields of this dataset that do: {listing}.")
    if kinds[0] != kinds[1]:
        raise Refusal(
            f"'{truth_field}' has {kinds[0]}s and '{prediction_field}' {kinds[1]}s: choose two fields of the same kind."
        )
    if samples.get_field(truth_field).document_type is fo.Classifications:
        raise Refusal(
            f"'{truth_field}' holds several classes per sample: choose a field with one class as the label field."
        )
    assert kinds[0] is not None
    return kinds[0]


def _read(samples: SampleCollection, field: str, kind: EvaluationKind) -> pd.DataFrame:
    """One row per label of the field: sample number, id, label, confidence, and for boxes the rest."""
    path = _path(samples, field)
    attributes = ["id", "label", "confidence", "bounding_box" if kind == "detection" else "labelscape"]
    present = [name for name in attributes if samples.get_field(f"{path}.{name}") is not None]
    present += [name for name in ("mask", "mask_path") if kind == "detection" and samples.count(f"{path}.{name}")]
    if kind == "detection" and _has_crowds(samples, path):
        present.append("iscrowd")
    # as MongoDB has them: FiftyOne (1.22) would convert each number of each box to Python, which takes most of the time
    columns = samples.values([f"{path}.{name}" for name in present], _raw=True)
    if "mask" in present:  # but masks are packed there
        columns = list(columns)
        columns[present.index("mask")] = samples.values(f"{path}.mask")
    if path != field:
        counts = [len(labels or ()) for labels in columns[0]]
        rows = np.repeat(np.arange(len(counts)), counts)
        columns = [[value for values in column if values for value in values] for column in columns]
    else:
        rows = np.arange(len(columns[0]))
    table = pd.DataFrame(dict(zip(present, (pd.Series(c, dtype=object) for c in columns), strict=True)))
    table["sample"] = rows
    return table[table["id"].notna()].reset_index(drop=True)


def _has_crowds(samples: SampleCollection, path: str) -> bool:
    """Whether any object is a crowd; like FiftyOne's evaluation, also reads the attribute if it is not declared."""
    collection = samples._root_dataset._sample_collection
    return collection.find_one({f"{path}.iscrowd": {"$in": [True, 1]}}, {"_id": 1}) is not None


def _path(samples: SampleCollection, field: str) -> str:
    if samples.get_field(field).document_type is fo.Classifications:
        return f"{field}.classifications"
    return label_path(samples._root_dataset, field)


def _columns(field: str, table: pd.DataFrame, codes: np.ndarray, kind: EvaluationKind) -> LabelColumns:
    box = None
    if kind == "detection":
        boxes = [shape if _is_box(shape) else _NO_BOX for shape in table["bounding_box"]]
        box = np.array(boxes, float).reshape(-1, 4)
    objects = Objects(
        sample=table["sample"].to_numpy(),
        label=codes,
        box=box,
        confidence=pd.to_numeric(table["confidence"]).to_numpy(float) if "confidence" in table else None,
        crowd=table["iscrowd"].map(bool).to_numpy(bool) if "iscrowd" in table else None,
        masks=_masks(table),
        empty=table["sample"][_is_checked(table, codes)] if "labelscape" in table else (),
    )
    return LabelColumns(field=field, objects=objects, ids=as_ids(table["id"].tolist()))


def _is_checked(table: pd.DataFrame, codes: np.ndarray) -> np.ndarray:
    """Which labels without a class record that somebody checked and found nothing."""
    checked: np.ndarray = (codes < 0) & (table["labelscape"] == "human").to_numpy(bool)
    return checked


def _is_box(shape: Any) -> bool:
    """Whether a stored box is four numbers; an invalid one does not affect other objects."""
    return (
        isinstance(shape, list)
        and len(shape) == 4
        and all(isinstance(number, (int, float)) and math.isfinite(number) for number in shape)
    )


def _masks(table: pd.DataFrame) -> Sequence[Any] | None:
    """Instance masks as boolean arrays, from the database or from their files; None if no object has one."""
    masks: list[Any] = [None] * len(table)
    if "mask" in table:
        masks = [None if mask is None else np.asarray(mask) != 0 for mask in table["mask"]]
    if "mask_path" in table:
        import fiftyone.utils.image as foui

        paths = table["mask_path"].tolist()
        masks = [
            mask if mask is not None or path is None else _plane(foui.read(path, flag=-1))
            for mask, path in zip(masks, paths, strict=True)
        ]
    return masks if any(mask is not None for mask in masks) else None


def _plane(image: np.ndarray) -> np.ndarray:
    flat = image if image.ndim == 2 else image.max(axis=2)
    return np.asarray(flat != 0)
