"""The labels of windows as segments of the recordings they were cut from."""

from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import pandas as pd

from ..analysis.windows import Segment, merge_windows
from ..errors import Refusal
from ..report import Report
from ..store.labels import DEFAULT_FIELD
from ..store.medium_fields import END, SOURCE, START
from ..wording import count
from .exports import whole_file


@dataclass(frozen=True, repr=False)
class SegmentsReport(Report):
    """Segments by recording, and the file that they were written to."""

    segments: dict[str, list[Segment]]
    file: str

    def sentence(self) -> str:
        """The closing message."""
        total = sum(len(segments) for segments in self.segments.values())
        return f"Wrote {count(total, 'segment')} of {count(len(self.segments), 'recording')} to {self.file}."


def recording_segments(dataset: fo.Dataset, *, field: str = DEFAULT_FIELD) -> dict[str, list[Segment]]:
    """Merge the labels of neighboring windows into segments, by the path of their recording.

    Raises:
        Refusal: the dataset does not consist of windows, has no such labels, or none of its windows is labeled.
    """
    if not all(dataset.has_field(name) for name in (SOURCE, START, END)):
        raise Refusal(f"'{dataset.name}' does not consist of windows: slice a dataset of recordings first.")
    if not dataset.has_field(field) or dataset.get_field(field).document_type is not fo.Classification:
        raise Refusal(f"'{dataset.name}' has no field '{field}' with one label for each window.")
    paths = [SOURCE, START, END, f"{field}.label", f"{field}.confidence"]
    table = pd.DataFrame(
        dict(zip(("source", "start", "end", "label", "confidence"), dataset.values(paths), strict=True))
    )
    table = table.dropna(subset=["source", "start", "end", "label"])
    if table.empty:
        raise Refusal(f"No window of '{dataset.name}' has a label in '{field}': label some first.")
    return {
        str(source): merge_windows(
            windows[["start", "end"]].to_numpy(float),
            windows["label"].tolist(),
            [None if value != value else value for value in windows["confidence"].tolist()],  # NaN differs from itself
        )
        for source, windows in table.groupby("source", sort=True)
    }


def write_segments(dataset: fo.Dataset, file: Path, *, field: str = DEFAULT_FIELD) -> SegmentsReport:
    """Write the segments of a dataset of windows to a CSV file: source, start, end, label, confidence.

    Raises:
        Refusal: see `recording_segments`; or the file cannot be written, and is as it was.
    """
    segments = recording_segments(dataset, field=field)
    rows = [
        {
            "source": source,
            "start": segment.start,
            "end": segment.end,
            "label": segment.label,
            "confidence": segment.confidence,
        }
        for source, parts in segments.items()
        for segment in parts
    ]
    with whole_file(file) as scratch:
        pd.DataFrame(rows).to_csv(scratch, index=False)
    return SegmentsReport(segments, str(file))
