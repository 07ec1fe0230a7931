"""Migrate a label field when its label config changes between one class and several classes per image."""

from collections.abc import Callable
from typing import Any, get_args

import fiftyone as fo

from ..errors import Refusal
from ..store.pending_changes import pending_changes
from ..wording import agree, count
from .config import Kind
from .label_fields import ProjectHeld, begin_migration, end_migration, scratch_of
from .regions import WHOLE_KINDS

# By the kind of a control, and whether several classes may be chosen.
FIELD_TYPES: dict[tuple[Kind, bool], type] = {
    **{(kind, False): fo.Classification if kind in WHOLE_KINDS else fo.Detections for kind in get_args(Kind)},
    ("choices", True): fo.Classifications,
    ("taxonomy", True): fo.Classifications,
}
_PLAIN_FIELDS = (fo.StringField, fo.IntField, fo.FloatField, fo.BooleanField, fo.DateTimeField)


def migrate_labels(dataset: fo.Dataset, field: str, kind: type) -> list[str]:
    """Convert a field and its labels to this kind of label; returns sentences on what changed.

    One class becomes the only one of several. Of several classes the first becomes the one, and where a sample has
    more, the field as it was is kept under another name. After an interruption, the next call continues.

    Raises:
        ProjectHeld: labels are pending in the field.
        Refusal: the field has labels that cannot be turned into this kind.
    """
    scratch = scratch_of(dataset, field)
    if dataset.has_sample_field(scratch) and not dataset.has_sample_field(field):  # interrupted before the last step
        dataset.rename_sample_field(scratch, field)
    if not dataset.has_sample_field(field):
        dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=kind)
        return []
    present = dataset.get_field(field).document_type
    if present is kind:
        end_migration(dataset, field)
        return []
    if {present, kind} != {fo.Classification, fo.Classifications}:
        raise Refusal(
            f"The label config now asks for {kind.__name__}, and '{field}' of the dataset '{dataset.name}' has "
            f"{present.__name__}: rename that dataset, and a new one will be created."
        )
    _check_pending(dataset, field)
    if dataset.has_sample_field(scratch):
        dataset.delete_sample_field(scratch)
    scratch = _free_name(f"{field}_migrated", dataset.has_sample_field)
    begin_migration(dataset, field, scratch)
    dataset.add_sample_field(scratch, fo.EmbeddedDocumentField, embedded_doc_type=kind)
    turn = _into_several if kind is fo.Classifications else _into_one
    notices = turn(dataset, field, scratch)
    end_migration(dataset, field)
    return notices


def _check_pending(dataset: fo.Dataset, field: str) -> None:
    """Refuse while labels are pending, which could not be saved into the field once it has another kind."""
    changes = [field_changes for field_changes in pending_changes(dataset).fields if field_changes.field == field]
    pending = sum(len(field_changes.ids) + len(field_changes.cleared) for field_changes in changes)
    if pending:
        raise ProjectHeld(
            f"The label config now asks for another kind of label, and {count(pending, 'change')} to '{field}' of the "
            f"dataset '{dataset.name}' {agree(pending, 'is')} not saved yet: save or discard them in FiftyOne, and the "
            "labels are converted."
        )


def _into_several(dataset: fo.Dataset, field: str, scratch: str) -> list[str]:
    labels = {"$cond": [{"$in": [{"$ifNull": [f"${field}.label", ""]}, ["", None]]}, [], [f"${field}"]]}
    moved = _fill(dataset, field, {scratch: {"_cls": "Classifications", "classifications": labels}})
    _declare_like(dataset, field, f"{scratch}.classifications")
    dataset.delete_sample_field(field)
    dataset.rename_sample_field(scratch, field)
    return [f"The label config now asks for several classes per image: {count(moved, 'label')} converted."]


def _into_one(dataset: fo.Dataset, field: str, scratch: str) -> list[str]:
    moved = _fill(dataset, field, {scratch: {"$first": f"${field}.classifications"}})
    _declare_like(dataset, f"{field}.classifications", scratch)
    several = dataset._sample_collection.count_documents({f"{field}.classifications.1": {"$exists": True}})
    notices = [f"The label config now asks for one class per image: {count(moved, 'label')} converted."]
    if several:
        kept = _free_name(f"{field}_several", dataset.has_sample_field)
        dataset.rename_sample_field(field, kept)
        notices.append(f"{count(several, 'sample')} had more than one class; all of them are kept in '{kept}'.")
    else:
        dataset.delete_sample_field(field)
    dataset.rename_sample_field(scratch, field)
    return notices


def _fill(dataset: fo.Dataset, field: str, values: dict[str, Any]) -> int:
    """Compute a field in MongoDB from another one, for all samples that have that; returns how many."""
    filled = dataset._sample_collection.update_many({field: {"$ne": None}}, [{"$set": values}])
    dataset.reload()
    return int(filled.modified_count)


def _declare_like(dataset: fo.Dataset, before: str, now: str) -> None:
    """Declare the attributes that labels had, so that the App can filter by them."""
    for path, field in dataset.get_field_schema(flat=True).items():
        name = path.removeprefix(f"{before}.")
        is_own = name != path and "." not in name and type(field) in _PLAIN_FIELDS
        if is_own and dataset.get_field(f"{now}.{name}") is None:
            dataset.add_sample_field(f"{now}.{name}", type(field))


def _free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    number = 1
    while is_taken(name if number == 1 else f"{name}_{number}"):
        number += 1
    return name if number == 1 else f"{name}_{number}"
