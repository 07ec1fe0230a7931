"""Identity of fields: a field keeps it when renamed, and a new field of the same name has another one."""

from collections.abc import Iterable, Mapping

import fiftyone as fo

from .items import FRAMES_PREFIX


def field_mark(dataset: fo.Dataset, name: str) -> str | None:
    """A mark that identifies a field of the samples or frames for as long as it exists, whatever its name.

    None if it is missing. FiftyOne (1.22) keeps the time a field was made, and its place among the others, through a
    rename; the fields of a clone share one time, and their marks say which of them it is.
    """
    return field_marks(dataset, [name])[name]


def field_marks(dataset: fo.Dataset, names: Iterable[str]) -> dict[str, str | None]:
    """The marks of several fields."""
    kinds = _kinds(dataset)
    return {name: _mark(kinds, name) for name in names}


def field_today(dataset: fo.Dataset, name: str, mark: str | None) -> str | None:
    """The current name of a field; None if it was deleted, or if another field has its name.

    ``mark`` is None where the field did not exist, or where an earlier version did not write its mark down.
    """
    return fields_today(dataset, {name: mark})[name]


def fields_today(dataset: fo.Dataset, marks: Mapping[str, str | None]) -> dict[str, str | None]:
    """The current names of several fields, by their names at the time of their marks."""
    kinds = _kinds(dataset)
    return {name: _today(kinds, name, mark) for name, mark in marks.items()}


def _kinds(dataset: fo.Dataset) -> dict[str, str]:
    """Field → its type and when it was made, which a rename does not change."""
    fields = dict(dataset.get_field_schema())
    if dataset._has_frame_fields():
        fields |= {f"{FRAMES_PREFIX}{name}": field for name, field in dataset.get_frame_field_schema().items()}
    return {name: _kind(field) for name, field in fields.items()}


def _kind(field: fo.Field) -> str:
    document = getattr(field, "document_type", None)
    # MongoDB keeps milliseconds; a field that was just created still has microseconds.
    at = field.created_at.isoformat(timespec="milliseconds") if field.created_at else ""
    return f"{type(field).__name__}/{getattr(document, '__name__', '')}/{at}"


def _mark(kinds: Mapping[str, str], name: str) -> str | None:
    kind = kinds.get(name)
    if kind is None:
        return None
    twins = _twins(kinds, kind)
    return kind if len(twins) == 1 else f"{kind}#{twins.index(name)}/{len(twins)}"


def _today(kinds: Mapping[str, str], name: str, mark: str | None) -> str | None:
    if mark is None or _mark(kinds, name) == mark:
        return name
    kind, _, place = mark.partition("#")
    twins = _twins(kinds, kind)
    if place:
        number, count = map(int, place.split("/"))
        if len(twins) == count:
            return twins[number]
    elif len(twins) == 1:
        return twins[0]
    return name if name in twins else None  # one of its twins was deleted, or the mark is an earlier version's


def _twins(kinds: Mapping[str, str], kind: str) -> list[str]:
    return [name for name, other in kinds.items() if other == kind]
