"""Pull annotations of a Label Studio project into the labels of the samples that were sent there, as one save."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import fiftyone as fo

from ..label_studio.client import LabelStudio, LabelStudioError
from ..label_studio.config import read_label_config
from ..label_studio.exchange import Exchange, Progress, match_tasks, open_exchange, project_info, sent_marks, was
from ..label_studio.ledger import Annotation, TaskRecord
from ..label_studio.marks import Mark, Marks, Said, annotation_edits, declare_annotations
from ..label_studio.mirror import FIELD_TYPES, as_annotation, as_time
from ..store.label_edits import Conflict
from ..store.labels import label_field
from ..store.saves import Edit, commit, read_head
from .queue import conflict_note, count
from .save import show_new_labels

_TASKS_PER_REPORT = 500


@dataclass(frozen=True)
class PullReport:
    """What a pull wrote: labels ``given``, ``confirmed`` (the same label, now with who and when) and ``removed``.

    ``by`` counts these by annotator; ``latest`` is the last annotation's time. Of the tasks, ``annotated`` have one
    that counts, ``skipped`` only skipped ones, ``waiting`` none; ``withdrawn`` had one at the last pull, ``gone`` were
    deleted there. ``turned`` boxes were rotated and came as the upright frame around them.
    """

    title: str
    field: str
    given: int
    confirmed: int
    removed: int
    by: Mapping[str, int]
    latest: datetime | None
    conflicts: list[Conflict]
    annotated: int
    skipped: int
    waiting: int
    withdrawn: int
    gone: int
    turned: int

    def sentence(self) -> str:
        """The closing message."""
        tasks = f"{self.annotated:,} of {count(self.annotated + self.skipped + self.waiting, 'task') or 'no tasks'}"
        written = [
            f"{number:,} {what}"
            for number, what in ((self.given, "given"), (self.confirmed, "confirmed"), (self.removed, "removed"))
            if number
        ]
        if written:
            total = count(self.given + self.confirmed + self.removed, "label")
            parts = [
                f"Pulled {total} into '{self.field}' from “{self.title}”: {', '.join(written)}, by {self._who()}. "
                f"“Undo save” takes this back. {tasks} are annotated."
            ]
        else:
            parts = [f"Nothing new in “{self.title}”: {tasks} are annotated."]
        if self.skipped:
            parts.append(f"{self.skipped:,} {was(self.skipped)} skipped.")
        if self.conflicts:
            parts.append(conflict_note(self.conflicts).strip())
        if self.withdrawn:
            parts.append(
                f"{count(self.withdrawn, 'annotation')} {was(self.withdrawn)} deleted there; labels stay here."
            )
        if self.gone:
            parts.append(f"{count(self.gone, 'task')} {was(self.gone)} deleted there.")
        if self.turned:
            regions = f"{count(self.turned, 'region')} {was(self.turned)}"
            parts.append(f"{regions} rotated there; what is here is the upright frame around it.")
        return " ".join(parts)

    def _who(self) -> str:
        names = ", ".join(f"{name} ({number:,})" for name, number in self.by.items())
        return names if self.latest is None else f"{names}, last on {self.latest:%Y-%m-%d %H:%M} UTC"


def pull(
    dataset: fo.Dataset,
    *,
    studio: LabelStudio,
    project: int,
    field: str,
    replace: bool = False,
    progress: Progress | None = None,
) -> PullReport:
    """Make the labels of a field what annotators said of the samples that were sent, with who and when.

    It is one save, which can be undone. Of several annotations of a task the latest counts; skipped ones do not. A
    label that was changed here after it was sent is kept and reported as a conflict.

    Args:
        field: an existing one that fits the project, or the name of a new one.
        replace: let annotations replace labels that were changed here too.

    Raises:
        ValueError: the project is gone, or asks for something else than the field holds.
        LabelStudioError: it cannot be reached or refuses; nothing was changed.
    """
    _ensure_field(dataset, studio, project, field)
    exchange = open_exchange(dataset, studio, project, field)
    head = read_head(dataset)
    records, gone = match_tasks(exchange)
    now = _annotated(exchange, records, progress)
    counting = _counting(now)
    said = _said(exchange, now, counting)
    declare_annotations(dataset, exchange.target)
    edits, conflicts = annotation_edits(dataset, exchange.target, said, replace=replace)
    commit(dataset, edits, f"pull of {count(len(edits), 'label')} from “{exchange.title}”", head=head)
    noted = _noted(exchange, now, counting)
    exchange.ledger.write([record for record in noted if record != records[record.task]])
    if edits:
        show_new_labels(dataset)
    return _report(exchange, records, now, counting, said, edits, conflicts, len(gone))


def _ensure_field(dataset: fo.Dataset, studio: LabelStudio, project: int, field: str) -> None:
    if dataset.has_sample_field(field):
        return
    label_field(dataset, field)  # refuses what cannot be a name
    control = read_label_config(project_info(studio, project)["label_config"])
    kind = FIELD_TYPES[control.kind, control.multi]
    dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=kind)


def _annotated(exchange: Exchange, records: Mapping[int, TaskRecord], progress: Progress | None) -> list[TaskRecord]:
    """The records with the annotations that their tasks have now."""
    annotated = {}
    for number, task in enumerate(exchange.studio.annotated_tasks(exchange.project)):
        if progress is not None and number % _TASKS_PER_REPORT == 0:
            progress(min(number / max(len(records), 1), 1.0), f"Read {number:,} annotated tasks")
        payloads = task.get("annotations") or []
        annotated[int(task["id"])] = tuple(as_annotation(exchange.control, payload) for payload in payloads)
    return [replace(record, annotations=annotated.get(task, ())) for task, record in records.items()]


def _counting(records: Sequence[TaskRecord]) -> dict[str, tuple[TaskRecord, Annotation]]:
    """Sample → the annotation that counts and its task: the latest, where several tasks name a sample."""
    given = [(record, record.annotation) for record in records if record.annotation is not None]
    given.sort(key=lambda pair: (pair[1].at, pair[1].id))
    return {record.sample: (record, annotation) for record, annotation in given}


def _said(
    exchange: Exchange, records: Sequence[TaskRecord], counting: Mapping[str, tuple[TaskRecord, Annotation]]
) -> dict[str, Said]:
    """Sample → what its annotation says, and what of the labels here it may replace."""
    names = _names(exchange.studio, [annotation for _, annotation in counting.values()])
    sent_from_here = exchange.remembered is not None and exchange.remembered.field == exchange.target.name
    known: dict[str, list[Marks]] = defaultdict(list)
    for record in records:
        if sent_from_here:
            known[record.sample].append(sent_marks(record))
        known[record.sample].append(_pulled_marks(exchange, record))
    said = {}
    for sample, (record, annotation) in counting.items():
        marks = exchange.marks_of(record.task, annotation.result)
        # A box without a class we know says nothing, not that the object is not there.
        silent = {place for place, mark in marks.items() if not mark.label}
        sent = record.shown if sent_from_here else ()
        said[sample] = Said(
            marks=_without(marks, silent),
            known=[_without(state, silent) for state in known[sample]],
            shown={*sent, *_pulled_marks(exchange, record)} - silent,
            annotation=annotation.id,
            annotator=names.get(annotation.by, ""),
            at=_as_stored(annotation.at),
        )
    return said


def _pulled_marks(exchange: Exchange, record: TaskRecord) -> dict[str, Mark]:
    """What an earlier pull took into the field."""
    return exchange.marks_of(record.task, record.pulled.get(exchange.target.name, []))


def _noted(
    exchange: Exchange, records: Sequence[TaskRecord], counting: Mapping[str, tuple[TaskRecord, Annotation]]
) -> list[TaskRecord]:
    """The records with what was taken into the field now."""
    taken = {record.task: annotation.result for record, annotation in counting.values()}
    return [
        replace(record, pulled={**record.pulled, exchange.target.name: taken[record.task]})
        if record.task in taken
        else record
        for record in records
    ]


def _without(marks: Marks, places: set[str]) -> Marks:
    return {place: mark for place, mark in marks.items() if place not in places}


def _names(studio: LabelStudio, annotations: Iterable[Annotation]) -> dict[int | None, str]:
    """User → address; the number of one that is gone, or that we may not see."""
    names: dict[int | None, str] = {}
    for user in {annotation.by for annotation in annotations} - {None}:
        assert user is not None
        try:
            names[user] = studio.user(user)
        except LabelStudioError:
            names[user] = str(user)
    return names


def _as_stored(text: str) -> datetime | None:
    """A time as MongoDB gives it back: in UTC without saying so, to the millisecond."""
    moment = as_time(text)
    if moment is None:
        return None
    moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _report(
    exchange: Exchange,
    before: Mapping[int, TaskRecord],
    now: Sequence[TaskRecord],
    counting: Mapping[str, tuple[TaskRecord, Annotation]],
    said: Mapping[str, Said],
    edits: Sequence[Edit],
    conflicts: list[Conflict],
    gone: int,
) -> PullReport:
    removed = sum(edit.after is None for edit in edits)
    confirmed = sum(_says_the_same(edit) for edit in edits)
    skipped = sum(record.annotation is None and bool(record.annotations) for record in now)
    annotated = sum(record.annotation is not None for record in now)
    touched = {edit.sample for edit in edits}
    turned = [
        region
        for sample in touched
        for region in exchange.control.regions_of(counting[sample][1].result)
        if region.rotation
    ]
    return PullReport(
        title=exchange.title,
        field=exchange.target.name,
        given=len(edits) - removed - confirmed,
        confirmed=confirmed,
        removed=removed,
        by=Counter(said[edit.sample].annotator or "somebody" for edit in edits),
        latest=max((at for sample in touched if (at := said[sample].at) is not None), default=None),
        conflicts=conflicts,
        annotated=annotated,
        skipped=skipped,
        waiting=len(now) - annotated - skipped,
        withdrawn=sum(record.annotation is None and before[record.task].annotation is not None for record in now),
        gone=gone,
        turned=len(turned),
    )


def _says_the_same(edit: Edit) -> bool:
    if edit.before is None or edit.after is None:
        return False
    moved = edit.kind == "attributes" and "bounding_box" in edit.after
    return not moved and bool(edit.before.get("label") == edit.after.get("label"))
