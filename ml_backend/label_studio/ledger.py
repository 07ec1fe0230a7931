"""The ledger: for each Label Studio task of a dataset, its sample, its annotations, and the state of the sync.

One MongoDB document per task. It makes both directions idempotent: an annotation, label, or prediction that is already
in sync is neither read nor written again. A dataset either mirrors a project (`TaskRecord`) or sent samples of its own
there (`SentTask`), never both with one project.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, Generic, TypeVar

import fiftyone as fo
from fiftyone.core.odm.database import get_db_conn
from pymongo import DeleteMany, ReplaceOne, UpdateOne

from .geometry import Box
from .regions import Result

_COLLECTION = "labelscape.label_studio_tasks"
_WRITE_AT_ONCE = 10_000
_READ_AT_ONCE = 500  # documents decoded at once, which blocks all other threads

# What a task is labeled with: one (place, class) for each class chosen for the image (place "") or for each box
# that has a class (place = the region's id).
Labeling = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Annotation:
    """One annotation as Label Studio has it.

    Attributes:
        id: its number in Label Studio.
        result: the items of the controls that are filled in.
        by: the number of the user who created it; None if that is not known.
        at: when it was last changed, as ISO time in UTC: comparable as text.
        skipped: whether the annotator skipped the task.
        ours: whether it was created there from a label saved in FiftyOne.
        truth: whether a reviewer marked it as ground truth.
        silent: whether it says nothing about the first control, not even that there is nothing to label.
        command: its choice in the menu on the task (`task_menu`); "" for none.
        edited_by: the number of the user who changed it last; None if that is not known.
    """

    id: int
    result: Result
    by: int | None
    at: str  # ISO time, UTC: comparable as text
    skipped: bool = False
    ours: bool = False
    truth: bool = False
    silent: bool = False
    command: str = ""
    edited_by: int | None = None


@dataclass(frozen=True)
class Prediction:
    """The prediction that a task has in Label Studio.

    Attributes:
        id: its number in Label Studio.
        labeling: what it fills in.
        score: 0 to 1; None if it has none.
        sure: whether the suggestion was confident at the target precision.
        version: the model version that Label Studio shows.
    """

    id: int
    labeling: Labeling
    score: float | None
    sure: bool
    version: str


@dataclass(frozen=True)
class Sending:
    """A labeling being sent to Label Studio: the resulting annotation has an id above ``after``."""

    labeling: Labeling
    after: int


@dataclass(frozen=True)
class TaskRecord:
    """A task of a mirrored project, and what both sides know of it.

    Attributes:
        task: its number in Label Studio.
        sample: the id of its sample; "" if its medium cannot be read.
        media: what the task's data says of its medium, as text that changes when that does.
        refused: why there is no medium, if a retry is pointless; "" otherwise.
        annotations: all annotations of the task.
        candidates: the boxes that another model proposes, or the windows of a recording or series.
        synced: the labeling that both sides agreed on last.
        boxes: id of an object → its box when it was last the same on both sides.
        sending: the labeling that is being sent; it may have arrived even if that was interrupted.
        prediction: the prediction that we made.
        columns: what we wrote into the task's data: name → value.
        carried_out: id of an annotation → the last of its commands that was carried out.
        outcome: a sentence on what that command did.
    """

    task: int
    sample: str
    media: str
    refused: str = ""
    annotations: tuple[Annotation, ...] = ()
    candidates: Result = field(default_factory=list)
    synced: Labeling = ()
    boxes: dict[str, list[float]] = field(default_factory=dict)
    sending: Sending | None = None
    prediction: Prediction | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    carried_out: dict[str, str] = field(default_factory=dict)
    outcome: str = ""

    @property
    def is_annotated(self) -> bool:
        """Whether somebody annotated the task and did not skip it."""
        return any(not annotation.skipped for annotation in self.annotations)


@dataclass(frozen=True)
class SentTask:
    """A task that was created from a sample, for labeling in Label Studio.

    Attributes:
        task: its number in Label Studio.
        sample: the id of the sample.
        media: what the task's data says of its medium.
        annotations: all annotations of the task.
        sent: the labels that the sample had then, as (place, class, relative box of an object).
        shown: the places that the pre-annotation fills in.
        pulled: label field → the result that was last pulled into it.
    """

    task: int
    sample: str
    media: str
    annotations: tuple[Annotation, ...] = ()
    sent: tuple[tuple[str, str, Box | None], ...] = ()
    shown: tuple[str, ...] = ()
    pulled: dict[str, Result] = field(default_factory=dict)

    @property
    def is_annotated(self) -> bool:
        """Whether somebody annotated the task and did not skip it."""
        return any(not annotation.skipped for annotation in self.annotations)


Record = TypeVar("Record", TaskRecord, SentTask)


class _Ledger(Generic[Record]):
    """The records of one Label Studio project in one dataset; ``project`` names server and project."""

    def __init__(self, dataset: fo.Dataset, project: str) -> None:
        self._owner = {"dataset": dataset._doc.id, "project": project}

    def read(self, tasks: Iterable[int] | None = None) -> dict[int, Record]:
        """Task → record, of these tasks or of all; tasks without a record are left out."""
        return self._find({} if tasks is None else {"task": {"$in": [int(task) for task in tasks]}})

    def of_samples(self, samples: Iterable[str]) -> dict[int, Record]:
        """Task → record, of the tasks of these samples."""
        return self._find({"sample": {"$in": list(samples)}})

    def write(self, records: Sequence[Record]) -> None:
        """Write complete records."""
        writes = [
            ReplaceOne(
                {**self._owner, "task": record.task},
                {
                    **self._owner,
                    **asdict(record),
                    "annotation_ids": [annotation.id for annotation in record.annotations],
                },
                upsert=True,
            )
            for record in records
        ]
        for start in range(0, len(writes), _WRITE_AT_ONCE):
            _collection().bulk_write(writes[start : start + _WRITE_AT_ONCE], ordered=False)

    def forget(self, tasks: Sequence[int]) -> None:
        """Drop the records of these tasks."""
        _collection().bulk_write([DeleteMany({**self._owner, "task": {"$in": list(tasks)}})])

    def clear(self) -> None:
        """Drop all records of the project."""
        _collection().delete_many(self._owner)

    def _find(self, which: Mapping[str, Any]) -> dict[int, Record]:
        documents = _collection().find({**self._owner, **which}, batch_size=_READ_AT_ONCE)
        return {document["task"]: self._as_record(document) for document in documents}

    def _as_record(self, document: Mapping[str, Any]) -> Record:
        raise NotImplementedError


class AnnotationLedger(_Ledger[TaskRecord]):
    """The records of a project that a dataset mirrors."""

    def set_predictions(self, predictions: Mapping[int, Prediction | None]) -> None:
        """Set the predictions of tasks, None = none, and leave the rest of their records unchanged."""
        writes = [
            UpdateOne(
                {**self._owner, "task": task},
                {"$set": {"prediction": None if prediction is None else asdict(prediction)}},
            )
            for task, prediction in predictions.items()
        ]
        for start in range(0, len(writes), _WRITE_AT_ONCE):
            _collection().bulk_write(writes[start : start + _WRITE_AT_ONCE], ordered=False)

    def doubt_predictions(self) -> None:
        """Mark all predictions as outdated by a config change, so that each is published again."""
        _collection().update_many({**self._owner, "prediction": {"$ne": None}}, {"$set": {"prediction.labeling": []}})

    def set_boxes(self, boxes: Mapping[int, dict[str, list[float]]]) -> None:
        """Set the boxes that both sides have of tasks, and leave the rest of their records unchanged."""
        writes = [
            UpdateOne({**self._owner, "task": task}, {"$set": {"boxes": of_task}}) for task, of_task in boxes.items()
        ]
        for start in range(0, len(writes), _WRITE_AT_ONCE):
            _collection().bulk_write(writes[start : start + _WRITE_AT_ONCE], ordered=False)

    def forget_synced(self, place: str | None) -> None:
        """Forget what both sides agreed on, all of it or of the control with this place, so that nothing was there."""
        kept = {"$filter": {"input": "$synced", "cond": {"$ne": [{"$first": "$$this"}, {"$literal": place}]}}}
        _collection().update_many(self._owner, [{"$set": {"synced": [] if place is None else kept}}])

    def move_place(self, before: str, now: str) -> None:
        """Give the place of a control another name in what both sides agreed on."""
        pair = {
            "$cond": [
                {"$eq": [{"$first": "$$this"}, {"$literal": before}]},
                [{"$literal": now}, {"$last": "$$this"}],
                "$$this",
            ]
        }
        _collection().update_many(self._owner, [{"$set": {"synced": {"$map": {"input": "$synced", "in": pair}}}}])

    def forget_media(self) -> None:
        """Forget what tasks showed, so that their media are read again."""
        _collection().update_many(self._owner, {"$set": {"media": "", "refused": ""}})

    def set_column(self, tasks: Sequence[int], name: str, value: str | float) -> None:
        """Set a value in the data of tasks, and leave the rest of their records unchanged."""
        _collection().update_many({**self._owner, "task": {"$in": list(tasks)}}, {"$set": {f"columns.{name}": value}})

    def forget_columns(self, task: int, names: Iterable[str]) -> None:
        """Forget the values of columns that are removed from a task."""
        _collection().update_one({**self._owner, "task": task}, {"$unset": {f"columns.{name}": "" for name in names}})

    def set_columns(self, values: Mapping[int, Mapping[str, str | float]]) -> None:
        """Set values in the data of tasks (task → column → value), and leave the rest of their records unchanged."""
        writes = [
            UpdateOne(
                {**self._owner, "task": task}, {"$set": {f"columns.{name}": value for name, value in columns.items()}}
            )
            for task, columns in values.items()
        ]
        for start in range(0, len(writes), _WRITE_AT_ONCE):
            _collection().bulk_write(writes[start : start + _WRITE_AT_ONCE], ordered=False)

    def with_commands(self) -> dict[int, TaskRecord]:
        """Task → record, of tasks with an annotation that has a command, or whose command was withdrawn."""
        given = {"annotations": {"$elemMatch": {"command": {"$nin": [None, ""]}}}}
        return self._find({"$or": [given, {"carried_out": {"$nin": [None, {}]}}]})

    def set_carried_out(self, task: int, carried_out: Mapping[str, str], outcome: str) -> None:
        """Set which commands of a task were carried out, and leave the rest of its record unchanged."""
        values = {"carried_out": dict(carried_out), "outcome": outcome}
        _collection().update_one({**self._owner, "task": task}, {"$set": values})

    def tasks_of(self, annotations: Sequence[int]) -> list[int]:
        """The tasks that have these annotations: a deletion names the annotation only."""
        query = {**self._owner, "annotation_ids": {"$in": list(annotations)}}
        return [document["task"] for document in _collection().find(query, {"task": 1})]

    def task_ids(self) -> list[int]:
        """All tasks that have a record."""
        return [document["task"] for document in _collection().find(self._owner, {"task": 1})]

    def _as_record(self, document: Mapping[str, Any]) -> TaskRecord:
        prediction, sending = document["prediction"], document.get("sending")
        return TaskRecord(
            task=document["task"],
            sample=document["sample"],
            media=document["media"],
            refused=document["refused"],
            annotations=_annotations(document),
            candidates=document["candidates"],
            synced=as_labeling(document["synced"]),
            boxes=document.get("boxes", {}),
            sending=None if sending is None else Sending(as_labeling(sending["labeling"]), sending["after"]),
            prediction=None
            if prediction is None
            else Prediction(**{**prediction, "labeling": as_labeling(prediction["labeling"])}),
            columns=document["columns"],
            carried_out=document.get("carried_out", {}),
            outcome=document.get("outcome", ""),
        )


class SentLedger(_Ledger[SentTask]):
    """The records of a project that samples of a dataset were sent to."""

    def _as_record(self, document: Mapping[str, Any]) -> SentTask:
        return SentTask(
            task=document["task"],
            sample=document["sample"],
            media=document["media"],
            annotations=_annotations(document),
            sent=tuple((place, label, box and tuple(box)) for place, label, box in document.get("sent", ())),
            shown=tuple(document.get("shown", ())),
            pulled=document.get("pulled", {}),
        )


def as_labeling(pairs: Iterable[Sequence[str]]) -> Labeling:
    """A labeling in canonical order, so that two can be compared."""
    return tuple(sorted((place, label) for place, label in pairs))


def _annotations(document: Mapping[str, Any]) -> tuple[Annotation, ...]:
    return tuple(Annotation(**annotation) for annotation in document["annotations"])


@lru_cache(maxsize=1)
def _indexed(database: str) -> bool:
    collection = get_db_conn()[_COLLECTION]
    collection.create_index([("dataset", 1), ("project", 1), ("task", 1)], unique=True)
    collection.create_index([("dataset", 1), ("project", 1), ("annotation_ids", 1)])
    collection.create_index([("dataset", 1), ("project", 1), ("sample", 1)])
    return True


def _collection() -> Any:
    connection = get_db_conn()
    _indexed(connection.name)
    return connection[_COLLECTION]


def counts_agree(records: Sequence[TaskRecord], project: Mapping[str, Any]) -> bool:
    """Whether Label Studio's counts of a project's tasks and annotations equal those of the ledger."""
    skipped = [annotation.skipped for record in records for annotation in record.annotations]
    return (len(records), len(skipped) - sum(skipped), sum(skipped)) == (
        project["task_number"],
        project["total_annotations_number"],
        project["skipped_annotations_number"],
    )


def need_suggestions(records: Sequence[TaskRecord], before: Mapping[int, TaskRecord]) -> bool:
    """Whether any task has a new sample, another medium, or no annotation any more; ``before``: its former record."""
    return any(
        (record.sample, record.media) != (former.sample, former.media)
        or (former.is_annotated and not record.is_annotated)
        for record, former in ((record, before.get(record.task, TaskRecord(0, "", record.media))) for record in records)
    )
