"""Search queries as vectors: examples, texts, and uploaded images in the space of the embeddings."""

import json
import tempfile
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock

import fiftyone as fo
import numpy as np

from ..analysis.probe import Fitted, fit_scorer
from ..analysis.search import unit_vectors
from ..embedding import EmbeddingModel
from ..embedding.base import TextTower
from ..errors import Refusal
from ..store.embeddings import Provenance, provenance_of
from ..store.search_tables import VectorSource
from ..store.searches import Query
from ..wording import listing, percent
from .models import load, searches_text

_KEPT_SCORERS = 8
_BACKGROUND = 1000
_scorers: "OrderedDict[tuple[object, Query], tuple[VectorSource, Fitted]]" = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class QueryQuality:
    """How a query scores, in words, and its quality on held-out marks; ``auc`` is None if there are too few marks."""

    sentence: str
    auc: float | None


def with_image(dataset: fo.Dataset, query: Query, content: bytes, name: str) -> Query:
    """The query with an image file as one more positive example, embedded by the model of the embeddings.

    Args:
        content: the bytes of the file.
        name: its name; the ending says what kind of file it is.

    Raises:
        Refusal: the file cannot be read, or the embeddings were not made by a model that can embed it.
    """
    model = _model_of(provenance_of(dataset, query.embeddings), "an image")
    with tempfile.TemporaryDirectory(prefix="labelscape-") as folder:
        path = Path(folder) / f"query{Path(name).suffix.lower()}"
        path.write_bytes(content)
        embedded = model.embed([str(path)])
    if embedded.failed:
        raise Refusal(f"“{name}” cannot be searched with: {embedded.failed[0].reason}. Choose another image.")
    return replace(query, image_vector=tuple(unit_vectors(embedded.vectors)[0].tolist()), image_name=name)


def fit_query(dataset: fo.Dataset, query: Query, table: VectorSource) -> Fitted:
    """The scorer of a query, with its quality on held-out marks if there are enough.

    Raises:
        Refusal: nothing to search for, examples without an embedding, or a text for a model that reads no texts.
    """
    key = (dataset._doc.id, query)
    with _lock:
        known = _scorers.get(key)
    if known is not None and known[0] is table:
        return known[1]
    background = table.background(_BACKGROUND)
    nothing = background[:0]
    positives = [table.vectors_of(list(query.positives), role="positive examples") if query.positives else nothing]
    if query.text.strip():
        positives.append(_text_vector(dataset, query, background.shape[1]))
    if query.image_vector:
        positives.append(np.asarray([query.image_vector], np.float32))
    negatives = table.vectors_of(list(query.negatives), role="negative examples") if query.negatives else nothing
    fitted = fit_scorer(np.concatenate(positives), negatives, background)
    with _lock:
        _scorers[key] = (table, fitted)
        while len(_scorers) > _KEPT_SCORERS:
            _scorers.popitem(last=False)
    return fitted


def describe_query(query: Query, fitted: Fitted) -> QueryQuality:
    """Say how a query scores, and how well."""
    held_out = fitted.held_out
    if held_out is None:
        return QueryQuality(f"Scored by similarity to {_mean_of(query)}.", None)
    marks = f"{held_out.positives:,} positive and {held_out.negatives:,} negative marks"
    right = f"on held-out marks, a positive scores higher than a negative {percent(held_out.auc)} of the time"
    if fitted.scorer.kind == "probe":
        return QueryQuality(f"Scored by a linear probe of {marks}: {right}.", held_out.auc)
    how = f"Scored by similarity to {_mean_of(query)}, which ranks held-out marks at least as well as a probe"
    return QueryQuality(f"{how} ({marks}: {right}).", held_out.auc)


def _mean_of(query: Query) -> str:
    """What scores compare with, in words: “the text”, or “the mean of the examples and the text”."""
    compared = {
        "the example": len(query.positives) == 1,
        "the examples": len(query.positives) > 1,
        "the text": bool(query.text.strip()),
        "the uploaded image": bool(query.image_vector),
    }
    named = [part for part, is_there in compared.items() if is_there]
    is_one = len(named) == 1 and len(query.positives) <= 1
    return named[0] if is_one else f"the mean of {listing(named)}"


def reads_texts(dataset: fo.Dataset, embeddings: str) -> bool:
    """Whether the embeddings may come from a model with a text tower; the model is not loaded."""
    return searches_text(provenance_of(dataset, embeddings).model)


def _text_vector(dataset: fo.Dataset, query: Query, dim: int) -> np.ndarray:
    provenance = provenance_of(dataset, query.embeddings)
    vector = _embedded_text(provenance.model, json.dumps(provenance.options, sort_keys=True), query.text.strip())
    if vector.shape[1] != dim:
        raise Refusal(
            f"The text has {vector.shape[1]:,} dimensions and '{query.embeddings}' has {dim:,}: its "
            "vectors were not made by the model that it names. Choose other embeddings."
        )
    return vector


@lru_cache(maxsize=64)
def _embedded_text(model: str, options: str, text: str) -> np.ndarray:
    loaded = _model_of(Provenance(model, json.loads(options)), "a text")
    if not isinstance(loaded, TextTower):
        raise Refusal(
            f"These embeddings are of {model}, which cannot embed texts: search by examples, or compute embeddings "
            "with a model that can, such as open_clip."
        )
    return unit_vectors(loaded.embed_text([text]))


def _model_of(provenance: Provenance, what: str) -> EmbeddingModel:
    """The model that made the embeddings.

    Raises:
        Refusal: the vectors came from elsewhere, or the model cannot be loaded here.
    """
    if provenance.model in ("precomputed", "unknown"):
        source = provenance.options.get("source", "another program")
        raise Refusal(
            f"These embeddings were imported from {source}, so Labelscape cannot embed {what} in the same way: search "
            "by examples from the dataset, or compute embeddings with a model."
        )
    return _loaded(provenance.model, json.dumps(provenance.options, sort_keys=True))


@lru_cache(maxsize=1)
def _loaded(model: str, options: str) -> EmbeddingModel:
    return load(model, **json.loads(options))
