"""Changes of a label config: recognize renamed controls and classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Refusal
from ..wording import agree, listing, noun
from .config import Control, read_label_config, served_controls
from .notices import Notice, class_name, control_name


@dataclass(frozen=True)
class KeptControl:
    """The control whose labels a dataset has, as of the last time the config was read.

    ``former_names`` are names it had before that, ``renamed`` pairs of (former class, class then).
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
    """A control under its current name, and notices of what changed; ``moved``: the name changed."""

    control: Control
    notices: tuple[Notice, ...] = ()
    moved: bool = False
    renamed_now: tuple[tuple[str, str], ...] = ()

    @property
    def news(self) -> tuple[str, ...]:
        """The sentences of the notices."""
        return tuple(notice.text for notice in self.notices)

    def kept(self, config: str) -> KeptControl:
        """The data to store for recognizing the next change of the config."""
        return KeptControl(self.control.from_name, config, self.control.former_names, self.control.renamed)


def kept_control(info: Any) -> KeptControl | None:
    """A control from a dataset's ``info``; None if it has none."""
    if isinstance(info, str):  # the format from before config changes were recognized
        return KeptControl(info)
    if not isinstance(info, Mapping):
        return None
    renamed = tuple((str(before), str(now)) for before, now in info.get("renamed", ()))
    return KeptControl(info["name"], info.get("config", ""), tuple(info.get("former_names", ())), renamed)


def follow(config: str, kept: KeptControl | None) -> Followed:
    """The control of a label config that the dataset's labels belong to, even if it was renamed.

    If exactly one control disappeared and one of the same kind appeared, it was renamed; likewise for one class that
    disappeared and one that appeared.

    Raises:
        Refusal: the config has nothing that is served.
    """
    control = read_label_config(config, keep=None if kept is None else kept.name)
    if kept is None:
        return Followed(control)
    control = replace(control, former_names=kept.former_names, renamed=kept.renamed)
    before = _before(kept)
    if control.from_name == kept.name:
        return _with_classes(control, before)
    successor = _successor(config, kept, before)
    if successor is not None:
        return _renamed(successor, kept, before)
    lost = f"The control “{kept.name}” is gone from the label config, and “{control.from_name}” is served instead"
    news = f"{lost}: labels given with “{kept.name}” stay; to continue with them, restore the control's name."
    notice = Notice(news, has=(control_name(control.from_name),), lacks=(control_name(kept.name),))
    return Followed(replace(control, former_names=(), renamed=()), (notice,), moved=True)


def follow_beside(config: str, kept: KeptControl, candidates: Sequence[Control]) -> Followed | None:
    """The one of these controls that has the labels of a kept one, even if it was renamed; None if that is gone."""
    before = _before(kept)
    control = next((one for one in candidates if one.from_name == kept.name), None)
    if control is not None:
        return _with_classes(replace(control, former_names=kept.former_names, renamed=kept.renamed), before)
    successor = _successor(config, kept, before)
    if successor is None or successor not in candidates:
        return None
    return _renamed(successor, kept, before)


def _renamed(successor: Control, kept: KeptControl, before: Control | None) -> Followed:
    names = tuple(name for name in (*kept.former_names, kept.name) if name != successor.from_name)
    followed = _with_classes(replace(successor, former_names=names, renamed=kept.renamed), before)
    news = f"The control “{kept.name}” is now called “{successor.from_name}”: its labels stay, and annotations made "
    notice = Notice(f"{news}under the old name count.", has=(control_name(successor.from_name),))
    return replace(followed, notices=(notice, *followed.notices), moved=True)


def _with_classes(control: Control, before: Control | None) -> Followed:
    """A control whose classes may have changed, with a renamed class recognized."""
    if before is None or before.classes == control.classes:
        return Followed(control)
    gone = [name for name in before.classes if name not in control.classes]
    come = [name for name in control.classes if name not in before.classes]
    in_place = len(before.classes) == len(control.classes)
    if len(gone) == len(come) == 1 and in_place and before.classes.index(gone[0]) == control.classes.index(come[0]):
        pair = (gone[0], come[0])
        news = f"The class “{pair[0]}” is now called “{pair[1]}”: its labels are renamed."
        notice = Notice(news, has=(class_name(control, come[0]),))
        return Followed(_with_renamed(control, pair), (notice,), renamed_now=(pair,))
    kept = tuple(pair for pair in control.renamed if pair[0] not in control.classes)
    notices = (Notice(_gone_news(gone), lacks=tuple(class_name(control, name) for name in gone)),) if gone else ()
    return Followed(replace(control, renamed=kept), notices)


def _before(kept: KeptControl) -> Control | None:
    try:
        return next((one for one in served_controls(kept.config) if one.from_name == kept.name), None)
    except Refusal:  # known by its name only
        return None


def _successor(config: str, kept: KeptControl, before: Control | None) -> Control | None:
    """The only new control of the same kind, if only the kept one disappeared."""
    if before is None:
        return None
    today = served_controls(config)
    names = {name for one in today for name in (one.from_name, *one.others)}
    if kept.name in names:  # it exists, but is no longer served
        return None
    came = [one for one in today if one.from_name not in before.others and one.kind == before.kind]
    gone = [one for one in served_controls(kept.config) if one.from_name not in names and one.kind == before.kind]
    return came[0] if len(came) == len(gone) == 1 else None


def _with_renamed(control: Control, pair: tuple[str, str]) -> Control:
    """A control that reads one more class under its new name, and earlier names under the newest."""
    before, now = pair
    earlier = {old: now if name == before else name for old, name in control.renamed}
    renamed = {**earlier, before: now}
    renamed.pop(now, None)
    return replace(control, renamed=tuple(renamed.items()))


def _gone_news(gone: Sequence[str]) -> str:
    names, number = listing([f"“{name}”" for name in gone]), len(gone)
    it, them = ("it", "it") if number == 1 else ("they", "them")
    return (
        f"The label config no longer has the {noun(number, 'class')} {names}: labels of {them} stay as they are, and "
        f"{it} {agree(number, 'is')} no longer suggested; to use {them} again, add {them} to the config."
    )
