"""Pull annotations from a Label Studio project into the labels of the samples that were sent there, in one save."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import fiftyone as fo

from ..label_studio.annotations import as_annotation
from ..label_studio.client import LabelStudio, LabelStudioError
from ..label_studio.decisions import Rule, counting_annotation
from ..label_studio.exchange import Exchange, match_tasks, open_exchange, sent_marks
from ..label_studio.ledger import Annotation, SentTask
from ..label_studio.marks import (
    AnnotationContent,
    AnnotationEdits,
    Mark,
    Marks,
    Origin,
    annotation_attributes,
    annotation_edits,
    as_stored_time,
)
from ..label_studio.mirror import labeling_of_result
from ..label_studio.projects import remember_project
from ..label_studio.reading import ReadMarks, marks_of_result, stated_marks
from ..progress import Progress, no_progress
from ..store.label_edits import read_documents
from ..store.saves import commit, read_head
from ..store.unwritten import gone_labels
from ..wording import count
from .pull_report import LeftAlone, PullReport, count_effects
from .save import show_new_labels

_TASKS_PER_REPORT = 500


@dataclass(frozen=True)
class _Counting:
    """The annotation that counts for a sample, its task, and its content."""

    task: SentTask
    annotation: Annotation
    read: ReadMarks


@dataclass(frozen=True)
class _Pulled:
    """The data of a pull: tasks with their current annotations, and the annotations that cannot be read."""

    tasks: list[SentTask]
    counting: dict[str, _Counting]
    unreadable: tuple[int, ...]


def pull(
    dataset: fo.Dataset,
    *,
    studio: LabelStudio,
    project: int,
    field: str,
    replace: bool = False,
    annotation: Rule = "ground_truth_first",
    progress: Progress = no_progress,
) -> PullReport:
    """Set the labels of a field to the annotations of the samples that were sent, with annotator and time.

    It is one save, which can be undone. Skipped annotations do not count; an empty one means that there is nothing to
    label. A label that was changed here after it was sent is kept and reported as a conflict.

    Args:
        field: an existing one that fits the project, or the name of a new one.
        replace: let annotations also replace labels that were changed here.
        annotation: which of several annotations of a task counts, see `decisions.counting_annotation`.

    Raises:
        Refusal: the project is gone, or its label config does not fit the field.
        LabelStudioError: it cannot be reached or rejects the request; nothing was changed.
    """
    exchange = open_exchange(dataset, studio, project, field, may_be_new=True)
    head = read_head(dataset)
    records, gone = match_tasks(exchange)
    pulled = _pulled(exchange, records, annotation, progress)
    contents = _contents(exchange, pulled)
    documents = read_documents(dataset, list(contents), [exchange.target.name])
    planned = annotation_edits(exchange.target, documents, contents, replace=replace)
    title = f"pull of {count(len(planned.edits), 'label')} from “{exchange.title}”"
    declared = annotation_attributes(exchange.target)
    save = commit(dataset, planned.edits, title, head=head, declare=[exchange.target], attributes=declared)
    _note(exchange, records, pulled)
    if planned.edits:
        show_new_labels(dataset)
    lost = len(planned.edits) - save.total_written if save.written else 0
    deleted = min(lost, gone_labels(dataset, planned.edits)) if lost else 0
    report = _report(exchange, records, pulled, contents, planned)
    return dataclasses.replace(report, gone=len(gone), overtaken=lost - deleted, deleted=deleted)


def _pulled(exchange: Exchange, records: Mapping[int, SentTask], rule: Rule, progress: Progress) -> _Pulled:
    """The current annotations of the tasks, and those that count."""
    annotations: dict[int, tuple[Annotation, ...]] = {}
    unreadable: list[int] = []
    for number, task in enumerate(exchange.studio.annotated_tasks(exchange.project)):
        if number % _TASKS_PER_REPORT == 0:
            progress(min(number / max(len(records), 1), 1.0), f"Read {count(number, 'annotated task')}")
        read = [as_annotation(exchange.control, payload) for payload in task.get("annotations") or []]
        annotations[int(task["id"])] = tuple(entry for entry in read if entry is not None)
        if None in read and int(task["id"]) in records:
            unreadable.append(int(task["id"]))
    tasks = [dataclasses.replace(record, annotations=annotations.get(task, ())) for task, record in records.items()]
    return _Pulled(tasks, _counting(exchange, tasks, rule), tuple(unreadable))


def _counting(exchange: Exchange, tasks: Sequence[SentTask], rule: Rule) -> dict[str, _Counting]:
    """Sample → the annotation that counts, over all its tasks."""
    of_sample: dict[str, list[tuple[SentTask, Annotation]]] = defaultdict(list)
    for task in tasks:
        of_sample[task.sample] += [(task, annotation) for annotation in task.annotations]
    counting = {}
    for sample, given in of_sample.items():
        chosen = counting_annotation(
            [annotation for _, annotation in given],
            rule,
            lambda annotation: labeling_of_result(exchange.control, annotation.result),
        )
        for task, annotation in given:
            if annotation is chosen:
                counting[sample] = _Counting(task, annotation, _read(exchange, task, annotation.result))
    return counting


def _read(exchange: Exchange, task: SentTask, result: list[dict[str, object]]) -> ReadMarks:
    return marks_of_result(exchange.control, result, exchange.project, task.task, exchange.sizes.of(task.sample))


def _contents(exchange: Exchange, pulled: _Pulled) -> dict[str, AnnotationContent]:
    """Sample → the content of its annotation, and which local labels it may replace."""
    names = _names(exchange.studio, [entry.annotation for entry in pulled.counting.values()])
    sent_from_here = exchange.remembered is not None and exchange.remembered.field == exchange.target.name
    known: dict[str, list[Marks]] = defaultdict(list)
    for task in pulled.tasks:
        if sent_from_here:
            known[task.sample].append(sent_marks(task))
        known[task.sample] += _pulled_states(exchange, task)
    contents = {}
    for sample, entry in pulled.counting.items():
        if entry.annotation.silent:
            continue
        # A box without a class of the project means that the class is unknown, not that the object does not exist.
        silent = entry.read.silent_places
        nothing = entry.read.says_nothing_is_there
        marks = {"": Mark("")} if nothing and exchange.target.kind == "classification" else entry.read.marks
        shown = entry.task.shown if sent_from_here else ()
        before = [place for state in _pulled_states(exchange, entry.task) for place in state]
        contents[sample] = AnnotationContent(
            marks=marks if nothing else _without(marks, silent),
            known=[_without(state, silent) for state in known[sample]],
            shown={*shown, *before} - silent,
            origin=Origin(entry.annotation.id, names.get(entry.annotation.by, ""), as_stored_time(entry.annotation.at)),
            nothing=True if nothing else None,
        )
    return contents


def _pulled_states(exchange: Exchange, task: SentTask) -> list[dict[str, Mark]]:
    """The annotations that earlier pulls imported into the field."""
    names = (exchange.target.name, *_former_names(exchange))
    result = next((task.pulled[name] for name in names if name in task.pulled), [])
    return stated_marks(exchange.control, result, exchange.project, task.task, exchange.sizes.of(task.sample))


def _former_names(exchange: Exchange) -> Sequence[str]:
    """The names that the field had before, where the project's labels are of this field."""
    remembered = exchange.remembered
    return remembered.former_fields if remembered is not None and remembered.field == exchange.target.name else ()


def _note(exchange: Exchange, before: Mapping[int, SentTask], pulled: _Pulled) -> None:
    """Record what was imported into the field, and the label config it was read with."""
    former = set(_former_names(exchange))
    taken = {entry.task.task: entry.annotation for entry in pulled.counting.values() if not entry.annotation.silent}
    noted = []
    for task in pulled.tasks:
        if task.task in taken:
            others = {name: result for name, result in task.pulled.items() if name not in former}
            task = dataclasses.replace(task, pulled={**others, exchange.target.name: taken[task.task].result})
        noted.append(task)
    exchange.ledger.write([task for task in noted if task != before[task.task]])
    remembered = exchange.remembered
    if remembered is not None and (remembered.control != exchange.control_info or remembered.former_fields):
        # Also for the name of now: when the field is renamed again, this is what it was called at this pull.
        remember_project(exchange.dataset, dataclasses.replace(remembered, control=exchange.control_info))


def _without(marks: Marks, places: set[str]) -> Marks:
    return {place: mark for place, mark in marks.items() if place not in places}


def _names(studio: LabelStudio, annotations: Iterable[Annotation]) -> dict[int | None, str]:
    """User → email address, or the user's number if the user was deleted or is not visible to us."""
    names: dict[int | None, str] = {}
    for user in {annotation.by for annotation in annotations} - {None}:
        assert user is not None
        try:
            names[user] = studio.user(user)
        except LabelStudioError:
            names[user] = str(user)
    return names


def _report(
    exchange: Exchange,
    before: Mapping[int, SentTask],
    pulled: _Pulled,
    contents: Mapping[str, AnnotationContent],
    planned: AnnotationEdits,
) -> PullReport:
    edits = planned.edits
    done = count_effects(edits)
    touched = {edit.sample for edit in edits}
    origins = {sample: entry.origin for sample, entry in contents.items() if entry.origin is not None}
    annotated = sum(task.is_annotated for task in pulled.tasks)
    skipped = sum(not task.is_annotated and bool(task.annotations) for task in pulled.tasks)
    return PullReport(
        title=exchange.title,
        field=exchange.target.name,
        given=done["given"],
        confirmed=done["confirmed"],
        removed=done["removed"],
        empty=done["empty"],
        by=Counter(origins[edit.sample].annotator or "somebody" for edit in edits),
        latest=_latest([origins[sample].at for sample in touched]),
        conflicts=planned.conflicts,
        masks=planned.masks,
        annotated=annotated,
        skipped=skipped,
        waiting=len(pulled.tasks) - annotated - skipped,
        withdrawn=sum(not task.is_annotated and before[task.task].is_annotated for task in pulled.tasks),
        gone=0,
        turned=sum(pulled.counting[sample].read.turned for sample in touched),
        left_alone=_left_alone(pulled),
        notices=exchange.notices,
    )


def _left_alone(pulled: _Pulled) -> LeftAlone:
    counting = pulled.counting.values()
    return LeftAlone(
        unknown=Counter(name for entry in counting for name in entry.read.unknown.values()),
        silent=sum(entry.annotation.silent for entry in counting),
        unreadable=pulled.unreadable,
        unplaced=sum(len(entry.read.unplaced) for entry in counting),
    )


def _latest(times: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in times if at is not None), default=None)
