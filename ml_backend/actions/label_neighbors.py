"""Label neighbors: the label of a few samples spreads to their neighborhood in embedding space."""

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo
import numpy as np

from ..analysis.propagation import label_neighbors as grow
from ..errors import Refusal
from ..store.embeddings import locate
from ..store.labels import DEFAULT_FIELD, Labels
from ..store.pending import one_act
from ..store.records import as_oids
from ..store.session import open_session
from .evidence import field_of_embeddings, labels_with_pending
from .queue import LabelBatch, QueueReport, clean_label, queue_labels, set_label


@dataclass(frozen=True)
class NeighborPreview:
    """The items that a label would reach, most confident first, as parallel lists; the first ``reach`` are labeled."""

    ids: list[str]
    confidence: list[float]
    anchors: list[str]
    reach: int
    why: str


def preview_neighbors(
    dataset: fo.Dataset,
    ids: Sequence[str],
    label: str,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    reach: int | None = None,
    precision: float = 0.95,
) -> NeighborPreview:
    """Preview which unlabeled samples a label would reach from some samples in embedding space; sets nothing.

    Args:
        reach: how many to take; None takes as many as the target precision allows.

    Raises:
        Refusal: no such embeddings, nothing selected, or none of the selected has an embedding.
    """
    target = field_of_embeddings(dataset, embeddings, field)
    name = clean_label(label)
    session = open_session(dataset, embeddings)
    items = session.embeddings.items
    rows = locate(np.asarray(ids, items.ids.dtype), items.ids)
    if not (rows >= 0).any():
        raise Refusal(
            f"No selected item has an embedding in '{embeddings}': run “Labelscape: compute embeddings” first."
        )
    codes, code = _single_codes(labels_with_pending(session, target), name)
    region = grow(
        session.embeddings.vectors,
        codes,
        rows[rows >= 0],
        code,
        neighbors=session.neighbors,
        reach=reach,
        precision=precision,
    )
    return NeighborPreview(
        ids=items.ids[region.order].tolist(),
        confidence=region.confidence.tolist(),
        anchors=items.ids[region.anchors].tolist(),
        reach=region.reach,
        why=region.why,
    )


@one_act()
def label_neighbors(
    dataset: fo.Dataset,
    ids: Sequence[str],
    label: str,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    reach: int | None = None,
    precision: float = 0.95,
) -> QueueReport:
    """Set a pending label on some samples and their neighborhood, as one action."""
    target = field_of_embeddings(dataset, embeddings, field)
    by_hand = set_label(dataset, ids, label, field=target.name, patches_field=target.patches_field)
    refused = {conflict.item for conflict in by_hand.conflicts}
    anchors = [item for item in ids if item not in refused]
    if not anchors:
        return by_hand
    preview = preview_neighbors(
        dataset, anchors, label, embeddings=embeddings, field=field, reach=reach, precision=precision
    )
    neighbors = accept_neighbors(
        dataset,
        preview.ids[: preview.reach],
        label,
        confidence=preview.confidence[: preview.reach],
        anchors=preview.anchors[: preview.reach],
        embeddings=embeddings,
        field=field,
    )
    return QueueReport(by_hand.queued + neighbors.queued, by_hand.conflicts + neighbors.conflicts, neighbors.pending)


def accept_neighbors(
    dataset: fo.Dataset,
    ids: Sequence[str],
    label: str,
    *,
    confidence: Sequence[float],
    anchors: Sequence[str],
    embeddings: str,
    field: str = DEFAULT_FIELD,
) -> QueueReport:
    """Set a pending label that samples get from anchors in their neighborhood."""
    target = field_of_embeddings(dataset, embeddings, field)
    batch = LabelBatch(
        ids=as_oids(ids),
        codes=np.zeros(len(ids), np.int32),
        names=[clean_label(label)],
        confidence=np.asarray(confidence, float),
        anchors=as_oids(anchors),
    )
    return queue_labels(dataset, target, batch)


def _single_codes(labels: Labels, name: str) -> tuple[np.ndarray, int]:
    """Class codes, and the code of the label ``name``; for a multi-label field, 1 = has this label, 0 = does not."""
    known = name in labels.classes
    if labels.multi:
        return labels.of_class(labels.classes.index(name) if known else -1), 1
    return labels.codes, labels.classes.index(name) if known else len(labels.classes)
