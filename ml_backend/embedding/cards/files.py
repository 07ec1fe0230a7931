"""Cards as files: drawn once for each medium, in parallel, and found again by its content's mark."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import get_ident
from typing import Any

from PIL import Image

from ...progress import Progress
from ..audio.preprocessing import RATE
from ..audio.reading import audio_reader
from ..base import Media, Reader, UnreadableMedium
from ..pipeline import prepare_in_threads
from ..registry import Modality
from ..series.reading import read_series
from ..text.reading import read_texts
from .drawing import Pixels, audio_card, series_card, text_card

_VERSION = "1"  # version of the drawing: a new one makes new files
_AHEAD = 64


def card_path(folder: Path, kind: Modality, mark: str) -> Path:
    """The file of the card of a medium, whose content the mark identifies."""
    return folder / f"{kind}-{_VERSION}" / mark[:2] / f"{mark}.png"


def draw_cards(
    media: Sequence[Media], marks: Sequence[str], kind: Modality, folder: Path, *, progress: Progress | None = None
) -> list[Path | str]:
    """The file of each medium's card, drawn where it is missing; for a medium that cannot be read, the reason.

    Raises:
        Refusal: the packages that read this kind of medium are not installed.
    """
    paths = [card_path(folder, kind, mark) for mark in marks]
    results: list[Path | str] = list(paths)
    missing = [row for row, path in enumerate(paths) if not path.is_file()]
    read, draw = _how(kind)
    drawn = prepare_in_threads([media[row] for row in missing], read, draw, _AHEAD)
    for done, (number, card) in enumerate(drawn, 1):
        row = missing[number]
        if isinstance(card, UnreadableMedium):
            results[row] = str(card)
        else:
            _write(card, paths[row])
        if progress is not None and (done % 50 == 0 or done == len(missing)):
            progress(done / len(missing), f"Drew {done:,} of {len(missing):,} cards")
    return results


def _how(kind: Modality) -> tuple[Reader[Any], Callable[[Any], Pixels]]:
    if kind == "audio":
        return audio_reader(RATE), audio_card
    return (read_series, series_card) if kind == "series" else (read_texts, text_card)


def _write(card: Pixels, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.stem}.{os.getpid()}.{get_ident()}.png")
    Image.fromarray(card).save(scratch, optimize=False, compress_level=4)
    scratch.replace(path)
