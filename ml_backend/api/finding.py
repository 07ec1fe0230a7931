"""Find outliers, wrong labels, duplicates, and similar samples; save the results as segments and functions."""

from collections.abc import Sequence

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from ..actions import confusion_segments, functions, rank, segments
from ..actions.confusion import Choice
from ..actions.function_scoring import FunctionRun
from ..actions.rank import Ranking
from ..actions.search import DEFAULT_COUNT, Scope, search
from ..actions.search_results import SearchResult
from ..actions.segments import SegmentReport
from ..store.embeddings import check_embeddings
from ..store.items import list_items
from ..store.searches import Query
from .defaults import bar, default_embeddings, default_field, default_items


def rank_outliers(
    samples: SampleCollection, *, embeddings: str | None = None, field: str | None = None, progress: bool = True
) -> Ranking:
    """Rank samples by how unusual they are, with reasons; with ``field``, also within their class.

    Raises:
        Refusal: no embeddings, or too few samples.
    """
    with bar(progress, "Ranking outliers") as report:
        return rank.rank_outliers(
            samples, embeddings=default_embeddings(samples._root_dataset, embeddings), field=field, progress=report
        )


def rank_mislabels(
    samples: SampleCollection, *, embeddings: str | None = None, field: str | None = None, progress: bool = True
) -> Ranking:
    """Rank labels by how likely they are to be wrong, each with a better one.

    Raises:
        Refusal: no embeddings, or too few labels.
    """
    dataset = samples._root_dataset
    chosen = default_embeddings(dataset, embeddings)
    named = default_field(dataset, field, check_embeddings(dataset, chosen).field)
    with bar(progress, "Ranking labels") as report:
        return rank.rank_mislabels(samples, embeddings=chosen, field=named, progress=report)


def find_duplicates(
    samples: SampleCollection,
    *,
    embeddings: str | None = None,
    threshold: float | None = None,
    split: str | None = None,
    progress: bool = True,
) -> Ranking:
    """Find groups of exact and near duplicates.

    Args:
        threshold: largest cosine distance of duplicates; chosen from the data by default.
        split: a field that names the split of each sample; only groups across splits are reported then.

    Raises:
        Refusal: no embeddings, or no such field.
    """
    with bar(progress, "Finding duplicates") as report:
        return rank.find_duplicates(
            samples,
            embeddings=default_embeddings(samples._root_dataset, embeddings),
            threshold=threshold,
            split=split,
            progress=report,
        )


def find_similar(
    samples: SampleCollection,
    like: SampleCollection | Sequence[str] = (),
    *,
    unlike: SampleCollection | Sequence[str] = (),
    text: str = "",
    embeddings: str | None = None,
    count: int = DEFAULT_COUNT,
    threshold: float | None = None,
) -> SearchResult:
    """Find samples similar to examples, a text, or both, best first; scores are in the field ``search_score``.

    Args:
        samples: the dataset or view that is searched.
        like: a view of examples, or their IDs (of objects where the embeddings are of patches).
        unlike: the same for negative examples.
        text: for embeddings of a model that also embeds texts.
        count: the number of results, if there is no ``threshold``.
        threshold: 0 to 1; returns all samples with at least this score.

    Raises:
        Refusal: no embeddings, nothing to search for, or a text that the model cannot embed.
    """
    query = _query(samples._root_dataset, like, unlike, text, embeddings)
    limit = None if threshold is not None else count
    return search(Scope(samples), query, limit=limit, threshold=threshold)


def create_function(
    dataset: fo.Dataset,
    name: str,
    like: SampleCollection | Sequence[str] = (),
    *,
    unlike: SampleCollection | Sequence[str] = (),
    text: str = "",
    threshold: float,
    embeddings: str | None = None,
    progress: bool = True,
) -> FunctionRun:
    """Save a search that scores every sample, including new ones, in the field ``fn_<name>``.

    Args:
        threshold: 0 to 1, the lowest score of a match.

    Raises:
        Refusal: as in `find_similar`, or the name or its field is taken.
    """
    query = _query(dataset, like, unlike, text, embeddings)
    with bar(progress, "Scoring") as report:
        return functions.create_function(dataset, query, name=name, threshold=threshold, progress=report)


def create_segment(
    samples: SampleCollection,
    name: str,
    *,
    kind: str = "data organization",
    note: str = "",
    patches_field: str | None = None,
) -> SegmentReport:
    """Save the samples, frames, clips, or patches of a view, or the patches of its samples, as a segment.

    Args:
        kind: “data quality”, “data organization”, or “collection campaign”.

    Raises:
        Refusal: an empty view, a name that is taken, or an unknown kind.
    """
    patches_field = default_items(samples, patches_field)
    ids = list_items(samples, patches_field).ids.tolist()
    return segments.create_segment(
        samples._root_dataset, ids, name=name, kind=kind, note=note, patches_field=patches_field
    )


def create_segment_from_confusion(
    samples: SampleCollection,
    name: str,
    *,
    cell: tuple[str | None, str | None],
    truth: str = "ground_truth",
    predictions: str = "predictions",
    iou: float = 0.5,
    confidence: float = 0.0,
    note: str = "",
) -> SegmentReport:
    """Save a cell of the confusion matrix of two fields as a segment of labels.

    Args:
        cell: the class of the label and that of the prediction; None stands for none: a prediction without a label, or
            a label without a prediction.
        iou: 0 to 1, the lowest overlap of a box with its prediction.
        confidence: 0 to 1, the lowest confidence of a prediction that counts.

    Raises:
        Refusal: fields that cannot be compared, an empty cell, or a name that is taken.
    """
    return confusion_segments.create_segment_from_confusion(
        samples,
        truth_field=truth,
        prediction_field=predictions,
        name=name,
        note=note,
        iou=iou,
        confidence=confidence,
        choice=Choice(cells=(cell,)),
    )


def _query(
    dataset: fo.Dataset,
    like: SampleCollection | Sequence[str],
    unlike: SampleCollection | Sequence[str],
    text: str,
    embeddings: str | None,
) -> Query:
    chosen = default_embeddings(dataset, embeddings)
    patches_field = check_embeddings(dataset, chosen).field
    positives, negatives = (
        tuple(list_items(examples, patches_field).ids.tolist())
        if isinstance(examples, SampleCollection)
        else tuple(examples)
        for examples in (like, unlike)
    )
    return Query(chosen, positives, negatives, text=text)
