"""Suggestions on samples, or on the objects of patches: a label, its confidence, and the samples it came from."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import bson
import fiftyone as fo
import fiftyone.core.frame as fofr
import fiftyone.core.sample as fos
import numpy as np
from bson import ObjectId

from .generated_views import show_in_generated_views
from .items import (
    FRAMES,
    FRAMES_PREFIX,
    Items,
    as_list,
    every_sample,
    is_list_field,
    items_of,
    label_path,
    stored_path,
)
from .own_fields import delete_own_field, ensure_own_field, is_own_field, own_path, taken_sentence
from .own_writes import bulk_write
from .pending import current_act
from .records import (
    as_oids,
    delete_records,
    list_keys,
    open_store,
    read_records,
    restored_on_failure,
    time_of_key,
    timely_key,
)
from .suggestion_updates import suggestion_updates

FIELD = "suggested_label"
_MORE: dict[str, Any] = {"more": fo.StringField, "more_confidence": fo.FloatField, "more_anchors": fo.StringField}
_ATTRIBUTES = ("label", "confidence", "sure", "anchors", "field", *_MORE)
_DESCRIPTION = "Labels that Labelscape suggests"
_STORE = "labelscape.suggestions"
_REJECTION = "rejection:"
_UPDATES_AT_ONCE = 250
_REJECTED_PER_RECORD = 5_000  # MongoDB's limit is 16 MB per document; one with five anchors takes about 250 bytes
_SETTINGS = "settings"
_FEW = 5_000  # items up to which their samples alone are read


@dataclass(frozen=True)
class Suggestion:
    """A label proposed for an unlabeled item; ``sure`` if it is confident: it reaches the target precision.

    ``field`` is the label field it was made for; "" where an earlier version did not write it down. In a multi-label
    field ``label`` is the most confident class, and ``more`` are the others that reach the target, with their
    confidence and nearest anchor each; empty elsewhere.
    """

    label: str
    confidence: float
    sure: bool
    anchors: list[str]
    field: str = ""
    more: tuple[str, ...] = ()
    more_confidence: tuple[float, ...] = ()
    more_anchors: tuple[str, ...] = ()

    @property
    def confidences(self) -> dict[str, float]:
        """Every proposed class → its confidence, most confident first."""
        return {self.label: self.confidence, **dict(zip(self.more, self.more_confidence, strict=True))}

    @property
    def nearest(self) -> dict[str, str]:
        """Every proposed class → the nearest sample that it came from, "" if unknown."""
        return {self.label: next(iter(self.anchors), ""), **dict(zip(self.more, self.more_anchors, strict=True))}


@dataclass(frozen=True)
class Rejection:
    """Suggestions that a person rejected at one time, by item, stored so that they are not made again.

    ``at`` is in UTC; ``act`` names the act that it is a part of (`pending.one_act`), if any.
    """

    key: str
    at: datetime
    patches_field: str | None
    suggestions: dict[str, Suggestion]
    act: str = ""


@dataclass(frozen=True)
class SuggestionSettings:
    """How the suggestions of a dataset are made, so that they can be updated after each save."""

    embeddings: str
    field: str
    precision: float
    whole: bool  # made for the whole dataset, and updated after each save


def write_suggestions(
    dataset: fo.Dataset,
    items: Items,
    suggestions: Sequence[Suggestion | None],
    *,
    current: Sequence[Suggestion | None] | None = None,
    name: str = FIELD,
) -> list[str]:
    """Set the suggestions of the items, None = none; only changes are written. Returns the samples changed.

    If that fails, the suggestions are restored.

    Args:
        current: their current suggestions, if the caller has already read them.
        name: the field they are in if samples have suggestions for several label fields (`suggestions_field_name`).
    """
    current = read_suggestions(dataset, items, name) if current is None else current
    is_new = dataset.get_field(suggestion_path(dataset, items.field, name)) is None
    try:
        return _write(dataset, items, suggestions, current, name)
    except BaseException:
        if is_new:
            delete_own_field(dataset, _meant_path(dataset, items.field, name))
        else:
            _write(dataset, items, current, read_suggestions(dataset, items, name), name)
        raise


def _write(
    dataset: fo.Dataset,
    items: Items,
    suggestions: Sequence[Suggestion | None],
    current: Sequence[Suggestion | None],
    name: str,
) -> list[str]:
    several = any(suggestion is not None and suggestion.more for suggestion in suggestions)
    _declare(dataset, items.field, name, several=several)
    rows = [row for row, (old, new) in enumerate(zip(current, suggestions, strict=True)) if old != new]
    samples = list(dict.fromkeys(items.sample_ids[rows].tolist()))
    if rows:
        _write_changed(dataset, items.take(np.asarray(rows)), [suggestions[row] for row in rows], name)
    return samples


def _write_changed(dataset: fo.Dataset, items: Items, suggestions: Sequence[Suggestion | None], meant: str) -> None:
    """Write suggestions that differ from the current ones."""
    field, in_frames = items.field, (items.field or "").split(".")[0] == FRAMES
    homes = items.sample_ids.tolist()
    if in_frames:
        frames = _frames_of(dataset, field, items.ids.tolist())
        homes = [frames.get(item, home) for item, home in zip(items.ids.tolist(), homes, strict=True)]
    documents = [_encoded(suggestion) for suggestion in suggestions]
    name = suggestion_name(dataset, field, meant)
    updates = list(suggestion_updates(dataset, field, as_oids(homes), as_oids(items.ids), documents, name=name))
    collection = dataset._frame_collection if in_frames else dataset._sample_collection
    for start in range(0, len(updates), _UPDATES_AT_ONCE):
        bulk_write(collection, updates[start : start + _UPDATES_AT_ONCE], labels=False)
    written = list(dict.fromkeys(homes))
    if in_frames:
        fofr.Frame._reload_docs(dataset._frame_collection_name, frame_ids=written)
    else:
        fos.Sample._reload_docs(dataset._sample_collection_name, sample_ids=written)
    if field is not None:
        root = suggestion_name(dataset, field) if field == FRAMES else field.removeprefix(FRAMES_PREFIX)
        show_in_generated_views(dataset, written, {root}, added=False, of_frames=in_frames)


def read_suggestions(dataset: fo.Dataset, items: Items, name: str = FIELD) -> list[Suggestion | None]:
    """The suggestion of each item, or None; ``name`` as in `write_suggestions`."""
    path = suggestion_path(dataset, items.field, name)
    if dataset.get_field(path) is None:
        return [None] * len(items)
    samples = every_sample(dataset)
    if len(items) <= _FEW:
        samples = samples.select(list(dict.fromkeys(items.sample_ids.tolist())))
    # An attribute that is not declared (in another tool's field, or an earlier version's) has no values.
    names = [name for name in _ATTRIBUTES if dataset.get_field(f"{path}.{name}") is not None]
    if items.field is None:
        columns = samples.exists(path).values(["id", *(f"{path}.{name}" for name in names)], _raw=True)
    else:
        root = path.rsplit(".", 1)[0]
        columns = samples.values([f"{root}.id", *(f"{path}.{name}" for name in names)], _raw=True)
        for _ in range(_count_lists(dataset, root)):
            columns = [[value for values in column for value in (values or [])] for column in columns]
    ids = columns[0]
    column_of = dict(zip(names, columns[1:], strict=True))
    rows = zip(ids, *(column_of.get(name, [None] * len(ids)) for name in _ATTRIBUTES), strict=True)
    suggestions = {
        str(item): Suggestion(
            label, confidence, bool(sure), list(anchors or []), field or "", *(tuple(part or ()) for part in more)
        )
        for item, label, confidence, sure, anchors, field, *more in rows
        if label is not None
    }
    return [suggestions.get(item) for item in items.ids.tolist()]


def suggestions_field_name(label_field: str) -> str:
    """The field for suggestions of a label field beside another one, whose suggestions are in the usual field."""
    return f"{FIELD}_{label_field}"


def suggestion_path(dataset: fo.Dataset, patches_field: str | None, name: str = FIELD) -> str:
    """Path of the suggestions: a field of the sample or frame, or an attribute of the objects or clips."""
    return own_path(dataset, _meant_path(dataset, patches_field, name))


def suggestion_name(dataset: fo.Dataset, patches_field: str | None, name: str = FIELD) -> str:
    """The name of that field or attribute: another one where the usual one is somebody else's."""
    return suggestion_path(dataset, patches_field, name).rsplit(".", 1)[-1]


def suggestions_elsewhere(dataset: fo.Dataset, patches_field: str | None) -> str:
    """A sentence on where suggestions are, if “suggested_label” is somebody else's; "" if it is not."""
    return taken_sentence(dataset, [_meant_path(dataset, patches_field)])


def is_suggestions_field(dataset: fo.Dataset, name: str) -> bool:
    """Whether this field holds, or would hold, the suggestions of samples or frames."""
    if name.startswith(f"{FIELD}_") and is_own_field(dataset, name):
        return True
    return name == suggestion_path(dataset, FRAMES if name.startswith(FRAMES_PREFIX) else None)


def _meant_path(dataset: fo.Dataset, patches_field: str | None, name: str = FIELD) -> str:
    if patches_field is None:
        return name
    return f"{FRAMES if patches_field == FRAMES else label_path(dataset, patches_field)}.{FIELD}"


def save_settings(dataset: fo.Dataset, settings: SuggestionSettings) -> None:
    """Store how suggestions are made."""
    open_store(dataset, _STORE).set(_SETTINGS, dict(vars(settings)))


@contextmanager
def saved_settings(dataset: fo.Dataset, settings: SuggestionSettings | None) -> Iterator[None]:
    """Store how suggestions are made (None = leave it), unless the block, which makes them, fails."""
    with restored_on_failure(dataset, {_STORE: [_SETTINGS]}):
        if settings is not None:
            save_settings(dataset, settings)
        yield


def load_settings(dataset: fo.Dataset) -> SuggestionSettings | None:
    """How suggestions were last made; None if none were made."""
    record = open_store(dataset, _STORE).get(_SETTINGS)
    return None if record is None else SuggestionSettings(**record)


@contextmanager
def remember_rejections(
    dataset: fo.Dataset, patches_field: str | None, suggestions: Mapping[str, Suggestion]
) -> Iterator[None]:
    """Store that these suggestions (by item id) were rejected, unless the block, which removes them, fails."""
    key = f"{_REJECTION}{timely_key()}"
    items = list(suggestions)
    with restored_on_failure(dataset, {_STORE: [key, f"{key}/"]}):
        for start in range(0, len(items), _REJECTED_PER_RECORD):
            part = {item: asdict(suggestions[item]) for item in items[start : start + _REJECTED_PER_RECORD]}
            record = {"patches_field": patches_field, "suggestions": part, "act": current_act()}
            open_store(dataset, _STORE).set(f"{key}/{start:08d}" if start else key, record)
        yield


def read_rejections(dataset: fo.Dataset, field: str) -> dict[str, set[str]]:
    """Item id → labels of a label field that a person rejected for it."""
    rejections: dict[str, set[str]] = {}
    for rejection in list_rejections(dataset):
        for item, suggestion in rejection.suggestions.items():
            if suggestion.field == field:
                rejections.setdefault(item, set()).update(suggestion.confidences)
    return rejections


def rejection_keys(dataset: fo.Dataset) -> list[str]:
    """The keys of all rejections: others, once something was rejected or a rejection was undone."""
    return [key for key in list_keys(dataset, _STORE) if key.startswith(_REJECTION)]


def list_rejections(dataset: fo.Dataset) -> list[Rejection]:
    """All that was rejected, oldest first. Records of an earlier version, which knew no field, are not read."""
    rejections: dict[str, Rejection] = {}
    for part, record in read_records(dataset, _STORE, prefix=_REJECTION).items():
        at = time_of_key((key := part.split("/")[0]).removeprefix(_REJECTION))
        rejection = rejections.setdefault(key, Rejection(key, at, record["patches_field"], {}, record.get("act", "")))
        rejection.suggestions.update({item: _from_record(entry) for item, entry in record["suggestions"].items()})
    return list(rejections.values())


def take_back_rejection(dataset: fo.Dataset, rejection: Rejection) -> None:
    """Restore rejected suggestions, unless their items got new ones, and drop the rejection."""
    items = items_of(dataset, list(rejection.suggestions), rejection.patches_field)
    current = read_suggestions(dataset, items)
    restored = [
        rejection.suggestions[item] if old is None else old
        for item, old in zip(items.ids.tolist(), current, strict=True)
    ]
    write_suggestions(dataset, items, restored, current=current)
    parts = [key for key in rejection_keys(dataset) if key.split("/")[0] == rejection.key]
    delete_records(dataset, _STORE, parts)


def stop_following(dataset: fo.Dataset) -> None:
    """Stop updating suggestions after saves, until they are requested again."""
    settings = load_settings(dataset)
    if settings is not None:
        save_settings(dataset, replace(settings, whole=False))


def _declare(dataset: fo.Dataset, patches_field: str | None, meant: str, *, several: bool) -> None:
    options: dict[str, Any] = {"description": _DESCRIPTION, "embedded_doc_type": fo.Classification}
    path = ensure_own_field(dataset, _meant_path(dataset, patches_field, meant), fo.EmbeddedDocumentField, **options)
    attributes: dict[str, tuple[type, dict[str, Any]]] = {
        "sure": (fo.BooleanField, {}),
        "anchors": (fo.ListField, {"subfield": fo.StringField}),
        "field": (fo.StringField, {}),
    }
    if several:  # without multi-label suggestions, the App's sidebar shows no empty fields
        attributes |= {name: (fo.ListField, {"subfield": kind}) for name, kind in _MORE.items()}
    for name, (kind, more) in attributes.items():
        if dataset.get_field(f"{path}.{name}") is None:
            in_frames = path.startswith(FRAMES_PREFIX)
            add = dataset.add_frame_field if in_frames else dataset.add_sample_field
            add(f"{path}.{name}".removeprefix(FRAMES_PREFIX), kind, **more)


def _from_record(record: Mapping[str, Any]) -> Suggestion:
    return Suggestion(**{**record, **{name: tuple(record.get(name, ())) for name in _MORE}})


def _encoded(suggestion: Suggestion | None) -> bytes | None:
    """The document of a suggestion in MongoDB, as BSON."""
    if suggestion is None:
        return None
    document: dict[str, Any] = {
        "_id": ObjectId(),
        "_cls": "Classification",
        "tags": [],
        "label": suggestion.label,
        "confidence": suggestion.confidence,
        "logits": None,
        "sure": suggestion.sure,
        "anchors": suggestion.anchors,
        "field": suggestion.field,
    }
    if suggestion.more:
        document |= {name: list(getattr(suggestion, name)) for name in _MORE}
    encoded: bytes = bson.encode(document)
    return encoded


def _frames_of(dataset: fo.Dataset, field: str | None, ids: Sequence[str]) -> dict[str, str]:
    """Item → its frame: a frame itself, or the one that an object is in."""
    if field == FRAMES:
        return dict(zip(ids, ids, strict=True))
    collection, path = stored_path(dataset, label_path(dataset, str(field)))
    match = {"$match": {f"{path}._id": {"$in": [ObjectId(item) for item in ids]}}}
    stages: list[dict[str, Any]] = [match, {"$project": {"label": f"${path}._id"}}]
    return {
        str(label): str(frame["_id"]) for frame in collection.aggregate(stages) for label in as_list(frame["label"])
    }


def _count_lists(dataset: fo.Dataset, path: str) -> int:
    """The number of lists that a path goes through."""
    parts = path.split(".")
    prefixes = [".".join(parts[: end + 1]) for end in range(len(parts))]
    return sum(prefix == FRAMES or isinstance(dataset.get_field(prefix), fo.ListField) for prefix in prefixes)


def suggestions_size(dataset: fo.Dataset, patches_field: str | None) -> tuple[int, int]:
    """The number of samples or objects with a suggestion, and the size of these in the database in bytes."""
    path = suggestion_path(dataset, patches_field)
    if dataset.get_field(path) is None:
        return 0, 0
    collection, path = stored_path(dataset, path)
    listed = patches_field not in (None, FRAMES) and is_list_field(dataset, str(patches_field))
    unwound = path.rsplit(".", 1)[0] if listed else None
    stages: list[dict[str, Any]] = [{"$unwind": f"${unwound}"}] if unwound else []
    stages += [
        {"$match": {f"{path}.label": {"$gt": ""}}},
        {"$group": {"_id": None, "count": {"$sum": 1}, "size": {"$sum": {"$bsonSize": f"${path}"}}}},
    ]
    totals = list(collection.aggregate(stages))
    return (int(totals[0]["count"]), int(totals[0]["size"])) if totals else (0, 0)


def rename_in_settings(dataset: fo.Dataset, key: str, new_key: str) -> None:
    """Update the suggestion settings of renamed embeddings to the new key."""
    settings = load_settings(dataset)
    if settings is not None and settings.embeddings == key:
        save_settings(dataset, replace(settings, embeddings=new_key))
