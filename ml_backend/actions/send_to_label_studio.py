"""Send samples to a Label Studio project for labeling, as tasks with their media and a pre-annotation each."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo

from ..errors import Refusal
from ..label_studio.client import LabelStudio, LabelStudioDown, LabelStudioError, LabelStudioMissing, LabelStudioPartly
from ..label_studio.config import invalid_reason, make_label_config, read_label_config
from ..label_studio.exchange import (
    DATASET_KEY,
    EXCHANGED,
    SAMPLE_KEY,
    Exchange,
    exchanged_field,
    match_tasks,
    noted_task,
    open_exchange,
)
from ..label_studio.geometry import image_size
from ..label_studio.ledger import SentLedger
from ..label_studio.marks import Mark, Marks, read_marks
from ..label_studio.objects import nested_under
from ..label_studio.projects import SentProject, forget_project, hold_project, remember_project, sent_projects
from ..label_studio.publishing import VERSION_STEM, connected_backend, next_version
from ..label_studio.regions import Region
from ..progress import Progress, no_progress
from ..store.items import Items, as_ids, list_items
from ..store.medium_fields import START, medium_kind
from ..store.suggestions import Suggestion, read_suggestions
from ..wording import count
from .send_report import SendReport
from .sent_media import BYTES_AT_ONCE, SentMedium, media_to_send

_FILES_AT_ONCE = 100  # that Label Studio (1.23) accepts
TITLE_LENGTHS = (3, 50)
_DECIMALS = 4


@dataclass(frozen=True)
class _Proposed:
    """A class for a sample or object: its label, or a suggestion with its confidence (0..1, calibrated)."""

    place: str
    mark: Mark
    confidence: float | None


@dataclass(frozen=True)
class _SentSample:
    """The content of a sample's pre-annotation, and the classes of its labels that the project does not have."""

    shown: list[_Proposed]
    unknown: list[str]


def open_project(dataset: fo.Dataset, studio: LabelStudio, *, title: str, field: str, classes: Sequence[str]) -> int:
    """Create a project for the labels of a field, or continue with one of this title that we created; return its ID.

    Raises:
        Refusal: a title that Label Studio does not accept, no classes, a field that cannot be exchanged, or another
            call that is creating it right now.
    """
    shortest, longest = TITLE_LENGTHS
    if not shortest <= len(title) <= longest:
        raise Refusal(f"“{title}” has {len(title)} characters; a title has {shortest} to {longest}.")
    if not classes:
        raise Refusal(f"Nothing is labeled in '{field}' yet: specify the classes to choose from.")
    config = _config_for(dataset, field, classes)
    with hold_project(dataset, f"{studio.url}#new {title}"):
        for sent in sent_projects(dataset, studio.url):
            if (sent.title, sent.field) == (title, field):
                try:
                    studio.project(sent.project)
                except LabelStudioMissing:
                    forget_project(dataset, sent)
                    SentLedger(dataset, sent.key).clear()
                else:
                    return sent.project
        project = _made_project(dataset, studio, title, field, config)
        remember_project(dataset, SentProject(studio.url, project, title, field, _now()))
        return project


def _made_project(dataset: fo.Dataset, studio: LabelStudio, title: str, field: str, config: str) -> int:
    """A new project, or an empty one whose creation was never confirmed; its description says whose labels it holds."""
    description = f"Labels of '{field}' in the FiftyOne dataset “{dataset.name}” ({dataset._doc.id})."
    for made in studio.projects():
        is_ours = (made["title"], made.get("description")) == (title, description)
        if is_ours and not studio.project(int(made["id"])).get("task_number"):
            return int(made["id"])
    return studio.create_project(title, config, description=description)


def send(
    dataset: fo.Dataset,
    samples: Sequence[str],
    *,
    studio: LabelStudio,
    project: int,
    field: str,
    progress: Progress = no_progress,
) -> SendReport:
    """Create tasks for the samples (IDs) that the project does not have yet; also finishes an interrupted earlier call.

    Every task carries its sample's ID and, as a prediction, the existing label or else the suggestion.

    Raises:
        Refusal: the project is gone or asks for something else, other labels of this dataset went there, or another
            call is already sending there.
        LabelStudioError: it cannot be reached or rejects a request; what was sent until then stays, and the next call
            continues.
    """
    check_sendable(dataset)
    exchange = open_exchange(dataset, studio, project, field)
    with hold_project(dataset, f"{studio.url}#{project}") as go_on:
        return _send(exchange, samples, go_on, progress)


def _send(exchange: Exchange, samples: Sequence[str], go_on: Callable[[], None], progress: Progress) -> SendReport:
    _remember(exchange)
    existing, gone = match_tasks(exchange)
    if gone:
        exchange.ledger.forget([record.task for record in gone])
    known = {record.sample for record in existing.values()}
    due = [sample for sample in samples if sample not in known]
    media, left_out = media_to_send(exchange, due)
    version = _version(exchange)
    sent: list[_SentSample] = []
    for batch in _batches(media):
        go_on()
        progress(len(sent) / len(media), f"Sent {len(sent):,} of {count(len(media), 'sample')}")
        sent += _send_batch(exchange, batch, version)
    again = {record.sample for record in gone} & {medium.sample for medium in media}
    if any(sample.shown for sample in sent) and not exchange.model_version:  # one without predictions is refused (1.23)
        exchange.studio.update_project(exchange.project, model_version=version)
    return SendReport(
        address=f"{exchange.studio.url}/projects/{exchange.project}/data",
        title=exchange.title,
        version=version,
        shown_version=exchange.model_version or version,
        already_sent=len(samples) - len(due),
        again=len(again),
        left_out=tuple(left_out),
        sent=len(sent),
        labeled=sum(any(label.confidence is None for label in sample.shown) for sample in sent),
        suggested=sum(any(label.confidence is not None for label in sample.shown) for sample in sent),
        unknown=Counter(name for sample in sent for name in sample.unknown),
        notices=exchange.notices,
    )


def _version(exchange: Exchange) -> str:
    """The model version of pre-annotations: that of a connected backend, which then updates each task's prediction."""
    backend = connected_backend(exchange.studio, exchange.project)
    if backend is not None:
        return str(backend["title"])
    return exchange.model_version if exchange.model_version.startswith(VERSION_STEM) else next_version("")


def check_sendable(dataset: fo.Dataset) -> None:
    """Raise a Refusal unless the dataset consists of whole images, texts, or recordings."""
    if dataset.media_type is None:
        raise Refusal("This dataset has no samples yet: there is nothing to send.")
    kind = medium_kind(dataset) if dataset.media_type == "image" else dataset.media_type
    if kind not in EXCHANGED:
        raise Refusal(
            f"Only images, texts, and recordings can be sent to Label Studio; this is a {kind} dataset: of a video or "
            "a group, make a dataset of its frames or of a slice first."
        )
    if kind == "audio" and dataset.has_field(START):
        raise Refusal(
            "The samples of this dataset are windows of recordings, which Label Studio would show in full: send the "
            "recordings themselves."
        )


def sent_before(dataset: fo.Dataset, studio: LabelStudio, project: int, samples: Sequence[str]) -> int:
    """How many of these samples were sent to a project, according to the ledger."""
    records = SentLedger(dataset, f"{studio.url}#{project}").read().values()
    return len({record.sample for record in records} & set(samples))


def missing_classes(label_config: str, classes: Sequence[str]) -> list[str]:
    """The classes that a project does not have."""
    known = set(read_label_config(label_config).classes)
    return [name for name in classes if name not in known]


def _remember(exchange: Exchange) -> None:
    """Record the project with the field; a project gets the labels of one field only."""
    before = exchange.remembered
    if before is not None and before.field != exchange.target.name:
        raise Refusal(
            f"The labels of '{before.field}' of this dataset were sent to “{exchange.title}”: choose that field, or "
            "another project."
        )
    former = () if before is None else before.former_fields
    at = (exchange.studio.url, exchange.project, exchange.title)
    remember_project(exchange.dataset, SentProject(*at, exchange.target.name, _now(), exchange.control_info, former))


def _config_for(dataset: fo.Dataset, field: str, classes: Sequence[str]) -> str:
    target = exchanged_field(dataset, field)
    if target.kind == "patch":
        return make_label_config("rectanglelabels", classes, multi=False)
    several = target.kind == "classifications"
    return make_label_config("choices", classes, multi=several, modality=medium_kind(dataset))


def _batches(media: Sequence[SentMedium]) -> Iterator[list[SentMedium]]:
    """Split files into batches that each fit into one upload."""
    batch: list[SentMedium] = []
    for medium in media:
        if len(batch) == _FILES_AT_ONCE or sum(file.size for file in batch) + medium.size > BYTES_AT_ONCE:
            yield batch
            batch = []
        batch.append(medium)
    if batch:
        yield batch


def _send_batch(exchange: Exchange, batch: Sequence[SentMedium], version: str) -> list[_SentSample]:
    """Create tasks for samples, and record them."""
    samples = [medium.sample for medium in batch]
    marks = read_marks(exchange.dataset, exchange.target, samples)
    suggestions = _suggestions(exchange, samples)
    classes = exchange.control.classes
    proposed = [_proposed(marks.get(sample, {}), suggestions[sample]) for sample in samples]
    usable = [[proposal for proposal in for_it if proposal.mark.label in classes] for for_it in proposed]
    predictions = [_prediction(exchange, medium, for_it, version) for medium, for_it in zip(batch, usable, strict=True)]
    with _uploaded(exchange, [medium for medium in batch if not medium.address]) as addresses:
        tasks = [
            _task(exchange, medium, addresses.get(medium.sample, medium.address), prediction)
            for medium, prediction in zip(batch, predictions, strict=True)
        ]
        numbers = exchange.studio.import_tasks(exchange.project, tasks)
    exchange.ledger.write(
        [
            noted_task(exchange, {"id": number, **task}, sample, marks.get(sample, {}))
            for number, sample, task in zip(numbers, samples, tasks, strict=True)
        ]
    )
    return [
        _SentSample(
            shown=for_it if prediction is not None else [],
            unknown=[proposal.mark.label for proposal in of_it if proposal.mark.label not in classes],
        )
        for for_it, of_it, prediction in zip(usable, proposed, predictions, strict=True)
    ]


@contextmanager
def _uploaded(exchange: Exchange, media: Sequence[SentMedium]) -> Iterator[dict[str, str]]:
    """Sample → the address of its uploaded file in the project; the files are deleted if Label Studio rejects the rest.

    They stay after any other failure: Label Studio may have created the tasks that use them.
    """
    if not media:
        yield {}
        return
    files = [(medium.path.name, medium.path.read_bytes()) for medium in media]
    numbers = exchange.studio.upload(exchange.project, files)
    try:
        addresses = exchange.studio.uploads(exchange.project, numbers)
        yield {medium.sample: addresses[number] for medium, number in zip(media, numbers, strict=True)}
    except (LabelStudioDown, LabelStudioPartly):
        raise
    except LabelStudioError:
        with suppress(LabelStudioError):
            exchange.studio.delete_uploads(exchange.project, numbers)
        raise


def _task(exchange: Exchange, medium: SentMedium, address: str, prediction: dict[str, Any] | None) -> dict[str, Any]:
    data = {
        **nested_under(exchange.control.data_key, address),
        SAMPLE_KEY: medium.sample,
        DATASET_KEY: exchange.dataset.name,
    }
    if exchange.control.task_object.modality != "text":
        data["filename"] = medium.path.name
    return {"data": data} if prediction is None else {"data": data, "predictions": [prediction]}


def _prediction(
    exchange: Exchange, medium: SentMedium, proposed: Sequence[_Proposed], version: str
) -> dict[str, Any] | None:
    """The pre-annotation of a sample; None if Label Studio cannot show any."""
    control = exchange.control
    if control.boxes:
        width, height = image_size(medium.path) or medium.pixels or (None, None)
        result = [
            control.box(
                Region(proposal.place, proposal.mark.box, None, 0.0, width, height),
                proposal.mark.label,
                _rounded(proposal.confidence),
            )
            for proposal in proposed
            if proposal.mark.box is not None
        ]
    else:
        result = control.choice([proposal.mark.label for proposal in proposed])
    confidences = [proposal.confidence for proposal in proposed if proposal.confidence is not None]
    prediction = {"result": result, "score": _rounded(min(confidences, default=None)), "model_version": version}
    # An import does not check predictions, and an invalid one breaks the page of its task (1.23).
    return prediction if result and invalid_reason(exchange.label_config, prediction) is None else None


def _proposed(marks: Marks, suggestions: Mapping[str, Suggestion]) -> list[_Proposed]:
    """The labels of a sample; without labels, its suggestion."""
    labeled = [_Proposed(place, mark, None) for place, mark in marks.items() if mark.label]
    if "" in suggestions:  # for the whole image
        suggestion = suggestions[""]
        return labeled or [_Proposed("", Mark(label), score) for label, score in suggestion.confidences.items()]
    return labeled + [
        _Proposed(place, Mark(suggestions[place].label, mark.box), suggestions[place].confidence)
        for place, mark in marks.items()
        if not mark.label and place in suggestions
    ]


def _suggestions(exchange: Exchange, samples: Sequence[str]) -> dict[str, dict[str, Suggestion]]:
    """Sample → object ID ("" = the whole image) → the suggestion made for this field."""
    dataset, target = exchange.dataset, exchange.target
    ids = as_ids(samples)
    items = Items(ids, ids) if target.patches_field is None else list_items(dataset.select(samples), target.name)
    by_sample: dict[str, dict[str, Suggestion]] = defaultdict(dict)
    for item, sample, suggestion in zip(
        items.ids.tolist(), items.sample_ids.tolist(), read_suggestions(dataset, items), strict=True
    ):
        if suggestion is not None and suggestion.field in ("", target.name):
            by_sample[sample]["" if target.patches_field is None else item] = suggestion
    return by_sample


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(min(max(confidence, 0.0), 1.0), _DECIMALS)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
