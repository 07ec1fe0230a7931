"""Rankings: what to look at first because it is unusual, probably mislabeled, or a duplicate."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.utils as fou
import numpy as np
from fiftyone.core.collections import SampleCollection

from ..analysis.duplicates import Duplicates, leaks, near_duplicates
from ..analysis.mislabels import mislabel_scores
from ..analysis.outliers import Reason, outlier_scores
from ..embedding.base import Media
from ..errors import Refusal
from ..progress import Progress, part_of
from ..store.embeddings import check_embeddings, locate
from ..store.existence import ends_with_dataset, still_there
from ..store.items import FRAMES, Items, every_sample, item_view, list_like, local_field
from ..store.labels import DEFAULT_FIELD, read_labels
from ..store.media import UnusableItem, list_media
from ..store.scores import Score, check_score_fields, score_name, taken_names, write_scores
from ..store.session import open_session
from ..wording import agree, count
from .appearance import ReadAppearance, read_appearance
from .evidence import field_of_embeddings
from .view_report import ViewReport

_SPLITS = ("train", "training", "validation", "val", "test")


@dataclass(frozen=True, repr=False)
class Ranking(ViewReport):
    """A ranked view, most relevant first, and what it shows, in a sentence.

    ``ids`` are the items in that order. ``suspects`` are those to act on, in the same order: outliers with a reason,
    labels for which another one fits better, duplicates except for the one of each group that is kept. ``fields`` are
    the names of the fields, or attributes of objects, that were written. ``why`` says how the scores came about.
    """

    view: fo.DatasetView
    ids: list[str]
    message: str
    suspects: list[str]
    patches_field: str | None
    fields: list[str]
    why: str = ""

    def sentence(self) -> str:
        """The closing message, and how the scores came about."""
        return f"{self.message} {self.why}".strip()


@ends_with_dataset
def rank_outliers(
    samples: SampleCollection,
    *,
    embeddings: str,
    field: str | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Score how unusual each item of a view is among all embedded ones, into ``outlier_score`` and ``outlier_reason``.

    Args:
        field: label field; if given, an item far from its own class, or inside another one, also counts as unusual.
            Items that somebody checked and found nothing to label in are a class of their own.

    Raises:
        Refusal: no such embeddings, a field that holds no labels, or a score field that is not Labelscape's.
    """
    dataset = samples._root_dataset
    _check_fields(dataset, embeddings, ["outlier_score", "outlier_reason"])
    session = open_session(dataset, embeddings, progress=progress)
    items = session.embeddings.items
    codes = None
    if field is not None:
        labels = read_labels(dataset, items, field_of_embeddings(dataset, embeddings, field))
        codes, _ = labels.with_checked(labels.codes)
    outliers = outlier_scores(session.embeddings.vectors, codes, neighbors=session.neighbors)
    rows = _rows_in_view(samples, items)
    reasons = [Reason(code).words or None for code in outliers.reasons[rows].tolist()]
    scores = [Score("outlier_score", outliers.scores[rows]), Score("outlier_reason", reasons)]
    fields, taken = _write(dataset, items.take(rows), scores)
    rows = _left(dataset, items, rows)
    order = rows[np.argsort(-outliers.scores[rows], kind="stable")]
    suspects = order[outliers.reasons[order] != 0]
    first = Reason(int(outliers.reasons[order[0]])).words or "nothing stands out"
    message = (
        f"Ranked {count(len(rows), items.noun)} by how unusual {agree(len(rows), 'it')} {agree(len(rows), 'is')} "
        f"(“{fields[0]}”). The highest score is {outliers.scores[order[0]]:.2f}: {first}. "
        f"{len(suspects):,} {agree(len(suspects), 'has')} a reason (“{fields[1]}”).{taken}"
    )
    view = _ranked_view(samples, items, fields[0])
    return Ranking(view, items.ids[order].tolist(), message, items.ids[suspects].tolist(), items.field, fields)


@ends_with_dataset
def rank_mislabels(
    samples: SampleCollection,
    *,
    embeddings: str,
    field: str = DEFAULT_FIELD,
    progress: Progress | None = None,
) -> Ranking:
    """Score how likely each label is wrong (``mislabel_score``) and propose a better one (``mislabel_suggestion``).

    Items that somebody checked and found nothing to label in are ranked, too, and are evidence against the labels of
    items like them, for which no better label is proposed then.

    Raises:
        Refusal: no such embeddings, a field that holds no labels, fewer than two classes, or a score field that is not
            Labelscape's.
    """
    dataset = samples._root_dataset
    _check_fields(dataset, embeddings, ["mislabel_score", "mislabel_suggestion"])
    session = open_session(dataset, embeddings, progress=progress)
    items = session.embeddings.items
    labeled = field_of_embeddings(dataset, embeddings, field)
    labels = read_labels(dataset, items, labeled)
    if labels.multi:
        raise Refusal(f"'{labeled.name}' holds several labels per sample: this ranking needs a field with one each.")
    codes, n_classes = labels.with_checked(labels.codes)
    if n_classes < 2 or not labels.classes:
        raise Refusal(
            f"'{labeled.name}' has {count(len(labels.classes), 'class')} here: finding wrong labels needs at least two."
        )
    result = mislabel_scores(
        session.embeddings.vectors, codes, n_classes, neighbors=session.neighbors, progress=progress
    )
    rows = _rows_in_view(samples, items)
    rows = rows[codes[rows] >= 0]
    if not len(rows):
        raise Refusal(f"Nothing in this view is labeled in '{labeled.name}': choose a view with labels.")
    names = [*labels.classes, None]  # the last one is “nothing there”, which is no label to propose
    suggested = [names[code] for code in result.suggested[rows].tolist()]
    scores = [Score("mislabel_score", result.scores[rows]), Score("mislabel_suggestion", suggested)]
    fields, taken = _write(dataset, items.take(rows), scores)
    rows = _left(dataset, items, rows)
    order = rows[np.argsort(-result.scores[rows], kind="stable")]
    suspects = order[result.suggested[order] != codes[order]]
    none = int((result.suggested[suspects] == len(labels.classes)).sum())
    message = f"{_mislabels_message(len(rows), len(suspects) - none, none, fields)}.{taken}"
    view = _ranked_view(samples, items, fields[0])
    suspected = items.ids[suspects].tolist()
    why = f"Method: {result.method}."
    return Ranking(view, items.ids[order].tolist(), message, suspected, items.field, fields, why)


@ends_with_dataset
def find_duplicates(
    samples: SampleCollection,
    *,
    embeddings: str,
    threshold: float | None = None,
    split: str | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Group exact and near duplicates of a view into ``duplicate_group``; ``duplicate_distance`` is 0 for the one kept.

    Args:
        threshold: cosine distance up to which two items are near duplicates. None chooses it from the data; images that
            look the same, including mirrored and slightly cropped ones, are then duplicates too, and among look-alikes,
            such as frames of one camera, only these are.
        split: a field, or "tags", that distinguishes training from test data: groups in several splits are leaks.

    Raises:
        Refusal: no such embeddings or split, or a field of these names that is not Labelscape's.
    """
    dataset = samples._root_dataset
    leak_fields = [] if split is None else ["duplicate_leak"]
    _check_fields(dataset, embeddings, ["duplicate_group", "duplicate_distance", *leak_fields])
    session = open_session(dataset, embeddings, progress=part_of(progress, 0, 0.4))
    items = session.embeddings.items
    rows = _rows_in_view(samples, items)
    media = list_media(dataset, items) if threshold is None or items.patches_field is None else []
    appearance = read_appearance(media, progress=part_of(progress, 0.4, 0.7)) if threshold is None else None
    duplicates = near_duplicates(
        session.embeddings.vectors,
        threshold,
        neighbors=session.neighbors,
        hashes=_content_hashes(media) if items.patches_field is None else None,  # objects share that of their file
        appearance=None if appearance is None else appearance.appearance,
        progress=part_of(progress, 0.7, 1),
    )
    leaking = None if split is None else leaks(duplicates, _splits(dataset, items, split))
    scores = _duplicate_scores(duplicates, rows, leaking)
    fields, taken = _write(dataset, items.take(rows), scores)
    grouped = _in_groups(duplicates, rows, still_there(dataset, items))
    message = _duplicates_message(duplicates, grouped, items, appearance)
    if leaking is not None:
        message += (
            f" {int(leaking[grouped].sum()):,} of them are in groups that leak across “{split}” (“{fields[-1]}”)."
        )
    order = grouped[np.lexsort((duplicates.distances[grouped], duplicates.groups[grouped]))]
    redundant = items.ids[order[~duplicates.keep[order]]].tolist()
    view = _grouped_view(samples, items, *fields[:2])
    return Ranking(view, items.ids[order].tolist(), message + taken, redundant, items.field, fields)


def _mislabels_message(ranked: int, other: int, none: int, fields: Sequence[str]) -> str:
    """How many items were ranked, and for how many of them another label, or none at all, would fit better."""
    without = f" and no label at all for {none:,}" if none else ""
    return (
        f"Ranked {count(ranked, 'item')} by how likely it is that {agree(ranked, 'its')} label is wrong "
        f"(“{fields[0]}”); the evidence favors another label for {other:,} (“{fields[1]}”){without}"
    )


def _check_fields(dataset: fo.Dataset, embeddings: str, names: Sequence[str]) -> None:
    """Refuse before anything is computed if the results could not be written."""
    run = check_embeddings(dataset, embeddings)
    check_score_fields(dataset, Items(np.empty(0), np.empty(0), run.patches_field, run.parts), names)


def _write(dataset: fo.Dataset, items: Items, scores: Sequence[Score]) -> tuple[list[str], str]:
    """Write the columns of a ranking; return the names they have, and a sentence if these are not the usual ones."""
    write_scores(dataset, items, scores)
    names = [score.name for score in scores]
    return [score_name(dataset, items, name) for name in names], taken_names(dataset, items, names)


def _left(dataset: fo.Dataset, items: Items, rows: np.ndarray) -> np.ndarray:
    """The rows whose items were not deleted while they were being ranked."""
    left: np.ndarray = rows[still_there(dataset, items.take(rows))]
    if not len(left):
        raise Refusal("Everything in this view was deleted while it was being ranked.")
    return left


def _in_groups(duplicates: Duplicates, rows: np.ndarray, existing: np.ndarray) -> np.ndarray:
    """The rows that are ``existing`` (n,), if at least two of their group are."""
    groups = np.where(existing, duplicates.groups, -1)
    sizes = np.bincount(groups[groups >= 0], minlength=int(groups.max(initial=-1)) + 1)
    grouped = rows[groups[rows] >= 0]
    among_others: np.ndarray = grouped[sizes[groups[grouped]] > 1]
    return among_others


def _duplicate_scores(duplicates: Duplicates, rows: np.ndarray, leaking: np.ndarray | None) -> list[Score]:
    """The columns of some rows: their groups, their distances, and, with splits, which of them leak."""
    alone = duplicates.groups[rows] < 0
    scores = [
        Score("duplicate_group", np.where(alone, np.nan, duplicates.groups[rows])),
        Score("duplicate_distance", np.where(alone, np.nan, duplicates.distances[rows])),
    ]
    if leaking is not None:
        scores.append(Score("duplicate_leak", ["leak" if leaking[row] else None for row in rows.tolist()]))
    return scores


def _duplicates_message(
    duplicates: Duplicates, grouped: np.ndarray, items: Items, appearance: ReadAppearance | None
) -> str:
    unread = "" if appearance is None else appearance.sentence()
    within = f"within a distance of {duplicates.threshold:.3g}"
    if not len(grouped):
        if appearance is not None:
            within += " or look the same"
        return f"No duplicates: no two {items.nouns} are {within}.{unread}"
    groups = len(np.unique(duplicates.groups[grouped]))
    exact = int(duplicates.exact[grouped].sum())
    alike = int((duplicates.distances[grouped] > duplicates.threshold).sum())
    others = f"the others {within}" if not alike else f"{alike:,} that look the same, the others {within}"
    return (
        f"{count(len(grouped), items.noun)} in {count(groups, 'group')} of duplicates ({exact:,} identical, {others})."
        f"{unread}"
    )


def _rows_in_view(samples: SampleCollection, items: Items) -> np.ndarray:
    rows = locate(list_like(samples, items.patches_field, items.parts).ids, items.ids)
    present: np.ndarray = rows[rows >= 0]
    if not len(present):
        raise Refusal("Nothing in this view has an embedding: run “Labelscape: compute embeddings” on it.")
    return present


def _ranked_view(samples: SampleCollection, items: Items, name: str) -> fo.DatasetView:
    view, path = _item_view(samples, items, name)
    return view.exists(path).sort_by(path, reverse=True)


def _grouped_view(samples: SampleCollection, items: Items, group: str, distance: str) -> fo.DatasetView:
    view, groups = _item_view(samples, items, group)
    _, distances = _item_view(samples, items, distance)
    return view.exists(groups).sort_by([(groups, 1), (distances, 1)])


def _item_view(samples: SampleCollection, items: Items, name: str) -> tuple[fo.DatasetView, str]:
    """A view of which each document is one item, made after the scores were written, and the path of a score in it."""
    if samples._is_generated:
        samples.reload()  # it was copied from the dataset before the scores were there
    view = item_view(samples, items)
    if items.patches_field is not None:
        return view, f"{local_field(view, items.patches_field)}.{name}"
    return view, name if items.parts in (None, FRAMES) else f"{items.parts}.{name}"


def _content_hashes(media: Sequence[Media | UnusableItem]) -> list[str]:
    """The same text for equal contents: byte-identical files, equal texts, and equal windows of identical files."""
    hashes = _file_hashes(media)
    for row, medium in enumerate(media):
        if isinstance(medium, Media) and medium.text is not None:
            hashes[row] = f"text {medium.text}"
        elif isinstance(medium, Media) and medium.span is not None:
            hashes[row] += f" {medium.span}"
    return hashes


def _file_hashes(media: Sequence[Media | UnusableItem]) -> list[str]:
    """The same text for byte-identical files; only files of equal size are read."""
    paths = [medium.path for medium in media]
    sizes = np.asarray([_size(path) for path in paths])
    _, inverse, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    twins = (counts[inverse] > 1) & (sizes >= 0)
    return [
        _file_hash(path, row) if twin else f"row {row}"
        for row, (path, twin) in enumerate(zip(paths, twins.tolist(), strict=True))
    ]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return -1


def _file_hash(path: str, row: int) -> str:
    try:
        return str(fou.compute_filehash(path, method="md5"))
    except OSError:  # it is gone or cannot be read: it equals no other file
        return f"row {row}"


def _splits(dataset: fo.Dataset, items: Items, split: str) -> np.ndarray:
    if not dataset.has_field(split):
        raise Refusal(f"There is no field '{split}' to tell the splits apart: choose “tags” or a text field.")
    values = dict(zip(*every_sample(dataset).values(["id", split]), strict=True))
    return np.asarray([_split_name(values.get(sample)) for sample in items.sample_ids.tolist()])


def _split_name(value: object) -> str:
    known = [tag for tag in value if tag in _SPLITS] if isinstance(value, list) else [value]
    return "" if not known or known[0] is None else str(known[0])
