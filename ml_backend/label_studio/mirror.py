"""A Label Studio project mirrored as a FiftyOne dataset: one sample per task, and a ledger of the tasks."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import fiftyone as fo
import structlog

from ..store.labels import LabelField, label_field
from ..store.suggestions import FIELD as SUGGESTIONS
from ..store.suggestions import suggestions_field_name
from .additional_controls import fields_of, read_additional_controls, store_additional_controls
from .annotations import as_annotation, is_unread
from .config import Control, read_label_config
from .decisions import Rule, counting_annotation
from .following import Followed, follow, stored_control
from .label_fields import are_in_place, follow_fields, keep_marks, renamed_fields
from .ledger import Annotation, AnnotationLedger, Labeling, TaskRecord, as_labeling
from .mirror_dataset import FIELD, INFO, declare_fields, declare_medium, owned_dataset
from .mirror_media import take_media
from .notices import Notice, keep_notices
from .questions import Question
from .regions import Region, Result
from .renaming import rename_labels
from .spans import SIDE_BY_SIDE, Cut
from .task_media import Fetch, medium_of_record, task_medium
from .windows import window_regions

EMBEDDINGS = "labelscape"
_CONTROL = "label_studio_control"
CONFIG_SEEN = "label_studio_config"  # in the info of a dataset: the config with which all tasks were read
_CUT = "label_studio_windows"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Mirror:
    """A project's dataset, the control that is filled in, and the ledger.

    Attributes:
        rule: which of several annotations of a task counts.
        notices: sentences on what a change of the label config did to the labels.
        cut: how recordings are cut into windows.
        unreadable: the ids of the tasks with annotations that were skipped and reported.
        field: the label field of the control.
        additional: (field, control) of the other controls that are filled in.
        place: of the mirror as one of these sees it (`control_views`), that field; "" otherwise.
    """

    project: int
    dataset: fo.Dataset
    label_config: str
    control: Control
    ledger: AnnotationLedger
    rule: Rule = "ground_truth_first"
    notices: tuple[str, ...] = ()
    cut: Cut = SIDE_BY_SIDE
    unreadable: set[str] = dataclasses.field(default_factory=set, compare=False)
    field: str = FIELD
    additional: tuple[tuple[str, Control], ...] = ()
    place: str = ""

    @property
    def patches_field(self) -> str | None:
        """The field whose boxes are labeled; None if whole tasks are."""
        return self.field if self.control.boxes else None

    @property
    def target(self) -> LabelField:
        """The field that labels are in."""
        return label_field(self.dataset, self.field, self.patches_field)

    @property
    def suggestions(self) -> str:
        """The field that suggestions are in, of whole tasks."""
        return suggestions_field_name(self.place) if self.place else SUGGESTIONS

    @property
    def controls(self) -> tuple[Control, ...]:
        """All controls that are filled in."""
        return (self.control, *(control for _, control in self.additional))

    @property
    def questions(self) -> tuple[Question, ...]:
        """The controls that an annotation made of labels here may leave open."""
        if not self.additional:
            return self.control.questions
        return tuple({question.name: question for control in self.controls for question in control.questions}.values())

    @property
    def takes_imports(self) -> bool:
        """Whether Label Studio imports predictions, see `Control.takes_imports`."""
        return all(control.takes_imports for control in self.controls)

    @property
    def control_views(self) -> tuple["Mirror", ...]:
        """The mirror as each of its controls sees it, this one first."""
        others = (
            replace(self, field=name, control=control, place=name, additional=()) for name, control in self.additional
        )
        return (self, *others)

    @property
    def is_one_of_several(self) -> bool:
        """Whether other controls are filled in too, so that an annotation need not answer this one."""
        return bool(self.additional or self.place)

    @property
    def is_in_place(self) -> bool:
        """Whether the label fields still have the names under which the mirror was opened."""
        return are_in_place(self.dataset, [view.field for view in self.control_views])

    def placed(self, labeling: Labeling) -> Labeling:
        """A labeling by this control, as part of the labeling of a task by all controls."""
        return as_labeling((self.place or place, label) for place, label in labeling)

    def part(self, labeling: Labeling) -> Labeling:
        """This control's part of the labeling of a task by all controls."""
        if not self.is_one_of_several and (self.control.boxes or self.control.windows):
            return labeling  # by region
        return as_labeling(("", label) for place, label in labeling if place == self.place)

    def choice(self, labeling: Labeling) -> Result:
        """The items of a result for this control's part of a labeling of whole tasks."""
        return self.control.choice([label for _, label in self.part(labeling)])

    def with_part(self, labeling: Labeling, part: Labeling) -> Labeling:
        """The labeling of a task by all controls, with this control's part replaced."""
        others = [pair for pair in labeling if pair[0] != self.place]
        return as_labeling([*others, *self.placed(part)])

    def record_for_control(self, record: TaskRecord) -> TaskRecord:
        """A record as this control sees it: of several controls, without the annotations that leave it open."""
        if not self.is_one_of_several:
            return replace(record, synced=self.part(record.synced))  # another control may have gone
        silent = [replace(annotation, silent=annotation.silent and not self.place) for annotation in record.annotations]
        answered = tuple(
            annotation for annotation in silent if annotation.silent or self.control.own(annotation.result)
        )
        return replace(record, annotations=answered, synced=self.part(record.synced))


def open_mirror(
    url: str,
    project: int,
    label_config: str,
    rule: Rule = "ground_truth_first",
    cut: Cut = SIDE_BY_SIDE,
    *,
    created_at: str = "",
) -> Mirror:
    """Open the dataset ``label-studio-<project>``, or create it.

    If the label config changed, its labels are kept: a renamed control or class is recognized, and a field with one
    class per image becomes one with several, or vice versa.

    Raises:
        Refusal: the label config has nothing to fill in, or the dataset of that name belongs to something else.
    """
    read_label_config(label_config)  # before a dataset is made
    dataset = owned_dataset(url, project, created_at)
    ledger = AnnotationLedger(dataset, f"{url}#{project}")
    # A control that was added before ours leaves ours the one whose labels these are.
    followed = follow(label_config, stored_control(dataset.info.get(_CONTROL)))
    declare_medium(dataset, followed.control.task_object)
    additional, fresh = read_additional_controls(dataset, label_config, followed.control)
    renamed = renamed_fields(dataset)
    fields = fields_of(dataset, [entry.control for entry in (followed, *additional)], renamed)
    fresh += follow_fields(dataset, ledger, fields, renamed)
    for field, entry in zip(fields, (followed, *additional), strict=True):
        migrated = declare_fields(dataset, entry.control, field, is_first=entry is followed)
        fresh += [*entry.notices, *map(Notice, migrated)]
    keep_marks(dataset, fields, renamed)
    others = tuple(zip(fields[1:], (entry.control for entry in additional), strict=True))
    mirror = Mirror(
        project,
        dataset,
        label_config,
        followed.control,
        ledger,
        rule,
        tuple(notice.text for notice in fresh),
        cut,
        field=fields[0],
        additional=others,
    )
    keep_notices(dataset, mirror.controls, fresh)  # before the config is recorded, which no longer differs then
    _keep_up(mirror, followed, additional)
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
    media = {int(task["id"]): task_medium(mirror.control.task_object, task) for task in tasks}
    known = mirror.ledger.read(media)
    records = [known.get(task, TaskRecord(task, "", "")) for task in media]
    due = [record for record in records if record.media != media[record.task].mark or record.task not in known]
    renewed = [replace(record, media=media[record.task].mark) for record in due]
    return take_media(mirror, renewed, [media[record.task] for record in renewed], fetch, seconds)


def fetch_media(mirror: Mirror, records: Sequence[TaskRecord], fetch: Fetch) -> dict[int, str]:
    """Fetch the media of tasks again, and create samples; returns task → why it has no sample.

    What a task's data hold themselves cannot change without the task: it has no sample for the reason it had before.
    """
    media = [medium_of_record(mirror.control.task_object, record.media) for record in records]
    again = [(record, medium) for record, medium in zip(records, media, strict=True) if medium is not None]
    reasons = take_media(mirror, [record for record, _ in again], [medium for _, medium in again], fetch, None)
    return reasons | {
        record.task: record.refused for record, medium in zip(records, media, strict=True) if medium is None
    }


def take_annotations(mirror: Mirror, annotations: Iterable[Mapping[str, Any]]) -> list[TaskRecord]:
    """Store annotations, as Label Studio sends them, in the ledger; returns the records that now differ.

    An annotation older than the known one is ignored: events can arrive twice or late.
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
    updated = []
    for task in tasks:
        record = records.get(int(task["id"]))
        if record is None:
            continue
        ours = {(annotation.id, annotation.at) for annotation in record.annotations if annotation.ours}
        payloads = task.get("annotations") or []
        annotations = _read_annotations(mirror, record.task, payloads)
        unread = [known for known in record.annotations if is_unread(payloads, annotations, known.id)]
        updated.append(
            replace(
                record,
                annotations=(
                    *(replace(annotation, ours=(annotation.id, annotation.at) in ours) for annotation in annotations),
                    *unread,
                ),
                candidates=record.candidates
                if mirror.control.windows
                else _candidates(mirror.control, task, own_version),
            )
        )
    mirror.ledger.write([record for record in updated if record != records[record.task]])
    return updated


def drop_annotations(mirror: Mirror, annotations: Sequence[int]) -> list[TaskRecord]:
    """Drop deleted annotations; returns the records that now differ."""
    ids = set(annotations)
    changed = [
        replace(record, annotations=tuple(annotation for annotation in record.annotations if annotation.id not in ids))
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
    """The classes that a result assigns to a task, its regions, or its windows, by the one control."""
    if not mirror.control.windows:
        return labeling_of_result(mirror.control, result)
    regions = window_regions(mirror.control, record.candidates, mirror.control.own(result))
    return as_labeling((region.id, region.stated) for region in regions if region.stated is not None)


def labeling_of_all(mirror: Mirror, record: TaskRecord, result: Result) -> Labeling:
    """The classes that a result assigns to a task by all controls that are filled in."""
    return as_labeling(pair for view in mirror.control_views for pair in view.placed(labeling_of(view, record, result)))


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


def _keep_up(mirror: Mirror, followed: Followed, additional: Sequence[Followed]) -> None:
    """Apply a change of the label config to labels and predictions, and record the config."""
    for view, entry in zip(mirror.control_views, (followed, *additional), strict=True):
        for before, after in entry.renamed_classes:
            rename_labels(mirror.dataset, view.target, before, after)
    # Predictions still name the control of before, and Label Studio shows them as empty.
    if any(entry.name_changed for entry in (followed, *additional)):
        mirror.ledger.doubt_predictions()
    # If the additional controls changed, annotations were read without some of them.
    if store_additional_controls(mirror.dataset, mirror.label_config, additional):
        mirror.dataset.info.pop(CONFIG_SEEN, None)
        mirror.dataset.save()
    control_info = followed.to_store(mirror.label_config).as_info()
    if mirror.dataset.info.get(_CONTROL) != control_info:
        mirror.dataset.info[_CONTROL] = control_info
        mirror.dataset.save()


def _cut_again(mirror: Mirror) -> None:
    """Have all tasks read again if they were cut into other windows."""
    cut = [mirror.cut.length, mirror.cut.hop]
    if not mirror.control.windows or mirror.dataset.info.get(_CUT) == cut:
        return
    mirror.ledger.forget_media()
    mirror.dataset.info[_CUT] = cut
    mirror.dataset.info.pop(CONFIG_SEEN, None)
    mirror.dataset.save()


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
    additional = mirror.controls[1:]
    annotations = [as_annotation(mirror.control, payload, additional) for payload in payloads]
    unreadable = annotations.count(None)
    if unreadable and str(task) not in mirror.unreadable:
        mirror.unreadable.add(str(task))
        _log.warning("annotations_unreadable", project=mirror.project, task=task, skipped=unreadable)
    return [annotation for annotation in annotations if annotation is not None]
