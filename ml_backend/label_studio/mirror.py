"""A Label Studio project as a FiftyOne dataset: one sample a task, labels in step both ways."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import fiftyone as fo
from bson import ObjectId
from pymongo import UpdateOne

from ..store.label_edits import read_documents
from ..store.labels import label_field
from .config import Control, Region, Result, read_label_config
from .ledger import Annotation, AnnotationLedger, Labeling, TaskRecord, as_labeling
from .marks import declare_annotations
from .media import MediaUnavailable, presigned_address

FIELD = "ground_truth"
EMBEDDINGS = "labelscape"
_TASK = "task_id"
_INFO = "label_studio"
_CLOUD = ("s3://", "gs://", "azure-blob://")
FIELD_TYPES = {
    ("choices", False): fo.Classification,
    ("choices", True): fo.Classifications,
    ("rectanglelabels", False): fo.Detections,
}

_CONTROL = "label_studio_control"

# Addresses of media and the seconds there are, None = each has its own time → their files, or why there is none.
Fetch = Callable[[Sequence[str], float | None], Sequence[Path | ValueError]]
Who = Callable[[int], str]
_Document = dict[str, Any] | None  # a sample's labels as MongoDB holds them


@dataclass(frozen=True)
class Mirror:
    """A project's dataset, what of its label config is filled in, and its ledger."""

    project: int
    dataset: fo.Dataset
    label_config: str
    control: Control
    ledger: AnnotationLedger

    @property
    def patches_field(self) -> str | None:
        """The field whose boxes are labeled; None where whole images are."""
        return FIELD if self.control.boxes else None


@dataclass(frozen=True)
class Step:
    """What bringing both sides in step found: labels that Label Studio lacks, tasks whose labels changed here.

    ``conflicts``: tasks that both sides changed, with the labeling that gave way.
    """

    outgoing: list[tuple[TaskRecord, Labeling]]
    changed: list[int]
    conflicts: list[tuple[int, Labeling]]


def open_mirror(url: str, project: int, label_config: str) -> Mirror:
    """The dataset ``label-studio-<project>``, made where it is missing.

    Raises:
        ValueError: the label config has nothing to fill in, or the dataset of that name belongs to something else.
    """
    read_label_config(label_config)  # before a dataset is made
    name = f"label-studio-{project}"
    owner = {"url": url, "project": project}
    if not fo.dataset_exists(name):
        created = fo.Dataset(name, persistent=True)
        created.info[_INFO] = owner
        created.save()
    dataset = fo.load_dataset(name)
    if dataset.info.get(_INFO) != owner:
        raise ValueError(
            f"The dataset '{name}' belongs to {dataset.info.get(_INFO) or 'something else'}, not to project {project} "
            f"of {url}: rename or delete it."
        )
    # A control that was added before ours leaves ours the one whose labels these are.
    control = read_label_config(label_config, keep=dataset.info.get(_CONTROL))
    _declare_fields(dataset, control)
    if dataset.info.get(_CONTROL) != control.from_name:
        dataset.info[_CONTROL] = control.from_name
        dataset.save()
    return Mirror(project, dataset, label_config, control, AnnotationLedger(dataset, f"{url}#{project}"))


def mirrored_project(dataset: fo.Dataset) -> tuple[str, int] | None:
    """The address of Label Studio and the project there that a dataset mirrors; None for any other dataset."""
    owner = dataset.info.get(_INFO)
    return None if owner is None else (owner["url"], owner["project"])


def add_tasks(
    mirror: Mirror, tasks: Sequence[Mapping[str, Any]], fetch: Fetch, *, seconds: float | None = None
) -> dict[int, str]:
    """Take tasks over that are new or have another medium; task → why its medium is not there, where it is not."""
    media = {int(task["id"]): _medium(mirror.control, task) for task in tasks}
    known = mirror.ledger.read(media)
    records = [known.get(task, TaskRecord(task, "", "")) for task in media]
    due = [record for record in records if record.media != media[record.task] or record.task not in known]
    renewed = [replace(record, media=media[record.task]) for record in due]
    return fetch_media(mirror, renewed, fetch, seconds=seconds)


def fetch_media(
    mirror: Mirror, records: Sequence[TaskRecord], fetch: Fetch, *, seconds: float | None = None
) -> dict[int, str]:
    """Fetch the media of tasks and make them samples; task → why there is none, where there is none."""
    if not records:
        return {}
    fetched = {
        record.task: path
        for record, path in zip(records, fetch([record.media for record in records], seconds), strict=True)
    }
    files = {task: str(path) for task, path in fetched.items() if isinstance(path, Path)}
    wanting = [record.task for record in records if record.task in files and not record.sample]
    created = _samples_of(mirror, wanting)  # those that a crash kept from the ledger
    new = [task for task in wanting if task not in created]
    samples = [fo.Sample(filepath=files[task], **{_TASK: task}) for task in new]
    created |= zip(new, mirror.dataset.add_samples(samples) if samples else [], strict=True)
    moved = {record.sample: files[record.task] for record in records if record.sample and record.task in files}
    if moved:
        mirror.dataset.set_values("filepath", moved, key_field="id")
    mirror.ledger.write(
        [
            replace(
                record,
                sample=created.get(record.task, record.sample),
                refused=_refusal(fetched[record.task]),
            )
            for record in records
        ]
    )
    return {task: str(reason) for task, reason in fetched.items() if task not in files}


def take_annotations(mirror: Mirror, annotations: Iterable[Mapping[str, Any]]) -> list[TaskRecord]:
    """Put annotations, as Label Studio sends them, into the ledger; the records that now differ.

    An annotation that is older than the one held is left alone: events can come twice and late.
    """
    by_task: dict[int, list[Annotation]] = {}
    for payload in annotations:
        by_task.setdefault(int(payload["task"]), []).append(as_annotation(mirror.control, payload))
    changed = []
    for record in mirror.ledger.read(by_task).values():
        held = {annotation.id: annotation for annotation in record.annotations}
        for annotation in by_task[record.task]:
            before = held.get(annotation.id)
            if before is None or before.at < annotation.at:
                held[annotation.id] = annotation  # what somebody has edited is not ours any more
        if tuple(held.values()) != record.annotations:
            changed.append(replace(record, annotations=tuple(held.values())))
    mirror.ledger.write(changed)
    return changed


def take_tasks(mirror: Mirror, tasks: Sequence[Mapping[str, Any]], own_version: str) -> list[TaskRecord]:
    """Make the ledger hold just the annotations that tasks have now; the records of these tasks."""
    records = mirror.ledger.read(int(task["id"]) for task in tasks)
    taken = []
    for task in tasks:
        record = records.get(int(task["id"]))
        if record is None:
            continue
        ours = {(annotation.id, annotation.at) for annotation in record.annotations if annotation.ours}
        now = [as_annotation(mirror.control, payload) for payload in task.get("annotations") or []]
        taken.append(
            replace(
                record,
                annotations=tuple(
                    replace(annotation, ours=(annotation.id, annotation.at) in ours) for annotation in now
                ),
                candidates=_candidates(mirror.control, task, own_version),
            )
        )
    mirror.ledger.write([record for record in taken if record != records[record.task]])
    return taken


def drop_annotations(mirror: Mirror, annotations: Sequence[int]) -> list[TaskRecord]:
    """Forget annotations that were deleted; the records that now differ."""
    gone = set(annotations)
    changed = [
        replace(record, annotations=tuple(held for held in record.annotations if held.id not in gone))
        for record in mirror.ledger.read(mirror.ledger.tasks_of(annotations)).values()
    ]
    mirror.ledger.write(changed)
    return changed


def drop_tasks(mirror: Mirror, tasks: Sequence[int]) -> int:
    """Delete the samples of tasks that are gone, and what is known of them; how many samples that were."""
    records = mirror.ledger.read(tasks)
    samples = [record.sample for record in records.values() if record.sample]
    if samples:
        mirror.dataset.delete_samples(samples)
    mirror.ledger.forget(list(records))
    return len(samples)


def bring_in_step(mirror: Mirror, records: Sequence[TaskRecord], who: Who) -> Step:
    """Write what Label Studio says into the labels, and find what was labeled here since.

    Where both sides changed a task, the later change counts. Nobody's annotation is overwritten: a label that goes
    out becomes an annotation of its own.
    """
    documents = _read_labels(mirror, [record for record in records if record.sample])
    here = {sample: _labeling_here(mirror.control, document) for sample, document in documents.items()}
    held = [record for record in records if record.sample in here]  # a sample deleted here takes nothing away there
    there = {record.task: labeling_of(mirror.control, record) for record in held}
    outgoing, incoming, conflicts, agreed = [], [], [], []
    for record in held:
        mine, theirs = here[record.sample], there[record.task]
        if mine == theirs:
            agreed.append(record)
        elif mine == record.synced or not _may_go_out(record, mine):
            incoming.append(record)
        elif theirs == record.synced:
            outgoing.append((record, mine))
        elif record.annotation is None or _labeled_at(mirror.control, documents[record.sample]) > record.annotation.at:
            conflicts.append((record.task, theirs))
            outgoing.append((record, mine))
        else:
            conflicts.append((record.task, mine))
            incoming.append(record)
    drawn = [record for record in agreed if _lacks_candidates(mirror.control, record, documents[record.sample])]
    _write_labels(mirror, incoming + drawn, documents, who)
    taken = _in_step(mirror, incoming, there)  # not what a person labeled anew in this moment: the next step sees it
    settled = [record for record in agreed + taken if record.synced != there[record.task]]
    mirror.ledger.write([replace(record, synced=there[record.task]) for record in settled])
    return Step(outgoing, [record.task for record in taken + drawn], conflicts)


def labeling_of(control: Control, record: TaskRecord) -> Labeling:
    """What the annotation that counts says of a task; nothing where there is none."""
    return () if record.annotation is None else labeling_of_result(control, record.annotation.result)


def labeling_of_result(control: Control, result: Result) -> Labeling:
    """The classes that a result gives, to the image or to its boxes."""
    if control.boxes:
        return as_labeling((region.id, region.label) for region in control.regions_of(result) if region.label)
    return as_labeling(("", label) for label in control.labels_of(result))


def regions_of(control: Control, record: TaskRecord) -> list[Region]:
    """The boxes of a task: its annotation's, else those that another model proposes."""
    if record.annotation is not None:
        return control.regions_of(record.annotation.result)
    return [replace(region, label=None) for region in control.regions_of(record.candidates)]


def as_result(control: Control, record: TaskRecord, labeling: Labeling) -> Result:
    """A labeling as a result of Label Studio's."""
    if not control.boxes:
        return control.choice([label for _, label in labeling])
    labels = dict(labeling)
    return [
        control.box(region, labels[region.id], None) for region in regions_of(control, record) if region.id in labels
    ]


def object_id(project: int, task: int, region: str) -> str:
    """The id of the object that a region becomes: the same, and so its embedding, however often its task is written."""
    name = f"{project}/{task}/{region}".encode()
    return str(ObjectId(hashlib.blake2b(name, digest_size=12).hexdigest()))


def as_annotation(control: Control, payload: Mapping[str, Any]) -> Annotation:
    """An annotation as Label Studio sends it; of its result what the control fills in."""
    by = payload.get("completed_by")
    return Annotation(
        id=int(payload["id"]),
        result=control.own(payload.get("result") or []),
        by=by.get("id") if isinstance(by, Mapping) else by,
        at=str(payload.get("updated_at") or payload.get("created_at") or ""),
        skipped=bool(payload.get("was_cancelled")),
    )


def _declare_fields(dataset: fo.Dataset, control: Control) -> None:
    if not dataset.has_sample_field(_TASK):
        dataset.add_sample_field(_TASK, fo.IntField, description="The task in Label Studio")
        dataset.create_index(_TASK)
    kind = FIELD_TYPES[control.kind, control.multi]
    if not dataset.has_sample_field(FIELD):
        dataset.add_sample_field(FIELD, fo.EmbeddedDocumentField, embedded_doc_type=kind)
    held = dataset.get_field(FIELD).document_type
    if held is not kind:
        raise ValueError(
            f"The label config now asks for {kind.__name__}, the dataset '{dataset.name}' holds {held.__name__}: "
            f"rename that dataset, a new one will be made."
        )
    field = label_field(dataset, FIELD, FIELD if control.boxes else None)
    declare_annotations(dataset, field)
    if control.boxes and dataset.get_field(f"{field.path}.region") is None:
        dataset.add_sample_field(f"{field.path}.region", fo.StringField)
    if list(dataset.default_classes) != list(control.classes):
        dataset.default_classes = list(control.classes)


def _medium(control: Control, task: Mapping[str, Any]) -> str:
    """The address of a task's image; of a cloud storage's the one at which Label Studio hands it out."""
    value = (task.get("data") or {}).get(control.data_key)
    if not isinstance(value, str):
        return ""
    return presigned_address(value, int(task["id"])) if value.startswith(_CLOUD) else value


def _samples_of(mirror: Mirror, tasks: Sequence[int]) -> dict[int, str]:
    """Task → its sample, where it has one."""
    return dict(zip(*mirror.dataset.match(fo.ViewField(_TASK).is_in(list(tasks))).values([_TASK, "id"]), strict=True))


def _refusal(fetched: Path | ValueError) -> str:
    return "" if isinstance(fetched, Path | MediaUnavailable) else str(fetched)


def _candidates(control: Control, task: Mapping[str, Any], own_version: str) -> list[dict[str, Any]]:
    """The boxes of the latest prediction that is not ours."""
    if not control.boxes:
        return []
    others = [
        prediction
        for prediction in task.get("predictions") or []
        if isinstance(prediction, Mapping) and not str(prediction.get("model_version")).startswith(own_version)
    ]
    latest = max(others, key=lambda prediction: str(prediction.get("created_at")), default=None)
    return [] if latest is None else control.own(latest.get("result") or [])


def _may_go_out(record: TaskRecord, labeling: Labeling) -> bool:
    """A label taken away here takes back our own annotation, never another's."""
    return bool(labeling) or record.annotation is None or record.annotation.ours


def _read_labels(mirror: Mirror, records: Sequence[TaskRecord]) -> dict[str, _Document]:
    """Sample → its labels as MongoDB holds them; samples that are gone are left out."""
    found = read_documents(mirror.dataset, [record.sample for record in records], [FIELD])
    return {sample: document.get(FIELD) for sample, document in found.items()}


def _listed(control: Control, document: _Document) -> list[dict[str, Any]]:
    """The labels of a sample one by one, of objects too those that have no class."""
    if document is None:
        return []
    if control.boxes:
        return document.get("detections") or []
    return document.get("classifications") or [] if control.multi else [document]


def _labeling_here(control: Control, document: _Document) -> Labeling:
    return as_labeling(
        (label.get("region") or "" if control.boxes else "", label["label"])
        for label in _listed(control, document)
        if label.get("label")
    )


def _labeled_at(control: Control, document: _Document) -> str:
    """When the last of the labels was set, as ISO time."""
    times = [label.get("labeled_at") for label in _listed(control, document) if label.get("label")]
    return max((_iso(at) for at in times if at is not None), default="")


def _lacks_candidates(control: Control, record: TaskRecord, document: _Document) -> bool:
    """Whether the boxes of a task, although nobody labeled one, are not the ones here yet."""
    if not control.boxes:
        return False
    drawn = {label.get("region") for label in _listed(control, document)} - {None, ""}
    return {region.id for region in regions_of(control, record)} != drawn


def _in_step(mirror: Mirror, records: Sequence[TaskRecord], there: Mapping[int, Labeling]) -> list[TaskRecord]:
    """Those of the records whose labels here are now what Label Studio says."""
    documents = _read_labels(mirror, records)
    return [
        record
        for record in records
        if record.sample in documents and _labeling_here(mirror.control, documents[record.sample]) == there[record.task]
    ]


def _write_labels(mirror: Mirror, records: Sequence[TaskRecord], held: Mapping[str, _Document], who: Who) -> None:
    """Write what Label Studio says where the labels are still the ``held`` ones: what a person saved since stays."""
    if not records:
        return
    now = datetime.utcnow()
    writes = []
    for record in records:
        before = held[record.sample]
        after = _label_document(mirror, record, before, who)
        writes.append(
            UpdateOne(
                {"_id": ObjectId(record.sample), FIELD: before}, {"$set": {FIELD: after, "last_modified_at": now}}
            )
        )
    mirror.dataset._bulk_write(writes, ids=[record.sample for record in records])


def _label_document(mirror: Mirror, record: TaskRecord, before: _Document, who: Who) -> _Document:
    label = _label(mirror, record, who)
    document = None if label is None else dict(label.to_mongo())
    if document is not None and mirror.control.boxes:  # boxes that were drawn here, and that Label Studio does not know
        document["detections"] += [box for box in _listed(mirror.control, before) if not box.get("region")]
    return document


def _label(mirror: Mirror, record: TaskRecord, who: Who) -> Any:
    given = record.annotation
    origin: dict[str, Any] = {}
    if given is not None:
        by = "" if given.by is None else who(given.by)
        origin = {"labelscape": "human", "labeled_at": as_time(given.at), "annotator": by, "annotation": given.id}
    if mirror.control.boxes:
        return fo.Detections(
            detections=[_detection(mirror, record, region, origin) for region in regions_of(mirror.control, record)]
        )
    labels = [label for _, label in labeling_of(mirror.control, record)]
    if mirror.control.multi:
        return fo.Classifications(classifications=[fo.Classification(label=label, **origin) for label in labels])
    return fo.Classification(label=labels[0], **origin) if labels else None


def _detection(mirror: Mirror, record: TaskRecord, region: Region, origin: dict[str, Any]) -> fo.Detection:
    return fo.Detection(
        id=object_id(mirror.project, record.task, region.id),
        label=region.label,
        bounding_box=list(region.upright),
        region=region.id,
        **(origin if region.label else {}),
    )


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_time(text: str) -> datetime | None:
    """A time as Label Studio writes it; None where there is none."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
