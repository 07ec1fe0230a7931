"""Sync of one project: its mirror, the suggestions made there, and their predictions in Label Studio."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import structlog

from ..actions.suggest import suggest_labels
from ..errors import Refusal
from ..label_studio import mirror as mirroring
from ..label_studio.client import LabelStudio, LabelStudioError, LabelStudioMissing
from ..label_studio.flow import LabelFlow
from ..label_studio.ledger import TaskRecord, counts_agree, need_suggestions
from ..label_studio.mirror import CONFIG_SEEN, EMBEDDINGS, Mirror, add_tasks, drop_tasks, take_tasks
from ..label_studio.notices import read_notices
from ..label_studio.preannotations import Preannotation, as_prediction, preannotations
from ..label_studio.prefill import PrefillFloor, prefill_floor
from ..label_studio.publishing import VERSION_STEM, Plan, Publisher, connected_backend, next_version, plan
from ..label_studio.settings import ServerSettings
from ..label_studio.task_media import Fetch
from ..progress import Progress, no_progress
from ..store.chosen_suggestions import restore_chosen
from .events import Event
from .media_retries import MediaRetries
from .project_mirror import ProjectMirror
from .project_model import apply_model, embed_project
from .status import ProjectReport, ProjectStatus, TaskProblem

_TASKS_AT_ONCE = 500
_SUGGEST_SECONDS = 15.0  # part of the time for a prediction, reserved for the suggestions at its end
_FEW_CHANGED = 1_000  # samples; with more, all tasks are compared at once
_INFO = "label_studio_seen"

_log = structlog.get_logger(__name__)


class ProjectMissing(LabelStudioMissing):
    """The project does not exist in Label Studio, or our account cannot see it."""


class ProjectSync:
    """Keeps one Label Studio project and its dataset in sync. Calls may come from several threads: ``lock``."""

    def __init__(self, project: int, settings: ServerSettings, studio: LabelStudio, fetch: Fetch) -> None:
        self.project = project
        self.settings = settings
        self.studio = studio
        self.lock = threading.RLock()
        self.outgoing = threading.RLock()  # held while predictions, columns, and tabs are written; taken before `lock`
        self._fetch = fetch
        self._mirror = ProjectMirror(project, settings)
        self._publisher: Publisher | None = None
        self._flow = LabelFlow(studio)
        self._disagreed = False
        self._floor: PrefillFloor | None = None
        self.media_retries = MediaRetries(settings.pace.media_seconds)
        self.status = ProjectStatus()  # written by the worker
        self._just_changed: set[str] = set()  # samples with changed suggestions, not yet compared with Label Studio

    @property
    def behind(self) -> bool:
        """Whether more labels are waiting to be sent than one catch-up sends."""
        return self._flow.behind

    @property
    def version(self) -> str:
        """The current model version of predictions."""
        return next_version("") if self._publisher is None else self._publisher.version

    # --- from Label Studio -------------------------------------------------------------------------------------------

    def catch_up(self) -> bool:
        """Read what changed in Label Studio and in the labels here since the last time; returns whether anything did.

        Raises:
            LabelStudioError: it cannot be reached, or the project is not as `labelscape connect` left it.
        """
        try:
            info = self.studio.project(self.project)
        except LabelStudioMissing as error:
            raise ProjectMissing(str(error)) from error
        with self.lock:
            self._open(info)
            publisher = self._opened_publisher()
            mirror = self.opened()
            mirror.dataset.reload()  # fields that the App added since
            known = mirror.dataset.info.get(CONFIG_SEEN) == info["label_config"]
            seen = mirror.dataset.info.get(_INFO) if known else None
            changed = self._take(mirror, self.studio.tasks(self.project, changed_since=seen))
            records = list(mirror.ledger.read().values())
            if counts_agree(records, info):
                self._disagreed = False
            elif self._disagreed or seen is None:  # a first mismatch may be an annotation made in the meantime
                changed |= self._take_all(mirror)
                records = list(mirror.ledger.read().values())
                self._disagreed = False
            else:
                self._disagreed = True
            if not known:  # annotations of a renamed class change without an event
                mirror.dataset.info[CONFIG_SEEN] = info["label_config"]
                mirror.dataset.save()
            changed |= self._fetch_again(mirror, records)
            changed |= publisher.forget_deleted(records)
            if publisher.replaces(info["model_version"]):
                self.studio.update_project(self.project, model_version=publisher.version)
            return self._step(mirror, records) or changed

    def apply(self, events: Sequence[Event]) -> bool:
        """Process events in order; returns whether Label Studio has to be read for the rest."""
        with self.lock:
            mirror = self._current()
            incomplete = [self._apply(mirror, event) for event in events]
        return any(incomplete)

    def _apply(self, mirror: Mirror, event: Event) -> bool:
        if event.action == "TASKS_DELETED":
            drop_tasks(mirror, event.tasks)
            return False
        if event.action == "ANNOTATIONS_DELETED":
            changed = mirroring.drop_annotations(mirror, [int(annotation["id"]) for annotation in event.annotations])
            self._step(mirror, changed)
            return False
        if event.annotations:
            self._step(mirror, mirroring.take_annotations(mirror, event.annotations))
            return len(mirror.ledger.read(event.tasks)) < len(event.tasks)
        if event.action == "PROJECT_UPDATED":
            return event.label_config != mirror.label_config
        return True

    def _take(self, mirror: Mirror, tasks: Iterable[Mapping[str, Any]]) -> bool:
        rest = iter(tasks)
        changed = False
        latest = mirror.dataset.info.get(_INFO) or ""
        while batch := list(islice(rest, _TASKS_AT_ONCE)):
            changed |= self._take_batch(mirror, batch)
            latest = max(latest, *(str(task.get("updated_at") or "") for task in batch))
            _log.info("tasks_read", project=self.project, tasks=len(batch))
        if latest != mirror.dataset.info.get(_INFO):
            mirror.dataset.info[_INFO] = latest
            mirror.dataset.save()
        return changed

    def _take_batch(self, mirror: Mirror, tasks: Sequence[Mapping[str, Any]]) -> bool:
        before = mirror.ledger.read(int(task["id"]) for task in tasks)
        records = self._read_batch(mirror, tasks)
        return self._step(mirror, records) or need_suggestions(records, before)

    def _read_batch(
        self, mirror: Mirror, tasks: Sequence[Mapping[str, Any]], seconds: float | None = None
    ) -> list[TaskRecord]:
        self._report(mirror, add_tasks(mirror, tasks, self._fetch, seconds=seconds))
        return take_tasks(mirror, tasks, VERSION_STEM)

    def _take_all(self, mirror: Mirror) -> bool:
        gone = set(mirror.ledger.task_ids()) - set(self.studio.task_ids(self.project))
        dropped = drop_tasks(mirror, sorted(gone))
        return self._take(mirror, self.studio.tasks(self.project)) or bool(dropped)

    def _fetch_again(self, mirror: Mirror, records: Sequence[TaskRecord]) -> bool:
        """Fetch missing media that are due; returns whether any is available now."""
        due = self.media_retries.due(records)
        without_medium = mirroring.fetch_media(mirror, due, self._fetch)
        self._report(mirror, without_medium)
        return len(without_medium) < len(due)

    def _report(self, mirror: Mirror, without_medium: Mapping[int, str]) -> None:
        if not without_medium:
            return
        for task in self.media_retries.note(mirror.ledger.read(without_medium), without_medium):
            _log.warning("no_medium", project=self.project, task=task, reason=without_medium[task])

    def _step(self, mirror: Mirror, records: Sequence[TaskRecord]) -> bool:
        return self._flow.step(mirror, records)

    # --- suggestions and predictions ---------------------------------------------------------------------------------

    def suggest(self, progress: Progress = no_progress) -> None:
        """Embed new samples, and suggest labels for everything unlabeled.

        Raises:
            Refusal: the embedding model of the settings cannot be used.
        """
        with self.lock:
            self._suggest(self.opened(), progress)

    def _suggest(self, mirror: Mirror, progress: Progress = no_progress) -> None:
        apply_model(mirror, self.settings)
        self._floor = None
        try:
            embed_project(mirror, self.settings, progress)
        except Refusal as error:  # nothing to embed
            _log.info("no_suggestions", project=self.project, reason=str(error))
            notes = [str(error)]
        else:
            notes = [self._suggest_by(view, progress) for view in mirror.control_views]
        self.status = replace(self.status, note=next((note for note in notes if note), ""))

    def _suggest_by(self, mirror: Mirror, progress: Progress) -> str:
        """Suggest labels by one control; returns why there are none, if so."""
        try:
            report = suggest_labels(
                mirror.dataset,
                embeddings=EMBEDDINGS,
                field=mirror.field,
                precision=self.settings.precision,
                progress=progress,
                follow=False,
                into=mirror.suggestions,
            )
        except Refusal as error:  # nothing labeled yet
            _log.info("no_suggestions", project=self.project, control=mirror.control.from_name, reason=str(error))
            return f"{mirror.control.from_name}: {error}" if mirror.place else str(error)
        self._just_changed.update(report.changed)
        if not mirror.place:
            self._just_changed.update(restore_chosen(mirror.dataset, mirror.target))
        _log.info("suggested", project=self.project, suggested=report.suggested, confident=report.sure)
        return ""

    def note_changed(self, samples: Iterable[str]) -> None:
        """Note samples whose suggestions changed, so that their predictions are compared first."""
        with self.lock:
            self._just_changed.update(samples)

    def show_chosen(self) -> int:
        """Suggest what a person chose for some samples (`chosen_suggestions`); return how many suggestions changed."""
        with self.lock:
            mirror = self.opened()
            changed = restore_chosen(mirror.dataset, mirror.target)
            self._just_changed.update(changed)
            return len(changed)

    def send_labels(self, samples: Sequence[str], progress: Progress = no_progress) -> int:
        """Create annotations from labels that were just saved here; returns how many tasks agree with them now."""
        while True:
            with self.lock:
                mirror = self._current()
                records = list(mirror.ledger.of_samples(samples).values())
                try:
                    self._step(mirror, records)
                finally:  # what was sent before an error is progress, too
                    sent = mirror.ledger.of_samples(samples).values()
                    agreed = sum(bool(mirror.part(record.synced)) for record in sent)
                    progress(agreed / max(1, len(records)), f"Creating annotations: {agreed:,} of {len(records):,}")
                behind = self._flow.behind
            if not behind:
                return agreed

    def plan(self) -> Plan:
        """The updates that Label Studio's predictions need."""
        with self.lock:
            return self._plan_for(self.opened().ledger.read())

    def _plan_of_just_changed(self) -> Plan | None:
        """The updates after the last labels, if few: fast, because not all tasks are compared."""
        with self.lock:
            if not 0 < len(self._just_changed) <= _FEW_CHANGED:
                return None
            return self._plan_for(self.opened().ledger.of_samples(self._just_changed))

    def _plan_for(self, records: Mapping[int, TaskRecord]) -> Plan:
        return plan(records, self._proposed(self.opened(), list(records.values())), self.version)

    def _proposed(self, mirror: Mirror, records: Sequence[TaskRecord]) -> dict[int, Preannotation]:
        """Task → its pre-annotation; not filled in if it is not clearly better than a guess."""
        floor = self._floor or prefill_floor(mirror, self.settings.prefill_from)
        self._floor = floor
        return {task: floor.apply(proposed) for task, proposed in preannotations(mirror, records).items()}

    def confident_from(self) -> float:
        """The lowest score of confident suggestions."""
        proposals = self.plan().target.values()
        return min((proposed.score for proposed in proposals if proposed.sure), default=1.0)

    def report(self) -> ProjectReport:
        """The status of the project, task by task."""
        mirror = self.opened()
        records = mirror.ledger.read().values()
        predictions = [record.prediction for record in records]
        return ProjectReport(
            status=self.status,
            version=self.version,
            tasks=len(records),
            labeled=sum(record.is_annotated for record in records),
            predicted=sum(prediction is not None and prediction.version == self.version for prediction in predictions),
            without_medium=self.media_retries.problems(),
            held_back=[TaskProblem(task, "", waiting.reason) for task, waiting in sorted(self._flow.held_back.items())],
            unreadable=sorted(int(task) for task in mirror.unreadable),
            notices=read_notices(mirror.dataset),
        )

    def publish(self, keep_on: Callable[[], bool], *, settled: bool) -> int:
        """Publish changes, the most informative first, while ``keep_on``; returns the number of predictions.

        After many changes all predictions are published again, which takes long: only when the project has ``settled``.
        """
        with self.outgoing:
            return self._publish(keep_on, settled=settled)

    def _publish(self, keep_on: Callable[[], bool], *, settled: bool) -> int:
        publisher = self._opened_publisher()
        soon = self._plan_of_just_changed()
        if soon is not None and (changed := publisher.change(soon, keep_on)):
            return changed
        if not keep_on():
            return 0
        with self.lock:
            self._just_changed.clear()
            due = self.plan()
        if not len(due):
            return 0
        if settled and publisher.should_renew(due):
            return publisher.renew(due)
        return publisher.add_and_change(due, keep_on)

    def tidy(self, keep_on: Callable[[], bool]) -> int:
        """Delete predictions of versions that are no longer used, while ``keep_on``; returns how many."""
        return self._opened_publisher().delete_old_predictions(keep_on)

    def predict(self, tasks: Sequence[Mapping[str, Any]], seconds: float) -> list[dict[str, Any] | None]:
        """A prediction for each task, in order; None for tasks without a suggestion.

        The project is open (`open`), so known tasks cost no request to Label Studio, which may wait for the answer.
        Tasks that are not in the mirror yet are added, embedded, and suggested for, as far as time allows.
        """
        deadline = time.monotonic() + seconds
        mirror, numbers = self.opened(), [int(task["id"]) for task in tasks]
        known = mirror.ledger.read(numbers)
        if unknown := [task for task, number in zip(tasks, numbers, strict=True) if number not in known]:
            self._take_on_the_spot(mirror, unknown, deadline)
        records = mirror.ledger.read(numbers)
        proposed = self._proposed(mirror, list(records.values()))
        return [
            as_prediction(mirror, records[task], proposed[task], self.version) if task in proposed else None
            for task in numbers
        ]

    def _take_on_the_spot(self, mirror: Mirror, tasks: Sequence[Mapping[str, Any]], deadline: float) -> None:
        if not self.lock.acquire(timeout=max(0.0, deadline - time.monotonic() - _SUGGEST_SECONDS)):
            _log.warning("prediction_too_late", project=self.project, tasks=len(tasks), reason="the project is busy")
            return
        try:
            known = mirror.ledger.read(int(task["id"]) for task in tasks)  # the worker may have been faster
            rest = iter([task for task in tasks if int(task["id"]) not in known])
            while batch := list(islice(rest, _TASKS_AT_ONCE)):
                left = deadline - _SUGGEST_SECONDS - time.monotonic()
                if left <= 0:
                    _log.warning("prediction_too_late", project=self.project, tasks=len(batch) + len(list(rest)))
                    break
                self._read_batch(mirror, batch, seconds=left)  # the worker's next poll syncs their labels
            self._suggest(mirror)
        finally:
            self.lock.release()

    # --- what is open ------------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether predictions can be made without a request to Label Studio."""
        return self._mirror.opened is not None and self._publisher is not None

    def open(self) -> None:
        """Open the project; takes as long as Label Studio does, but holds no lock while it waits for it."""
        if self._mirror.opened is None:
            info = self.studio.project(self.project)
            with self.lock:
                if self._mirror.opened is None:
                    self._open(info)
        self._opened_publisher()

    def _open(self, info: Mapping[str, Any]) -> None:
        before = self._mirror.opened
        if self._mirror.open(info) is not before:
            self._publisher = None

    def opened(self) -> Mirror:
        """The project's mirror."""
        if self._mirror.opened is None:
            self._open(self.studio.project(self.project))
        assert self._mirror.opened is not None
        return self._mirror.opened

    def _current(self) -> Mirror:
        """The project's mirror, opened again where a label field was renamed."""
        if not self._mirror.is_current():
            self._open(self.studio.project(self.project))
        return self.opened()

    def _opened_publisher(self) -> Publisher:
        if self._publisher is None:
            backend = connected_backend(self.studio, self.project)
            if backend is None:
                raise LabelStudioError(
                    f"Project {self.project} no longer has a Labelscape backend: run “labelscape connect” again."
                )
            self._publisher = Publisher(self.studio, self.opened(), backend, self.settings.secret)
        return self._publisher
