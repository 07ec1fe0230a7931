"""The objects of a label config: what a task shows, of what kind, and where it is in the task's data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from ..embedding.registry import Modality

MODALITY: dict[str, Modality] = {
    "Image": "image",
    "Text": "text",
    "HyperText": "text",
    "Paragraphs": "text",
    "Audio": "audio",
    "AudioPlus": "audio",
    "TimeSeries": "series",
    "Video": "video",
}
_KEY = re.compile(r"^\$[^\[\]{}$/]+$")


@dataclass(frozen=True)
class TaskObject:
    """The object of a label config that is labeled: what a task shows.

    Attributes:
        tag: its tag in the label config, one of `MODALITY`.
        name: its name there, to which results refer as ``to_name``.
        key: where a task's data hold it.
        by_address: whether the data of a text hold its address (``valueType="url"``) and not the text itself.
        channels: the columns of a time series that are shown, by name, or by number if the file names none.
        time_column, time_format: the column of a time series that has the times, by name or number, "" = there is none,
            and how they are written, in the notation of d3; "" = as numbers.
        author_key, text_key: the names under which each part of a dialog holds its author and its text.
    """

    tag: str
    name: str
    key: str
    by_address: bool = False
    channels: tuple[str, ...] = ()
    time_column: str = ""
    time_format: str = ""
    author_key: str = "author"
    text_key: str = "text"

    @property
    def modality(self) -> Modality:
        """The kind of medium, which decides on embedding models and cards."""
        return MODALITY[self.tag]

    @property
    def is_inline(self) -> bool:
        """Whether the data of a task hold the text itself, so that there is no file to fetch."""
        return self.modality == "text" and not self.by_address


def reason_against(element: ElementTree.Element) -> str:
    """Why the data of an object cannot be read, as the end of a sentence that begins with a control; "" if they can."""
    name = f"{element.tag} “{element.get('name')}”"
    if element.tag not in MODALITY:
        return f"on {name}"
    value = element.get("value") or ""
    if not value and element.get("valueList"):
        return f"on {name}, which shows a list (valueList)"
    if not _KEY.match(value):
        return f"on {name}, whose value {value} is not one key of the task's data"
    return ""


def read_object(element: ElementTree.Element) -> TaskObject:
    """An object for which `reason_against` is empty."""
    return TaskObject(
        tag=element.tag,
        name=element.get("name") or "",
        key=(element.get("value") or "")[1:],
        by_address=(element.get("valueType") or "").lower() == "url",
        channels=tuple(dict.fromkeys(name for channel in element.iter("Channel") if (name := channel.get("column")))),
        time_column=element.get("timeColumn") or "",
        time_format=(element.get("timeFormat") or "") if element.get("timeColumn") else "",
        author_key=element.get("nameKey") or "author",
        text_key=element.get("textKey") or "text",
    )


def value_at(data: Any, key: str) -> Any:
    """The value under a key in a task's data, as Label Studio looks it up: the key itself, else dots as nesting."""
    if not isinstance(data, Mapping):
        return None
    if key in data:
        return data[key]
    first, dot, rest = key.partition(".")
    return value_at(data.get(first), rest) if dot else None


def nested_under(key: str, value: Any) -> dict[str, Any]:
    """Task data in which `value_at` finds a value under a key."""
    first, dot, rest = key.partition(".")
    return {first: nested_under(rest, value)} if dot else {key: value}
