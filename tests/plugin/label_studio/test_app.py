"""The app inside a real Label Studio: its actions, permissions, and bulk writes, also without the backend."""

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from .conftest import Desk, Person

pytestmark = pytest.mark.slow
ACTIONS = (
    "label_neighbors",
    "suggest_labels",
    "accept_suggestions",
    "rank_outliers",
    "rank_mislabels",
    "find_similar",
    "create_function",
    "create_segment",
    "undo",
)


def by_menu(desk: Desk, person: Person, action: str, tasks: list[int], **values: Any) -> requests.Response:
    """An action through Label Studio's own API, as its own dialog starts it."""
    path = f"api/dm/actions?project={desk.project.id}&id=labelscape_{action}"
    return person.ask("POST", path, {"selectedItems": {"all": False, "included": tasks}, **values})


def seed(desk: Desk, label: str) -> int:
    return next(task for task in desk.project.unlabeled() if desk.project.digits[task] == label)


def test_every_action_is_in_the_menu_and_its_form_knows_the_project(desk: Desk) -> None:
    listed = {one["id"]: one for one in desk.owner.ask("GET", f"api/dm/actions?project={desk.project.id}").json()}
    assert {f"labelscape_{name}" for name in (*ACTIONS, "audit_suggestions")} <= set(listed)
    form = desk.owner.ask("GET", f"api/dm/actions/labelscape_label_neighbors/form?project={desk.project.id}").json()
    [label] = [one for one in form[0]["fields"] if one["name"] == "label"]
    assert [option["value"] for option in label["options"]] == [str(digit) for digit in range(10)]


def test_an_empty_selection_changes_nothing(desk: Desk) -> None:
    before = desk.annotated()
    for action in ACTIONS[:-1]:
        values = {"label": "0", "name": "All", "as": "annotations"}
        menu = by_menu(desk, desk.owner, action, [], **values)
        assert (menu.status_code, "Nothing is selected" in menu.json()["detail"]) == (422, True)
        panel = desk.owner.ask("POST", desk.path(f"actions/{action}"), desk.selection([], **values))
        assert (panel.status_code, "Nothing is selected" in panel.json()["detail"]) == (422, True)
    assert desk.annotated() == before


def test_a_preview_counts_what_is_selected_and_changes_nothing(desk: Desk) -> None:
    before = desk.annotated()
    path = desk.path("actions/label_neighbors/preview")
    task = seed(desk, "0")
    shown = desk.owner.ask("POST", path, desk.selection([task], label="0", reach="3")).json()
    assert (shown["selected"], shown["numbers"]["neighbors"]) == (1, 3)
    everything = {"selectedItems": {"all": True, "excluded": [task]}, "values": {"precision": "95"}}
    assert desk.owner.ask("POST", desk.path("actions/suggest_labels/preview"), everything).json()["selected"] == 119
    first = {"filter": "filter:tasks:id", "operator": "less_or_equal", "type": "Number", "value": task}
    filtered = {**everything, "selectedItems": {"all": True}, "filters": {"conjunction": "and", "items": [first]}}
    number = sum(one <= task for one in desk.project.digits)
    assert desk.owner.ask("POST", desk.path("actions/suggest_labels/preview"), filtered).json()["selected"] == number
    assert desk.annotated() == before


def test_two_annotators_act_at_once_and_each_undoes_their_own(desk: Desk, invite: Callable[[str], Person]) -> None:
    before = desk.annotated()
    people = {"2": desk.owner, "6": invite("second")}

    def label(digit: str) -> dict[str, Any]:
        values = {"label": digit, "reach": "3", "as": "annotations"}
        return desk.run(people[digit], "label_neighbors", [seed(desk, digit)], **values)

    with ThreadPoolExecutor() as pool:
        jobs = list(pool.map(label, people))
    assert [job["state"] for job in jobs] == ["done", "done"]
    new = {task: label for task, label in desk.annotated().items() if task not in before}
    written = sum(job["outcome"]["numbers"]["written"] for job in jobs)
    assert len(new) == written == 8
    assert Counter(new.values()) == {"2": 4, "6": 4}

    undone = {digit: desk.run(person, "undo", []) for digit, person in people.items()}
    last = next(digit for digit, job in undone.items() if job["state"] == "done")
    first = next(digit for digit in people if digit != last)
    if undone[first]["state"] != "done":  # the other one acted later: theirs has to go first
        assert "acted after you" in undone[first]["outcome"]["sentence"]
        assert desk.run(people[first], "undo", [])["state"] == "done"
    assert desk.annotated() == before


def test_the_menu_runs_an_action_without_the_panel_script(desk: Desk) -> None:
    answer = by_menu(desk, desk.owner, "create_segment", desk.project.unlabeled()[:5], name="Five", kind="data quality")
    assert answer.status_code == 200, answer.text
    assert answer.json()["numbers"] == {"added": 5}
    assert "Five · segment" in {tab["data"]["title"] for tab in desk.project.tabs()}
    assert by_menu(desk, desk.owner, "undo", []).json()["detail"] == "Undid: segment “Five”."


def test_a_start_that_is_repeated_with_its_key_is_one_job(desk: Desk) -> None:
    session, address = desk.owner.session, f"{desk.owner.url}/{desk.path('actions/suggest_labels')}"
    body = desk.selection(desk.project.unlabeled()[:1], precision="95")
    headers = {"X-CSRFToken": desk.owner.csrf, "Referer": desk.owner.url}
    keys = (uuid.uuid4().hex, uuid.uuid4().hex)
    started = [
        session.post(address, json=body, headers={**headers, "Idempotency-Key": key}, timeout=120).json()["id"]
        for key in (keys[0], keys[0], keys[1])
    ]
    assert [started[0] == one for one in started] == [True, True, False]


def test_only_members_act_with_csrf_and_nobody_reads_the_jobs_of_others(
    desk: Desk, invite: Callable[[str], Person]
) -> None:
    body = desk.selection(desk.project.unlabeled()[:1], precision="95")
    paths = [
        ("POST", desk.path("actions/suggest_labels")),
        ("GET", desk.path("map")),
        ("GET", desk.path("description")),
    ]
    nobody = Person(desk.owner.url, "")
    assert [nobody.ask(method, path, body).status_code for method, path in paths] == [401] * 3
    left = invite("left")
    me = left.ask("GET", "api/current-user/whoami").json()
    job = desk.run(left, "suggest_labels", desk.project.unlabeled()[:1], precision="95")
    assert desk.owner.ask("GET", desk.path(f"jobs/{job['id']}")).status_code == 404
    assert left.ask("POST", paths[0][1], body, csrf=False).status_code == 403
    gone = desk.owner.ask("DELETE", f"api/organizations/{me['active_organization']}/memberships/{me['id']}/")
    assert gone.status_code == 204
    assert {left.ask(method, path, body).status_code for method, path in paths} <= {401, 404}
    assert by_menu(desk, left, "suggest_labels", desk.project.unlabeled()[:1]).status_code in (401, 403, 404)


def test_bulk_writes_change_this_project_only_and_columns_of_ours_only(desk: Desk) -> None:
    tasks = desk.project.tasks()
    [task, other] = desk.project.unlabeled()[:2]
    prediction = tasks[task]["predictions"][0]
    changed = [
        {"id": prediction["id"], "result": prediction["result"], "score": 0.123},
        {"id": 10**9, "result": [], "score": 0},
    ]
    answer = desk.owner.ask("POST", desk.path("bulk/predictions"), {"change": changed})
    assert answer.json() == {"changed": 1, "deleted": 0, "lost": [10**9]}
    assert desk.project.task(task)["predictions"][0]["score"] == 0.123
    wrong = desk.owner.ask("POST", desk.path("bulk/predictions"), {"change": [{**changed[0], "score": 2}]})
    assert wrong.status_code == 400
    foreign = desk.owner.ask("POST", desk.path("bulk/data"), {"values": {str(task): {"image": "/else"}}})
    assert foreign.status_code == 400
    desk.owner.ask("POST", desk.path("bulk/data"), {"values": {str(task): {"ls_probe": 0.5}}})
    data = desk.project.data()
    assert data[task] == {**tasks[task]["data"], "ls_probe": 0.5}
    assert data[other] == tasks[other]["data"]


def test_while_the_backend_is_down_everything_says_so_and_nothing_is_done(desk: Desk) -> None:
    before = desk.annotated()
    server = desk.project.server
    server.stop()
    try:
        menu = by_menu(desk, desk.owner, "label_neighbors", [seed(desk, "0")], label="0")
        panel = desk.owner.ask("POST", desk.path("actions/undo"), {})
        page = desk.owner.ask("GET", f"projects/{desk.project.id}/data")
        described = desk.owner.ask("GET", desk.path("description"))
    finally:
        server.start()
    for answer in (menu, panel):
        assert answer.status_code == 503
        assert answer.json()["detail"].startswith("The Labelscape backend cannot be reached, so nothing was done.")
    assert page.status_code == 200
    assert described.json()["described"]["problem"].startswith("The Labelscape backend cannot be reached")
    assert desk.annotated() == before
