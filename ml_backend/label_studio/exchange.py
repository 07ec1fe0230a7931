"""A user's dataset and the Label Studio project that its samples go to: what sending and pulling share."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
from bson import ObjectId

from ..store.labels import LabelField, label_field
from ..store.suggestions import FIELD as SUGGESTED
from .client import LabelStudio, LabelStudioMissing
from .config import Control, Result, read_label_config
from .ledger import AnnotationLedger, TaskRecord
from .marks import Mark, Marks, clipped, read_marks
from .mirror import FIELD_TYPES, mirrored_project, object_id
from .projects import SentProject, sent_projects
from .settings import TOKEN_VARIABLE, URL_VARIABLE, load_settings, same_address

SAMPLE_KEY = "fiftyone_id"
DATASET_KEY = "fiftyone_dataset"
_ASKED = {
    fo.Classification: "one class an image",
    fo.Classifications: "several classes an image",
    fo.Detections: "boxes with a class",
}

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Exchange:
    """A dataset, the project, the control there and the label field here that fit, and the ledger of its tasks."""

    dataset: fo.Dataset
    studio: LabelStudio
    project: int
    title: str
    label_config: str
    model_version: str
    control: Control
    target: LabelField
    ledger: AnnotationLedger

    @property
    def remembered(self) -> SentProject | None:
        """What is known of it from an earlier sending."""
        known = sent_projects(self.dataset, self.studio.url)
        return next((sent for sent in known if sent.project == self.project), None)

    def marks_of(self, task: int, result: Result) -> dict[str, Mark]:
        """What a result says of a task; "" for a box whose class the project no longer has."""
        if not self.control.boxes:
            labels = self.control.labels_of(result)
            return {label if self.control.multi else "": Mark(label) for label in labels}
        return {
            region.id if ObjectId.is_valid(region.id) else object_id(self.project, task, region.id): Mark(
                region.label or "", clipped(region.upright)
            )
            for region in self.control.regions_of(result)
        }


def saved_connection(secrets: Mapping[str, str | None]) -> LabelStudio:
    """Label Studio as FiftyOne's secrets, the environment or `labelscape connect` name it.

    A token goes only to the address that it was given with.

    Raises:
        ValueError: none is named, or the token is not taken; the message says the mend.
    """
    named = {name: value for name, value in secrets.items() if value}
    environment = {**os.environ, **named}
    if not same_address(environment.get(URL_VARIABLE), os.environ.get(URL_VARIABLE)) and TOKEN_VARIABLE not in named:
        environment.pop(TOKEN_VARIABLE, None)
    settings = load_settings(environment)
    if settings.url and not settings.token:
        raise ValueError(
            f"No token was given for {settings.url}: name both {URL_VARIABLE} and {TOKEN_VARIABLE} in the same place "
            f"(FiftyOne's secrets or the environment), or run “labelscape connect --url {settings.url} --project …”."
        )
    if not settings.url:
        raise ValueError(
            "No Label Studio is connected: run “labelscape connect --url http://… --project …” once, or give FiftyOne "
            f"the secrets (environment variables) {URL_VARIABLE} and {TOKEN_VARIABLE}."
        )
    return LabelStudio(settings.url, settings.token)


def open_exchange(dataset: fo.Dataset, studio: LabelStudio, project: int, field: str) -> Exchange:
    """What is needed to send labels of a field to a project, or to take annotations into it.

    Raises:
        ValueError: the project is gone, asks for something else than the field holds, or is what the dataset mirrors.
    """
    if mirrored_project(dataset) == (studio.url, project):
        raise ValueError(
            f"This dataset mirrors project {project}: its samples are the tasks there, and “labelscape serve” keeps "
            "the labels in step."
        )
    info = project_info(studio, project)
    control = read_label_config(info["label_config"])
    target = exchanged_field(dataset, field)
    check_fits(control, dataset, field)
    return Exchange(
        dataset=dataset,
        studio=studio,
        project=project,
        title=str(info["title"]),
        label_config=str(info["label_config"]),
        model_version=str(info.get("model_version") or ""),
        control=control,
        target=target,
        ledger=AnnotationLedger(dataset, f"{studio.url}#{project}"),
    )


def project_info(studio: LabelStudio, project: int) -> dict[str, Any]:
    """A project; a ValueError with the mend where it is gone."""
    try:
        return studio.project(project)
    except LabelStudioMissing as error:
        raise ValueError(
            f"Project {project} is not in {studio.url} any more, or we may not see it: choose another one."
        ) from error


def exchanged_fields(dataset: fo.Dataset) -> list[str]:
    """The fields whose labels Label Studio can be asked for."""
    return [name for name in dataset.get_field_schema(embedded_doc_type=tuple(_ASKED)) if name != SUGGESTED]


def exchanged_field(dataset: fo.Dataset, field: str) -> LabelField:
    """One of them, described.

    Raises:
        ValueError: it is none; the message lists those there are.
    """
    if field not in exchanged_fields(dataset):
        listing = ", ".join(exchanged_fields(dataset)) or "none yet"
        raise ValueError(f"'{field}' holds neither classifications nor detections; fields that do: {listing}.")
    boxes = dataset.get_field(field).document_type is fo.Detections
    return label_field(dataset, field, field if boxes else None)


def check_fits(control: Control, dataset: fo.Dataset, field: str) -> None:
    """Raise a ValueError unless the project asks for what the field, one of `exchanged_fields`, holds."""
    asked = FIELD_TYPES.get((control.kind, control.multi))
    held = dataset.get_field(field).document_type
    if held is not asked:
        raise ValueError(
            f"The project asks for {_ASKED.get(asked, 'something else')} (“{control.from_name}”), '{field}' holds "
            f"{_ASKED[held]}: choose another project or field, or make a new project."
        )


def match_tasks(exchange: Exchange) -> tuple[dict[int, TaskRecord], list[TaskRecord]]:
    """Task → record of the tasks that are there, and the records of those that were deleted there.

    Tasks of an interrupted sending, which the ledger does not know, are found by the dataset and the sample they name:
    a cloned dataset has samples of the same ids.
    """
    data = exchange.studio.task_data(exchange.project)
    records = exchange.ledger.read()
    there = {task: record for task, record in records.items() if task in data}
    known = {record.sample for record in there.values()}
    strays = {
        task: str(values[SAMPLE_KEY])
        for task, values in data.items()
        if task not in there
        and values.get(DATASET_KEY) == exchange.dataset.name
        and ObjectId.is_valid(str(values.get(SAMPLE_KEY)))
        and values[SAMPLE_KEY] not in known
    }
    if strays:
        held = read_marks(exchange.dataset, exchange.target, list(strays.values()))
        adopted = [
            _adopted(exchange, task, strays[int(task["id"])], held[strays[int(task["id"])]])
            for task in exchange.studio.tasks(exchange.project)
            if strays.get(int(task["id"])) in held
        ]
        exchange.ledger.write(adopted)
        there |= {record.task: record for record in adopted}
    return there, [record for task, record in records.items() if task not in data]


def was(number: int) -> str:
    """“was” or “were”, for a sentence that counts."""
    return "was" if number == 1 else "were"


def noted_task(exchange: Exchange, task: Mapping[str, Any], sample: str, sent: Marks) -> TaskRecord:
    """The record of a task that was made when a sample was labeled so."""
    shown = _shown_marks(exchange, task)
    return TaskRecord(
        int(task["id"]),
        sample,
        media=str(task["data"].get(exchange.control.data_key) or ""),
        sent=tuple((place, mark.label, mark.box) for place, mark in sent.items()),
        shown=tuple(place for place in sent if place in shown),
    )


def sent_marks(record: TaskRecord) -> dict[str, Mark]:
    """What a sample was labeled with when it was sent."""
    return {place: Mark(label, box and clipped(box)) for place, label, box in record.sent}


def _adopted(exchange: Exchange, task: Mapping[str, Any], sample: str, held: Marks) -> TaskRecord:
    """The record of a task that was sent without being noted: what its prediction repeats was the label then."""
    shown = _shown_marks(exchange, task)
    sent = {place: mark for place, mark in held.items() if place in shown and mark.same(shown[place])}
    return noted_task(exchange, task, sample, sent)


def _shown_marks(exchange: Exchange, task: Mapping[str, Any]) -> dict[str, Mark]:
    """What the pre-annotation says that a task was made with."""
    predictions = sorted(task.get("predictions") or [], key=lambda prediction: str(prediction.get("created_at")))
    return exchange.marks_of(int(task["id"]), predictions[0]["result"]) if predictions else {}
