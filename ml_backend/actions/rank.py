"""Rankings: what to look at first, because it is odd, probably labeled wrong, or there twice."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.utils as fou
import numpy as np

from ..analysis.duplicates import Duplicates, leaks, near_duplicates
from ..analysis.mislabels import mislabel_scores
from ..analysis.outliers import Reason, outlier_scores
from ..store.embeddings import locate
from ..store.items import Items, list_items, list_media
from ..store.labels import DEFAULT_FIELD, label_field, read_labels
from ..store.scores import write_numbers, write_words
from ..store.session import open_session

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Ranking:
    """A ranked view, best to look at first, and what it shows in a sentence.

    ``ids`` are the items in that order. ``suspects`` are those to act on, in that order too: outliers with a reason,
    labels that another one fits better, duplicates without the one of each group that is kept.
    """

    view: fo.DatasetView
    ids: list[str]
    message: str
    suspects: list[str]
    patches_field: str | None


def rank_outliers(
    samples: fo.core.collections.SampleCollection,
    *,
    embeddings: str,
    field: str | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Score how odd each item of a view is among all embedded ones, into ``outlier_score`` and ``outlier_reason``.

    Args:
        field: label field; with it an item far from its own class, or inside another one, counts as odd too.

    Raises:
        ValueError: no such embeddings, or a field that holds no labels.
    """
    dataset = samples._root_dataset
    session = open_session(dataset, embeddings, progress=progress)
    items = session.embeddings.items
    codes = None
    if field is not None:
        codes = read_labels(dataset, items, label_field(dataset, field, items.patches_field)).codes
    found = outlier_scores(session.embeddings.vectors, codes, neighbors=session.neighbors)
    rows = _rows_in_view(samples, items)
    shown = _part(items, rows)
    write_numbers(dataset, shown, "outlier_score", found.scores[rows])
    write_words(dataset, shown, "outlier_reason", [Reason(code).words or None for code in found.reasons[rows].tolist()])
    order = rows[np.argsort(-found.scores[rows], kind="stable")]
    suspects = order[found.reasons[order] != 0]
    first = Reason(int(found.reasons[order[0]])).words or "nothing stands out"
    message = (
        f"Ranked {len(rows):,} {items.nouns} by oddness into “outlier_score”; the first scores "
        f"{found.scores[order[0]]:.2f}: {first}; {len(suspects):,} have a reason (“outlier_reason”)."
    )
    view = _ranked_view(samples, items, "outlier_score")
    return Ranking(view, items.ids[order].tolist(), message, items.ids[suspects].tolist(), items.patches_field)


def rank_mislabels(
    samples: fo.core.collections.SampleCollection,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    progress: Progress | None = None,
) -> Ranking:
    """Score how strongly everything speaks against each label, into ``mislabel_score`` and ``mislabel_suggestion``.

    Raises:
        ValueError: no such embeddings, a field that holds no labels, or fewer than two classes.
    """
    dataset = samples._root_dataset
    session = open_session(dataset, embeddings, progress=progress)
    items = session.embeddings.items
    held = label_field(dataset, field, items.patches_field)
    labels = read_labels(dataset, items, held)
    if labels.multi:
        raise ValueError(f"'{held.name}' holds several labels an item: this ranking needs a field with one each.")
    if len(labels.classes) < 2:
        raise ValueError(
            f"'{held.name}' has {len(labels.classes)} classes here: finding wrong labels needs at least two."
        )
    found = mislabel_scores(
        session.embeddings.vectors, labels.codes, len(labels.classes), neighbors=session.neighbors, progress=progress
    )
    rows = _rows_in_view(samples, items)
    rows = rows[labels.codes[rows] >= 0]
    if not len(rows):
        raise ValueError(f"Nothing in this view is labeled in '{held.name}': choose a view with labels.")
    shown = _part(items, rows)
    suggested = [labels.classes[code] for code in found.suggested[rows].tolist()]
    write_numbers(dataset, shown, "mislabel_score", found.scores[rows])
    write_words(dataset, shown, "mislabel_suggestion", suggested)
    order = rows[np.argsort(-found.scores[rows], kind="stable")]
    suspects = order[found.suggested[order] != labels.codes[order]]
    message = (
        f"Ranked {len(rows):,} labels into “mislabel_score”; for {len(suspects):,} the evidence speaks for another "
        f"label (“mislabel_suggestion”). {found.method}."
    )
    view = _ranked_view(samples, items, "mislabel_score")
    return Ranking(view, items.ids[order].tolist(), message, items.ids[suspects].tolist(), items.patches_field)


def find_duplicates(
    samples: fo.core.collections.SampleCollection,
    *,
    embeddings: str,
    threshold: float | None = None,
    split: str | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Group exact and near duplicates of a view into ``duplicate_group``; ``duplicate_distance`` is 0 for the one kept.

    Args:
        threshold: cosine distance up to which two are near duplicates; None chooses by the data.
        split: a field, or "tags", that tells training from test data: groups in several splits are leaks.

    Raises:
        ValueError: no such embeddings or split, or no duplicates at all.
    """
    dataset = samples._root_dataset
    session = open_session(dataset, embeddings, progress=progress)
    items = session.embeddings.items
    hashes = _file_hashes(dataset, items) if items.patches_field is None else None
    found = near_duplicates(session.embeddings.vectors, threshold, neighbors=session.neighbors, hashes=hashes)
    rows = _rows_in_view(samples, items)
    grouped = rows[found.groups[rows] >= 0]
    shown = _part(items, rows)
    write_numbers(dataset, shown, "duplicate_group", np.where(found.groups[rows] < 0, np.nan, found.groups[rows]))
    write_numbers(dataset, shown, "duplicate_distance", np.where(found.groups[rows] < 0, np.nan, found.distances[rows]))
    message = _duplicates_message(found, grouped, items)
    if split is not None:
        leaking = leaks(found, _splits(dataset, items, split))
        write_words(dataset, shown, "duplicate_leak", ["leak" if leaking[row] else None for row in rows.tolist()])
        message += f" {int(leaking[rows].sum()):,} of them are in groups that leak across “{split}” (“duplicate_leak”)."
    order = grouped[np.lexsort((found.distances[grouped], found.groups[grouped]))]
    redundant = items.ids[order[~found.keep[order]]].tolist()
    return Ranking(_grouped_view(samples, items), items.ids[order].tolist(), message, redundant, items.patches_field)


def _duplicates_message(found: Duplicates, grouped: np.ndarray, items: Items) -> str:
    if not len(grouped):
        return f"No duplicates: no two {items.nouns} are within a distance of {found.threshold:.3g}."
    groups = len(np.unique(found.groups[grouped]))
    return (
        f"{len(grouped):,} {items.nouns} in {groups:,} groups of duplicates ({int(found.exact[grouped].sum()):,} "
        f"identical, the others within a distance of {found.threshold:.3g})."
    )


def _rows_in_view(samples: fo.core.collections.SampleCollection, items: Items) -> np.ndarray:
    rows = locate(list_items(samples, items.patches_field).ids, items.ids)
    found: np.ndarray = rows[rows >= 0]
    if not len(found):
        raise ValueError("Nothing in this view has an embedding: run “Labelscape: compute embeddings” on it.")
    return found


def _part(items: Items, rows: np.ndarray) -> Items:
    return Items(items.ids[rows], items.sample_ids[rows], items.patches_field)


def _ranked_view(samples: fo.core.collections.SampleCollection, items: Items, name: str) -> fo.DatasetView:
    view, path = _item_view(samples, items, name)
    return view.exists(path).sort_by(path, reverse=True)


def _grouped_view(samples: fo.core.collections.SampleCollection, items: Items) -> fo.DatasetView:
    view, group = _item_view(samples, items, "duplicate_group")
    distance = group.replace("duplicate_group", "duplicate_distance")
    return view.exists(group).sort_by([(group, 1), (distance, 1)])


def _item_view(samples: fo.core.collections.SampleCollection, items: Items, name: str) -> tuple[fo.DatasetView, str]:
    """One document an item: the samples themselves, or the patches of their field."""
    if items.patches_field is None:
        return samples.view(), name
    view = samples if samples._is_patches else samples.to_patches(items.patches_field)
    return view.view(), f"{items.patches_field}.{name}"


def _file_hashes(dataset: fo.Dataset, items: Items) -> list[str]:
    """The same text for byte-identical files; only files of equal size are read."""
    paths = [medium.path for medium in list_media(dataset, items)]
    sizes = np.asarray([_size(path) for path in paths])
    _, inverse, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    twins = (counts[inverse] > 1) & (sizes >= 0)
    return [
        str(fou.compute_filehash(path, method="md5")) if twin else f"row {row}"
        for row, (path, twin) in enumerate(zip(paths, twins.tolist(), strict=True))
    ]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def _splits(dataset: fo.Dataset, items: Items, split: str) -> np.ndarray:
    if not dataset.has_field(split):
        raise ValueError(f"There is no field '{split}' to tell the splits apart: choose “tags” or a text field.")
    values = dict(zip(*dataset.values(["id", split]), strict=True))
    return np.asarray([_split_name(values[sample]) for sample in items.sample_ids.tolist()])


def _split_name(value: object) -> str:
    known = (
        [tag for tag in value if tag in ("train", "training", "validation", "val", "test")]
        if isinstance(value, list)
        else [value]
    )
    return "" if not known or known[0] is None else str(known[0])
