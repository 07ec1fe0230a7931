"""The details of single samples: facts for the tooltip, the preview with neighbors, and pending changes."""

import os
from datetime import date, datetime
from typing import Any

import fiftyone as fo
import fiftyone.core.media as fom
import numpy as np
from bson import ObjectId

from ....ml_backend.embedding.base import local_path
from ....ml_backend.store.items import FRAMES_PREFIX
from ....ml_backend.store.medium_fields import medium_field
from ....ml_backend.store.pending_columns import PendingChanges, PendingLabel
from ....ml_backend.store.session import Session
from ....ml_backend.store.suggestions import suggestion_path
from .label_states import PENDING_DELETE, PENDING_LABEL, LabelRows
from .map_rows import as_bytes

_SHOWN_FIELDS = 30
_SHOWN_LETTERS = 200
_NAME_LETTERS = 80
_IMAGES = ("image", "group")
_DATES = ("created_at", "last_modified_at")


class Details:
    """The documents of some rows, read from the database in one query."""

    def __init__(self, dataset: fo.Dataset, labels: LabelRows, chosen: np.ndarray, *, whole: bool = False) -> None:
        self.rows = labels.rows
        self._labels = labels
        self._media_field = dataset.app_config.grid_media_field or "filepath"
        self._has_images = dataset.media_type in _IMAGES
        self._are_videos = dataset.media_type == fom.VIDEO and self._media_field == "filepath"
        self._suggestion = suggestion_path(dataset, self.rows.patches_field).removeprefix(FRAMES_PREFIX)
        self._path = labels.field.path.removeprefix(FRAMES_PREFIX)
        self._medium = medium_field(dataset)
        carried = [] if self._medium is None else [self._medium.name]
        roots = {path.split(".")[0] for path in (self._path, self._suggestion, self._media_field, *carried)}
        fields = None if whole else dict.fromkeys(["filepath", "_sample_id", "frame_number", *roots], 1)
        self._documents: dict[str, dict[str, Any]] = {}
        if self.rows.in_frames:
            self._has_images, self._are_videos = True, False
            self._read_frames(dataset, chosen, fields)
            return
        samples = [ObjectId(item) for item in set(self.rows.sample_names(chosen))]
        documents = dataset._sample_collection.find({"_id": {"$in": samples}}, fields)
        self._documents = {str(document["_id"]): document for document in documents}

    def _read_frames(self, dataset: fo.Dataset, chosen: np.ndarray, fields: dict[str, int] | None) -> None:
        """Read the frames of the rows, under the id of each row."""
        names = [ObjectId(name) for name in self.rows.names(chosen)]
        key = "_id" if self.rows.root is None else f"{self.rows.root}._id"
        for frame in dataset._frame_collection.find({key: {"$in": names}}, fields):
            elements = frame if self.rows.root is None else value_at(frame, self.rows.root)
            for element in elements if isinstance(elements, list) else [elements]:
                self._documents[str(element["_id"])] = frame

    def facts(self, row: int) -> dict[str, Any]:
        """`Facts` of contract.ts; a sample that is gone has its id and no more."""
        sample, item, snapshot = self.sample(row), self.item(row), self._labels.snapshot
        state, code = int(snapshot.states[row]), int(snapshot.codes[row])
        pending = state in (PENDING_LABEL, PENDING_DELETE)
        suggested = None if pending else self._suggested(item)
        return {
            "row": row,
            "id": self.rows.names(np.asarray([row]))[0],
            "thumbnail": self._thumbnail(sample),
            "moving": self._are_videos,
            "crop": item.get("bounding_box") if self.rows.root is not None else None,
            "name": self._name(sample) or "no longer in the dataset",
            "label": snapshot.classes[code] if pending and code >= 0 else self.saved_label(row),
            "state": state,
            "suggestion": suggested,
        }

    def sample(self, row: int) -> dict[str, Any]:
        """The document of a row's sample; empty when it is gone."""
        key = self.rows.names(np.asarray([row]))[0] if self.rows.in_frames else self.sample_id(row)
        return self._documents.get(key, {})

    def sample_id(self, row: int) -> str:
        """The sample that a row belongs to."""
        return self.rows.sample_names(np.asarray([row]))[0]

    def item(self, row: int) -> dict[str, Any]:
        """The document that carries a row's label: the sample's, or the object's of a patch."""
        sample = self.sample(row)
        if self.rows.root is None:
            return sample
        objects = value_at(sample, self.rows.root)
        name = ObjectId(self.rows.names(np.asarray([row]))[0])
        elements = objects if isinstance(objects, list) else [objects or {}]
        shown: dict[str, Any] = next((element for element in elements if element.get("_id") == name), {})
        return shown

    def label_documents(self, row: int) -> list[dict[str, Any]]:
        """The labels a row has in the database; several in a multi-label field."""
        labels = self.item(row) if self.rows.root is not None else value_at(self.sample(row), self._path)
        documents = labels if isinstance(labels, list) else [labels or {}]
        return [document for document in documents if document.get("label")]

    def saved_label(self, row: int) -> str | None:
        """The label in the database, with commas between several."""
        return ", ".join(str(document["label"]) for document in self.label_documents(row)) or None

    def _suggested(self, item: dict[str, Any]) -> dict[str, Any] | None:
        suggestion = item.get(self._suggestion.rsplit(".", 1)[-1])
        if (
            not suggestion
            or not suggestion.get("label")
            or suggestion.get("field") not in (None, "", self._labels.field.name)
        ):
            return None
        # Several classes are as confident as the least confident of them.
        least = min([suggestion.get("confidence") or 0.0, *(suggestion.get("more_confidence") or [])])
        return {"label": ", ".join([suggestion["label"], *(suggestion.get("more") or [])]), "confidence": float(least)}

    def _name(self, sample: dict[str, Any]) -> str:
        """The file's name; where the file is only a card, that of the medium, and of a text its first line."""
        medium = None if self._medium is None else sample.get(self._medium.name)
        text = str(medium or "").strip()
        if text and self._medium is not None and self._medium.kind == "text":
            line = text.split("\n", 1)[0]
            return line if len(line) <= _NAME_LETTERS else f"{line[: _NAME_LETTERS - 1]}…"
        return os.path.basename(text or str(sample.get("filepath") or ""))

    def _thumbnail(self, sample: dict[str, Any]) -> str | None:
        path = value_at(sample, self._media_field)
        path = local_path(path) if isinstance(path, str) else None
        return path if self._has_images or self._are_videos or self._media_field != "filepath" else None


def facts(dataset: fo.Dataset, labels: LabelRows, chosen: np.ndarray) -> list[dict[str, Any]]:
    """`Facts` of some rows."""
    details = Details(dataset, labels, chosen)
    return [details.facts(row) for row in chosen.tolist()]


def preview(
    dataset: fo.Dataset, labels: LabelRows, row: int, pending: PendingChanges, near: list[tuple[int, float]], note: str
) -> dict[str, Any]:
    """`Preview` of a row; ``near`` lists its neighbors as (row, cosine distance), ``note`` says why there are none."""
    details = Details(dataset, labels, np.asarray([row]), whole=True)
    around = Details(dataset, labels, np.asarray([other for other, _ in near], np.int64))
    confidence, origin = _origin(details, labels, row, pending)
    fields = _plain_fields(dataset, details, row)
    return {
        **details.facts(row),
        "sample_id": details.sample_id(row),
        "confidence": confidence,
        "origin": origin,
        "fields": [["neighbors", note], *fields] if note else fields,
        "neighbors": [{**around.facts(other), "distance": distance} for other, distance in near],
    }


def neighbors_of_row(session: Session, labels: LabelRows, row: int, k: int) -> list[tuple[int, float]]:
    """Map rows nearest in embedding space that are still in the dataset, nearest first, with cosine distances."""
    rows = labels.rows
    embedded = as_bytes(session.embeddings.items.ids)
    place = np.flatnonzero(embedded == rows.ids[row])
    if not len(place):
        return []
    near = session.neighbors.indices[place[0]]
    places = rows.locate(embedded[near])
    distances = session.neighbors.distances[place[0]]
    kept = (places >= 0) & labels.present[places]
    return list(zip(places[kept][:k].tolist(), distances[kept][:k].tolist(), strict=True))


def review(dataset: fo.Dataset, labels: LabelRows, pending: PendingChanges, offset: int, limit: int) -> dict[str, Any]:
    """A page of what is pending over the rows of the map, newest first (`PendingItem`)."""
    changes: list[tuple[str, PendingLabel | None]] = [(label.item, label) for label in pending.labels]
    changes += [(item, None) for item in pending.deletions]
    rows = labels.rows.locate(as_bytes([item for item, _ in changes]))
    shown = [(row, change) for row, (_, change) in zip(rows.tolist(), changes, strict=True) if row >= 0][::-1]
    page = shown[offset : offset + limit]
    details = Details(dataset, labels, np.asarray([row for row, _ in page], np.int64))
    items = [
        {
            **details.facts(row),
            "action": "delete" if change is None else "label",
            "before": details.saved_label(row),
            "after": None if change is None else change.label,
            "origin": "human" if change is None else change.origin,
        }
        for row, change in page
    ]
    return {"items": items, "total": len(shown)}


def value_at(document: dict[str, Any], path: str) -> Any:
    """The value at a dotted path of a document; None if there is none."""
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _origin(details: Details, labels: LabelRows, row: int, pending: PendingChanges) -> tuple[float | None, str | None]:
    """The confidence of the label, and where it came from, in words."""
    state = int(labels.snapshot.states[row])
    if state == PENDING_LABEL:
        item = details.rows.names(np.asarray([row]))[0]
        mine = [label for label in pending.labels if label.item == item]
        if mine:
            by = "human" if mine[-1].origin == "human" else "neighbors of 1 sample"
            return mine[-1].confidence, f"{by}, not saved yet"
    documents = details.label_documents(row)
    if not documents:
        return None, None
    by_whom = documents[0].get("labelscape")
    confidence = documents[0].get("confidence")
    if by_whom == "neighbors":
        return confidence, "neighbors of 1 sample"
    return confidence, "human" if by_whom == "human" else "imported"


def _plain_fields(dataset: fo.Dataset, details: Details, row: int) -> list[list[str]]:
    """Name and value of the plain fields that have one; for a patch, its own come first; FiftyOne's dates come last."""
    document = details.item(row) if details.rows.root is not None else {}
    fields = [[name, text] for name in document if (text := _as_text(name, document[name]))]
    sample = details.sample(row)
    names = sorted(dataset.get_field_schema(), key=lambda name: name in _DATES)
    fields += [[name, text] for name in names if (text := _as_text(name, sample.get(name)))]
    return fields[:_SHOWN_FIELDS]


def _as_text(name: str, value: Any) -> str | None:
    if name in ("id", "filepath", "label", "bounding_box") or name.startswith("_") or value is None:
        return None
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return ", ".join(value)[:_SHOWN_LETTERS]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, dict):
        return str(value["label"])[:_SHOWN_LETTERS] if value.get("label") else None
    return str(value)[:_SHOWN_LETTERS] if isinstance(value, str | int | date) else None
