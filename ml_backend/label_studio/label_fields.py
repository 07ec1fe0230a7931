"""The label fields of a mirrored project, which keep their labels when somebody renames them in FiftyOne."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import fiftyone as fo
from fiftyone.core.odm.database import get_db_conn

from ..errors import Refusal
from ..store.own_fields import delete_own_field
from ..store.schema import field_marks, fields_today
from ..store.suggestions import suggestions_field_name
from .ledger import AnnotationLedger
from .notices import Notice

_MARKS = "label_studio_field_marks"  # in the info of a dataset: field → its mark, see `schema.field_mark`
_SERVED = "label_studio_fields_served"  # the label fields of the controls that were filled in when last read
_SCRATCH = "label_studio_scratch"  # in the info of a dataset: field → the one in which its labels are converted


class ProjectHeld(Refusal):
    """A project is not synced before somebody has acted; the message says what to do."""


def renamed_fields(dataset: fo.Dataset) -> dict[str, str]:
    """Former name → current name of the label fields that were renamed."""
    today = fields_today(dataset, _marks(dataset))
    return {name: now for name, now in today.items() if now not in (None, name)}


def follow_fields(
    dataset: fo.Dataset, ledger: AnnotationLedger, fields: Sequence[str], renamed: Mapping[str, str]
) -> list[Notice]:
    """Update the ledger for label fields that were renamed or are new; returns sentences about them.

    Raises:
        ProjectHeld: a field was deleted, and there is no other one of its name.
    """
    for before, now in renamed.items():
        ledger.move_place(before, now)
        ledger.doubt_predictions()
        delete_own_field(dataset, suggestions_field_name(before))
    for field in _new_fields(dataset, fields):  # else its labels would count as removed here
        place = "" if field == fields[0] else field
        ledger.forget_synced(place if len(fields) > 1 else None)
    return [
        Notice(f"The label field '{before}' is now called '{now}' in FiftyOne: its labels are synced under this name.")
        for before, now in renamed.items()
    ]


def keep_marks(dataset: fo.Dataset, fields: Iterable[str], renamed: Mapping[str, str]) -> None:
    """Store what identifies the label fields from now on; ``renamed``: former → current names."""
    before = _marks(dataset)
    earlier = {name: mark for name, mark in before.items() if name not in renamed}
    served = list(fields)
    now = earlier | field_marks(dataset, [*renamed.values(), *served])
    if now != before or served != dataset.info.get(_SERVED):
        dataset.info[_MARKS], dataset.info[_SERVED] = now, served
        dataset.save()


def scratch_of(dataset: fo.Dataset, field: str) -> str:
    """The field in which the labels of a field are converted to another kind; "" where they are not."""
    return str((dataset.info.get(_SCRATCH) or {}).get(field, ""))


def begin_migration(dataset: fo.Dataset, field: str, scratch: str) -> None:
    """Note that the labels of a field are converted in another one, which then takes its place."""
    marks = _marks(dataset)
    marks.pop(field, None)
    dataset.info[_MARKS] = marks
    dataset.info[_SCRATCH] = {**(dataset.info.get(_SCRATCH) or {}), field: scratch}
    dataset.save()


def end_migration(dataset: fo.Dataset, field: str) -> None:
    """Note that all labels of a field are converted."""
    scratches = dict(dataset.info.get(_SCRATCH) or {})
    if scratches.pop(field, None) is not None:
        dataset.info[_SCRATCH] = scratches
        dataset.save()


def are_in_place(dataset: fo.Dataset, fields: Sequence[str]) -> bool:
    """Whether these label fields still have the names under which they were opened, in any process."""
    stored = get_db_conn()["datasets"].find_one({"_id": dataset._doc.id}, {"sample_fields": 1}) or {}
    times = {field["name"]: field.get("created_at") for field in stored.get("sample_fields", ())}
    marks = _marks(dataset)
    return all(field in times and _is_of(marks.get(field), times[field]) for field in fields)


def _new_fields(dataset: fo.Dataset, fields: Sequence[str]) -> list[str]:
    """The label fields that were never synced, even if a deleted field had the same name.

    A field that was deleted while the config lacked its control is made again when the control returns.
    """
    marks = {name: mark for name, mark in _marks(dataset).items() if name in fields}
    gone = [name for name, now in fields_today(dataset, marks).items() if now is None]
    served = dataset.info.get(_SERVED)
    for name in gone:
        if not dataset.has_sample_field(name) and (served is None or name in served):
            raise ProjectHeld(
                f"The label field '{name}' of the dataset '{dataset.name}' was deleted in FiftyOne, so nothing is "
                "synced, and all annotations in Label Studio stay. To go on, add a field of this name to the dataset: "
                "the labels are then read from the annotations again."
            )
    missing = [name for name in fields if not dataset.has_sample_field(name) and not scratch_of(dataset, name)]
    return [*gone, *missing]


def _is_of(mark: str | None, created_at: object) -> bool:
    """Whether a mark is of a field that was made at this time, as MongoDB has it."""
    at = created_at.isoformat(timespec="milliseconds") if isinstance(created_at, datetime) else ""
    return mark is None or f"/{at}" in mark


def _marks(dataset: fo.Dataset) -> dict[str, str | None]:
    return dict(dataset.info.get(_MARKS) or {})
