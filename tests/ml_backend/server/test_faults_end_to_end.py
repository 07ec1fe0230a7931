"""What goes wrong while a real Label Studio is served: restarts, tokens that end, missing media, deleted projects."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import torch
from labelscape.cli import app
from labelscape.testing.label_studio import LabelStudioServer
from typer.testing import CliRunner

from .projects import Project, eventually

pytestmark = pytest.mark.slow


def status(project: Project, *options: str) -> str:
    """What `labelscape status` prints."""
    words = ["status", "--backend", project.server.url, *options]
    done = CliRunner().invoke(app, words, env=project.server.environment)
    assert done.exit_code == 0, done.output
    return str(done.output)


def status_tab(project: Project) -> str:
    """The title of the Data Manager's tab with the backend's state."""
    titles = [str(tab["data"].get("title")) for tab in project.tabs()]
    return next((title for title in titles if title.endswith(" · Labelscape")), "")


def test_a_label_studio_that_restarts_in_the_middle_of_annotating_loses_nothing(project: Project) -> None:
    tasks = project.unlabeled()[:6]
    for task in tasks[:3]:
        project.annotate(task)
    project.studio.restart()
    for task in tasks[3:]:
        project.annotate(task)
    eventually("all six labels", lambda: set(tasks) <= set(project.labels()))
    project.wait_for_predictions()
    eventually("a project that is up to date", lambda: status_tab(project) == "Up to date · Labelscape")


def test_a_first_prediction_is_answered_while_label_studio_hangs(project: Project) -> None:
    server, [task, *_] = project.server, project.unlabeled()
    body = {"project": f"{project.id}.1", "label_config": "", "tasks": [{"id": task, "data": project.data()[task]}]}

    def predict() -> list[Any]:
        secret = ("", server.settings["secret"])
        return list(requests.post(f"{server.url}/predict", json=body, auth=secret, timeout=60).json()["results"])

    server.stop()
    project.studio.hang()
    try:
        server.start()
        eventually("the database", lambda: server.get("health").status_code == 200)
        assert predict() == [[]], "Label Studio saves nothing for it, and asks again"
    finally:
        project.studio.resume()
    [prediction] = eventually("a prediction, once Label Studio answers", lambda: [one for one in predict() if one])
    assert prediction["model_version"] == project.settings()["model_version"]


@pytest.mark.parametrize("end", ["revoked", "expired", "wrong"])
def test_a_token_that_ends_while_serving_is_reported_and_a_new_one_continues(project: Project, end: str) -> None:
    studio, server = project.studio, project.server
    if end == "revoked":
        studio.revoke_token()
        server.restart()  # an access token lives on for five minutes
    else:
        broken = studio.expired_token() if end == "expired" else f"{studio.token[:-6]}AAAAAA"
        change_settings(project, token=broken)

    def problems() -> list[str]:
        return list(server.get("health").json()["problems"])

    eventually("the problem told", lambda: any("does not accept this token" in problem for problem in problems()))
    assert "does not accept this token" in status(project)
    task = project.unlabeled()[0]
    project.annotate(task)
    assert task not in project.labels()
    done = project.connect()
    assert done.exit_code == 0, done.output
    eventually("the label", lambda: task in project.labels())
    eventually("no problem left", lambda: not problems())


def change_settings(project: Project, **values: Any) -> None:
    """Edit the settings file as a person would."""
    path = project.server.folder / "labelscape" / "label-studio" / "settings.json"
    scratch = path.with_suffix(".edited")
    scratch.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    scratch.replace(path)


def test_changed_settings_apply_to_a_running_project_and_what_cannot_is_reported(
    project: Project, tmp_path: Path
) -> None:
    former = project.server.settings
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(192, 10))
    torch.jit.script(network).save(str(tmp_path / "tiny.pt"))
    try:
        change_settings(project, precision=0.4)
        eventually("refused", lambda: "must be between 0.5 and 1" in status(project))
        change_settings(project, model="torchvision/no_such_network", precision=0.9)
        eventually("the model refused", lambda: "no_such_network" in status_tab(project))
        assert "preprocessing stays in use" in status(project)
        change_settings(
            project,
            model=f"own/{tmp_path}/tiny.pt",
            model_options={"size": 16, "mean": "0, 0, 0", "std": "1, 1, 1"},
            precision=0.9,
            prefill_from=0.0,
        )
        eventually("embedded anew", lambda: '"event": "model_changed"' in project.server.log())
        eventually("up to date", lambda: status_tab(project) == "Up to date · Labelscape")
        eventually("all filled in", lambda: all(opened(project)))
        change_settings(project, prefill_from=1.0)
        eventually("all open empty", lambda: not any(opened(project)))
        scores = [prediction["score"] for prediction in project.predictions(unlabeled=True).values()]
        assert all(score is not None for score in scores), "which uncertainty sampling orders by"
    finally:
        change_settings(project, **former)


def opened(project: Project) -> list[list[str]]:
    """The classes with which each unlabeled task opens."""
    predicted = project.all_predicted()
    return [predicted[task] for task in project.unlabeled()]


def test_tasks_without_a_medium_are_listed_with_the_reason_and_tried_again(
    make_project: Callable[..., Project], label_studio: LabelStudioServer
) -> None:
    missing = label_studio.media / "later.png"
    missing.unlink(missing_ok=True)
    rows: list[dict[str, Any]] = [
        {"data": {"image": "/data/local-files/?d=files/later.png"}},
        {"data": {"image": "http://elsewhere.example.com/a.png"}},
        {"data": {"image": ""}},
    ]
    project = make_project(rows=rows, connected=False)
    done = project.connect()
    assert done.exit_code == 0, done.output
    assert "! Task" in done.output, "connecting says what will not be served"
    eventually("the tab saying so", lambda: status_tab(project) == "3 tasks without a medium · Labelscape")
    listed = status(project, "--project", str(project.id))
    assert "is not an allowed source of media" in listed
    assert "The task has no medium" in listed
    assert "files/later.png" in listed
    digit = next((label_studio.media / "digits").glob("*.png"))
    missing.write_bytes(digit.read_bytes())
    eventually("the file found", lambda: "2 tasks without a medium" in status_tab(project))


def test_a_deleted_project_leaves_and_others_stay(project: Project, make_project: Callable[..., Project]) -> None:
    gone = make_project(n=3, labeled=0)
    gone.studio.ask("DELETE", f"projects/{gone.id}/")
    eventually("the deleted project left", lambda: gone.id not in gone.server.settings["projects"])
    assert project.id in project.server.settings["projects"]
    assert '"event": "project_left"' in gone.server.log()


def test_the_address_of_the_projects_page_and_another_name_of_the_host_are_understood(project: Project) -> None:
    before = project.server.settings
    page = f"{project.studio.url.replace('127.0.0.1', 'localhost')}/projects/{project.id}/data?tab=1"
    words = ["connect", "--url", page, "--token", project.studio.token, "--backend", project.server.url]
    done = CliRunner().invoke(app, words, env=project.server.environment)
    assert done.exit_code == 0, done.output
    after = project.server.settings
    assert (after["url"], after["secret"], after["projects"]) == (before["url"], before["secret"], before["projects"])
    assert after["aliases"] == [project.studio.url.replace("127.0.0.1", "localhost")]
    assert project.settings()["model_version"] == project.backends()[0]["title"]


def test_a_huge_id_in_a_webhook_is_refused(project: Project) -> None:
    body = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 10**30}], "project": {"id": project.id}}
    answer: requests.Response = project.server.send(body)
    assert answer.status_code == 400
