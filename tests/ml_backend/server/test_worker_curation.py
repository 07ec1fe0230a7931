"""The worker notices what is curated in FiftyOne without an event, and outlasts a project that fails for days."""

from dataclasses import replace
from typing import Any

import pytest
from labelscape.ml_backend.label_studio.client import LabelStudioDown
from labelscape.ml_backend.server import worker as working
from labelscape.ml_backend.server.events import EventQueue
from labelscape.ml_backend.server.worker import Worker

from .test_worker import HURRY, Backend, Project, columns, event, project, queue, until

__all__ = ["columns", "project", "queue"]  # fixtures


def test_what_is_curated_in_fiftyone_reaches_the_columns_without_an_event(
    queue: EventQueue, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def curate(project: Any, _: object) -> bool:
        project.curation = 1
        return project.acts.append("columns") is None

    project.finds = False  # nor does a poll
    monkeypatch.setattr(working, "refresh_columns", curate)
    pace = replace(HURRY, columns_seconds=0.0, settled_seconds=0.0)
    worker = Worker(queue, Backend(project, pace=pace))  # type: ignore[arg-type]
    worker.start()
    until(lambda: project.acts.count("columns") == 2)
    worker.stop()


class Failing(Project):
    """A project whose Label Studio has been down for days."""

    tries = 0

    def catch_up(self) -> bool:
        self.tries += 1
        raise LabelStudioDown("Label Studio is down")


def test_a_project_that_fails_for_days_stops_no_other(queue: EventQueue) -> None:
    failing, other = Failing(), Project()
    other.project = 8
    pace = replace(HURRY, retry_seconds=0.0001)
    worker = Worker(queue, Backend(failing, other, pace=pace))  # type: ignore[arg-type]
    worker.start()
    until(lambda: failing.tries > 1_100)
    other.acts.clear()
    queue.put(event("a label", project=8))
    until(lambda: "publish" in other.acts)
    worker.stop()
