"""Bring embeddings up to date: new and changed media are embedded, and vectors of deleted samples are removed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import fiftyone as fo
import numpy as np
from fiftyone.core.collections import SampleCollection

from ..embedding import EmbeddingModel
from ..embedding.base import Embedded, Media
from ..embedding.equal_vectors import EqualVectors, VectorTally
from ..embedding.ray_model import RayModel
from ..progress import Progress, part_of
from ..store.embedding_errors import ERROR_FIELD, failed_items, record_errors
from ..store.embeddings import locate, recreate_table, table_to_write
from ..store.existence import deleted_meanwhile, is_gone, refusing_if_deleted
from ..store.fingerprints import forget_fingerprints, read_fingerprints, write_fingerprints
from ..store.items import Items, list_like
from ..store.media import UnusableItem, list_media, read_marks, why_unavailable
from ..store.scores import check_score_fields
from ..store.vector_table import DamagedVectors, VectorTable
from ..store.vector_writes import recorded_write
from ..wording import count

_ITEMS_PER_COMMIT = 1024  # for each worker; an interruption loses at most this much work

# Stores additional results for the items (by id) of a batch, such as the classes the model predicts.
Keep = Callable[[Sequence[str], Embedded], None]


@dataclass(frozen=True)
class Update:
    """What a run did: how many items were embedded and removed, and the reasons (by item ID) for all others.

    ``unavailable`` items keep their vectors, because their files cannot be read at all at the moment.
    ``restarted``: the table was damaged, and everything was recomputed. ``equal``: different media with the same
    vector.
    """

    embedded: int
    reused: int
    removed: int
    failures: dict[str, str]
    unavailable: dict[str, str]
    restarted: bool
    equal: EqualVectors | None


@dataclass(frozen=True)
class _Target:
    """The embeddings that a run writes to."""

    dataset: fo.Dataset
    key: str
    table: VectorTable


@dataclass
class _Work:
    """The work of a run, and its results so far."""

    items: Items
    media: list[Media | UnusableItem]
    marks: list[str]
    unreachable: dict[str, str]
    known_ids: set[str]
    todo: list[int] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    removed: int = 0
    tally: VectorTally = field(default_factory=VectorTally)
    keep: Keep | None = None


def update_vectors(
    samples: SampleCollection,
    key: str,
    items: Items,
    model: EmbeddingModel,
    *,
    batch_size: int,
    progress: Progress,
    keep: Keep | None = None,
) -> Update:
    """Embed the new or changed ones among these items, and remove the vectors of items that are gone.

    Raises:
        Refusal: the dataset was deleted in the meantime, or the field for the reasons is not Labelscape's.
    """
    dataset = samples._root_dataset
    with refusing_if_deleted(dataset):
        return _update(samples, key, items, model, batch_size, progress, keep)


def _update(
    samples: SampleCollection,
    key: str,
    items: Items,
    model: EmbeddingModel,
    batch_size: int,
    progress: Progress,
    keep: Keep | None,
) -> Update:
    dataset = samples._root_dataset
    check_score_fields(dataset, items, [ERROR_FIELD])
    progress(0.0, "Looking for new and changed files")
    target, known_ids, restarted = _open(dataset, key)
    media = list_media(samples, items)
    marks, unreachable = read_marks(media)
    work = _Work(items, media, marks, unreachable, known_ids, keep=keep)
    _plan(work, read_fingerprints(dataset, key))
    if away := _mostly_away(work):
        progress(0.0, away)
    work.removed = len(_remove_orphans(target, items))
    _drop(target, work, [item for item in work.failures if item in known_ids])
    failed_before = failed_items(dataset, items)
    record_errors(dataset, items, work.failures)
    at_once = _ITEMS_PER_COMMIT * (model.parallel if isinstance(model, RayModel) else 1)
    for start in range(0, len(work.todo), at_once):
        rows = work.todo[start : start + at_once]
        share = part_of(progress, start / len(work.todo), (start + len(rows)) / len(work.todo))
        _embed_rows(target, work, rows, model, batch_size, share, failed_before)
        if is_gone(dataset):
            raise deleted_meanwhile(dataset)
    gone = _remove_orphans(target, items)
    with recorded_write(dataset, key, target.table):
        target.table.compact()
    return _as_update(work, gone, restarted)


def _as_update(work: _Work, gone: Sequence[str], restarted: bool) -> Update:
    """The results of a run during which items with a vector were deleted (``gone``)."""
    lost = set(gone).intersection(work.embedded)
    ended = len(work.embedded) + len(work.failures) + len(work.unavailable)
    others = set(gone).intersection(work.items.ids.tolist()) - lost - work.unavailable.keys()
    return Update(
        embedded=len(work.embedded) - len(lost),
        reused=len(work.items) - ended - len(others),
        removed=work.removed + len(gone) - len(lost),
        failures=work.failures,
        unavailable=work.unavailable,
        restarted=restarted,
        equal=work.tally.equal_vectors(),
    )


def _open(dataset: fo.Dataset, key: str) -> tuple[_Target, set[str], bool]:
    """The embeddings to write to, the ids in it, and whether it had to be recreated because it was damaged."""
    try:
        table = table_to_write(dataset, key)
        return _Target(dataset, key, table), set(table.ids().tolist()), False
    except DamagedVectors:
        return _Target(dataset, key, recreate_table(dataset, key)), set(), True


def _plan(work: _Work, known_marks: dict[str, str]) -> None:
    """Sort the items into those to embed, those that cannot be embedded, and those whose files are unavailable."""
    for row, (item, medium, mark) in enumerate(zip(work.items.ids.tolist(), work.media, work.marks, strict=True)):
        if isinstance(medium, UnusableItem):
            work.failures[item] = medium.reason
        elif not mark and (reason := work.unreachable.get(medium.path) or why_unavailable(medium.path)) is not None:
            (work.unavailable if item in work.known_ids else work.failures)[item] = reason
        elif not mark or item not in work.known_ids or known_marks.get(item) != mark:
            work.todo.append(row)


def _embed_rows(
    target: _Target,
    work: _Work,
    rows: Sequence[int],
    model: EmbeddingModel,
    batch_size: int,
    progress: Progress,
    failed_before: set[str],
) -> None:
    ids = work.items.ids
    media = [medium for row in rows if isinstance(medium := work.media[row], Media)]
    done_before, total = len(work.embedded), count(len(work.todo), work.items.noun)

    def report(fraction: float, _message: str, /) -> None:
        progress(fraction, f"Embedded {done_before + int(fraction * len(rows)):,} of {total}")

    result = model.embed(media, batch_size=batch_size, progress=report)
    kept = [rows[row] for row in result.kept]
    if kept:
        work.tally.add([media[row] for row in result.kept], result.vectors)
        with recorded_write(target.dataset, target.key, target.table, ids[kept]):
            target.table.upsert(ids[kept], work.items.sample_ids[kept], result.vectors)
        if work.keep is not None:
            work.keep(ids[kept].tolist(), result)
        write_fingerprints(target.dataset, target.key, ids[kept].tolist(), [work.marks[row] for row in kept])
        work.embedded.extend(ids[kept].tolist())
    failures: dict[str, str] = {}
    for failure in result.failed:
        item = str(ids[rows[failure.index]])
        # A network share may become unavailable during a run: its files are neither deleted nor changed.
        medium = media[failure.index]
        away = item in work.known_ids and medium.text is None and why_unavailable(medium.path) is not None
        (work.unavailable if away else failures)[item] = failure.reason
    work.failures.update(failures)
    _drop(target, work, [item for item in failures if item in work.known_ids])
    fixed = failed_before.intersection(ids[kept].tolist())
    record_errors(target.dataset, work.items, {**failures, **dict.fromkeys(fixed)})


def _mostly_away(work: _Work) -> str | None:
    """A warning if more than half of all files cannot be read."""
    reasons = {**work.failures, **work.unavailable}
    if len(reasons) * 2 <= len(work.items):
        return None
    first = next(iter(reasons.values()))
    return f"{len(reasons):,} of {count(len(work.items), 'file')} cannot be read now (first: {first})"


def _remove_orphans(target: _Target, items: Items) -> list[str]:
    """Remove the vectors of items that the dataset no longer has; return the IDs of these items."""
    ids = target.table.ids()
    orphans: list[str] = ids[locate(ids, list_like(target.dataset, items.patches_field, items.parts).ids) < 0].tolist()
    _remove(target, orphans)
    return orphans


def _drop(target: _Target, work: _Work, ids: Sequence[str]) -> None:
    _remove(target, ids)
    work.removed += len(ids)


def _remove(target: _Target, ids: Sequence[str]) -> None:
    if ids:
        with recorded_write(target.dataset, target.key, target.table, ids):
            target.table.remove(np.asarray(ids))
        forget_fingerprints(target.dataset, target.key, ids)
