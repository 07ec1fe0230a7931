"""The app in a Label Studio with other names than it expects: it works as before, and the app says what is missing."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from labelscape.testing.label_studio import LabelscapeServer

from .conftest import Desk, OtherStudio, Person, start_other_studio

pytestmark = pytest.mark.slow
THEIRS, OURS = "/site-packages/label_studio/", "/labelscape_label_studio/"
Replaced = Mapping[str, Mapping[str, str]]


@pytest.fixture
def start(desk: Desk, app_backend: LabelscapeServer) -> Iterator[Callable[[str, Replaced], OtherStudio]]:
    """Factory of Label Studios with other names."""
    started: list[OtherStudio] = []

    def make(name: str, replaced: Replaced) -> OtherStudio:
        started.append(start_other_studio(desk, name, app_backend, replaced))
        return started[-1]

    yield make
    for studio in started:
        studio.server.stop()


def labels_a_task(desk: Desk, person: Person) -> bool:
    """Whether a person can list tasks in the Data Manager, and label one."""
    project, task = desk.project.id, desk.project.unlabeled()[0]
    answers = [
        person.ask("GET", f"projects/{project}/data"),
        person.ask("GET", f"api/dm/columns?project={project}"),
        person.ask("GET", f"api/dm/actions?project={project}"),
        person.ask("GET", f"api/tasks?project={project}&page_size=30"),
        person.ask("POST", f"api/tasks/{task}/annotations/", {"result": []}),
    ]
    return [answer.status_code for answer in answers] == [200, 200, 200, 200, 201]


def preview(desk: Desk, person: Person, selected: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    body = {"selectedItems": selected, "values": {"precision": "95"}}
    answer = person.ask("POST", desk.path("actions/suggest_labels/preview"), body)
    return answer.status_code, answer.json()


def test_without_filters_of_actions_they_work_on_ticked_tasks_and_say_why(
    desk: Desk, start: Callable[[str, Replaced], OtherStudio]
) -> None:
    names = {"PrepareParams": "PrepareParameters", "DATA_MANAGER_GET_ALL_COLUMNS": "DATA_MANAGER_COLUMNS"}
    broken_script = {'reverse("labelscape-script")': 'reverse("no-such-address")'}
    studio = start("filters", {THEIRS: names, f"{OURS}page.py": broken_script})
    person = studio.owner
    assert labels_a_task(desk, person)
    page = person.ask("GET", f"projects/{desk.project.id}/data").text
    assert "</body>" in page
    assert "labelscape.js" not in page, "an error in our middleware leaves the page as it was"

    missing = " ".join(person.ask("GET", desk.path("description")).json()["missing"])
    assert "There is no data_manager.prepare_params.PrepareParams in this Label Studio (1.23" in missing
    assert "so a lasso cannot filter tasks" in missing
    status, shown = preview(desk, person, {"all": False, "included": desk.project.unlabeled()[:3]})
    assert (status, shown["selected"]) == (200, 3)
    status, refusal = preview(desk, person, {"all": True})
    assert (status, refusal["detail"]) == (501, next(one for one in missing.split(". ") if "Prepare" in one) + ".")
    log = studio.server.log()
    assert "actions work only on ticked tasks, not on all tasks of a filter" in log
    assert "Labelscape: its script was not added to the page." in log


def test_without_permissions_nothing_of_ours_is_shown_and_nothing_else_changes(
    desk: Desk, start: Callable[[str, Replaced], OtherStudio]
) -> None:
    names = {"all_permissions": "every_permission", "update_tasks_counters": "count_again"}
    broken_columns = {'result["columns"]': 'result["other_columns"]'}
    studio = start("permissions", {THEIRS: names, f"{OURS}columns.py": broken_columns})
    person = studio.owner
    assert labels_a_task(desk, person)
    actions = person.ask("GET", f"api/dm/actions?project={desk.project.id}").json()
    assert [action["id"] for action in actions if "labelscape" in action["id"]] == []
    for method, path in (("GET", "description"), ("GET", "map"), ("POST", "actions/undo"), ("GET", "bulk")):
        answer = person.ask(method, desk.path(path))
        assert answer.status_code == 501
        assert "There is no core.permissions.all_permissions in this Label Studio" in answer.json()["detail"]
    log = studio.server.log()
    assert "so nothing of Labelscape is shown" in log
    assert "so predictions are written one by one, by the backend" in log
    assert "Labelscape: its columns have no titles" in log
