"""The actions that label or suggest in a Label Studio project, and their undo."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..actions.accept import suggestions_above
from ..actions.apply_labels import AppliedLabels, apply_labels
from ..actions.label_neighbors import NeighborPreview, preview_neighbors
from ..actions.queue import LabelBatch, clean_label
from ..actions.suggest import suggest_labels
from ..errors import Cancelled, Refusal
from ..label_studio.client import LabelStudioDown
from ..label_studio.mirror import EMBEDDINGS, Mirror
from ..progress import Progress, part_of
from ..store.action_journal import JournalEntry, note_action
from ..store.chosen_suggestions import ChosenSuggestion, remember_chosen
from ..store.conflicts import find_conflicts
from ..store.label_documents import Conflict
from ..store.records import as_oids
from ..wording import agree, count, percent, plural
from .jobs import Outcome
from .project_regions import items_in_mirror, regions_to_spread
from .requests import ActionRequest
from .selected_tasks import SelectedTasks, check_embedded, selected_tasks, tasks_of
from .sync import ProjectSync

PREDICTIONS, ANNOTATIONS = "predictions", "annotations"
_SHOWN = 12  # tasks in a preview
_PATIENCE_SECONDS = 60.0
_LONGEST_PAUSE = 8.0
_SAVED = "The change is saved, but Label Studio does not show all of it yet"
_PREDICTED = "The suggestions are made, but Label Studio does not show all of them yet"


@dataclass(frozen=True)
class _Reach:
    """What “Label neighbors” would label: the selected items that may get the label, and the neighbors it reaches.

    ``noun``: what an item is called: a task, or a region of one.
    """

    selected: SelectedTasks
    seeds: list[str]
    conflicts: list[Conflict]
    preview: NeighborPreview | None
    noun: str

    @property
    def neighbors(self) -> list[str]:
        return self.preview.ids[: self.preview.reach] if self.preview else []

    @property
    def confidence(self) -> list[float]:
        return self.preview.confidence[: self.preview.reach] if self.preview else []

    @property
    def anchors(self) -> list[str]:
        return self.preview.anchors[: self.preview.reach] if self.preview else []

    def kept(self) -> str:
        number = len(self.conflicts)
        return f" {count(number, self.noun)} kept another label." if number else ""


def preview_label_neighbors(project: ProjectSync, request: ActionRequest) -> Outcome:
    """How many tasks “Label neighbors” would label; changes nothing."""
    with project.lock:
        mirror = project.opened()
        reach = _reach(project, mirror, request)
        tasks = tasks_of(mirror, reach.neighbors[:_SHOWN])
    number, preview = len(reach.neighbors), reach.preview
    if preview is None:
        sentence = f"None of the selected {plural(reach.noun)} can get this label: they have another one."
    elif not number:
        sentence = f"Labels {count(len(reach.seeds), f'selected {reach.noun}')} and reaches no neighbors. {preview.why}"
    else:
        low, high = min(reach.confidence), max(reach.confidence)
        sentence = (
            f"Labels {count(len(reach.seeds), f'selected {reach.noun}')} and {count(number, 'unlabeled neighbor')} "
            f"(confidence {percent(low)} to {percent(high)}). {preview.why}"
        )
    numbers = {"selected": len(reach.seeds), "neighbors": number, "kept": len(reach.conflicts)}
    shown = tuple(tasks[sample] for sample in reach.neighbors[:_SHOWN] if sample in tasks)
    return Outcome(f"{sentence}{reach.kept()}{reach.selected.note()}", numbers, shown)


def label_neighbors(project: ProjectSync, request: ActionRequest, progress: Progress) -> Outcome:
    """Label the selected tasks and the unlabeled neighbors they reach, as predictions or as annotations."""
    label = str(request.values["label"])
    with project.lock:
        mirror = project.opened()
        reach = _reach(project, mirror, request)
        if reach.preview is None:
            raise Refusal(f"None of the selected {plural(reach.noun)} can get this label: they have another one.")
        batches = [_by_hand(reach.seeds, label), _from_neighbors(reach, label)]
        title = f"“{label}” for {count(len(reach.seeds), reach.noun)} and {count(len(reach.neighbors), 'neighbor')}"
        if request.values["as"] == PREDICTIONS:
            _predict(project, reach, label, request.by, title)
            applied = None
        else:
            applied = apply_and_note(mirror, request, batches, f"label {title}", part_of(progress, 0.0, 0.1))
    number = len(reach.neighbors)
    numbers = {"selected": len(reach.seeds), "neighbors": number, "kept": len(reach.conflicts)}
    if applied is None:
        published = _publish(project, part_of(progress, 0.1, 1.0), _Patience(_PATIENCE_SECONDS, _PREDICTED))
        sentence = (
            f"Predicted “{label}” for {count(len(reach.seeds), f'selected {reach.noun}')} and "
            f"{count(number, 'neighbor')}; {count(published, 'prediction')} written."
        )
        return Outcome(f"{sentence}{reach.kept()}{reach.selected.note()}", numbers | {"written": published})
    written = send_and_suggest(project, applied.items, progress)
    sentence = (
        f"Labeled {count(len(reach.seeds), f'selected {reach.noun}')} and {count(number, 'neighbor')} “{label}”: "
        f"{count(written, 'annotation')} in place."
    )
    return Outcome(f"{sentence}{reach.kept()}{reach.selected.note()}", numbers | {"written": written})


def predict_neighbors(project: ProjectSync, request: ActionRequest) -> str:
    """Suggest the label of the selected tasks for the neighbors they reach; returns what was done, in a sentence.

    The selected tasks have the label already. The predictions are not published yet.
    """
    label = str(request.values["label"])
    with project.lock:
        reach = _reach(project, project.opened(), request)
        if reach.preview is None:
            return f"The label that counts for this task is not “{label}”, so no neighbors were labeled."
        if not reach.neighbors:
            return f"“{label}” reaches no neighbors. {reach.preview.why}"
        title = f"“{label}” for {count(len(reach.neighbors), 'neighbor')}"
        neighbors = replace(reach, seeds=[])
        _predict(project, neighbors, label, request.by, title)
    return f"Predicted {title}."


def preview_suggest(project: ProjectSync, request: ActionRequest) -> Outcome:
    """How many of the selected tasks are unlabeled."""
    chosen = selected_tasks(project, request)
    with project.lock:
        mirror = project.opened()
        unlabeled = sum(not mirror.record_for_control(record).is_annotated for record in chosen.records)
    sentence = f"{unlabeled:,} of {count(len(chosen.records), 'task')} {agree(unlabeled, 'is')} unlabeled."
    return Outcome(f"{sentence}{chosen.note()}", {"selected": len(chosen.records), "unlabeled": unlabeled})


def suggest(project: ProjectSync, request: ActionRequest, progress: Progress) -> Outcome:
    """Suggest labels for the selected tasks, at a target precision, and publish them as predictions."""
    with project.lock:
        mirror = project.opened()
        check_embedded(mirror)
        chosen = selected_tasks(project, request)
        report = suggest_labels(
            mirror.dataset.select(chosen.samples),
            embeddings=EMBEDDINGS,
            field=mirror.field,
            precision=request.values["precision"],
            progress=part_of(progress, 0.0, 0.6),
            follow=False,
        )
        project.note_changed(report.changed)
        project.show_chosen()
    published = _publish(project, part_of(progress, 0.6, 1.0), _Patience(_PATIENCE_SECONDS, _PREDICTED))
    numbers = {"unlabeled": report.unlabeled, "suggested": report.suggested, "confident": report.sure}
    sentence = f"{report.sentence()} {count(published, 'prediction')} written.{chosen.note()}"
    return Outcome(sentence, numbers | {"written": published})


def preview_accept(project: ProjectSync, request: ActionRequest) -> Outcome:
    """How many suggestions would be accepted."""
    with project.lock:
        chosen = selected_tasks(project, request)
        batch = _acceptable(project, chosen, request)
    confidence = percent(request.values["confidence"])
    number = len(np.unique(batch.ids))
    sentence = f"Accepts {count(len(batch.ids), 'suggestion')} for {count(number, 'item')}, each at least {confidence}"
    return Outcome(f"{sentence} confident, as annotations.{chosen.note()}", {"suggestions": len(batch.ids)})


def accept(project: ProjectSync, request: ActionRequest, progress: Progress) -> Outcome:
    """Turn the suggestions above a confidence into annotations."""
    with project.lock:
        mirror = project.opened()
        chosen = selected_tasks(project, request)
        batch = _acceptable(project, chosen, request)
        title = f"acceptance of {count(len(batch.ids), 'suggestion')}"
        applied = apply_and_note(mirror, request, [batch], title, part_of(progress, 0.0, 0.1))
    written = send_and_suggest(project, applied.items, progress)
    return accepted_outcome(applied, written, "suggestion", chosen.note())


def accepted_outcome(applied: AppliedLabels, written: int, noun: str, note: str = "") -> Outcome:
    """The result for accepted suggestions, named by this noun; ``written`` annotations are in place."""
    kept = len(applied.conflicts)
    others = f" {count(kept, 'item')} kept another label." if kept else ""
    sentence = f"Accepted {count(applied.written, noun)}: {count(written, 'annotation')} in place.{others}{note}"
    return Outcome(sentence, {"accepted": applied.written, "kept": kept, "written": written})


def _reach(project: ProjectSync, mirror: Mirror, request: ActionRequest) -> _Reach:
    check_embedded(mirror)
    label = clean_label(str(request.values["label"]))
    if label not in mirror.control.classes:
        known = ", ".join(mirror.control.classes[:20])
        raise Refusal(f"“{label}” is not a label of this project; its labels are {known}.")
    selected = selected_tasks(project, request)
    items = selected.samples
    if mirror.patches_field is not None:
        items = regions_to_spread(mirror, items, label, str(request.values.get("region", "")))
    conflicts = find_conflicts(mirror.dataset, mirror.target, as_oids(items), label)
    refused = {conflict.item for conflict in conflicts}
    seeds = [item for item in items if item not in refused]
    noun = "task" if mirror.patches_field is None else "region"
    if not seeds:
        return _Reach(selected, [], conflicts, None, noun)
    preview = preview_neighbors(
        mirror.dataset,
        seeds,
        label,
        embeddings=EMBEDDINGS,
        field=mirror.field,
        reach=request.values["reach"],
        precision=request.values["precision"],
    )
    return _Reach(selected, seeds, conflicts, preview, noun)


def _by_hand(samples: Sequence[str], label: str) -> LabelBatch:
    return LabelBatch(ids=as_oids(samples), codes=np.zeros(len(samples), np.int32), names=[label])


def _from_neighbors(reach: _Reach, label: str) -> LabelBatch:
    return LabelBatch(
        ids=as_oids(reach.neighbors),
        codes=np.zeros(len(reach.neighbors), np.int32),
        names=[label],
        confidence=np.asarray(reach.confidence, float),
        anchors=as_oids(reach.anchors),
    )


def _predict(project: ProjectSync, reach: _Reach, label: str, by: str, title: str) -> None:
    """Suggest the label for the selected samples and their neighbors, as an action that its user can undo."""
    dataset = project.opened().dataset
    chosen = {sample: ChosenSuggestion(label, 1.0, "") for sample in reach.seeds}
    rows = zip(reach.neighbors, reach.confidence, reach.anchors, strict=True)
    chosen |= {sample: ChosenSuggestion(label, round(confidence, 4), anchor) for sample, confidence, anchor in rows}
    made = remember_chosen(dataset, chosen)
    note_action(dataset, JournalEntry("suggestions", made, by, f"{title}, as predictions"))
    project.show_chosen()


def apply_and_note(
    mirror: Mirror, request: ActionRequest, batches: Sequence[LabelBatch], title: str, progress: Progress
) -> AppliedLabels:
    """Write labels now, as an action that its user can undo."""
    applied = apply_labels(mirror.dataset, mirror.target, batches, title=title, progress=progress)
    if applied.save:
        note_action(mirror.dataset, JournalEntry("labels", applied.save, request.by, title))
    return applied


def _acceptable(project: ProjectSync, chosen: SelectedTasks, request: ActionRequest) -> LabelBatch:
    mirror = project.opened()
    open_records = [record for record in chosen.records if not mirror.record_for_control(record).is_annotated]
    if not open_records:
        number = len(chosen.records)
        raise Refusal(
            f"{count(number, 'task')} {agree(number, 'is')} already labeled: there are no suggestions to accept."
        )
    items = [record.sample for record in open_records]
    if mirror.patches_field is not None:
        view = mirror.dataset.select(items)
        items = [item for ids in view.values(f"{mirror.target.path}.id") for item in ids or []]
    return suggestions_above(mirror.dataset, items, request.values["confidence"], mirror.target)


def send_and_suggest(project: ProjectSync, items: Sequence[str], progress: Progress) -> int:
    """Send labels of items that changed here to Label Studio, then the suggestions that follow from them."""
    with project.lock:
        samples = list(dict.fromkeys(items_in_mirror(project.opened(), items).sample_ids.tolist()))
    return send_samples_and_suggest(project, samples, progress)


def send_samples_and_suggest(
    project: ProjectSync, samples: Sequence[str], progress: Progress, *, seconds: float = _PATIENCE_SECONDS
) -> int:
    """Send labels that changed in these samples to Label Studio, then the suggestions that follow from them.

    Raises:
        Refusal: Label Studio accepts nothing for longer than ``seconds``; the worker sends the rest when it is back.
    """
    progress, patience = _steadily(progress), _Patience(seconds, _SAVED)
    sending = partial(project.send_labels, samples, patience.following(part_of(progress, 0.1, 0.6)))
    agreed = patience.send(sending) if samples else 0
    project.suggest(part_of(progress, 0.6, 0.8))
    _publish(project, part_of(progress, 0.8, 1.0), patience)
    return agreed


class _Patience:
    """How long an action waits for a Label Studio that fails for a moment, as it does on SQLite among many writers.

    ``seconds`` are for failures without any progress between them; ``done`` says what the action did, and that some of
    it is not there yet.
    """

    def __init__(self, seconds: float, done: str) -> None:
        self._seconds = seconds
        self._done = done
        self._reached = 0.0
        self._start_over()

    def following(self, progress: Progress) -> Progress:
        """Progress that renews the patience as it advances."""

        def report(fraction: float, message: str, /) -> None:
            if fraction > self._reached:
                self._reached = fraction
                self._start_over()
            progress(fraction, message)

        return report

    def send(self, work: Callable[[], int]) -> int:
        """Do this work; repeat it while Label Studio fails.

        Raises:
            Refusal: it failed for too long.
        """
        while True:
            try:
                result = work()
            except LabelStudioDown as error:
                self._wait(error)
            else:
                self._start_over()
                return result

    def _start_over(self) -> None:
        self._pause, self._failed_at = 1.0, float("inf")

    def _wait(self, error: LabelStudioDown) -> None:
        now = time.monotonic()
        self._failed_at = min(self._failed_at, now)
        if now - self._failed_at + self._pause > self._seconds:
            later = "Labelscape will send the rest as soon as Label Studio responds again."
            raise Refusal(f"{self._done}: {str(error).rstrip('.')}. {later}") from error
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def _publish(project: ProjectSync, progress: Progress, patience: _Patience) -> int:
    """Publish all predictions that changed; returns how many."""
    progress = _steadily(progress)

    def keep_on() -> bool:
        progress(0.0, f"Writing predictions: {published:,}")
        return True

    published = 0
    while written := patience.send(partial(project.publish, keep_on, settled=False)):
        published += written
    return published


def _steadily(progress: Progress) -> Progress:
    """Progress that can no longer stop the work: labels are saved, and Label Studio must receive all of them."""

    def report(fraction: float, message: str, /) -> None:
        with suppress(Cancelled):
            progress(fraction, message)

    return report
