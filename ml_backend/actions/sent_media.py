"""The media of samples that are sent to Label Studio: files to upload, addresses that exist there, or texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..embedding.base import local_path
from ..label_studio.client import LabelStudioMissing
from ..label_studio.exchange import Exchange
from ..label_studio.ledger import AnnotationLedger
from ..label_studio.mirror import mirrored_project
from ..store.medium_fields import medium_field

# Label Studio (1.23) accepts 250 MB per request, and these types of images and recordings.
BYTES_AT_ONCE = 200_000_000
UPLOADED_KINDS = (
    ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp",
    ".flac", ".mp3", ".ogg", ".wav",
)  # fmt: skip


@dataclass(frozen=True)
class SentMedium:
    """A sample's file, and what its task contains: the file's address ("" = must be uploaded), or the text itself."""

    sample: str
    path: Path
    address: str
    size: int
    pixels: tuple[int, int] | None


def media_to_send(exchange: Exchange, samples: Sequence[str]) -> tuple[list[SentMedium], list[str]]:
    """The media of samples in order, and the files or samples that cannot be sent."""
    if not samples:
        return [], []
    carried = medium_field(exchange.dataset)
    if carried is not None and carried.kind == "text":
        return _texts(exchange, samples, carried.name)
    addresses = _mirrored_addresses(exchange)
    view = exchange.dataset.select(samples, ordered=True)
    files = "filepath" if carried is None else carried.name
    media, left_out = [], []
    for sample, file, width, height in zip(
        *view.values(["id", files, "metadata.width", "metadata.height"]), strict=True
    ):
        path, address = Path(local_path(file or "")), addresses.get(sample, "")
        size = 0 if address else _uploadable_bytes(path)
        if size is None:
            left_out.append(path.name or sample)
        else:
            media.append(SentMedium(sample, path, address, size, (width, height) if width and height else None))
    return media, left_out


def _texts(exchange: Exchange, samples: Sequence[str], field: str) -> tuple[list[SentMedium], list[str]]:
    rows = zip(*exchange.dataset.select(samples, ordered=True).values(["id", "filepath", field]), strict=True)
    media, left_out = [], []
    for sample, card, text in rows:
        if text and text.strip():
            media.append(SentMedium(sample, Path(card), text, len(text), None))
        else:
            left_out.append(sample)
    return media, left_out


def _mirrored_addresses(exchange: Exchange) -> dict[str, str]:
    """Sample → the existing address of its medium, if the dataset mirrors another project of this Label Studio."""
    owner = mirrored_project(exchange.dataset)
    if owner is None or owner[0] != exchange.studio.url:
        return {}
    try:
        exchange.studio.project(owner[1])
    except LabelStudioMissing:  # its uploads were deleted with it
        return {}
    records = AnnotationLedger(exchange.dataset, f"{owner[0]}#{owner[1]}").read().values()
    # Storage addresses such as s3:// are opened with the credentials of their own project.
    return {record.sample: record.media for record in records if record.media.startswith(("/data/", "http"))}


def _uploadable_bytes(path: Path) -> int | None:
    """The size of a file; None if Label Studio does not accept it."""
    if path.suffix.lower() not in UPLOADED_KINDS or not path.is_file():
        return None
    size = path.stat().st_size
    return size if size <= BYTES_AT_ONCE else None
