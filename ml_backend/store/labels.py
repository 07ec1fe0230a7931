"""Labels of samples or patches: the kinds of label fields, and reading labels as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import fiftyone as fo
import numpy as np
import pandas as pd

from ..errors import Refusal
from ..wording import count
from .items import FRAMES, FRAMES_PREFIX, Items, every_sample, label_path
from .label_origins import holds_predictions
from .pending_columns import PendingChanges
from .records import as_names
from .suggestions import is_suggestions_field

DEFAULT_FIELD = "ground_truth"
Kind = Literal["classification", "classifications", "patch"]
_DOCUMENTS = {"classification": fo.Classification, "classifications": fo.Classifications, "patch": fo.Detections}


@dataclass(frozen=True)
class LabelField:
    """A field of labels: one per sample, several per sample, or those of objects.

    ``path`` leads to the labels themselves (``field``, ``field.classifications``, ``field.detections``).
    """

    name: str
    kind: Kind
    path: str

    @property
    def patches_field(self) -> str | None:
        """The field of patches or clips that is labeled, "frames" for labels of frames; None for whole samples."""
        if self.kind == "patch":
            return self.name
        return FRAMES if self.name.startswith(FRAMES_PREFIX) else None


@dataclass(frozen=True)
class Labels:
    """Labels of n items as numbers.

    ``codes`` (n,) int64 index ``classes``, -1 = unlabeled. In a multi-label field ``codes`` is the first
    label of each item, and ``members`` (m, 2) int64 lists every (item row, class code). ``followed`` (m,) bool tells
    which of the members only followed a neighbor's label: those are not evidence, because they would only repeat what
    they were made from. ``checked`` (n,) bool are items without a label at which somebody looked and found none: they
    have none of the classes, while nothing is known of an unlabeled item.
    """

    codes: np.ndarray
    classes: list[str]
    members: np.ndarray
    followed: np.ndarray
    checked: np.ndarray
    multi: bool

    def of_class(self, code: int) -> np.ndarray:
        """(n,) int64: 1 = has the class, 0 = labeled or checked without it, -1 = unlabeled."""
        states = np.where((self.codes >= 0) | self.checked, 0, -1)
        states[self.members[self.members[:, 1] == code, 0]] = 1
        return states

    @property
    def unlabeled(self) -> np.ndarray:
        """(n,) bool: items without a label that nobody has checked."""
        return np.asarray((self.codes < 0) & ~self.checked)

    def with_nothing(self, codes: np.ndarray) -> tuple[np.ndarray, int]:
        """Codes (n,) in which “checked, nothing there” is one more class, the last; and the number of classes then.

        A field of several labels per item needs no such class: in `of_class`, these items have none of the classes.
        """
        return (codes, len(self.classes)) if self.multi else self.with_checked(codes)

    def with_checked(self, codes: np.ndarray) -> tuple[np.ndarray, int]:
        """`with_nothing`, also for fields of several labels per item, of which only the first is in ``codes``."""
        if not self.checked.any():
            return codes, len(self.classes)
        return np.where(self.checked, len(self.classes), codes), len(self.classes) + 1

    def evidence(self) -> np.ndarray:
        """(n,) as ``codes``, without labels that came from a neighbor."""
        return first_codes(self.members[~self.followed], len(self.codes))

    def evidence_of_class(self, code: int) -> np.ndarray:
        """(n,) as `of_class`, without labels that came from a neighbor, which are evidence neither for nor against."""
        states = np.where((self.evidence() >= 0) | self.checked, 0, -1)
        of_class = self.members[:, 1] == code
        states[self.members[of_class & self.followed, 0]] = -1
        states[self.members[of_class & ~self.followed, 0]] = 1
        return states


def usable_label_fields(dataset: fo.Dataset, patches_field: str | None = None, parts: str | None = None) -> list[str]:
    """Fields that can hold the labels of samples, of frames (`Items.parts`), or the patches field itself."""
    if patches_field == FRAMES:
        parts, patches_field = FRAMES, None
    if patches_field is not None:
        return [patches_field]
    kinds = (fo.Classification, fo.Classifications)
    if parts == FRAMES:
        schema = dataset.get_frame_field_schema(embedded_doc_type=kinds) or {}
        return [path for name in schema if _can_hold(dataset, path := f"{FRAMES_PREFIX}{name}")]
    schema = dataset.get_field_schema(embedded_doc_type=kinds)
    return [name for name in schema if _can_hold(dataset, name)]


def _can_hold(dataset: fo.Dataset, name: str) -> bool:
    return locked_path(dataset, name) is None and not is_suggestions_field(dataset, name)


def field_of_parts(name: str, parts: str | None) -> str:
    """The field of this name that the parts of samples have: ``frames.kind`` for frames.

    The label of a clip is that of the temporal detection it was made of.
    """
    if parts is None or name.startswith(FRAMES_PREFIX):
        return name
    return f"{FRAMES_PREFIX}{name}" if parts == FRAMES else parts


def default_label_field(
    dataset: fo.Dataset, patches_field: str | None = None, *, chosen: str | None = None, parts: str | None = None
) -> LabelField:
    """The default field that labels are written to; for patches, the field of the patches.

    It is the one ``chosen`` earlier while it can still hold labels, else ``ground_truth``, else the first that holds
    no predictions, else a new one: labels never go into a field of predictions unless a person chooses it.
    """
    if patches_field is None and parts not in (None, FRAMES):
        patches_field = parts  # clips
    if patches_field == FRAMES:
        parts, patches_field = FRAMES, None
    if patches_field is not None:
        return label_field(dataset, patches_field, patches_field)
    usable = usable_label_fields(dataset, parts=parts)
    if parts == FRAMES and chosen is not None and not chosen.startswith(FRAMES_PREFIX):
        chosen = field_of_parts(chosen, parts)
        chosen = chosen if chosen in usable else None  # it was chosen for whole samples
    if chosen is not None and (chosen in usable or dataset.get_field(chosen) is None):
        return label_field(dataset, chosen)
    own = [name for name in usable if not holds_predictions(dataset, name)]
    first = field_of_parts(DEFAULT_FIELD, parts)
    if first in own or (not own and dataset.get_field(first) is None):
        return label_field(dataset, first)
    return label_field(dataset, own[0] if own else _free_name(dataset, parts))


def _free_name(dataset: fo.Dataset, parts: str | None) -> str:
    names = (field_of_parts(f"label_{number}" if number > 1 else "label", parts) for number in range(1, 1000))
    return next(name for name in names if dataset.get_field(name) is None)


def label_field(dataset: fo.Dataset, name: str, patches_field: str | None = None) -> LabelField:
    """Describe a label field, which need not exist yet for labels of whole samples.

    Raises:
        Refusal: the field holds something else, is read-only, or does not belong to the patches.
    """
    if patches_field == FRAMES:
        return label_field(dataset, field_of_parts(name, FRAMES))
    if patches_field is not None:
        if name != patches_field:
            raise Refusal(
                f"Patches of '{patches_field}' carry their own labels: choose '{patches_field}' as the label "
                f"field, not '{name}'."
            )
        path = label_path(dataset, name)
        _refuse_read_only(dataset, name)
        return LabelField(name, "patch", path)
    if is_suggestions_field(dataset, name):
        raise Refusal(f"The field '{name}' holds Labelscape's suggestions: choose another label field.")
    if dataset.get_field(name) is None:
        in_frames = name.startswith(FRAMES_PREFIX) and dataset._has_frame_fields()
        if not (name.removeprefix(FRAMES_PREFIX) if in_frames else name).isidentifier():
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
    """Create the field if it is new, and declare the attributes that Labelscape writes, so the App can filter."""
    if dataset.get_field(field.name) is None:
        _add_field(dataset, field.name, fo.EmbeddedDocumentField, embedded_doc_type=_DOCUMENTS[field.kind])
    declare_attributes(
        dataset, {f"{field.path}.{attribute}": kind for attribute, kind in PROVENANCE_ATTRIBUTES.items()}
    )


def declare_attributes(dataset: fo.Dataset, attributes: Mapping[str, type[fo.Field]]) -> None:
    """Declare attributes of labels (path → type) unless they are declared already."""
    for path, kind in attributes.items():
        if dataset.get_field(path) is None:
            _add_field(dataset, path, kind)


def _add_field(dataset: fo.Dataset, path: str, kind: type[fo.Field], **options: Any) -> None:
    add = dataset.add_frame_field if path.startswith(FRAMES_PREFIX) else dataset.add_sample_field
    add(path.removeprefix(FRAMES_PREFIX), kind, **options)


def has_label_field(samples: fo.core.collections.SampleCollection, field: LabelField) -> bool:
    """Whether a view has the field, which a view of frames calls by its name in frames."""
    return samples.get_field(_local(samples, field.name)) is not None


def label_columns(samples: fo.core.collections.SampleCollection, field: LabelField) -> tuple[str, str, list[str]]:
    """Where a view keeps labels: their path, the path of the items' ids, and the attributes label and who set it."""
    alone = (samples._is_patches or samples._is_clips) and field.kind == "patch"
    root = _local(samples, field.name if alone else field.path)
    attributes = ["label"] if samples.get_field(f"{root}.labelscape") is None else ["label", "labelscape"]
    if samples._is_clips and alone:
        return root, "id", attributes
    of_frames = f"{FRAMES_PREFIX}id" if root.startswith(FRAMES_PREFIX) else "id"
    return root, f"{root}.id" if field.kind == "patch" else of_frames, attributes


def _local(samples: fo.core.collections.SampleCollection, path: str) -> str:
    return path.removeprefix(FRAMES_PREFIX) if samples._is_frames else path


# Attributes of a label saved by Labelscape: who set it, the sample it was derived from, its confidence, and the time.
PROVENANCE_ATTRIBUTES: dict[str, Any] = {
    "labelscape": fo.StringField,
    "anchor": fo.StringField,
    "labelscape_confidence": fo.FloatField,
    "labeled_at": fo.DateTimeField,
}


def read_labels(samples: fo.core.collections.SampleCollection, items: Items, field: LabelField) -> Labels:
    """The labels of these items, as numbers; classes are sorted by name. All slices of a grouped dataset are read."""
    samples = every_sample(samples)
    multi = field.kind == "classifications"
    if not has_label_field(samples, field):
        nothing = pd.DataFrame({"name": [], "origin": []}, dtype=object)
        return _as_labels(nothing, np.zeros(len(items), bool), multi=multi)
    root, ids_path, attributes = label_columns(samples, field)
    unwind: bool | int = field.kind == "patch"
    if ids_path.startswith(FRAMES_PREFIX) and field.kind != "patch":
        unwind = 1  # frames of a sample, but not the labels of a frame
    ids, names, *origins = samples.values(
        [ids_path, *(f"{root}.{attribute}" for attribute in attributes)], unwind=unwind
    )
    rows = pd.Index(items.ids).get_indexer(ids)
    table = pd.DataFrame({"name": names, "origin": origins[0] if origins else None}, index=rows, dtype=object)
    checked = np.zeros(len(items), bool)
    if field.kind == "classification" and origins:
        empty = np.asarray([not name and by == "human" for name, by in zip(names, origins[0], strict=True)], bool)
        checked[rows[empty & (rows >= 0)]] = True
    if multi:
        checked[rows[_is_checked(samples, field, names) & (rows >= 0)]] = True
        table = table.explode(["name", "origin"] if origins else "name")
    return _as_labels(table, checked, multi=multi)


def _is_checked(
    samples: fo.core.collections.SampleCollection, field: LabelField, names: Sequence[Sequence[str] | None]
) -> np.ndarray:
    """Which lists of labels are empty because somebody checked and found none; other empty lists do not count."""
    if field.name.startswith(FRAMES_PREFIX) or samples.get_field(f"{field.name}.labelscape") is None:
        return np.zeros(len(names), bool)
    origins = samples.values(f"{field.name}.labelscape")
    return np.asarray([not listed and by == "human" for listed, by in zip(names, origins, strict=True)], bool)


def with_pending(labels: Labels, items: Items, field: LabelField, pending: PendingChanges) -> Labels:
    """The labels including pending ones that a person set; pending labels from neighbors are not evidence."""
    changes = next((field_changes for field_changes in pending.fields if field_changes.field == field.name), None)
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
    cleared = np.isin(np.arange(len(items)), index.get_indexer(as_names(changes.cleared)))
    kept &= ~cleared[members[:, 0]]
    # Labels that a person set come first, so that they win over the same label from a neighbor.
    followed = np.concatenate([np.zeros(len(more), bool), labels.followed[kept]])
    members, first = np.unique(np.concatenate([more, members[kept]]), axis=0, return_index=True)
    codes = first_codes(members, len(items))
    return Labels(codes, classes, members, followed[first], labels.checked & (codes < 0) & ~cleared, labels.multi)


def check_evidence(labels: Labels, field: LabelField) -> None:
    """Raise a Refusal that says what to do unless some labels can serve as evidence."""
    if not labels.classes:
        raise Refusal(f"Nothing is labeled in '{field.name}' yet: label a few samples of each class first.")
    if labels.followed.all():
        raise Refusal(
            f"All {count(len(labels.followed), 'label')} in '{field.name}' came from neighbors, and repeating them "
            "proves nothing: label a few samples by hand first, or confirm some by setting the label they have."
        )


def _as_labels(table: pd.DataFrame, checked: np.ndarray, *, multi: bool) -> Labels:
    """Labels of a table with the row of an item as index, the name of its label and who set it."""
    names, rows = table["name"], table.index.to_numpy()
    present = (names.notna() & (names != "") & (rows >= 0)).to_numpy()
    codes, classes = pd.factorize(names[present], sort=True)
    members = np.column_stack([rows[present], codes]).astype(np.int64).reshape(-1, 2)
    followed = (table["origin"] == "neighbors").to_numpy()[present]
    codes = first_codes(members, len(checked))
    return Labels(codes, [str(name) for name in classes], members, followed, checked, multi)


def first_codes(members: np.ndarray, count: int) -> np.ndarray:
    """(count,) code of the first member of each row, -1 if a row has none."""
    codes = np.full(count, -1, np.int64)
    codes[members[::-1, 0]] = members[::-1, 1]
    return codes


def locked_path(dataset: fo.Dataset, name: str) -> str | None:
    """The read-only field that keeps labels in a field from being written: itself, its list, or the class in it."""
    paths = [name, *(f"{name}.{leaf}" for leaf in ("detections", "polylines", "classifications"))]
    fields = {path: dataset.get_field(path) for root in paths for path in (root, f"{root}.label")}
    return next((path for path, field in fields.items() if field is not None and field.read_only), None)


def _refuse_read_only(dataset: fo.Dataset, name: str) -> None:
    locked = locked_path(dataset, name)
    if locked is not None:
        raise Refusal(f"The field '{locked}' is read-only: choose another label field, or make it writable.")


def _is_document(dataset: fo.Dataset, name: str) -> bool:
    return isinstance(dataset.get_field(name), fo.EmbeddedDocumentField)
