"""What tasks show, as fields of samples: the image or video itself, or a card and the medium it stands for."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from ..embedding.base import Media, UnreadableMedium
from ..embedding.registry import Modality
from ..embedding.series.reading import read_table
from ..embedding.text.reading import MAX_BYTES
from ..store.carried_media import CarriedMedium, inspect_medium, media_cards, sample_fields
from ..store.medium_fields import CARRIED
from .media import presigned_address
from .media_hosts import MediaError, shown_address
from .objects import TaskObject, value_at
from .series_times import series_times

# Addresses of media, their kind, and the seconds there are, None = each has its own time → their files, or why there
# is none.
Fetch = Callable[[Sequence[str], Modality, float | None], Sequence[Path | ValueError]]

_CLOUD = ("s3://", "gs://", "azure-blob://")
_INLINE = "content:"
_UNSEEN_TAGS = ("script", "style", "head", "title", "template")
_TAGS_IN_WORDS = (
    "a",
    "abbr",
    "b",
    "code",
    "em",
    "font",
    "i",
    "mark",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "u",
)


@dataclass(frozen=True)
class TaskMedium:
    """What a task shows, as its data hold it.

    Attributes:
        mark: what the ledger keeps, to know whether it changed: the address, or a digest of what the data hold.
        address: where its file is, "" for a text that the data hold.
        text: that text.
    """

    mark: str
    address: str = ""
    text: str = ""


# The fields of a task's sample, or why it gets none.
Obtained = dict[str, Any] | ValueError


def task_medium(task_object: TaskObject, task: Mapping[str, Any]) -> TaskMedium:
    """What a task shows; a file in cloud storage is at the address at which Label Studio serves it."""
    value = value_at(task.get("data"), task_object.key)
    if task_object.is_inline:
        text = _text_of(task_object, value)
        return TaskMedium(_digest(text), text=text)
    if task_object.modality == "series" and isinstance(value, Mapping):
        body = json.dumps(value).encode()
        return TaskMedium(_digest(body), address=f"data:application/json;base64,{base64.b64encode(body).decode()}")
    if not isinstance(value, str):
        return TaskMedium("")
    address = presigned_address(value, int(task["id"])) if value.startswith(_CLOUD) else value
    return TaskMedium(address, address)


def medium_of_record(task_object: TaskObject, mark: str) -> TaskMedium | None:
    """What a task shows, from what the ledger keeps; None for what only the task's data hold."""
    if mark.startswith(_INLINE) or task_object.is_inline:
        return None
    return TaskMedium(mark, mark)


def obtain(media: Sequence[TaskMedium], task_object: TaskObject, fetch: Fetch, seconds: float | None) -> list[Obtained]:
    """Fetch what tasks show, and draw cards; if something is unavailable, its place has the reason.

    Raises:
        Refusal: the packages that read this kind of medium are not installed.
    """
    files = _fetched(media, task_object, fetch, seconds)
    if task_object.modality not in CARRIED:
        return [{"filepath": str(file)} if isinstance(file, Path) else file for file in files]
    read = [_read(medium, file, task_object) for medium, file in zip(media, files, strict=True)]
    rows = [row for row, entry in enumerate(read) if isinstance(entry, CarriedMedium)]
    carried = [entry for entry in read if isinstance(entry, CarriedMedium)]
    cards = dict(zip(rows, media_cards([entry.medium for entry in carried], task_object.modality), strict=True))
    return [_with_card(entry, cards.get(row), media[row], task_object) for row, entry in enumerate(read)]


def _fetched(
    media: Sequence[TaskMedium], task_object: TaskObject, fetch: Fetch, seconds: float | None
) -> list[Path | ValueError]:
    """The files of media; those that are texts in the task's data have none, which is no reason yet."""
    if task_object.is_inline:
        return [MediaError("") for _ in media]
    return list(fetch([medium.address for medium in media], task_object.modality, seconds))


def _read(medium: TaskMedium, file: Path | ValueError, task_object: TaskObject) -> CarriedMedium | ValueError:
    try:
        if task_object.is_inline:
            return inspect_medium(Media("", text=medium.text), "text")
        if isinstance(file, ValueError):
            return file
        rate = _rate(str(file), task_object) if task_object.time_column else None
        read = inspect_medium(Media(str(file), columns=task_object.channels, rate=rate), task_object.modality)
        if task_object.modality != "text":
            return read
        return inspect_medium(Media("", text=_text_of(task_object, _loaded(task_object, read.value))), "text")
    except UnreadableMedium as error:
        return _refusal(medium, task_object, str(error))


def _rate(file: str, task_object: TaskObject) -> float | None:
    """The sampling rate by the column of times that the label config names; None if that cannot be read."""
    try:
        times = series_times(task_object, read_table(file))
    except UnreadableMedium:
        return None
    return None if times is None else times.rate


def _with_card(
    read: CarriedMedium | ValueError, card: Path | str | None, medium: TaskMedium, task_object: TaskObject
) -> Obtained:
    if isinstance(read, ValueError):
        return read
    if isinstance(card, Path):
        return sample_fields(read, card, task_object.modality)
    return _refusal(medium, task_object, str(card))


def _refusal(medium: TaskMedium, task_object: TaskObject, reason: str) -> MediaError:
    is_inline = not medium.address or medium.address.startswith("data:")
    where = f"“{task_object.key}” in the task's data" if is_inline else shown_address(medium.address)
    return MediaError(f"{where}: {reason}.")


def _loaded(task_object: TaskObject, content: str) -> Any:
    """The content of a fetched file as it would be in a task's data."""
    if task_object.tag != "Paragraphs":
        return content
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise UnreadableMedium("it is not JSON, as required for a dialog") from None


def _text_of(task_object: TaskObject, value: Any) -> str:
    """The text that a task shows; "" where there is none."""
    if task_object.tag == "Paragraphs" and isinstance(value, list):
        return "\n".join(_paragraph(task_object, part) for part in value if isinstance(part, Mapping))
    if isinstance(value, list):  # Label Studio (1.23) accepts lists for any text
        value = "\n".join(line for line in value if isinstance(line, str))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value).encode("utf-8", "replace").decode()
    return _visible_text(text) if task_object.tag == "HyperText" else text


def _paragraph(task_object: TaskObject, part: Mapping[str, Any]) -> str:
    author, text = (str(part.get(name) or "").strip() for name in (task_object.author_key, task_object.text_key))
    return f"{author}: {text}" if author and text else text


class _TextReader(HTMLParser):
    """Collects the text that a page shows."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Go into an element."""
        self._unseen += tag in _UNSEEN_TAGS
        self._part_words(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        self._unseen = max(self._unseen - (tag in _UNSEEN_TAGS), 0)
        self._part_words(tag)

    def handle_data(self, data: str) -> None:
        """Take a piece of text."""
        if not self._unseen:
            self.parts.append(data)

    def _part_words(self, tag: str) -> None:
        if tag not in _TAGS_IN_WORDS:
            self.parts.append(" ")


def _visible_text(html: str) -> str:
    reader = _TextReader()
    reader.feed(html[:MAX_BYTES])
    reader.close()
    return " ".join("".join(reader.parts).split())


def _digest(content: str | bytes) -> str:
    body = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return _INLINE + hashlib.blake2b(body, digest_size=16).hexdigest()
