"""Fields that Labelscape creates for its own results, and the guarantee that it writes to no others.

A field is Labelscape's where it was declared here, which its ``info`` and its description tell. One of the same name
that somebody else made holds their data: it is never written, whatever its type.
"""

from typing import Any

import fiftyone as fo

from ..errors import Refusal
from .items import FRAMES_PREFIX

_MARK = "labelscape"


def is_own_field(dataset: fo.Dataset, path: str) -> bool:
    """Whether Labelscape made the field at this path."""
    field = dataset.get_field(path)
    if field is None:
        return False
    return bool((field.info or {}).get(_MARK)) or _MARK in (field.description or "").lower()


def check_own_field(dataset: fo.Dataset, path: str) -> None:
    """Raise a Refusal unless the path is free, or a writable field of Labelscape."""
    field = dataset.get_field(path)
    if field is None:
        return
    if not is_own_field(dataset, path):
        raise Refusal(
            f"This dataset has a field '{path}' that Labelscape did not make, and it is never overwritten: rename it "
            f"(for example to 'my_{path.rsplit('.', 1)[-1]}') or delete it, then run this again."
        )
    if field.read_only:
        raise Refusal(f"The field '{path}' is read-only: make it writable, then run this again.")


def ensure_own_field(
    dataset: fo.Dataset, path: str, field_type: type[fo.Field], *, description: str, **options: Any
) -> None:
    """Declare a field of Labelscape unless it already exists.

    Raises:
        Refusal: the field is somebody else's, or read-only.
    """
    check_own_field(dataset, path)
    if dataset.get_field(path) is None:
        add = dataset.add_frame_field if path.startswith(FRAMES_PREFIX) else dataset.add_sample_field
        name = path.removeprefix(FRAMES_PREFIX)
        add(name, field_type, description=description, info={_MARK: True}, **options)


def delete_own_field(dataset: fo.Dataset, path: str) -> None:
    """Delete a field of Labelscape, if it exists."""
    if is_own_field(dataset, path):
        delete = dataset.delete_frame_field if path.startswith(FRAMES_PREFIX) else dataset.delete_sample_field
        delete(path.removeprefix(FRAMES_PREFIX))
