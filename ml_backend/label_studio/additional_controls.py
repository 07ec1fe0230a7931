"""The controls of a label config that are filled in besides the first, and the label field of each."""

import re
from collections.abc import Collection, Mapping, Sequence

import fiftyone as fo

from ..store.own_fields import delete_own_field
from ..store.suggestions import is_suggestions_field, suggestions_field_name
from .config import Control, additional_controls
from .following import Followed, StoredControl, follow_additional, stored_control
from .mirror_dataset import FIELD
from .notices import Notice, control_name

_FIELDS = "label_studio_fields"  # in the info of a dataset: control → its label field, once there were several
_ADDITIONAL = "label_studio_beside"  # the additional controls, as of the last time the config was read


def read_additional_controls(dataset: fo.Dataset, config: str, first: Control) -> tuple[list[Followed], list[Notice]]:
    """The controls that are filled in besides the first, even if renamed, and notices about those that are gone."""
    candidates = list(additional_controls(config, first))
    stored_controls, by_control, notices = _stored_controls(dataset), dict[str, Followed](), list[Notice]()
    for stored in stored_controls:
        followed = follow_additional(config, stored, candidates)
        if followed is not None and followed.control.from_name not in by_control:
            by_control[followed.control.from_name] = followed
        elif stored.name not in first.names:
            lost = f"The control “{stored.name}” is gone from the label config, or is no longer filled in"
            text = f"{lost}: labels given with “{stored.name}” stay."
            notices.append(Notice(text, lacks=(control_name(stored.name),)))
    return [by_control.get(candidate.from_name, Followed(candidate)) for candidate in candidates], notices


def store_additional_controls(dataset: fo.Dataset, config: str, additional: Sequence[Followed]) -> bool:
    """Store the controls for recognizing the next change; return whether they changed.

    Suggestions of those that are gone are deleted.
    """
    stored, current = _stored_controls(dataset), [followed.to_store(config) for followed in additional]
    if stored == current:
        return False
    fields = dict(dataset.info.get(_FIELDS) or {})
    names = {name for followed in additional for name in followed.control.names}
    for lost in {control.name for control in stored} - names:
        if lost in fields:
            delete_own_field(dataset, suggestions_field_name(fields[lost]))
    dataset.info[_ADDITIONAL] = [control.as_info() for control in current]
    dataset.save()
    return {control.name for control in stored} != {control.name for control in current}


def fields_of(dataset: fo.Dataset, controls: Sequence[Control], renamed: Mapping[str, str]) -> list[str]:
    """The label field of each control; the first has the usual one, unless that belongs to another control.

    A control keeps its field even if either is renamed, and gets it again when it comes back. ``renamed``: former →
    current names of fields.
    """
    stored = dict(dataset.info.get(_FIELDS) or {})
    field_of = {name: renamed.get(field, field) for name, field in stored.items()}
    if not field_of and FIELD in renamed:
        field_of = {controls[0].from_name: renamed[FIELD]}
    if not field_of and len(controls) == 1:
        return [FIELD]
    fields = list[str]()
    for place, control in enumerate(controls):
        names = [name for name in control.names if name not in control.others]  # not those that others have by now
        field = next((field_of[name] for name in names if name in field_of), None)
        if field is None:
            usual = not place and FIELD not in field_of.values()
            field = FIELD if usual else _free_name(dataset, control.from_name, field_of.values())
        others = {name: kept_field for name, kept_field in field_of.items() if name not in names}
        field_of = others | {control.from_name: field}
        fields.append(field)
    if field_of != stored:
        dataset.info[_FIELDS] = field_of
        dataset.save()
    return fields


def _stored_controls(dataset: fo.Dataset) -> list[StoredControl]:
    controls = (stored_control(info) for info in dataset.info.get(_ADDITIONAL) or [])
    return [control for control in controls if control is not None]


def _free_name(dataset: fo.Dataset, control: str, names_in_use: Collection[str]) -> str:
    """A control's name as the name of a field that does not exist yet."""
    name = re.sub(r"\W+", "_", control).strip("_") or "label"
    name = name if name.isidentifier() else f"label_{name}"

    def is_free(candidate: str) -> bool:
        return (
            candidate not in names_in_use
            and candidate != "frames"
            and not dataset.has_sample_field(candidate)
            and not is_suggestions_field(dataset, candidate)
        )

    number = 1
    while not is_free(name if number == 1 else f"{name}_{number}"):
        number += 1
    return name if number == 1 else f"{name}_{number}"
