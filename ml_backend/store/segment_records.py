"""Segments: named groups of samples or objects. This module has their records; their members have a tag."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args

import fiftyone as fo

from ..errors import Refusal
from ..wording import count
from .items import FRAMES
from .records import open_store, read_records
from .schema import field_marks, fields_today
from .segment_origins import (
    Origin,
    RuleRun,
    Selected,
    origin_of_record,
    record_of_origin,
    record_of_run,
    run_of_record,
)

SegmentKind = Literal["data quality", "data organization", "collection campaign"]
SEGMENT_KINDS: tuple[SegmentKind, ...] = get_args(SegmentKind)
_STORE = "labelscape.segments"
_LONGEST_SLUG = 100


@dataclass(frozen=True)
class Merged:
    """A segment that was merged into another one."""

    name: str
    made_by: Origin


@dataclass(frozen=True)
class Segment:
    """A named group of samples, or of the objects of ``fields``.

    ``sizes`` are its sizes over time, oldest first: (when in UTC, members). ``runs`` are those of its rule, if it was
    made by one, oldest first.
    """

    slug: str
    name: str
    kind: SegmentKind
    note: str
    fields: list[str]
    created_at: datetime
    made_by: Origin = field(default_factory=Selected)
    merged: list[Merged] = field(default_factory=list)
    sizes: list[tuple[datetime, int]] = field(default_factory=list)
    runs: list[RuleRun] = field(default_factory=list)

    @property
    def tag(self) -> str:
        """The tag of every member."""
        return f"segment:{self.slug}"

    @property
    def view_name(self) -> str:
        """Name of its saved view."""
        return f"segment {self.slug}"

    @property
    def targets(self) -> list[str | None]:
        """Where its members are: fields of objects, or None for the samples themselves."""
        return [*self.fields] or [None]

    @property
    def noun(self) -> str:
        """The noun for its members on screen."""
        return noun_of_members(self.fields[0] if self.fields else None)

    @property
    def size(self) -> int:
        """The number of members when it was last counted."""
        return self.sizes[-1][1] if self.sizes else 0

    def sentence(self) -> str:
        """A description for the user: size, kind, how it was made, note."""
        text = f"“{self.name}”: {count(self.size, self.noun)}, {self.kind}. {self.origin()}"
        return f"{text} Note: {self.note}" if self.note else text

    def origin(self) -> str:
        """How it was made, in words."""
        return self.made_by.sentence(f"{self.created_at:%Y-%m-%d}")


def noun_of_members(patches_field: str | None) -> str:
    """The noun for members from a field of objects, for whole frames ("frames"), or for samples (None)."""
    if patches_field is None:
        return "sample"
    return "frame" if patches_field == FRAMES else "object"


def segment_slug(name: str) -> str:
    """The short form of a name for tags and saved views: a-z, digits, and hyphens, as FiftyOne requires.

    A name in another script ends in a hash of it, so that different names stay different.

    Raises:
        Refusal: the name has no letter, digit, or symbol.
    """
    text = unicodedata.normalize("NFC", name).strip().lower()
    plain = unicodedata.normalize("NFKD", text).lower()  # mathematical letters are letters only now
    kept = "".join(
        character
        for character in plain
        if character.isascii() and (character.isalnum() or character.isspace() or character in "+_.-")
    )
    words = re.sub(r"[\s+_.-]+", "-", kept)
    slug = words.strip("-")[:_LONGEST_SLUG].strip("-")
    lost = any(not character.isascii() and unicodedata.category(character)[0] in "LNMS" for character in text)
    if lost or len(words.strip("-")) > _LONGEST_SLUG:
        return f"{slug}-{_hash(text)}".strip("-")
    if not slug:
        raise Refusal(f"'{name}' cannot name a segment: use at least one letter or digit.")
    return slug


def check_kind(kind: str) -> SegmentKind:
    """Raise a Refusal that lists the kinds unless ``kind`` is one."""
    if kind not in SEGMENT_KINDS:
        raise Refusal(f"'{kind}' is not a kind of segment: choose {', '.join(SEGMENT_KINDS)}.")
    return kind


def load_segment(dataset: fo.Dataset, slug: str) -> Segment:
    """The segment of this slug.

    Raises:
        Refusal: there is none; it lists those there are.
    """
    segment = find_segment(dataset, slug)
    if segment is None:
        names = ", ".join(open_store(dataset, _STORE).list_keys()) or "none yet: create one first"
        raise Refusal(f"There is no segment '{slug}'; there are: {names}")
    return segment


def find_segment(dataset: fo.Dataset, slug: str) -> Segment | None:
    """The segment of this slug; None if there is none."""
    record = open_store(dataset, _STORE).get(slug)
    return None if record is None else segment_of_record(dataset, record)


def read_segments(dataset: fo.Dataset) -> list[Segment]:
    """Every segment as it was recorded last, oldest first."""
    segments = [segment_of_record(dataset, record) for record in read_records(dataset, _STORE).values()]
    return sorted(segments, key=lambda segment: (segment.created_at, segment.slug))


def claim_segment(dataset: fo.Dataset, segment: Segment) -> Segment:
    """Reserve the slug of a new segment, with a hash added if another name has the same slug; return the segment.

    Raises:
        Refusal: there is a segment of this name.
    """
    store = open_store(dataset, _STORE)
    for existing in read_segments(dataset):
        if _comparable(existing.name) == _comparable(segment.name):
            raise Refusal(f"There is already a segment '{existing.name}': add to it, or choose another name.")
    for slug in (segment.slug, f"{segment.slug}-{_hash(segment.name)}"):
        claimed = replace(segment, slug=slug)
        try:
            if store.set_if_absent(slug, record_of_segment(dataset, claimed)):
                return claimed
        except BaseException:
            if find_segment(dataset, slug) == claimed:
                store.delete(slug)
            raise
    raise Refusal(f"There is already a segment '{segment.name}': add to it, or choose another name.")


def write_segment(dataset: fo.Dataset, segment: Segment) -> None:
    """Write the record of a segment."""
    open_store(dataset, _STORE).set(segment.slug, record_of_segment(dataset, segment))


def delete_segment_record(dataset: fo.Dataset, slug: str) -> None:
    """Delete the record of a segment; its members and saved view stay."""
    open_store(dataset, _STORE).delete(slug)


def record_of_segment(dataset: fo.Dataset, segment: Segment) -> dict[str, Any]:
    """The record of a segment with the identity of its fields, so that a rename is followed."""
    named = [name for name in segment.fields if name != FRAMES]
    return {**as_record(segment), "marks": field_marks(dataset, named)}


def segment_of_record(dataset: fo.Dataset, record: Mapping[str, Any]) -> Segment:
    """A segment from its record, with its fields under the names they have now; a deleted one keeps its name."""
    segment, marks = as_segment(record), record.get("marks") or {}
    renamed = fields_today(dataset, marks) if any(marks.values()) else {}
    return replace(segment, fields=[renamed.get(name) or name for name in segment.fields])


def as_record(segment: Segment) -> dict[str, Any]:
    """A segment as JSON values: FiftyOne's server passes every record through `json.dumps` (1.22)."""
    return {
        "slug": segment.slug,
        "name": segment.name,
        "kind": segment.kind,
        "note": segment.note,
        "fields": list(segment.fields),
        "created_at": segment.created_at.isoformat(),
        "made_by": record_of_origin(segment.made_by),
        "merged": [{"name": other.name, "made_by": record_of_origin(other.made_by)} for other in segment.merged],
        "sizes": [[at.isoformat(), size] for at, size in segment.sizes],
        "runs": [record_of_run(run) for run in segment.runs],
    }


def as_segment(record: Mapping[str, Any]) -> Segment:
    """A segment from its record, also from one that an earlier version wrote."""
    merged = record.get("merged") or record["made_by"].get("merged") or []
    return Segment(
        slug=record["slug"],
        name=record["name"],
        kind=record["kind"],
        note=record["note"],
        fields=list(record["fields"]),
        created_at=_as_time(record["created_at"]),
        made_by=origin_of_record(record["made_by"]),
        merged=[Merged(other["name"], origin_of_record(other["made_by"])) for other in merged],
        sizes=[(_as_time(at), size) for at, size in record["sizes"]],
        runs=[run_of_record(run) for run in record.get("runs", [])],
    )


def _as_time(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _comparable(name: str) -> str:
    """A key that is equal for names that a person would consider the same."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
