"""Notices of what a change of the label config did to labels; they stay until they no longer apply or are dismissed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import fiftyone as fo

from .config import Control

_KEPT = "label_studio_notices"  # in the info of a dataset


@dataclass(frozen=True)
class Notice:
    """A sentence that is true while all of ``has`` is filled in, and not all of ``lacks``: controls and classes."""

    text: str
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


def control_name(name: str) -> str:
    """A control in the names of a notice."""
    return f"control {name}"


def class_name(control: Control, name: str) -> str:
    """A class of a control in the names of a notice."""
    return f"class {name} of {control.from_name}"


def keep_notices(dataset: fo.Dataset, filled_in: Sequence[Control], fresh: Sequence[Notice]) -> None:
    """Store notices besides the earlier ones that are still true of the controls that are filled in."""
    names = _names(filled_in)
    before = dataset.info.get(_KEPT) or []
    earlier = [Notice(record["text"], tuple(record["has"]), tuple(record["lacks"])) for record in before]
    notices = [notice for notice in dict.fromkeys([*earlier, *fresh]) if _is_true(notice, names)]
    now = [asdict(notice) | {"has": list(notice.has), "lacks": list(notice.lacks)} for notice in notices]
    if now != before:
        _store(dataset, now)


def read_notices(dataset: fo.Dataset) -> list[str]:
    """The sentences of all notices, oldest first."""
    return [str(record["text"]) for record in dataset.info.get(_KEPT) or []]


def dismiss_notices(dataset: fo.Dataset) -> None:
    """Drop all notices, because somebody has read them."""
    if dataset.info.get(_KEPT):
        _store(dataset, [])


def _store(dataset: fo.Dataset, notices: list[dict[str, object]]) -> None:
    dataset.info[_KEPT] = notices
    dataset.save()


def _names(controls: Sequence[Control]) -> set[str]:
    classes = {class_name(control, name) for control in controls for name in control.classes}
    return classes | {control_name(control.from_name) for control in controls}


def _is_true(notice: Notice, names: set[str]) -> bool:
    return names.issuperset(notice.has) and not (notice.lacks and names.issuperset(notice.lacks))
