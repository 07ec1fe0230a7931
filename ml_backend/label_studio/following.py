"""Changes of a label config: recognize renamed controls and classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Refusal
from ..wording import agree, listing, noun
from .config import Control, read_label_config, served_controls
from .notices import Notice, class_name, control_name


@dataclass(frozen=True)
class StoredControl:
    """The control that a dataset's labels belong to, as of the last time the label config was read.

    Attributes:
        name: its name in that config.
        config: the label config.
        former_names: the names that it had before that.
        renamed: (former class, class then) of renamed classes.
    """

    name: str
    config: str = ""
    former_names: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()

    def as_info(self) -> dict[str, Any]:
        """The value stored in a dataset's ``info``."""
        return {
            "name": self.name,
            "config": self.config,
            "former_names": list(self.former_names),
            "renamed": [list(pair) for pair in self.renamed],
        }


@dataclass(frozen=True)
class Followed:
    """The control that labels belong to today, and what changed since its config was last read.

    Attributes:
        control: the control under its current name.
        notices: what to tell about the changes.
        name_changed: whether predictions still name another control.
        renamed_classes: (former name, current name) of the classes renamed since.
    """

    control: Control
    notices: tuple[Notice, ...] = ()
    name_changed: bool = False
    renamed_classes: tuple[tuple[str, str], ...] = ()

    @property
    def notice_texts(self) -> tuple[str, ...]:
        """The sentences of the notices."""
        return tuple(notice.text for notice in self.notices)

    def to_store(self, config: str) -> StoredControl:
        """The data to store for recognizing the next change of the config."""
        return StoredControl(self.control.from_name, config, self.control.former_names, self.control.renamed)


def stored_control(info: Any) -> StoredControl | None:
    """A control from a dataset's ``info``; None if it has none."""
    if isinstance(info, str):  # the format from before config changes were recognized
        return StoredControl(info)
    if not isinstance(info, Mapping):
        return None
    renamed = tuple((str(before), str(after)) for before, after in info.get("renamed", ()))
    return StoredControl(info["name"], info.get("config", ""), tuple(info.get("former_names", ())), renamed)


def follow(config: str, stored: StoredControl | None) -> Followed:
    """The control of a label config that the dataset's labels belong to, even if it was renamed.

    If exactly one control disappeared and one of the same kind appeared, it was renamed; likewise for one class that
    disappeared and one that appeared.

    Raises:
        Refusal: the config has nothing that is served.
    """
    control = read_label_config(config, keep=None if stored is None else stored.name)
    if stored is None:
        return Followed(control)
    control = replace(control, former_names=stored.former_names, renamed=stored.renamed)
    before = _before(stored)
    if control.from_name == stored.name:
        return _with_classes(control, before)
    successor = _successor(config, stored, before)
    if successor is not None:
        return _renamed(successor, stored, before)
    lost = f"The control “{stored.name}” is gone from the label config, and “{control.from_name}” is served instead"
    text = f"{lost}: labels given with “{stored.name}” stay; to continue with them, restore the control's name."
    notice = Notice(text, has=(control_name(control.from_name),), lacks=(control_name(stored.name),))
    return Followed(replace(control, former_names=(), renamed=()), (notice,), name_changed=True)


def follow_additional(config: str, stored: StoredControl, candidates: Sequence[Control]) -> Followed | None:
    """The candidate that has the labels of a stored control, even if it was renamed; None if there is none."""
    before = _before(stored)
    control = next((candidate for candidate in candidates if candidate.from_name == stored.name), None)
    if control is not None:
        return _with_classes(replace(control, former_names=stored.former_names, renamed=stored.renamed), before)
    successor = _successor(config, stored, before)
    if successor is None or successor not in candidates:
        return None
    return _renamed(successor, stored, before)


def _renamed(successor: Control, stored: StoredControl, before: Control | None) -> Followed:
    names = tuple(name for name in (*stored.former_names, stored.name) if name != successor.from_name)
    followed = _with_classes(replace(successor, former_names=names, renamed=stored.renamed), before)
    text = f"The control “{stored.name}” is now called “{successor.from_name}”: its labels stay, and annotations made "
    notice = Notice(f"{text}under the old name count.", has=(control_name(successor.from_name),))
    return replace(followed, notices=(notice, *followed.notices), name_changed=True)


def _with_classes(control: Control, before: Control | None) -> Followed:
    """A control whose classes may have changed, with a renamed class recognized."""
    if before is None or before.classes == control.classes:
        return Followed(control)
    removed = [name for name in before.classes if name not in control.classes]
    added = [name for name in control.classes if name not in before.classes]
    is_swap = len(removed) == len(added) == 1 and len(before.classes) == len(control.classes)
    if is_swap and before.classes.index(removed[0]) == control.classes.index(added[0]):
        pair = (removed[0], added[0])
        text = f"The class “{pair[0]}” is now called “{pair[1]}”: its labels are renamed."
        notice = Notice(text, has=(class_name(control, added[0]),))
        return Followed(_with_renamed(control, pair), (notice,), renamed_classes=(pair,))
    still_renamed = tuple(pair for pair in control.renamed if pair[0] not in control.classes)
    control = replace(control, renamed=still_renamed)
    if not removed:
        return Followed(control)
    names = tuple(class_name(control, name) for name in removed)
    return Followed(control, (Notice(_removed_text(removed), lacks=names),))


def _before(stored: StoredControl) -> Control | None:
    try:
        return next((control for control in served_controls(stored.config) if control.from_name == stored.name), None)
    except Refusal:  # known by its name only
        return None


def _successor(config: str, stored: StoredControl, before: Control | None) -> Control | None:
    """The only new control of the same kind, if only the stored one disappeared."""
    if before is None:
        return None
    today = served_controls(config)
    names = {name for control in today for name in (control.from_name, *control.others)}
    if stored.name in names:  # it exists, but is no longer served
        return None
    appeared = [control for control in today if control.from_name not in before.others and control.kind == before.kind]
    disappeared = [
        control
        for control in served_controls(stored.config)
        if control.from_name not in names and control.kind == before.kind
    ]
    return appeared[0] if len(appeared) == len(disappeared) == 1 else None


def _with_renamed(control: Control, pair: tuple[str, str]) -> Control:
    """A control that reads one more class under its new name, and earlier names under the newest."""
    before, after = pair
    earlier = {old: after if name == before else name for old, name in control.renamed}
    renamed = {**earlier, before: after}
    renamed.pop(after, None)
    return replace(control, renamed=tuple(renamed.items()))


def _removed_text(classes: Sequence[str]) -> str:
    names, number = listing([f"“{name}”" for name in classes]), len(classes)
    it, them = ("it", "it") if number == 1 else ("they", "them")
    return (
        f"The label config no longer has the {noun(number, 'class')} {names}: labels of {them} stay as they are, and "
        f"{it} {agree(number, 'is')} no longer suggested; to use {them} again, add {them} to the config."
    )
