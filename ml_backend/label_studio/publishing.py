"""Publish predictions to Label Studio: new ones in bulk, a few changed ones in place.

Measured on Label Studio 1.23 (SQLite, 2 cores, 10,000 tasks): an import of predictions costs 0.6 to 0.7 ms for every
task of the project, however few are imported; changing one takes 0.1 s; deleting a version 6 ms a prediction.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import structlog

from .client import LabelStudio, LabelStudioDown, LabelStudioError
from .config import invalid_reason
from .ledger import Prediction, TaskRecord
from .mirror import Mirror, labeling_of_all
from .preannotations import Preannotation, as_prediction

VERSION_STEM = "labelscape-"
_SECONDS_PER_TASK = 0.0007  # of an import, per task of the project
_SECONDS_PER_DELETION = 0.006  # of an old version, for every prediction
_SECONDS_PER_CHANGE = 0.1
_SECONDS_BETWEEN_VERSIONS = 60.0
_CHANGED_AT_ONCE = 50  # then the plan is made again, because another change may be more informative by then
_CHANGED_IN_BULK = 5_000
_VISIBLE = 0.05  # a smaller change of a score is not worth a request

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Plan:
    """The differences between the target predictions and those in Label Studio; ``changed``: most informative first."""

    records: Mapping[int, TaskRecord]
    target: Mapping[int, Preannotation]
    new: list[int]
    changed: list[int]
    obsolete: list[int]

    def __len__(self) -> int:
        return len(self.new) + len(self.changed) + len(self.obsolete)


def plan(records: Mapping[int, TaskRecord], target: Mapping[int, Preannotation], version: str) -> Plan:
    """Compare the target predictions with the published ones; a labeled task keeps the prediction it had."""
    new, changed, obsolete = [], [], []
    for task, record in records.items():
        published = record.prediction if record.prediction and record.prediction.version == version else None
        proposed = target.get(task)
        if proposed is None:
            if published is not None and not record.is_annotated:
                obsolete.append(task)
        elif published is None:
            new.append(task)
        elif _weight(published, proposed) > 0:
            changed.append(task)
    changed.sort(key=lambda task: _weight(records[task].prediction, target[task]), reverse=True)
    return Plan(records, target, new, changed, obsolete)


class Publisher:
    """Publishes the predictions of one project, under one model version at a time.

    Label Studio shows scores, and samples by uncertainty, only where a prediction's version is the project's, and asks
    a backend about a task that is opened only where the backend's title is the same (1.23): version, title and the
    project's version change together.
    """

    def __init__(self, studio: LabelStudio, mirror: Mirror, backend: Mapping[str, Any], secret: str) -> None:
        self.studio = studio
        self.mirror = mirror
        self.version = str(backend["title"])
        self._backend = backend
        self._secret = secret
        self._renewed = float("-inf")
        self._tidied_for = ""  # the version for which old predictions were already deleted

    def should_renew(self, due: Plan) -> bool:
        """Whether republishing everything costs less than these changes; at most once a minute."""
        if not self.mirror.takes_imports or self.studio.writes_in_bulk(self.mirror.project):
            return False
        rested = time.monotonic() - self._renewed > _SECONDS_BETWEEN_VERSIONS
        one_by_one = _SECONDS_PER_CHANGE * (len(due.changed) + len(due.obsolete))
        return rested and one_by_one > 2 + (_SECONDS_PER_TASK + _SECONDS_PER_DELETION) * len(due.records)

    def renew(self, due: Plan) -> int:
        """Publish all predictions under a new version and make it the project's; returns how many."""
        self._renewed = time.monotonic()
        version = next_version(max([self.version, *self._own_versions()], key=_number))
        everything = replace(due, new=list(due.target))
        numbers = self._import(everything, version)
        # Label Studio (1.23) checks the connection again, using only the values in the request.
        kept = {name: self._backend[name] for name in ("project", "url", "auth_method", "basic_auth_user")}
        self.studio.update_backend(
            int(self._backend["id"]), {**kept, "basic_auth_pass": self._secret, "title": version}
        )
        self.version = version
        self._record(everything, numbers, version)
        self.studio.update_project(self.mirror.project, model_version=version)
        return len(numbers)

    def add_and_change(self, due: Plan, keep_on: Callable[[], bool]) -> int:
        """Publish new predictions and change others, while ``keep_on``; returns how many.

        What is written counts even if Label Studio is down then: whoever publishes the rest meets the same error.
        """
        added = self.add(due, keep_on)
        try:
            return added + self.change(due, keep_on)
        except LabelStudioDown:
            if not added:
                raise
            return added

    def add(self, due: Plan, keep_on: Callable[[], bool] = lambda: True) -> int:
        """Publish the predictions of tasks that have none; returns how many.

        Where each one costs a request, at most 50 and while ``keep_on``, the least certain first.
        """
        if not due.new:
            return 0
        # Label Studio may have requested some itself in the meantime: keep those.
        existing = self._published(self.version)
        self._record_existing(due, {task: existing[task] for task in due.new if task in existing})
        lacking = replace(due, new=[task for task in due.new if task not in existing])
        in_bulk = len(lacking.new) * _SECONDS_PER_CHANGE > _SECONDS_PER_TASK * len(due.records)
        if in_bulk and self.mirror.takes_imports:
            numbers = self._import(lacking, self.version)
            self._record(lacking, numbers, self.version)
            return len(numbers)
        return _count_until_down(self._create_some(lacking, keep_on))

    def _create_some(self, due: Plan, keep_on: Callable[[], bool]) -> Iterator[int]:
        first = sorted(due.new, key=lambda task: due.target[task].score)
        for task, prediction in islice(self._valid(due, first, self.version), _CHANGED_AT_ONCE):
            if not keep_on():
                break
            self._record(due, {task: self.studio.create_prediction({"task": task, **prediction})}, self.version)
            yield task

    def change(self, due: Plan, keep_on: Callable[[], bool]) -> int:
        """Change some predictions in place, while ``keep_on``; returns how many."""
        if self.studio.writes_in_bulk(self.mirror.project):
            return self._change_in_bulk(due)
        return _count_until_down(self._change_some(due, keep_on))

    def _change_some(self, due: Plan, keep_on: Callable[[], bool]) -> Iterator[int]:
        for task in due.obsolete[:_CHANGED_AT_ONCE]:
            if not keep_on():
                return
            published = due.records[task].prediction
            assert published is not None
            self.studio.delete_prediction(published.id)
            self.mirror.ledger.set_predictions({task: None})
            yield task
        for task, prediction in islice(self._valid(due, due.changed, self.version), _CHANGED_AT_ONCE):
            if not keep_on():
                break
            published = due.records[task].prediction
            assert published is not None
            number = published.id
            if not self.studio.update_prediction(number, prediction):
                number = self.studio.create_prediction({"task": task, **prediction})
            self._record(due, {task: number}, self.version)
            yield task

    def _change_in_bulk(self, due: Plan) -> int:
        """Change predictions in one request, which takes 0.1 s for hundreds; returns how many."""
        predictions = dict(islice(self._valid(due, due.changed, self.version), _CHANGED_IN_BULK))
        numbers = {
            task: published.id for task in predictions if (published := due.records[task].prediction) is not None
        }
        gone = {task: published.id for task in due.obsolete if (published := due.records[task].prediction) is not None}
        if not numbers and not gone:
            return 0
        changed = [{"id": number, **predictions[task]} for task, number in numbers.items()]
        lost = set(self.studio.change_predictions(self.mirror.project, changed, list(gone.values())))
        for task in [task for task, number in numbers.items() if number in lost]:
            numbers[task] = self.studio.create_prediction({"task": task, **predictions[task]})
        self._record(due, numbers, self.version)
        self.mirror.ledger.set_predictions(dict.fromkeys(gone))
        return len(numbers) + len(gone)

    def delete_old_predictions(self, keep_on: Callable[[], bool]) -> int:
        """Delete predictions of versions of ours that are no longer the project's, while ``keep_on``; how many.

        One by one, because Label Studio (1.23) deletes a version in one request, which takes minutes and starves among
        submits. Those of labeled tasks stay: they record what the annotator was shown.
        """
        if self._tidied_for == self.version:
            return 0
        labeled = {task for task, record in self.mirror.ledger.read().items() if record.is_annotated}
        old = [
            int(prediction["id"])
            for prediction in self.studio.predictions(self.mirror.project)
            if self._is_old(str(prediction["model_version"])) and int(prediction["task"]) not in labeled
        ]
        for place, number in enumerate(old):
            if not keep_on():
                return place
            self.studio.delete_prediction(number)
        self._tidied_for = self.version
        return len(old)

    def replaces(self, version: str | None) -> bool:
        """Whether the project should show our version in the place of this one: a former one of ours, or none.

        Label Studio clears it when somebody deletes that version's predictions.
        """
        return not version or self._is_old(version)

    def _is_old(self, version: str) -> bool:
        return version.startswith(VERSION_STEM) and version != self.version

    def forget_deleted(self, records: Sequence[TaskRecord]) -> bool:
        """Drop the predictions that somebody deleted in Label Studio from the ledger; returns whether there are any."""
        current = [record for record in records if record.prediction and record.prediction.version == self.version]
        if self.studio.model_versions(self.mirror.project).get(self.version, 0) >= len(current):
            return False
        existing = {int(prediction["id"]) for prediction in self.studio.predictions(self.mirror.project)}
        gone = [record.task for record in records if record.prediction and record.prediction.id not in existing]
        self.mirror.ledger.set_predictions(dict.fromkeys(gone))
        return bool(gone)

    def _own_versions(self) -> list[str]:
        return [name for name in self.studio.model_versions(self.mirror.project) if name.startswith(VERSION_STEM)]

    def _import(self, due: Plan, version: str) -> dict[int, int]:
        """Import predictions in one call; returns task → the prediction's id."""
        predictions = dict(self._valid(due, due.new, version))
        if not predictions:
            return {}
        imported = self.studio.import_predictions(
            self.mirror.project, [{"task": task, **prediction} for task, prediction in predictions.items()]
        )
        existing = self._published(version)
        numbers = {task: int(existing[task]["id"]) for task in predictions if task in existing}
        if imported != len(predictions) or len(numbers) != len(predictions):
            missing = [task for task in predictions if task not in existing]
            raise LabelStudioError(
                f"Label Studio kept {imported:,} of {len(predictions):,} predictions; without one: {missing[:5]}."
            )
        return numbers

    def _published(self, version: str) -> dict[int, dict[str, Any]]:
        """Task → its prediction of this version in Label Studio; with several, the last."""
        return {
            int(prediction["task"]): prediction
            for prediction in self.studio.predictions(self.mirror.project)
            if prediction["model_version"] == version
        }

    def _valid(self, due: Plan, tasks: Sequence[int], version: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """The predictions of these tasks; one that Label Studio would silently drop is logged and left out.

        Label Studio (1.23) does not check the ones of nested choices where it takes them, one by one.
        """
        for task in tasks:
            prediction = as_prediction(self.mirror, due.records[task], due.target[task], version)
            bulk = self.mirror.takes_imports
            reason = invalid_reason(self.mirror.label_config, prediction) if bulk else None
            if reason is None:
                yield task, prediction
            else:
                _log.warning("prediction_invalid", project=self.mirror.project, task=task, reason=reason)

    def _record_existing(self, due: Plan, existing: Mapping[int, Mapping[str, Any]]) -> None:
        """Add predictions that Label Studio stored itself to the ledger; those that differ are changed later."""
        predictions = {}
        for task, prediction in existing.items():
            labeling = labeling_of_all(self.mirror, due.records[task], prediction["result"] or [])
            number, sure = int(prediction["id"]), due.target[task].sure
            predictions[task] = Prediction(number, labeling, prediction["score"], sure, self.version)
        self.mirror.ledger.set_predictions(predictions)

    def _record(self, due: Plan, numbers: Mapping[int, int], version: str) -> None:
        self.mirror.ledger.set_predictions(
            {task: _as_published(due.target[task], number, version) for task, number in numbers.items()}
        )


def connected_backend(studio: LabelStudio, project: int) -> dict[str, Any] | None:
    """The Labelscape backend that a project is connected to; its title is the model version of its predictions."""
    return next((backend for backend in studio.backends(project) if backend["title"].startswith(VERSION_STEM)), None)


def next_version(version: str) -> str:
    """The version after this one, as in ``labelscape-0001``, ``labelscape-0002``."""
    return f"{VERSION_STEM}{_number(version) + 1:04d}"


def _count_until_down(written: Iterator[int]) -> int:
    """How many predictions are written before Label Studio is down; raises only if it is down for the first one."""
    count = 0
    try:
        for _ in written:
            count += 1
    except LabelStudioDown:
        if not count:
            raise
    return count


def _number(version: str) -> int:
    number = version.removeprefix(VERSION_STEM)
    return int(number) if number.isdecimal() else 0


def _as_published(proposed: Preannotation, number: int, version: str) -> Prediction:
    return Prediction(number, proposed.labeling, proposed.score, proposed.sure, version)


def _weight(published: Prediction | None, proposed: Preannotation) -> float:
    """How noticeable the change of a prediction is; 0 = not at all."""
    if published is None or published.labeling != proposed.labeling:
        return 2.0
    moved = abs((published.score or 0.0) - proposed.score)
    if published.sure != proposed.sure:
        return 1.0 + moved
    return moved if moved >= _VISIBLE else 0.0
