"""Suggestions as columns: every proposed class of every item, as they are queued when they are accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import fiftyone as fo
import numpy as np
import pandas as pd
from bson import ObjectId

from .items import items_of, list_items
from .labels import LabelField
from .pending import OID
from .records import as_object_ids, as_oids
from .suggestions import read_suggestions, suggestion_name

Which = Literal["confident", "uncertain", "all"]
_NO_ANCHOR = "0" * 24
_READ_AT_ONCE = 50_000
_Row = tuple[bytes, str, float, str | None]  # item, class, confidence, anchor


@dataclass(frozen=True, eq=False)
class ProposedLabels:
    """Label number i is ``names[codes[i]]`` for the item ``ids[i]`` (12 bytes), with its confidence and anchor.

    An item is there once for each class proposed for it. An anchor is 12 zero bytes if none is known.
    """

    ids: np.ndarray
    codes: np.ndarray
    names: list[str]
    confidence: np.ndarray
    anchors: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def read_proposed_labels(
    dataset: fo.Dataset,
    ids: Sequence[str] | None,
    target: LabelField,
    *,
    which: Which = "all",
    confidence: float = 0.0,
) -> ProposedLabels:
    """The suggestions for a label field, of these items or of all; those of samples are read with one aggregation.

    Args:
        confidence: the least confidence (0..1) of an item's most confident class.
    """
    read = _of_samples if target.patches_field is None else _of_objects
    rows = read(dataset, ids, target, which, confidence)
    items, labels, confidences, anchors = zip(*rows, strict=True) if rows else ((), (), (), ())
    codes, names = pd.factorize(np.asarray(labels, object), sort=True)
    return ProposedLabels(
        ids=np.asarray(items, OID),
        codes=codes.astype(np.int32),
        names=[str(name) for name in names],
        confidence=np.asarray(confidences, float),
        anchors=as_oids([anchor or _NO_ANCHOR for anchor in anchors]),
    )


def _of_samples(
    dataset: fo.Dataset, ids: Sequence[str] | None, target: LabelField, which: Which, least: float
) -> list[_Row]:
    name = suggestion_name(dataset, None)
    meant: dict[str, Any] = {
        f"{name}.label": {"$nin": [None, ""]},
        f"{name}.field": {"$in": [None, "", target.name]},
        f"{name}.confidence": {"$gte": least},
    }
    if which != "all":
        meant[f"{name}.sure"] = True if which == "confident" else {"$ne": True}
    columns = {
        "label": f"${name}.label",
        "confidence": f"${name}.confidence",
        "anchor": {"$arrayElemAt": [f"${name}.anchors", 0]},
        **{more: f"${name}.{more}" for more in ("more", "more_confidence", "more_anchors")},
    }
    chosen: list[dict[str, Any]] = [{}] if ids is None else [{"_id": {"$in": some}} for some in _in_parts(as_oids(ids))]
    rows: list[_Row] = []
    for some in chosen:
        stages: list[dict[str, Any]] = [{"$match": {**some, **meant}}, {"$project": columns}]
        for document in dataset._sample_collection.aggregate(stages):
            item = document["_id"].binary
            rows.append((item, document["label"], document["confidence"], document.get("anchor")))
            if document.get("more"):
                more = zip(document["more"], document["more_confidence"], document["more_anchors"], strict=True)
                rows += [(item, *proposal) for proposal in more]
    return rows


def _of_objects(
    dataset: fo.Dataset, ids: Sequence[str] | None, target: LabelField, which: Which, least: float
) -> list[_Row]:
    patches_field = target.patches_field
    items = list_items(dataset, patches_field) if ids is None else items_of(dataset, ids, patches_field)
    return [
        (ObjectId(item).binary, label, confidence, suggestion.nearest[label])
        for item, suggestion in zip(items.ids.tolist(), read_suggestions(dataset, items), strict=True)
        if suggestion is not None
        and (which == "all" or suggestion.sure == (which == "confident"))
        and suggestion.field in ("", target.name)
        and suggestion.confidence >= least
        for label, confidence in suggestion.confidences.items()
    ]


def _in_parts(oids: np.ndarray) -> list[list[ObjectId]]:
    return [as_object_ids(oids[start : start + _READ_AT_ONCE]) for start in range(0, len(oids), _READ_AT_ONCE)]
