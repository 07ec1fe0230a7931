"""Check fetched files: whether each is of the kind that its task shows, and the required ending of its name."""

from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image, UnidentifiedImageError, features

from ..embedding.audio.reading import inspect_recording
from ..embedding.base import Media, UnreadableMedium
from ..embedding.registry import Modality
from ..embedding.series.reading import ENDINGS as SERIES_ENDINGS
from ..embedding.text.reading import read_text
from ..embedding.video.model import read_frames
from .media_hosts import MediaError, shown_address
from .settings import Limits

# Well-tested decoders; PIL has 40 more.
FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif"}
if features.check("avif"):  # part of Pillow from 11.3 on
    FORMATS["AVIF"] = ".avif"
_AUDIO = {"FLAC": ".flac", "OGG": ".ogg", "MP3": ".mp3", "MPEG": ".mp3", "AIFF": ".aiff", "AU": ".au", "CAF": ".caf"}
VIDEO_ENDINGS = (".mp4", ".webm", ".mov", ".avi", ".mkv", ".m4v", ".mpg", ".mpeg", ".ogv")
_HEAD = 1024  # leading bytes that identify a format


def suffix_of(file: Path, address: str, kind: Modality, limits: Limits) -> str:
    """The ending that the name of a file of this kind needs, so that other tools recognize it.

    Raises:
        MediaError: it is not of this kind, cannot be decoded, or is too large.
        Refusal: the packages that read this kind are not installed.
    """
    if kind == "image":
        return _image(file, address, limits.media_pixels)
    try:
        return _SUFFIXES[kind](file, address)
    except UnreadableMedium as error:
        raise MediaError(f"{shown_address(address)}: {error}.") from error


def _image(file: Path, address: str, most_pixels: int) -> str:
    try:
        with Image.open(file, formats=list(FORMATS)) as image:
            width, height = image.size
            suffix = FORMATS.get(image.format or "", FORMATS["JPEG"])  # PIL calls some cameras' JPEGs MPO
    except Image.DecompressionBombError as error:
        raise MediaError(f"{shown_address(address)} has more pixels than can be decoded safely.") from error
    except (UnidentifiedImageError, OSError, ValueError) as error:
        if b"<svg" in _head(file):
            raise MediaError(
                f"{shown_address(address)} is an SVG drawing: convert it to PNG, drawings are not rendered."
            ) from error
        raise MediaError(
            f"{shown_address(address)} is not an image that can be read ({', '.join(FORMATS)})."
        ) from error
    if width * height > most_pixels:
        raise MediaError(
            f"{shown_address(address)} has {width:,} x {height:,} pixels; at most {most_pixels:,} are accepted."
        )
    return suffix


def _audio(file: Path, _address: str) -> str:
    return _AUDIO.get(inspect_recording(str(file)).format, ".wav")


def _series(file: Path, address: str) -> str:
    head = _head(file)
    if head.startswith(b"PAR1"):
        return ".parquet"
    if head.startswith(b"\x93NUMPY"):
        return ".npy"
    if head.lstrip().startswith(b"{"):
        return ".json"
    ending = _ending(address)
    return ending if ending in SERIES_ENDINGS and ending not in (".parquet", ".npy") else ".csv"


def _text(file: Path, _address: str) -> str:
    read_text(Media(str(file)))
    return ".txt"


def _video(file: Path, address: str) -> str:
    read_frames(str(file), None, 1)
    head, ending = _head(file), _ending(address)
    if ending in VIDEO_ENDINGS:  # FiftyOne recognizes videos by their file extensions
        return ending
    if head.startswith(b"\x1aE\xdf\xa3"):  # EBML
        return ".webm"
    return ".avi" if head.startswith(b"RIFF") else ".mp4"


_SUFFIXES = {"audio": _audio, "series": _series, "text": _text, "video": _video}


def _ending(address: str) -> str:
    parts = urlsplit(address)
    named = parts.query if parts.path.endswith("/") else parts.path
    return Path(named).suffix.lower()


def _head(file: Path) -> bytes:
    with open(file, "rb") as opened:
        return opened.read(_HEAD)
