"""Labels of samples or patches: what kind of field holds them, which there are, which there could be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import fiftyone as fo
import numpy as np
import pandas as pd

from .items import Items, label_path
from .pending import PendingLabel

DEFAULT_FIELD = "ground_truth"
Kind = Literal["classification", "classifications", "patch"]


@dataclass(frozen=True)
class LabelField:
    """A field that holds labels: one per sample, several per sample, or the objects' own.

    ``path`` leads to the labels themselves (``field``, ``field.classifications``, ``field.detections``).
    """

    name: str
    kind: Kind
    path: str

    @property
    def patches_field(self) -> str | None:
        """The field of patches that is labeled; None for labels of whole samples."""
        return self.name if self.kind == "patch" else None


@dataclass(frozen=True)
class Labels:
    """Labels of n items as numbers.

    ``codes`` (n,) int64 index ``classes``, -1 = unlabeled. In a multi-label field ``codes`` is the first
    label of each item, and ``members`` (m, 2) int64 lists every (item row, class code).
    """

    codes: np.ndarray
    classes: list[str]
    members: np.ndarray
    multi: bool

    def of_class(self, code: int) -> np.ndarray:
        """(n,) int64: 1 = has the class, 0 = labeled without it, -1 = unlabeled."""
        states = np.where(self.codes >= 0, 0, -1)
        states[self.members[self.members[:, 1] == code, 0]] = 1
        return states


def usable_label_fields(dataset: fo.Dataset, patches_field: str | None = None) -> list[str]:
    """Fields that can hold the labels of samples, or the patches field itself."""
    if patches_field is not None:
        return [patches_field]
    schema = dataset.get_field_schema(embedded_doc_type=(fo.Classification, fo.Classifications))
    return [name for name, field in schema.items() if not field.read_only]


def label_field(dataset: fo.Dataset, name: str, patches_field: str | None = None) -> LabelField:
    """Describe a label field, which need not exist yet for labels of whole samples.

    Raises:
        ValueError: the field holds something else, is read-only, or does not belong to the patches.
    """
    if patches_field is not None:
        if name != patches_field:
            raise ValueError(
                f"Patches of '{patches_field}' carry their own labels: choose '{patches_field}' as the label "
                f"field, not '{name}'."
            )
        path = label_path(dataset, name)
        _refuse_read_only(dataset, name)
        return LabelField(name, "patch", path)
    if not dataset.has_sample_field(name):
        if not name.isidentifier():
            raise ValueError(f"'{name}' cannot name a field: use letters, digits and _")
        return LabelField(name, "classification", name)
    _refuse_read_only(dataset, name)
    document = dataset.get_field(name).document_type if _is_document(dataset, name) else None
    if document is fo.Classification:
        return LabelField(name, "classification", name)
    if document is fo.Classifications:
        return LabelField(name, "classifications", f"{name}.classifications")
    usable = ", ".join(usable_label_fields(dataset)) or "none yet: name a new one, it will be made"
    raise ValueError(f"The field '{name}' holds no classifications; fields that do: {usable}.")


def ensure_label_field(dataset: fo.Dataset, field: LabelField) -> None:
    """Create the field if it is new; declare what Labelscape writes into labels, so the App can filter by it."""
    if field.kind == "classification" and not dataset.has_sample_field(field.name):
        dataset.add_sample_field(field.name, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    for attribute, field_type in PROVENANCE_ATTRIBUTES.items():
        path = f"{field.path}.{attribute}"
        if dataset.get_field(path) is None:
            dataset.add_sample_field(path, field_type)


# What a label saved by Labelscape carries: who set it, because of which sample, how sure, when.
PROVENANCE_ATTRIBUTES: dict[str, Any] = {
    "labelscape": fo.StringField,
    "anchor": fo.StringField,
    "labelscape_confidence": fo.FloatField,
    "labeled_at": fo.DateTimeField,
}


def read_labels(samples: fo.core.collections.SampleCollection, items: Items, field: LabelField) -> Labels:
    """The labels of these items, as numbers; classes are sorted by name."""
    if not samples.has_field(field.name):
        return _as_labels(pd.Series([], dtype=object), np.empty(0, np.int64), len(items), multi=False)
    if field.kind == "patch":
        names = _in_item_order(samples, items, field)
        return _as_labels(pd.Series(names, dtype=object), np.arange(len(items)), len(items), multi=False)
    rows_of = pd.Index(items.ids)
    if field.kind == "classification":
        ids, names = samples.values(["id", f"{field.path}.label"])
        rows = rows_of.get_indexer(ids)
        return _as_labels(pd.Series(names, dtype=object), rows, len(items), multi=False)
    ids, nested = samples.values(["id", f"{field.path}.label"])
    series = pd.Series(nested, index=rows_of.get_indexer(ids), dtype=object).explode()
    return _as_labels(series.reset_index(drop=True), series.index.to_numpy(), len(items), multi=True)


def with_pending(labels: Labels, items: Items, field: LabelField, pending: Sequence[PendingLabel]) -> Labels:
    """The labels as they will be once what a person set is saved; what only followed neighbors is no evidence."""
    set_by_hand = [label for label in pending if label.field == field.name and label.origin == "human"]
    rows = pd.Index(items.ids).get_indexer([label.item for label in set_by_hand])
    fresh = {label.label for label in set_by_hand} - set(labels.classes)
    classes = sorted([*labels.classes, *fresh])
    code_of = {name: code for code, name in enumerate(classes)}
    renumbered = np.asarray([code_of[name] for name in labels.classes], np.int64)
    members = labels.members.copy()
    members[:, 1] = renumbered[members[:, 1]] if len(members) else members[:, 1]
    added = np.asarray([code_of[label.label] for label in set_by_hand], np.int64)
    more = np.column_stack([rows, added])[rows >= 0].reshape(-1, 2)
    if not labels.multi:
        members = members[~np.isin(members[:, 0], more[:, 0])]
    members = np.unique(np.concatenate([members, more]), axis=0)
    codes = np.full(len(items), -1, np.int64)
    codes[members[::-1, 0]] = members[::-1, 1]
    return Labels(codes, classes, members, labels.multi)


def read_origins(samples: fo.core.collections.SampleCollection, items: Items, field: LabelField) -> np.ndarray:
    """(n,) object: "human" or "neighbors" where Labelscape set the label, None for others and for no label."""
    path = f"{field.path}.labelscape"
    if field.kind == "classifications" or samples.get_field(path) is None:
        return np.full(len(items), None, object)
    if field.kind == "patch":
        root = field.name if samples._is_patches else field.path
        ids, origins = samples.values([f"{root}.id", f"{root}.labelscape"], unwind=True)
    else:
        ids, origins = samples.values(["id", path])
    found = dict(zip(ids, origins, strict=True))
    return np.asarray([found.get(item) for item in items.ids.tolist()], object)


def _as_labels(names: "pd.Series[Any]", rows: np.ndarray, count: int, *, multi: bool) -> Labels:
    present = (names.notna() & (names != "") & (rows >= 0)).to_numpy()
    codes, classes = pd.factorize(names[present], sort=True)
    members = np.column_stack([rows[present], codes]).astype(np.int64).reshape(-1, 2)
    first = np.full(count, -1, np.int64)
    first[members[::-1, 0]] = members[::-1, 1]
    return Labels(codes=first, classes=[str(name) for name in classes], members=members, multi=multi)


def _in_item_order(samples: fo.core.collections.SampleCollection, items: Items, field: LabelField) -> list[str | None]:
    root = field.name if samples._is_patches else field.path
    ids, names = samples.values([f"{root}.id", f"{root}.label"], unwind=True)
    found = dict(zip(ids, names, strict=True))
    return [found.get(item) for item in items.ids.tolist()]


def _refuse_read_only(dataset: fo.Dataset, name: str) -> None:
    if dataset.get_field(name).read_only:
        raise ValueError(f"The field '{name}' is read-only: choose another label field, or make it writable.")


def _is_document(dataset: fo.Dataset, name: str) -> bool:
    return isinstance(dataset.get_field(name), fo.EmbeddedDocumentField)
