"""What no event of a real Label Studio tells is found by polling, and is predicted just the same."""

from collections.abc import Callable

import pytest
from labelscape.cli.digits import write_digits
from labelscape.testing.label_studio import LabelStudioServer

from .projects import Project, chosen, eventually

pytestmark = pytest.mark.slow


def switch_events(project: Project, on: bool) -> None:
    """Let Label Studio send events to us or not: it drops one that we do not answer within a second."""
    for webhook in project.webhooks():
        project.studio.ask("PATCH", f"webhooks/{webhook['id']}/", json={"is_active": on})


def test_tasks_whose_event_is_lost_are_predicted(project: Project) -> None:
    switch_events(project, False)
    data = project.data()
    new = [{"image": data[task]["image"]} for task in project.unlabeled()[:5]]
    for number in (125, 130):  # an event from before may still be in the queue at the first time
        project.studio.ask("POST", f"projects/{project.id}/import", json=new)
        eventually("the samples", lambda number=number: len(project.dataset) == number)
        project.wait_for_predictions()


def test_a_task_whose_medium_appears_later_is_predicted(
    make_project: Callable[..., Project], label_studio: LabelStudioServer
) -> None:
    project = make_project()
    project.wait_for_predictions()
    late = label_studio.media / f"late-{project.id}.png"
    address = {"image": f"/data/local-files/?d=files/{late.name}"}
    project.studio.ask("POST", f"projects/{project.id}/import", json=[address])
    eventually("the task noticed", lambda: late.name in project.server.log())
    [path], _ = write_digits(label_studio.media / "one", count=1)
    late.write_bytes(path.read_bytes())
    project.wait_for_predictions()


def test_predictions_that_somebody_deletes_come_back(project: Project) -> None:
    tasks = project.unlabeled()
    foreign = [{"task": task, "result": chosen("1"), "model_version": "other", "score": 0.5} for task in tasks]
    project.studio.ask("POST", f"projects/{project.id}/import/predictions", json=foreign)
    project.refresh()  # of ours there are fewer now than of all
    ours = project.predictions()
    for task in tasks[:7]:
        project.studio.ask("DELETE", f"predictions/{ours[task]['id']}/")
    assert len(project.predictions()) == 73
    project.wait_for_predictions()
