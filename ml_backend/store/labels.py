"""Labels of samples or patches: what kind of field holds them, which there are, which there could be."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import fiftyone as fo
import numpy as np
import pandas as pd

from ..errors import Refusal
from ..wording import count
from .items import Items, label_path
from .pending_changes import PendingChanges
from .records import as_names

DEFAULT_FIELD = "ground_truth"
SUGGESTED_FIELD = "suggested_label"
_PREDICTION_NAME = re.compile(r"(^|_)(preds?|predictions?|predicted|predictor|outputs?|inference|model)(_|$)", re.I)
_EXAMINED = 10_000  # samples that are looked at for confidence or logits
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
    label of each item, and ``members`` (m, 2) int64 lists every (item row, class code). ``followed`` (m,) bool tells
    which of the members only followed a neighbor's label: those are no evidence, they would repeat what made them.
    """

    codes: np.ndarray
    classes: list[str]
    members: np.ndarray
    followed: np.ndarray
    multi: bool

    def of_class(self, code: int) -> np.ndarray:
        """(n,) int64: 1 = has the class, 0 = labeled without it, -1 = unlabeled."""
        states = np.where(self.codes >= 0, 0, -1)
        states[self.members[self.members[:, 1] == code, 0]] = 1
        return states

    def evidence(self) -> np.ndarray:
        """(n,) as ``codes``, without labels that only followed a neighbor's."""
        return _first_codes(self.members[~self.followed], len(self.codes))

    def evidence_of_class(self, code: int) -> np.ndarray:
        """(n,) as `of_class`, without labels that only followed a neighbor's: those speak neither for nor against."""
        states = np.where(self.evidence() >= 0, 0, -1)
        of_class = self.members[:, 1] == code
        states[self.members[of_class & self.followed, 0]] = -1
        states[self.members[of_class & ~self.followed, 0]] = 1
        return states


def usable_label_fields(dataset: fo.Dataset, patches_field: str | None = None) -> list[str]:
    """Fields that can hold the labels of samples, or the patches field itself."""
    if patches_field is not None:
        return [patches_field]
    schema = dataset.get_field_schema(embedded_doc_type=(fo.Classification, fo.Classifications))
    return [name for name, field in schema.items() if not field.read_only and name != SUGGESTED_FIELD]


def default_label_field(
    dataset: fo.Dataset, patches_field: str | None = None, *, chosen: str | None = None
) -> LabelField:
    """The field that labels are written to while nobody has chosen another one; patches carry their own labels.

    It is the one ``chosen`` earlier while it can still hold labels, else ``ground_truth``, else the first that holds
    no predictions, else a new one: labels never go into a field of predictions unless a person chooses it.
    """
    if patches_field is not None:
        return label_field(dataset, patches_field, patches_field)
    usable = usable_label_fields(dataset)
    if chosen is not None and (chosen in usable or not dataset.has_sample_field(chosen)):
        return label_field(dataset, chosen)
    own = [name for name in usable if not holds_predictions(dataset, name)]
    if DEFAULT_FIELD in own or (not own and not dataset.has_sample_field(DEFAULT_FIELD)):
        return label_field(dataset, DEFAULT_FIELD)
    return label_field(dataset, own[0] if own else _free_name(dataset))


def holds_predictions(dataset: fo.Dataset, name: str) -> bool:
    """Whether a field of labels holds a model's predictions: by its name, an evaluation, confidence, or logits.

    The labels that Labelscape saved carry a confidence too, and say so; they are no predictions.
    """
    if name == SUGGESTED_FIELD or _PREDICTION_NAME.search(name) or name in _evaluated_fields(dataset):
        return True
    if not _is_document(dataset, name):
        return False
    path = label_path(dataset, name)
    listed = dataset.get_field(name).document_type in (fo.Classifications, fo.Detections, fo.Polylines)
    document = dataset.get_field(name).document_type
    path = f"{name}.classifications" if document is fo.Classifications else path
    of_a_model = [{f"{path}.confidence": {"$ne": None}}, {f"{path}.logits": {"$ne": None}}]
    stages: list[dict[str, Any]] = [{"$limit": _EXAMINED}]
    stages += [{"$unwind": f"${path}"}] if listed else []
    stages += [{"$match": {"$or": of_a_model, f"{path}.labelscape": None}}, {"$limit": 1}, {"$project": {"_id": 1}}]
    return bool(list(dataset._sample_collection.aggregate(stages)))


def _evaluated_fields(dataset: fo.Dataset) -> set[str]:
    """The fields that evaluations of this dataset took for predictions."""
    configs = [dataset.get_evaluation_info(key).config for key in dataset.list_evaluations()]
    return {str(config.pred_field) for config in configs if getattr(config, "pred_field", None)}


def _free_name(dataset: fo.Dataset) -> str:
    names = ("label", *(f"label_{number}" for number in range(2, 1000)))
    return next(name for name in names if not dataset.has_sample_field(name))


def label_field(dataset: fo.Dataset, name: str, patches_field: str | None = None) -> LabelField:
    """Describe a label field, which need not exist yet for labels of whole samples.

    Raises:
        Refusal: the field holds something else, is read-only, or does not belong to the patches.
    """
    if patches_field is not None:
        if name != patches_field:
            raise Refusal(
                f"Patches of '{patches_field}' carry their own labels: choose '{patches_field}' as the label "
                f"field, not '{name}'."
            )
        path = label_path(dataset, name)
        _refuse_read_only(dataset, name)
        return LabelField(name, "patch", path)
    if name == SUGGESTED_FIELD:
        raise Refusal(f"The field '{name}' holds Labelscape's suggestions: choose another label field.")
    if not dataset.has_sample_field(name):
        if not name.isidentifier():
            raise Refusal(f"'{name}' cannot be the name of a field: use letters, digits, and _.")
        return LabelField(name, "classification", name)
    _refuse_read_only(dataset, name)
    document = dataset.get_field(name).document_type if _is_document(dataset, name) else None
    if document is fo.Classification:
        return LabelField(name, "classification", name)
    if document is fo.Classifications:
        return LabelField(name, "classifications", f"{name}.classifications")
    usable = ", ".join(usable_label_fields(dataset)) or "none yet; enter a new name to create one"
    raise Refusal(f"The field '{name}' does not hold classifications. Fields that do: {usable}.")


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
    multi = field.kind == "classifications"
    if not samples.has_field(field.name):
        return _as_labels(pd.DataFrame({"name": [], "origin": []}, dtype=object), len(items), multi=multi)
    root = field.name if samples._is_patches and field.kind == "patch" else field.path
    attributes = ["label"] if samples.get_field(f"{root}.labelscape") is None else ["label", "labelscape"]
    ids_path = f"{root}.id" if field.kind == "patch" else "id"
    ids, names, *origins = samples.values(
        [ids_path, *(f"{root}.{attribute}" for attribute in attributes)], unwind=field.kind == "patch"
    )
    rows = pd.Index(items.ids).get_indexer(ids)
    table = pd.DataFrame({"name": names, "origin": origins[0] if origins else None}, index=rows, dtype=object)
    if multi:
        table = table.explode(["name", "origin"] if origins else "name")
    return _as_labels(table, len(items), multi=multi)


def with_pending(labels: Labels, items: Items, field: LabelField, pending: PendingChanges) -> Labels:
    """The labels as they will be once what a person set is saved; what only followed neighbors is no evidence."""
    changes = next((one for one in pending.fields if one.field == field.name), None)
    if changes is None:
        return labels
    by_hand = ~changes.followed
    index = pd.Index(items.ids)
    rows = index.get_indexer(as_names(changes.ids[by_hand]))
    fresh = set(np.asarray(changes.names, object)[np.unique(changes.codes[by_hand])]) - set(labels.classes)
    classes = sorted([*labels.classes, *fresh])
    code_of = {name: code for code, name in enumerate(classes)}
    members = labels.members.copy()
    if len(members):
        members[:, 1] = np.asarray([code_of[name] for name in labels.classes], np.int64)[members[:, 1]]
    renumbered = np.asarray([code_of.get(name, -1) for name in changes.names], np.int64)
    more = np.column_stack([rows, renumbered[changes.codes[by_hand]]])[rows >= 0].reshape(-1, 2)
    kept = np.ones(len(members), bool) if labels.multi else ~np.isin(members[:, 0], more[:, 0])
    kept &= ~np.isin(members[:, 0], index.get_indexer(as_names(changes.cleared)))
    # What a person set comes first, so that it is what stays of a label that followed a neighbor before.
    followed = np.concatenate([np.zeros(len(more), bool), labels.followed[kept]])
    members, first = np.unique(np.concatenate([more, members[kept]]), axis=0, return_index=True)
    return Labels(_first_codes(members, len(items)), classes, members, followed[first], labels.multi)


def check_evidence(labels: Labels, field: LabelField) -> None:
    """Raise a Refusal that says what to do unless some label speaks for others."""
    if not labels.classes:
        raise Refusal(f"Nothing is labeled in '{field.name}' yet: label a few samples of each class first.")
    if labels.followed.all():
        raise Refusal(
            f"All {count(len(labels.followed), 'label')} in '{field.name}' came from neighbors, and repeating them "
            "proves nothing: label a few samples by hand first, or confirm some by setting the label they have."
        )


def _as_labels(table: pd.DataFrame, count: int, *, multi: bool) -> Labels:
    """Labels of a table with the row of an item as index, the name of its label and who set it."""
    names, rows = table["name"], table.index.to_numpy()
    present = (names.notna() & (names != "") & (rows >= 0)).to_numpy()
    codes, classes = pd.factorize(names[present], sort=True)
    members = np.column_stack([rows[present], codes]).astype(np.int64).reshape(-1, 2)
    followed = (table["origin"] == "neighbors").to_numpy()[present]
    return Labels(_first_codes(members, count), [str(name) for name in classes], members, followed, multi)


def _first_codes(members: np.ndarray, count: int) -> np.ndarray:
    """(count,) code of the first member of each row, -1 where a row has none."""
    codes = np.full(count, -1, np.int64)
    codes[members[::-1, 0]] = members[::-1, 1]
    return codes


def _refuse_read_only(dataset: fo.Dataset, name: str) -> None:
    if dataset.get_field(name).read_only:
        raise Refusal(f"The field '{name}' is read-only: choose another label field, or make it writable.")


def _is_document(dataset: fo.Dataset, name: str) -> bool:
    return isinstance(dataset.get_field(name), fo.EmbeddedDocumentField)
