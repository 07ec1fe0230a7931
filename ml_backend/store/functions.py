"""Functions: similarity searches saved under a name, which score every item, also those added later."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import count as count_up
from typing import Any

import fiftyone as fo
import numpy as np

from ..analysis.search import Scorer
from ..errors import Refusal
from ..wording import count
from .embeddings import list_embeddings
from .items import Items, as_ids
from .records import moment, open_store, read_records, time_of_key, timely_key
from .saves import UNDO_SECONDS
from .scores import check_score_fields
from .searches import Query, query_of_record
from .segment_records import segment_slug

FIELD_PREFIX = "fn_"
_STORE = "labelscape.functions"
_MATCHES = "labelscape.function_matches"
_DELETED = "labelscape.deleted_functions"
_PLAIN = ("slug", "name", "note", "threshold", "quality", "auc", "patches_field", "parts", "scored", "matches")
_IDS_PER_RECORD = 50_000  # MongoDB's limit is 16 MB per document


@dataclass(frozen=True)
class Function:
    """A saved search.

    Attributes:
        slug: a-z, 0-9 and _: what names its score field.
        query: the examples and texts that it was made of.
        threshold: 0..1; a score of at least this is a match.
        scorer: how it scores a unit vector, so that it keeps working when examples are deleted.
        quality: how it scores, in words.
        auc: on held-out marks, see `HeldOut`; None if there are too few marks.
        embeddings_made: when the embeddings were computed that ``scorer`` was made of.
        created_at: in UTC.
        patches_field: what its items are, see `Items`.
        parts: see `Items`.
        run_at: when it scored last, in UTC; None = not yet.
        scored: items with a score.
        matches: those of them at or above the threshold.
    """

    slug: str
    name: str
    note: str
    query: Query
    threshold: float
    scorer: Scorer
    quality: str
    auc: float | None
    embeddings_made: datetime
    created_at: datetime
    patches_field: str | None = None
    parts: str | None = None
    run_at: datetime | None = None
    scored: int = 0
    matches: int = 0

    @property
    def field(self) -> str:
        """Name of the number field, or of the attribute of objects, that its scores are in."""
        return f"{FIELD_PREFIX}{self.slug}"

    @property
    def kind(self) -> Items:
        """The kind of items it scores, as an empty `Items`: it has their noun and the place of their scores."""
        nothing = as_ids([])
        return Items(nothing, nothing, self.patches_field, self.parts)

    @property
    def computed_by(self) -> str:
        """What computes its scores, as a short text: of two functions with the same one, scores are equal."""
        scorer = self.scorer
        numbers = np.array([*scorer.weights, scorer.slope, scorer.offset], np.float64).tobytes()
        source = f"{scorer.kind} {self.query.embeddings} {self.embeddings_made.isoformat()}"
        return hashlib.blake2b(source.encode() + numbers, digest_size=16).hexdigest()

    def sentence(self) -> str:
        """A description for the user."""
        ran = "It has not run yet." if self.run_at is None else f"Last run on {self.run_at:%Y-%m-%d %H:%M} UTC."
        text = (
            f"“{self.name}”: {count(self.matches, 'match')} of {count(self.scored, self.kind.noun)} scored in "
            f"“{self.field}”, threshold "
            f"{self.threshold:.2f}, on the embeddings '{self.query.embeddings}'. {self.quality} {ran}"
        )
        return f"{text} Note: {self.note}" if self.note else text


@dataclass(frozen=True)
class DeletedFunction:
    """A deleted function that can be restored; ``at`` is the time of the deletion in UTC."""

    key: str
    function: Function
    at: datetime


def function_slug(name: str) -> str:
    """The short form of a name, used in its score field.

    Raises:
        Refusal: the name has no letter, digit, or symbol.
    """
    if not name.strip():
        raise Refusal("A function needs a name with at least one letter or digit.")
    return segment_slug(name).replace("-", "_")


def list_functions(dataset: fo.Dataset) -> list[Function]:
    """Every function, oldest first."""
    functions = [_as_function(record) for record in read_records(dataset, _STORE).values()]
    return sorted(functions, key=lambda function: (function.created_at, function.slug))


def load_function(dataset: fo.Dataset, slug: str) -> Function:
    """The function of this slug.

    Raises:
        Refusal: there is none; the message lists those that exist.
    """
    record = open_store(dataset, _STORE).get(slug)
    if record is None:
        names = ", ".join(function.slug for function in list_functions(dataset)) or "none yet: create one first"
        raise Refusal(f"There is no function '{slug}'; there are: {names}")
    return _as_function(record)


def check_function_field(dataset: fo.Dataset, function: Function) -> None:
    """Raise a Refusal if a function's score field belongs to somebody else; the message suggests a free name."""
    if _has_usable_field(dataset, function):
        return
    others = (renamed(function, f"{function.name} {number}") for number in count_up(2))
    taken = {other.slug for other in list_functions(dataset)}
    free = next(other for other in others if other.slug not in taken and _has_usable_field(dataset, other))
    raise Refusal(
        f"There is a field '{function.field}' that Labelscape did not create and never overwrites: give the "
        f"function another name, such as “{free.name}”."
    )


def _has_usable_field(dataset: fo.Dataset, function: Function) -> bool:
    return check_score_fields(dataset, function.kind, [function.field]) == [function.field]


def records_of(function: Function) -> dict[str, list[str]]:
    """Where the record of a function and its alerts are, as `restored_on_failure` takes it."""
    return {_STORE: [function.slug], _MATCHES: [f"{function.slug}/"]}


def claim_function(dataset: fo.Dataset, function: Function) -> None:
    """Write a new function.

    Raises:
        Refusal: there already is one of this name.
    """
    if not open_store(dataset, _STORE).set_if_absent(function.slug, _as_record(function)):
        existing = load_function(dataset, function.slug)
        raise Refusal(f"There is already a function “{existing.name}”: edit it, or choose another name.")


def save_function(dataset: fo.Dataset, function: Function) -> None:
    """Write the record of a function."""
    open_store(dataset, _STORE).set(function.slug, _as_record(function))


def forget_function(dataset: fo.Dataset, slug: str) -> None:
    """Delete the record of a function and its alerts; its scores stay."""
    forget_new_matches(dataset, slug)
    open_store(dataset, _STORE).delete(slug)


def is_stale(dataset: fo.Dataset, function: Function) -> bool:
    """Whether its embeddings were deleted or recomputed, so that its scores are meaningless."""
    key = function.query.embeddings
    return key not in list_embeddings(dataset) or embeddings_made(dataset, key) != function.embeddings_made


def embeddings_made(dataset: fo.Dataset, key: str) -> datetime:
    """When embeddings were created, in UTC; adding and updating vectors does not change it."""
    made: datetime = dataset.get_brain_info(key).timestamp
    return made.replace(tzinfo=None, microsecond=made.microsecond // 1000 * 1000)


def add_new_matches(dataset: fo.Dataset, slug: str, ids: Sequence[str]) -> None:
    """Store newly matching items until the function is opened."""
    store, key = open_store(dataset, _MATCHES), timely_key()
    for start in range(0, len(ids), _IDS_PER_RECORD):
        store.set(f"{slug}/{key}-{start:09d}", list(ids[start : start + _IDS_PER_RECORD]))


def drop_new_matches(dataset: fo.Dataset, slug: str, ids: Sequence[str]) -> None:
    """Remove deleted items from the new matches."""
    store, gone = open_store(dataset, _MATCHES), set(ids)
    for key, matches in read_records(dataset, _MATCHES, prefix=f"{slug}/").items():
        if not gone.isdisjoint(matches):
            store.set(key, [item for item in matches if item not in gone])


def new_matches(dataset: fo.Dataset, slug: str) -> list[str]:
    """IDs of the items that match since the function was last opened, oldest first."""
    records = read_records(dataset, _MATCHES, prefix=f"{slug}/").values()
    return list(dict.fromkeys(item for ids in records for item in ids))


def forget_new_matches(dataset: fo.Dataset, slug: str) -> None:
    """Mark the new matches as seen."""
    store = open_store(dataset, _MATCHES)
    for key in read_records(dataset, _MATCHES, prefix=f"{slug}/"):
        store.delete(key)


def remember_deleted_function(dataset: fo.Dataset, function: Function, key: str) -> None:
    """Store a function under a `timely_key` until the undo expires; call it before the deletion."""
    open_store(dataset, _DELETED).set(key, _as_record(function), ttl=UNDO_SECONDS)


def deleted_functions(dataset: fo.Dataset) -> list[DeletedFunction]:
    """Functions that can be restored, last deleted first."""
    records = read_records(dataset, _DELETED)
    return [
        DeletedFunction(key, _as_function(record), time_of_key(key))
        for key, record in sorted(records.items(), reverse=True)
    ]


def records_of_deleted(key: str) -> dict[str, list[str]]:
    """Where the stored copy of a deleted function is, as `restored_on_failure` takes it."""
    return {_DELETED: [key]}


def forget_deleted_function(dataset: fo.Dataset, key: str) -> None:
    """Drop the stored copy of a deleted function that was restored."""
    open_store(dataset, _DELETED).delete(key)


def renamed(function: Function, name: str) -> Function:
    """The function under another name, with the slug and field of that name."""
    return replace(function, name=name.strip(), slug=function_slug(name))


def now() -> datetime:
    """Now in UTC."""
    return moment()


def _as_record(function: Function) -> dict[str, Any]:
    """A function as JSON values: FiftyOne's server passes every record through `json.dumps` (1.22)."""
    times = ("embeddings_made", "created_at", "run_at")
    return {
        **{name: getattr(function, name) for name in _PLAIN},
        **{name: at.isoformat() if (at := getattr(function, name)) else None for name in times},
        "query": {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(function.query).items()},
        "scorer": {**asdict(function.scorer), "weights": function.scorer.weights.tolist()},
    }


def _as_function(record: Mapping[str, Any]) -> Function:
    scorer = record["scorer"]
    run_at = record["run_at"]
    return Function(
        **{name: record[name] for name in _PLAIN},
        query=query_of_record(record["query"]),
        scorer=Scorer(
            scorer["kind"], np.asarray(scorer["weights"], np.float32), float(scorer["slope"]), float(scorer["offset"])
        ),
        embeddings_made=datetime.fromisoformat(record["embeddings_made"]),
        created_at=datetime.fromisoformat(record["created_at"]),
        run_at=None if run_at is None else datetime.fromisoformat(run_at),
    )
