"""The menu on a task in a Label Studio without the app, at the real `labelscape serve`."""

from collections.abc import Callable
from typing import Any

import pytest
from labelscape.ml_backend.label_studio.task_menu import LABEL_NEIGHBORS, UNDO

from .projects import Project, chosen, eventually, rectangles

pytestmark = pytest.mark.slow


def menu(command: str) -> dict[str, Any]:
    return {"from_name": "labelscape", "to_name": "image", "type": "choices", "value": {"choices": [command]}}


def outcome(project: Project, task: int) -> str:
    return str(project.task(task)["data"].get("ls_action") or "")


def test_a_choice_in_the_menu_labels_the_neighbors_once_and_is_undone(make_project: Callable[..., Project]) -> None:
    project = make_project(connected=False)
    done = project.connect("--stock")
    assert done.exit_code == 0, done.output
    assert "menu under “Labelscape”" in done.output
    assert project.settings()["label_config"].count(f'value="{LABEL_NEIGHBORS}"') == 1
    assert "Not filled in" not in done.output
    project.wait_for_predictions()
    again = project.connect("--stock")
    assert again.exit_code == 0, again.output
    assert project.settings()["label_config"].count(f'value="{LABEL_NEIGHBORS}"') == 1

    seed = next(task for task in project.unlabeled() if project.digits[task] == "7")
    result = [*chosen("7"), menu(LABEL_NEIGHBORS)]
    annotation = project.studio.ask("POST", f"tasks/{seed}/annotations/", json={"result": result})["id"]
    said = eventually("what was done, in a column", lambda: outcome(project, seed))
    assert said.startswith("Predicted “7” for"), said
    reached = int(said.split()[3])
    after = {task for task, label in project.predicted().items() if label == "7"}
    assert reached >= 1
    assert len(after) >= reached
    assert project.labels()[seed] == "7"

    # Submitted again unchanged, it is not done again: the undo then undoes the one action there was.
    address = f"annotations/{annotation}/"
    project.studio.ask("PATCH", address, json={"result": result})
    project.studio.ask("PATCH", address, json={"result": [*chosen("7"), menu(UNDO)]})
    said = eventually(
        "that it was undone", lambda: outcome(project, seed).startswith("Undid") and outcome(project, seed)
    )
    assert "“7” for" in said
    project.studio.ask("PATCH", address, json={"result": chosen("0")})
    eventually("the label without a command", lambda: project.labels().get(seed) == "0")
    eventually("an empty column again", lambda: not outcome(project, seed))


def test_a_project_that_labels_boxes_gets_no_menu(make_project: Callable[..., Project]) -> None:
    project = make_project(rectangles(["0", "1"]), n=2, labeled=0, connected=False)
    refused = project.connect("--stock")
    assert refused.exit_code == 1
    assert "without --stock" in refused.output
    assert "labelscape" not in project.settings()["label_config"]
