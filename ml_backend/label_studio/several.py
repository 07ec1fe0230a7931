"""Several controls of one label config: the label field of each, and where a dataset stores them."""

import re
from collections.abc import Collection, Mapping, Sequence

import fiftyone as fo

from ..store.own_fields import delete_own_field
from ..store.suggestions import field_beside, is_suggestions_field
from .config import Control, controls_beside
from .following import Followed, KeptControl, follow_beside, kept_control
from .mirror_dataset import FIELD
from .notices import Notice, control_name

_FIELDS = "label_studio_fields"  # in the info of a dataset: control → its label field, once there were several
_BESIDE = "label_studio_beside"  # the controls beside the first, as of the last time the config was read


def read_beside(dataset: fo.Dataset, config: str, first: Control) -> tuple[list[Followed], list[Notice]]:
    """The controls that are filled in besides the first, even if renamed, and notices about those that are gone."""
    candidates = list(controls_beside(config, first))
    known, by_control, news = _kept(dataset), dict[str, Followed](), list[Notice]()
    for kept in known:
        followed = follow_beside(config, kept, candidates)
        if followed is not None and followed.control.from_name not in by_control:
            by_control[followed.control.from_name] = followed
        elif kept.name not in first.names:
            lost = f"The control “{kept.name}” is gone from the label config, or is no longer filled in"
            text = f"{lost}: labels given with “{kept.name}” stay."
            news.append(Notice(text, lacks=(control_name(kept.name),)))
    return [by_control.get(one.from_name, Followed(one)) for one in candidates], news


def keep_beside(dataset: fo.Dataset, config: str, beside: Sequence[Followed]) -> bool:
    """Store the controls for recognizing the next change; return whether they changed.

    Suggestions of those that are gone are deleted.
    """
    before, now = _kept(dataset), [followed.kept(config) for followed in beside]
    if before == now:
        return False
    fields = dict(dataset.info.get(_FIELDS) or {})
    for gone in {one.name for one in before} - {name for followed in beside for name in followed.control.names}:
        if gone in fields:
            delete_own_field(dataset, field_beside(fields[gone]))
    dataset.info[_BESIDE] = [one.as_info() for one in now]
    dataset.save()
    return {one.name for one in before} != {one.name for one in now}


def fields_of(dataset: fo.Dataset, controls: Sequence[Control], renamed: Mapping[str, str]) -> list[str]:
    """The label field of each control; the first has the usual one, unless that belongs to another control.

    A control keeps its field even if either is renamed, and gets it again when it comes back. ``renamed``: former →
    current names of fields.
    """
    before = dict(dataset.info.get(_FIELDS) or {})
    known = {name: renamed.get(field, field) for name, field in before.items()}
    if not known and FIELD in renamed:
        known = {controls[0].from_name: renamed[FIELD]}
    if not known and len(controls) == 1:
        return [FIELD]
    fields = list[str]()
    for place, control in enumerate(controls):
        names = [name for name in control.names if name not in control.others]  # not those that others have by now
        field = next((known[name] for name in names if name in known), None)
        if field is None:
            usual = not place and FIELD not in known.values()
            field = FIELD if usual else _free_name(dataset, control.from_name, known.values())
        known = {name: one for name, one in known.items() if name not in names} | {control.from_name: field}
        fields.append(field)
    if known != before:
        dataset.info[_FIELDS] = known
        dataset.save()
    return fields


def _kept(dataset: fo.Dataset) -> list[KeptControl]:
    read = (kept_control(info) for info in dataset.info.get(_BESIDE) or [])
    return [kept for kept in read if kept is not None]


def _free_name(dataset: fo.Dataset, control: str, taken: Collection[str]) -> str:
    """A control's name as the name of a field that does not exist yet."""
    name = re.sub(r"\W+", "_", control).strip("_") or "label"
    name = name if name.isidentifier() else f"label_{name}"

    def is_free(one: str) -> bool:
        return (
            one not in taken
            and one != "frames"
            and not dataset.has_sample_field(one)
            and not is_suggestions_field(dataset, one)
        )

    number = 1
    while not is_free(name if number == 1 else f"{name}_{number}"):
        number += 1
    return name if number == 1 else f"{name}_{number}"
