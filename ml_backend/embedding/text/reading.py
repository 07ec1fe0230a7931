"""Read texts from fields, or from files in any encoding."""

from collections.abc import Sequence
from pathlib import Path

from ..base import Media, UnreadableMedium
from ..image.reading import read_bytes

MAX_BYTES = 16_000_000
_BINARY = 0.05  # share of control characters above which a file is not text
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32",
          b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # fmt: skip


def read_texts(path: str, media: Sequence[Media]) -> list[str | UnreadableMedium]:
    """The text of each medium, from its field or from the file ``path``; never an empty one."""
    return [_attempt(path, medium) for medium in media]


def read_text(medium: Media) -> str:
    """The text of a medium.

    Raises:
        UnreadableMedium: no such file, not a text, too large, or nothing but white space.
    """
    text = _decoded(medium.path) if medium.text is None else medium.text
    if medium.text is not None and len(text) * 4 > MAX_BYTES:  # else it cannot be too long in UTF-8
        _check_size(len(text.encode(errors="replace")), "text")
    if not text.strip():
        raise UnreadableMedium("the text is empty")
    return text


def _attempt(path: str, medium: Media) -> str | UnreadableMedium:
    try:
        return read_text(medium if medium.text is not None else Media(path))
    except UnreadableMedium as error:
        return error


def _decoded(path: str) -> str:
    try:
        size = Path(path).stat().st_size
    except (OSError, ValueError):
        size = 0  # reading says why
    _check_size(size, "file")
    data = read_bytes(path)
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    text = _decode(data, encoding)
    controls = sum(character < " " and character not in "\t\n\r\f" for character in text[:4096])
    if controls > _BINARY * min(len(text), 4096):
        raise UnreadableMedium("it is not a text file")
    return text


def _check_size(size: int, noun: str) -> None:
    if size > MAX_BYTES:
        raise UnreadableMedium(f"the {noun} has {size:,} bytes, more than the {MAX_BYTES:,} allowed for a text")


def _decode(data: bytes, marked: str | None) -> str:
    """The text of a file: as its byte order mark says, else UTF-8, else Windows-1252, which any bytes can be."""
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1") if marked is None else data.decode(marked, errors="replace")
