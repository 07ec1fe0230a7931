"""A Label Studio project mirrored as a FiftyOne dataset: one sample per task, and a ledger of the tasks."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import fiftyone as fo
import structlog
from bson import ObjectId

from ..embedding.base import UnreadableMedium
from ..store.labels import LabelField, label_field
from .config import Control, read_label_config
from .decisions import Rule, counting_annotation
from .following import Followed, follow, kept_control
from .ledger import Annotation, AnnotationLedger, Labeling, TaskRecord, as_labeling
from .media_hosts import MediaError, MediaUnavailable
from .mirror_dataset import FIELD, INFO, TASK, declare_fields, declare_medium, owned_dataset
from .regions import Region, Result
from .renaming import rename_labels
from .spans import SIDE_BY_SIDE, Cut
from .task_media import Fetch, Obtained, TaskMedium, medium_of_record, obtain, task_medium
from .windows import cut_windows, window_regions

EMBEDDINGS = "labelscape"
_CONTROL = "label_studio_control"
CONFIG_SEEN = "label_studio_config"  # in the info of a dataset: the config by which all tasks were read
_CUT = "label_studio_windows"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Mirror:
    """A project's dataset, the control that is filled in, and the ledger.

    ``rule`` says which of several annotations of a task counts. ``news`` are sentences on what a change of the label
    config did to the labels. ``cut``: how recordings are cut into windows. ``unreadable`` are the annotations that were
    skipped and reported.
    """

    project: int
    dataset: fo.Dataset
    label_config: str
    control: Control
    ledger: AnnotationLedger
    rule: Rule = "ground_truth_first"
    news: tuple[str, ...] = ()
    cut: Cut = SIDE_BY_SIDE
    unreadable: set[str] = field(default_factory=set, compare=False)

    @property
    def patches_field(self) -> str | None:
        """The field whose boxes are labeled; None if whole tasks are."""
        return FIELD if self.control.boxes else None

    @property
    def target(self) -> LabelField:
        """The field that labels are in."""
        return label_field(self.dataset, FIELD, self.patches_field)


def open_mirror(
    url: str, project: int, label_config: str, rule: Rule = "ground_truth_first", cut: Cut = SIDE_BY_SIDE
) -> Mirror:
    """Open the dataset ``label-studio-<project>``, or create it.

    Where the label config changed, its labels go on: a control or a class with another name is followed, and a field
    of one class an image becomes one of several, or the other way around.

    Raises:
        Refusal: the label config has nothing to fill in, or the dataset of that name belongs to something else.
    """
    read_label_config(label_config)  # before a dataset is made
    dataset = owned_dataset(url, project)
    ledger = AnnotationLedger(dataset, f"{url}#{project}")
    # A control that was added before ours leaves ours the one whose labels these are.
    followed = follow(label_config, kept_control(dataset.info.get(_CONTROL)))
    declare_medium(dataset, followed.control.shown)
    news = [*followed.news, *declare_fields(dataset, followed.control)]
    mirror = Mirror(project, dataset, label_config, followed.control, ledger, rule, tuple(news), cut)
    _keep_up(mirror, followed)
    if followed.control.windows:
        _cut_again(mirror)
    return mirror


def mirrored_project(dataset: fo.Dataset) -> tuple[str, int] | None:
    """The address of Label Studio and the project there that a dataset mirrors; None for any other dataset."""
    owner = dataset.info.get(INFO)
    return None if owner is None else (owner["url"], owner["project"])


def add_tasks(
    mirror: Mirror, tasks: Sequence[Mapping[str, Any]], fetch: Fetch, *, seconds: float | None = None
) -> dict[int, str]:
    """Mirror tasks that are new or have another medium; returns task → why its medium is unavailable."""
    media = {int(task["id"]): task_medium(mirror.control.shown, task) for task in tasks}
    known = mirror.ledger.read(media)
    records = [known.get(task, TaskRecord(task, "", "")) for task in media]
    due = [record for record in records if record.media != media[record.task].mark or record.task not in known]
    renewed = [replace(record, media=media[record.task].mark) for record in due]
    return _take_media(mirror, renewed, [media[record.task] for record in renewed], fetch, seconds)


def fetch_media(mirror: Mirror, records: Sequence[TaskRecord], fetch: Fetch) -> dict[int, str]:
    """Fetch the media of tasks again, and create samples; returns task → why it has no sample.

    What a task's data hold themselves cannot change without the task: it has no sample for the reason it had before.
    """
    media = [medium_of_record(mirror.control.shown, record.media) for record in records]
    again = [(record, medium) for record, medium in zip(records, media, strict=True) if medium is not None]
    reasons = _take_media(mirror, [record for record, _ in again], [medium for _, medium in again], fetch, None)
    return reasons | {
        record.task: record.refused for record, medium in zip(records, media, strict=True) if medium is None
    }


def take_annotations(mirror: Mirror, annotations: Iterable[Mapping[str, Any]]) -> list[TaskRecord]:
    """Store annotations, as Label Studio sends them, in the ledger; returns the records that now differ.

    An annotation that is older than the one known is left alone: events can come twice and late.
    """
    by_task: dict[int, list[Annotation]] = {}
    for payload in annotations:
        task = int(payload["task"])
        by_task.setdefault(task, []).extend(_read_annotations(mirror, task, [payload]))
    changed = []
    for record in mirror.ledger.read(by_task).values():
        known = {annotation.id: annotation for annotation in record.annotations}
        for annotation in by_task[record.task]:
            before = known.get(annotation.id)
            if before is None or before.at < annotation.at:
                known[annotation.id] = annotation  # an annotation that somebody edited is no longer ours
            elif before.at == annotation.at:  # marked as ground truth, say
                known[annotation.id] = replace(annotation, ours=before.ours)
        if tuple(known.values()) != record.annotations:
            changed.append(replace(record, annotations=tuple(known.values())))
    mirror.ledger.write(changed)
    return changed


def take_tasks(mirror: Mirror, tasks: Sequence[Mapping[str, Any]], own_version: str) -> list[TaskRecord]:
    """Set the ledger to the current annotations of tasks; returns the records of these tasks."""
    records = mirror.ledger.read(int(task["id"]) for task in tasks)
    taken = []
    for task in tasks:
        record = records.get(int(task["id"]))
        if record is None:
            continue
        ours = {(annotation.id, annotation.at) for annotation in record.annotations if annotation.ours}
        now = _read_annotations(mirror, record.task, task.get("annotations") or [])
        taken.append(
            replace(
                record,
                annotations=tuple(
                    replace(annotation, ours=(annotation.id, annotation.at) in ours) for annotation in now
                ),
                candidates=record.candidates
                if mirror.control.windows
                else _candidates(mirror.control, task, own_version),
            )
        )
    mirror.ledger.write([record for record in taken if record != records[record.task]])
    return taken


def drop_annotations(mirror: Mirror, annotations: Sequence[int]) -> list[TaskRecord]:
    """Drop deleted annotations; returns the records that now differ."""
    gone = set(annotations)
    changed = [
        replace(record, annotations=tuple(one for one in record.annotations if one.id not in gone))
        for record in mirror.ledger.read(mirror.ledger.tasks_of(annotations)).values()
    ]
    mirror.ledger.write(changed)
    return changed


def drop_tasks(mirror: Mirror, tasks: Sequence[int]) -> int:
    """Delete the samples and records of deleted tasks; returns the number of samples."""
    records = mirror.ledger.read(tasks)
    samples = [record.sample for record in records.values() if record.sample]
    if samples:
        mirror.dataset.delete_samples(samples)
    mirror.ledger.forget(list(records))
    return len(samples)


def counting(mirror: Mirror, record: TaskRecord) -> Annotation | None:
    """The annotation of a task that counts, by the rule of the mirror."""
    return counting_annotation(
        record.annotations, mirror.rule, lambda annotation: labeling_of_result(mirror.control, annotation.result)
    )


def labeling_of_result(control: Control, result: Result) -> Labeling:
    """The classes that a result assigns to the task or its regions, including ones that the config no longer has."""
    if control.windows:
        return as_labeling(
            (f"{value['start']}-{value['end']}", label)
            for value in (item["value"] for item in control.own(result))
            for label in value[control.kind]
        )
    if control.boxes:
        regions = control.regions_of(result)
        return as_labeling((region.id, region.stated) for region in regions if region.stated is not None)
    stated = control.stated(result)
    return as_labeling(("", label) for label in (stated if control.multi else stated[:1]))


def labeling_of(mirror: Mirror, record: TaskRecord, result: Result) -> Labeling:
    """The classes that a result assigns to a task, its regions, or its windows."""
    if not mirror.control.windows:
        return labeling_of_result(mirror.control, result)
    regions = window_regions(mirror.control, record.candidates, mirror.control.own(result))
    return as_labeling((region.id, region.stated) for region in regions if region.stated is not None)


def regions_of(mirror: Mirror, record: TaskRecord) -> list[Region]:
    """The boxes of a task: those of its annotation, else those that another model proposes, without a class.

    Of recordings and series, all windows, with the classes that the annotation gives them.
    """
    annotation = counting(mirror, record)
    if mirror.control.windows:
        return window_regions(mirror.control, record.candidates, None if annotation is None else annotation.result)
    if annotation is not None:
        return mirror.control.regions_of(annotation.result)
    return [replace(region, label=None, unknown="") for region in mirror.control.regions_of(record.candidates)]


def object_id(project: int, task: int, region: str) -> str:
    """The object id for a region: stable across rewrites of the task, so that its embedding stays valid."""
    name = f"{project}/{task}/{region}".encode("utf-8", "replace")
    return str(ObjectId(hashlib.blake2b(name, digest_size=12).hexdigest()))


def as_annotation(control: Control, payload: Any) -> Annotation | None:
    """An annotation as Label Studio sends it, of its result what the control reads; None for what is no annotation."""
    if not isinstance(payload, Mapping) or not _is_number(payload.get("id")):
        return None
    if not isinstance(payload.get("result"), list):
        return None
    by = payload.get("completed_by")
    by = by.get("id") if isinstance(by, Mapping) else by
    return Annotation(
        id=payload["id"],
        result=control.own(payload.get("result")),
        by=by if _is_number(by) else None,
        at=str(payload.get("updated_at") or payload.get("created_at") or ""),
        skipped=bool(payload.get("was_cancelled")),
        truth=bool(payload.get("ground_truth")),
        silent=control.is_silent(payload.get("result")),
    )


def _keep_up(mirror: Mirror, followed: Followed) -> None:
    """Apply a change of the label config to labels and predictions, and record the config."""
    for before, now in followed.renamed_now:
        rename_labels(mirror.dataset, mirror.target, before, now)
    if followed.moved:  # predictions still name the control of before, and Label Studio shows them as empty
        mirror.ledger.doubt_predictions()
    kept = followed.kept(mirror.label_config).as_info()
    if mirror.dataset.info.get(_CONTROL) != kept:
        mirror.dataset.info[_CONTROL] = kept
        mirror.dataset.save()


def _take_media(
    mirror: Mirror, records: Sequence[TaskRecord], media: Sequence[TaskMedium], fetch: Fetch, seconds: float | None
) -> dict[int, str]:
    """Obtain the media of tasks, make samples of them, and write the records; returns task → why it has no sample."""
    if not records:
        return {}
    obtained = obtain(media, mirror.control.shown, fetch, seconds)
    if mirror.control.windows:
        records, obtained = _with_windows(mirror, records, obtained)
    by_task = {record.task: one for record, one in zip(records, obtained, strict=True)}
    fields = {task: one for task, one in by_task.items() if isinstance(one, dict)}
    wanting = [record.task for record in records if record.task in fields and not record.sample]
    created = _samples_of(mirror, wanting)  # samples that are missing in the ledger because of a crash
    new = [task for task in wanting if task not in created]
    samples = [fo.Sample(**fields[task], **{TASK: task}) for task in new]
    created |= zip(new, mirror.dataset.add_samples(samples, progress=False) if samples else [], strict=True)
    _replace_media(mirror, {record.sample: fields[record.task] for record in records if record.task in fields})
    mirror.ledger.write(
        [
            replace(record, sample=created.get(record.task, record.sample), refused=_refusal(by_task[record.task]))
            for record in records
        ]
    )
    return {task: str(reason) for task, reason in by_task.items() if isinstance(reason, ValueError)}


def _with_windows(
    mirror: Mirror, records: Sequence[TaskRecord], obtained: Sequence[Obtained]
) -> tuple[list[TaskRecord], list[Obtained]]:
    """The records with their windows; in the place of a medium that cannot be cut into them, the reason."""
    cut: list[Obtained] = list(obtained)
    with_windows = list(records)
    for row, one in enumerate(obtained):
        if not isinstance(one, dict):
            continue
        try:
            windows = cut_windows(mirror.control, one, mirror.cut)
            with_windows[row] = replace(records[row], candidates=windows)
        except UnreadableMedium as error:
            cut[row] = MediaError(f"“{mirror.control.shown.key}” of the task cannot be cut into windows: {error}.")
    return with_windows, cut


def _cut_again(mirror: Mirror) -> None:
    """Have all tasks read again where they were cut into other windows."""
    cut = [mirror.cut.length, mirror.cut.hop]
    if mirror.dataset.info.get(_CUT) == cut:
        return
    mirror.ledger.forget_media()
    mirror.dataset.info[_CUT] = cut
    mirror.dataset.info.pop(CONFIG_SEEN, None)
    mirror.dataset.save()


def _replace_media(mirror: Mirror, fields: Mapping[str, Mapping[str, Any]]) -> None:
    """Give samples that exist already other media."""
    moved = {sample: values for sample, values in fields.items() if sample}
    for name in dict.fromkeys(name for values in moved.values() for name in values):
        mirror.dataset.set_values(name, {sample: one.get(name) for sample, one in moved.items()}, key_field="id")


def _samples_of(mirror: Mirror, tasks: Sequence[int]) -> dict[int, str]:
    """Task → its sample, for tasks that have one."""
    return dict(zip(*mirror.dataset.match(fo.ViewField(TASK).is_in(list(tasks))).values([TASK, "id"]), strict=True))


def _refusal(obtained: Obtained) -> str:
    return "" if isinstance(obtained, dict | MediaUnavailable) else str(obtained)


def _candidates(control: Control, task: Mapping[str, Any], own_version: str) -> Result:
    """The boxes of the latest prediction that is not ours."""
    if not control.boxes:
        return []
    others = [
        prediction
        for prediction in task.get("predictions") or []
        if isinstance(prediction, Mapping) and not str(prediction.get("model_version")).startswith(own_version)
    ]
    latest = max(others, key=lambda prediction: str(prediction.get("created_at")), default=None)
    return [] if latest is None else control.own(latest.get("result"))


def _read_annotations(mirror: Mirror, task: int, payloads: Sequence[Any]) -> list[Annotation]:
    """The annotations of a task that can be read; a task with unreadable ones is reported once."""
    read = [as_annotation(mirror.control, payload) for payload in payloads]
    unreadable = read.count(None)
    if unreadable and str(task) not in mirror.unreadable:
        mirror.unreadable.add(str(task))
        _log.warning("annotations_unreadable", project=mirror.project, task=task, skipped=unreadable)
    return [annotation for annotation in read if annotation is not None]


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
