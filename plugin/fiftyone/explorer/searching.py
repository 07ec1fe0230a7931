"""Find samples: by ID, file name, text fields, and label, or by what a text means."""

import re
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from fiftyone.core.fields import ListField, StringField

from ....ml_backend.actions.models import embed_text, searches_text
from ....ml_backend.errors import Refusal
from ....ml_backend.store.embeddings import provenance_of
from ....ml_backend.store.session import Session
from .field_values import fetch, shown_fields
from .label_states import LabelRows
from .map_rows import as_bytes

_PATH_END = r"[^/\\]*$"  # a word in the name of the file, not in those of its folders


def search_words(dataset: fo.Dataset, labels: LabelRows, text: str) -> tuple[np.ndarray, str]:
    """Rows whose id is the text, or whose file name, text fields or label contain it, in the order of the map."""
    rows = labels.rows
    word = re.escape(text)
    anywhere = {"$regex": word, "$options": "i"}
    paths = [
        source.stored
        for source in shown_fields(dataset, rows.root, in_frames=rows.in_frames)
        if _is_text(dataset, source.path)
    ]
    conditions: list[dict[str, Any]] = [{path: anywhere} for path in paths]
    conditions.append({"filepath": {"$regex": word + _PATH_END, "$options": "i"}})
    if ObjectId.is_valid(text):
        conditions.append({"_id": ObjectId(text)})
        if rows.root is not None:
            conditions.append({f"{rows.root}._id": ObjectId(text)})
    match: list[dict[str, Any]] = [{"$match": {"$or": conditions}}]
    if rows.root is not None:
        match += [{"$unwind": f"${rows.root}"}, *match]
    places = rows.locate(fetch(rows.collection(dataset), rows.root, {}, stages=match).ids)
    shown = np.zeros(len(rows), bool)
    shown[places[places >= 0]] = True
    # Pending labels are on the map, but not in the database yet.
    hits = [code for code, name in enumerate(labels.snapshot.classes) if text.lower() in name.lower()]
    shown |= np.isin(labels.snapshot.codes, hits)
    return np.flatnonzero(shown & labels.present), "by ID, file name, text fields, and label"


def search_meaning(
    dataset: fo.Dataset, labels: LabelRows, session: Session, text: str, limit: int
) -> tuple[np.ndarray, str]:
    """Rows whose embeddings are nearest to the text's, best first.

    Raises:
        Refusal: the embedding model does not embed texts.
    """
    made = provenance_of(dataset, session.embeddings.key)
    if not searches_text(made.model):
        raise Refusal(
            f"“{session.embeddings.key}” was made by {made.model}, which does not embed texts: compute embeddings with "
            "an open_clip model, or a model of hf/… with a text tower, to search by meaning."
        )
    vector = embed_text(made.model, made.options, text)
    vectors = session.embeddings.vectors
    scores = (vectors @ vector) / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    rows = labels.rows.locate(as_bytes(session.embeddings.items.ids))
    best = np.argsort(-scores, kind="stable")
    kept = rows[best]
    kept = kept[(kept >= 0) & labels.present[kept]]
    return kept[:limit], f"by meaning, with {made.model}"


def _is_text(dataset: fo.Dataset, path: str) -> bool:
    field = dataset.get_field(path)
    return isinstance(field.field if isinstance(field, ListField) else field, StringField)
