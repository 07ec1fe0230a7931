"""What an import finds: recordings, series, or texts in a folder, or in the rows of a CSV or Parquet table."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from ..analysis.windows import window_spans
from ..embedding.audio.reading import ENDINGS as AUDIO_ENDINGS
from ..embedding.base import Media, UnreadableMedium
from ..embedding.registry import Modality
from ..embedding.series.reading import ENDINGS as SERIES_ENDINGS
from ..errors import Refusal
from ..store.carried_media import CarriedMedium, inspect_medium
from ..wording import listing

_ENDINGS: dict[str, tuple[str, ...]] = {"audio": AUDIO_ENDINGS, "series": SERIES_ENDINGS, "text": (".txt", ".md")}
_COLUMNS: dict[str, tuple[str, ...]] = {
    "audio": ("path", "file", "filepath", "filename", "audio", "wav"),
    "series": ("path", "file", "filepath", "filename", "series"),
    "text": ("text", "sentence", "body", "content", "comment", "review", "utterance", "query", "question"),
}
_TABLES = (".csv", ".tsv", ".parquet")


@dataclass(frozen=True)
class Source:
    """Where to import from, and how its parts are named.

    Attributes:
        path: a folder, at any depth, or a CSV or Parquet table.
        kind: audio, series, or text.
        column: the column with the paths or texts; found by its name if it is None.
        label_column: the column with the labels.
        labels_from_folders: whether the name of a file's folder is its label.
        rate: the sampling rate of series in Hz, if their files do not specify it.
        channels: the columns of series that are channels; all numeric columns if it is empty.
        window, hop: length and step in seconds of windows that recordings are sliced into; None = not sliced.
    """

    path: Path
    kind: Modality
    column: str | None = None
    label_column: str | None = None
    labels_from_folders: bool = False
    rate: float | None = None
    channels: tuple[str, ...] = ()
    window: float | None = None
    hop: float | None = None


@dataclass(frozen=True)
class FoundMedium(CarriedMedium):
    """One medium with its label."""

    label: str | None = None


@dataclass
class FoundMedia:
    """What was found, and why the rest was skipped: the reason by file or row."""

    media: list[FoundMedium] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def find_media(source: Source) -> FoundMedia:
    """List the media of a source, with length and rate from their headers, sliced into windows if requested.

    Raises:
        Refusal: there is nothing of this kind, a column is missing, or the windows are not valid.
    """
    if source.window is not None and source.kind == "text":
        raise Refusal("Texts cannot be sliced into windows: leave out the length and the hop.")
    path = source.path.expanduser()
    if path.is_dir():
        files = _files(path, source)
        named = [(str(file), FoundMedium(_plain(file, source), label=_folder_label(file, source))) for file in files]
    elif path.is_file() and path.suffix.lower() in _TABLES:
        named = _rows(path, source)
    elif path.is_file():
        named = [(str(path), FoundMedium(_plain(path, source)))]
    else:
        raise Refusal(f"There is no folder or file '{source.path}'.")
    results = FoundMedia()
    for name, medium in named:
        try:
            results.media += _with_facts(medium, source)
        except UnreadableMedium as reason:
            results.skipped[name] = str(reason)
    return results


def slice_medium(entry: FoundMedium, length: float, hop: float) -> list[FoundMedium]:
    """The windows of a recording or series whose length is known."""
    if entry.duration is None:
        return [entry]
    spans = window_spans(entry.duration, length, hop)
    if len(spans) == 1 and entry.duration <= length:
        spans[0, 1] = entry.duration
    return [
        replace(entry, medium=replace(entry.medium, span=(float(start), float(end))), duration=float(end - start))
        for start, end in spans.tolist()
    ]


def _with_facts(entry: FoundMedium, source: Source) -> list[FoundMedium]:
    known = FoundMedium(**vars(inspect_medium(entry.medium, source.kind)), label=entry.label)
    if source.window is None:
        return [known]
    return slice_medium(known, source.window, source.window if source.hop is None else source.hop)


def _files(folder: Path, source: Source) -> list[Path]:
    endings = _ENDINGS[source.kind]
    files = sorted(
        file for file in folder.rglob("*")
        if file.suffix.lower() in endings and file.is_file() and not file.name.startswith(".")
    )  # fmt: skip
    if not files:
        raise Refusal(
            f"{folder} has no files of the kind “{source.kind}”: their names end with {listing(list(endings))}."
        )
    return files


def _plain(file: Path, source: Source) -> Media:
    return Media(str(file.absolute()), rate=source.rate, columns=source.channels)


def _folder_label(file: Path, source: Source) -> str | None:
    return file.parent.name if source.labels_from_folders and file.parent != source.path.expanduser() else None


def _rows(path: Path, source: Source) -> list[tuple[str, FoundMedium]]:
    table = _table(path)
    column = _column(table, path, source)
    if column is None:  # a series itself, not a list of them
        return [(str(path), FoundMedium(_plain(path, source)))]
    labels = _labels(table, path, source)
    named = []
    for row, (value, label) in enumerate(zip(table[column].tolist(), labels, strict=True), 1):
        text = "" if value is None or value != value else str(value)  # NaN differs from itself
        medium = Media("", text=text) if source.kind == "text" else _plain(path.parent / text, source)
        named.append((f"row {row}", FoundMedium(medium, label=label)))
    return named


def _labels(table: pd.DataFrame, path: Path, source: Source) -> Sequence[str | None]:
    if source.label_column is None:
        return [None] * len(table)
    if source.label_column not in table.columns:
        raise Refusal(f"{path} has no column '{source.label_column}'; it has: {listing(list(table.columns))}.")
    return [None if value is None or value != value else str(value) for value in table[source.label_column].tolist()]


def _column(table: pd.DataFrame, path: Path, source: Source) -> str | None:
    """The column with the paths or texts; None for a table that is a series itself."""
    names = [str(name) for name in table.columns]
    if source.column is not None:
        if source.column not in names:
            raise Refusal(f"{path} has no column '{source.column}'; it has: {listing(names)}.")
        return source.column
    known = next((name for name in names if name.strip().lower() in _COLUMNS[source.kind]), None)
    if known is not None or source.kind == "series":
        return known
    what = "texts" if source.kind == "text" else "paths"
    raise Refusal(f"{path} has no column that is known to hold the {what}: name one of {listing(names)} with --column.")


def _table(path: Path) -> pd.DataFrame:
    try:
        if path.suffix.lower() == ".parquet":
            table = pd.read_parquet(path)
        else:
            data = path.read_bytes()
            try:
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = data.decode("cp1252", errors="replace")
            table = pd.read_csv(io.StringIO(text), sep="\t" if path.suffix.lower() == ".tsv" else ",")
    except Exception as error:  # the readers of pandas and pyarrow raise many kinds of errors
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Refusal(f"{path} cannot be read as a table: {reason}") from error
    return table.rename(columns=str)
