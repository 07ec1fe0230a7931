"""A user's dataset and the Label Studio project that its samples are sent to: the code that send and pull share."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
from bson import ObjectId

from ..errors import Refusal
from ..store.labels import LabelField, label_field
from ..store.medium_fields import medium_kind
from ..store.suggestions import is_suggestions_field
from .client import LabelStudio, LabelStudioMissing
from .config import Control
from .following import Followed, follow, stored_control
from .geometry import clipped
from .ledger import SentLedger, SentTask
from .marks import Mark, Marks, read_marks
from .migration import FIELD_TYPES
from .mirror import mirrored_project
from .objects import value_at
from .projects import SentProject, sent_projects
from .reading import ImageSizes, marks_of_result
from .settings import TOKEN_VARIABLE, URL_VARIABLE, load_settings, same_address

SAMPLE_KEY = "fiftyone_id"
DATASET_KEY = "fiftyone_dataset"
EXCHANGED = {"image": "Image", "text": "Text", "audio": "Audio"}  # kinds of media, and the objects that show them
_ASKED_FOR = {
    fo.Classification: "one class per image",
    fo.Classifications: "several classes per image",
    fo.Detections: "boxes with a class",
}


@dataclass(frozen=True)
class Exchange:
    """A dataset, a project, the matching control there and label field here, and the ledger of its tasks.

    ``notices`` are sentences on what changed in the label config since the last time.
    """

    dataset: fo.Dataset
    studio: LabelStudio
    project: int
    title: str
    label_config: str
    model_version: str
    followed: Followed
    target: LabelField
    ledger: SentLedger
    sizes: ImageSizes

    @property
    def control(self) -> Control:
        """The control that is labeled there."""
        return self.followed.control

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences on what changed in the label config since samples were sent or annotations pulled last."""
        return self.followed.notice_texts

    @property
    def remembered(self) -> SentProject | None:
        """The record of earlier sends to the project."""
        return _remembered(self.dataset, self.studio, self.project)

    @property
    def control_info(self) -> dict[str, Any]:
        """The data to store for recognizing the next change of the label config."""
        return self.followed.to_store(self.label_config).as_info()


def saved_connection(secrets: Mapping[str, str | None]) -> LabelStudio:
    """Label Studio as configured in FiftyOne's secrets, the environment, or by `labelscape connect`.

    A token is sent only to the address that it was provided with.

    Raises:
        Refusal: none is configured, or the token is not accepted; the message says what to do.
    """
    named = {name: value for name, value in secrets.items() if value}
    environment = {**os.environ, **named}
    if not same_address(environment.get(URL_VARIABLE), os.environ.get(URL_VARIABLE)) and TOKEN_VARIABLE not in named:
        environment.pop(TOKEN_VARIABLE, None)
    settings = load_settings(environment)
    if settings.url and not settings.token:
        raise Refusal(
            f"There is no token for {settings.url}: set both {URL_VARIABLE} and {TOKEN_VARIABLE} in the same place "
            f"(FiftyOne's secrets or the environment), or run “labelscape connect --url {settings.url} --project …”."
        )
    if not settings.url:
        raise Refusal(
            "Label Studio is not connected: run “labelscape connect --url http://… --project …” once, or give FiftyOne "
            f"the secrets (environment variables) {URL_VARIABLE} and {TOKEN_VARIABLE}."
        )
    return LabelStudio(settings.url, settings.token)


def open_exchange(
    dataset: fo.Dataset, studio: LabelStudio, project: int, field: str, *, may_be_new: bool = False
) -> Exchange:
    """Open the exchange between a label field and a project, to send labels or to pull annotations.

    A field that ``may_be_new`` has the kind that the project asks for; it is not created yet.

    Raises:
        Refusal: the project is gone, asks for a kind of label that the field does not hold, or is the one that the
            dataset mirrors.
    """
    if mirrored_project(dataset) == (studio.url, project):
        raise Refusal(
            f"This dataset mirrors project {project}: its samples are the tasks there, and “labelscape serve” keeps "
            "the labels in step."
        )
    info = project_info(studio, project)
    label_config = str(info["label_config"])
    remembered = _remembered(dataset, studio, project)
    followed = follow(label_config, None if remembered is None else stored_control(remembered.control or None))
    if may_be_new and not dataset.has_sample_field(field):
        _check_exchanged(followed.control, dataset)
        target = _new_field(dataset, field, followed.control)
    else:
        target = exchanged_field(dataset, field)
        check_fits(followed.control, dataset, field)
    return Exchange(
        dataset=dataset,
        studio=studio,
        project=project,
        title=str(info["title"]),
        label_config=label_config,
        model_version=str(info.get("model_version") or ""),
        followed=followed,
        target=target,
        ledger=SentLedger(dataset, f"{studio.url}#{project}"),
        sizes=ImageSizes(dataset),
    )


def project_info(studio: LabelStudio, project: int) -> dict[str, Any]:
    """A project. Raises a Refusal that says what to do if it was deleted."""
    try:
        return studio.project(project)
    except LabelStudioMissing as error:
        raise Refusal(
            f"Project {project} is no longer in {studio.url}, or your account cannot see it: choose another one."
        ) from error


def exchanged_fields(dataset: fo.Dataset) -> list[str]:
    """The fields whose labels can be exchanged with Label Studio."""
    schema = dataset.get_field_schema(embedded_doc_type=tuple(_ASKED_FOR))
    return [name for name in schema if not is_suggestions_field(dataset, name)]


def exchanged_field(dataset: fo.Dataset, field: str) -> LabelField:
    """A description of one of these fields.

    Raises:
        Refusal: it is not one; the message lists those that exist.
    """
    if field not in exchanged_fields(dataset):
        listing = ", ".join(exchanged_fields(dataset)) or "none yet"
        raise Refusal(f"'{field}' holds neither classifications nor detections; fields that do: {listing}.")
    boxes = dataset.get_field(field).document_type is fo.Detections
    return label_field(dataset, field, field if boxes else None)


def _new_field(dataset: fo.Dataset, field: str, control: Control) -> LabelField:
    """A field for the labels of a control, to be made; raises a Refusal for an invalid name."""
    label_field(dataset, field)
    kind = FIELD_TYPES[control.kind, control.multi]
    if kind is fo.Detections:
        return LabelField(field, "patch", f"{field}.detections")
    if kind is fo.Classifications:
        return LabelField(field, "classifications", f"{field}.classifications")
    return LabelField(field, "classification", field)


def check_fits(control: Control, dataset: fo.Dataset, field: str) -> None:
    """Raise a Refusal unless the project's control fits the field, one of `exchanged_fields`."""
    _check_exchanged(control, dataset)
    expected = FIELD_TYPES[control.kind, control.multi]
    present = dataset.get_field(field).document_type
    if present is not expected:
        raise Refusal(
            f"The project asks for {_ASKED_FOR[expected]} (“{control.from_name}”), and '{field}' has "
            f"{_ASKED_FOR[present]}: choose another project or field, or create a new project."
        )


def _check_exchanged(control: Control, dataset: fo.Dataset) -> None:
    """Raise a Refusal unless labels of the control, and the media it shows, are exchanged with a dataset."""
    if control.kind not in ("choices", "rectanglelabels"):
        raise Refusal(
            f"“{control.from_name}” of the project is of a kind that is not exchanged with a dataset: choose a "
            "project that asks for Choices or RectangleLabels, or connect the project (“labelscape connect”)."
        )
    kind = medium_kind(dataset)
    labeled = control.task_object
    if labeled.modality != kind or labeled.tag not in EXCHANGED.values() or labeled.by_address:
        raise Refusal(
            f"“{control.from_name}” of the project labels {labeled.tag} “{control.to_name}”, and the samples of this "
            f"dataset are of the kind “{kind}”: choose another project, or create a new one."
        )


def match_tasks(exchange: Exchange) -> tuple[dict[int, SentTask], list[SentTask]]:
    """Task → record of the existing tasks, and the records of those that were deleted there.

    Tasks of an interrupted sending, which the ledger does not know, are found by the dataset and the sample they name:
    a cloned dataset has samples of the same ids.
    """
    data = exchange.studio.task_data(exchange.project)
    records = exchange.ledger.read()
    existing = {task: record for task, record in records.items() if task in data}
    known = {record.sample for record in existing.values()}
    strays = {
        task: str(values[SAMPLE_KEY])
        for task, values in data.items()
        if task not in existing
        and values.get(DATASET_KEY) == exchange.dataset.name
        and ObjectId.is_valid(str(values.get(SAMPLE_KEY)))
        and values[SAMPLE_KEY] not in known
    }
    if strays:
        present = read_marks(exchange.dataset, exchange.target, list(strays.values()))
        adopted = [
            _adopted(exchange, task, strays[int(task["id"])], present[strays[int(task["id"])]])
            for task in exchange.studio.tasks(exchange.project)
            if strays.get(int(task["id"])) in present
        ]
        exchange.ledger.write(adopted)
        existing |= {record.task: record for record in adopted}
    return existing, [record for task, record in records.items() if task not in data]


def noted_task(exchange: Exchange, task: Mapping[str, Any], sample: str, sent: Marks) -> SentTask:
    """The record of a task that was created while a sample had these labels."""
    shown = _shown_marks(exchange, task, sample)
    return SentTask(
        int(task["id"]),
        sample,
        media=str(value_at(task["data"], exchange.control.data_key) or ""),
        sent=tuple((place, mark.label, mark.box) for place, mark in sent.items()),
        shown=tuple(place for place in sent if place in shown),
    )


def sent_marks(record: SentTask) -> dict[str, Mark]:
    """The labels of a sample when it was sent."""
    return {place: Mark(label, box and clipped(box)) for place, label, box in record.sent}


def _adopted(exchange: Exchange, task: Mapping[str, Any], sample: str, present: Marks) -> SentTask:
    """The record of a task whose sending was not recorded: its prediction shows the labels at that time."""
    shown = _shown_marks(exchange, task, sample)
    sent = {place: mark for place, mark in present.items() if place in shown and mark.same(shown[place])}
    return noted_task(exchange, task, sample, sent)


def _shown_marks(exchange: Exchange, task: Mapping[str, Any], sample: str) -> Marks:
    """The content of the pre-annotation that a task was created with."""
    predictions = sorted(task.get("predictions") or [], key=lambda prediction: str(prediction.get("created_at")))
    if not predictions:
        return {}
    place = (exchange.project, int(task["id"]), exchange.sizes.of(sample))
    return marks_of_result(exchange.control, predictions[0]["result"], *place).marks


def _remembered(dataset: fo.Dataset, studio: LabelStudio, project: int) -> SentProject | None:
    return next((sent for sent in sent_projects(dataset, studio.url) if sent.project == project), None)
