"""Fields that Labelscape creates for its own results, and the guarantee that it writes to no others.

A field is Labelscape's if it was declared here, and its ``info`` records the name. A field of that name that somebody
else made contains their data: it is never written, whatever its type, and ours gets a number.
"""

from collections.abc import Sequence
from typing import Any

import fiftyone as fo

from ..errors import Refusal
from ..wording import agree, listing
from .items import FRAMES_PREFIX, stored_path

_MARK = "labelscape"
_NAMES_TRIED = 9
_VALUES = ["number", "string", "bool", "date", "object", "array", "objectId", "binData"]  # anything but null


def own_path(dataset: fo.Dataset, path: str) -> str:
    """Where Labelscape's field of a path is, or would be made: ``path``, or ``path_2`` … if the name is taken."""
    made = (name for name in _names(path) if _is_made_as(dataset, name, path))
    return next(made, None) or next((name for name in _names(path) if dataset.get_field(name) is None), path)


def _names(path: str) -> list[str]:
    return [path, *(f"{path}_{number}" for number in range(2, _NAMES_TRIED + 1))]


def is_own_field(dataset: fo.Dataset, path: str) -> bool:
    """Whether the field at this very path exists, and is the one that Labelscape made for it."""
    return _is_made_as(dataset, path, path)


def _is_made_as(dataset: fo.Dataset, name: str, path: str) -> bool:
    """Whether Labelscape made the field ``name`` to be that of ``path``."""
    field = dataset.get_field(name)
    if field is None:
        return False
    made_as = (field.info or {}).get(_MARK)
    if isinstance(made_as, str) or name != path:
        return made_as == _name(path)
    # Earlier versions wrote True, or a description that names us, or (0.1) suggestions with an attribute `sure`.
    named = _MARK in (field.description or "").lower()
    return bool(made_as) or named or dataset.get_field(f"{name}.sure") is not None


def check_own_field(dataset: fo.Dataset, path: str) -> str:
    """Where Labelscape's field of a path will be once it is written: at the path, or with a number if that is taken.

    Raises:
        Refusal: the field is read-only, or all names are taken by others.
    """
    usable = (name for name in _names(path) if _is_made_as(dataset, name, path) or _is_free(dataset, name))
    own = next(usable, None)
    if own is None:
        raise Refusal(
            f"This dataset has a field '{path}' that Labelscape did not create and never overwrites: rename or "
            "delete it, then run this again."
        )
    field = dataset.get_field(own)
    if field is not None and field.read_only:
        raise Refusal(f"The field '{own}' is read-only: make it writable, then run this again.")
    return own


def _is_free(dataset: fo.Dataset, name: str) -> bool:
    """Whether there is no such field, and no object has an attribute of this name that was never declared."""
    if dataset.get_field(name) is not None:
        return False
    collection, stored = stored_path(dataset, name)
    return collection.find_one({stored: {"$type": _VALUES}}, {"_id": 1}) is None


def ensure_own_field(
    dataset: fo.Dataset, path: str, field_type: type[fo.Field], *, description: str, **options: Any
) -> str:
    """Declare Labelscape's field of a path unless it already exists, and return where it is (`own_path`).

    Where it has a number and the usual name is free by now, it is renamed.

    Raises:
        Refusal: see `check_own_field`.
    """
    own, earlier = check_own_field(dataset, path), own_path(dataset, path)
    if own != earlier and dataset.get_field(earlier) is not None:
        _rename(dataset, earlier, own)
    elif dataset.get_field(own) is None:
        add = dataset.add_frame_field if own.startswith(FRAMES_PREFIX) else dataset.add_sample_field
        name = own.removeprefix(FRAMES_PREFIX)
        add(name, field_type, description=description, info={_MARK: _name(path)}, **options)
    return own


def _rename(dataset: fo.Dataset, before: str, after: str) -> None:
    rename = dataset.rename_frame_field if before.startswith(FRAMES_PREFIX) else dataset.rename_sample_field
    rename(before.removeprefix(FRAMES_PREFIX), after.removeprefix(FRAMES_PREFIX))
    dataset.reload()  # FiftyOne (1.22) keeps the old path in the field that it renamed


def delete_own_field(dataset: fo.Dataset, path: str) -> None:
    """Delete Labelscape's field of a path, if it exists."""
    own = own_path(dataset, path)
    if _is_made_as(dataset, own, path):
        delete = dataset.delete_frame_field if own.startswith(FRAMES_PREFIX) else dataset.delete_sample_field
        delete(own.removeprefix(FRAMES_PREFIX))


def taken_sentence(dataset: fo.Dataset, paths: Sequence[str]) -> str:
    """A sentence on the fields of ours that have another name, because theirs is somebody else's; "" if none."""
    own = {_name(path): _name(own_path(dataset, path)) for path in paths}
    taken = [name for name, mine in own.items() if name != mine]
    if not taken:
        return ""
    theirs, mine = (listing([f"“{name}”" for name in names]) for names in (taken, [own[name] for name in taken]))
    return f" {theirs} {agree(len(taken), 'was')} not created by Labelscape, so this is in {mine}."


def _name(path: str) -> str:
    return path.rsplit(".", 1)[-1]
